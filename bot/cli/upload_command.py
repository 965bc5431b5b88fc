"""The `upload` command: read settings and file, send, wait, announce."""

from __future__ import annotations

import os
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct

from bot import settings as bot_settings
from bot.applivery import local_file
from bot.applivery.app_builds import AppBuilds
from bot.applivery.multipart import SmallFile, StreamedFile
from bot.cli import clients
from bot.cli.output import Output
from bot.cli.slack_announcement import announcing
from bot.cli.upload_options import UploadOptions
from bot.cli.wait import ended_well, status_of, watched
from bot.domain import lookup
from bot.domain.model import Build, Stage
from bot.domain.uploads import UploadMetadata
from bot.i18n.units import format_duration_short
from bot.settings import UploadSettings
from bot.slack.mrkdwn import size

LOST = "No answer from Applivery. Checking whether it has the build …"


class UploadCommand(Struct, frozen=True):
    """The arguments of an `upload` command; `patience` is the timeout, `every` the interval of --wait, in seconds."""

    path: Path
    app: str | None
    typed: UploadOptions
    channel: str | None
    wait: bool
    patience: float
    every: float

    def begun(self, showing: Output) -> Coroutine[Any, Any, None]:
        """Read settings and files; return the remaining work. Raises BotError at the first problem."""
        # outside of the event loop, since opening a pipe can block for ever, without handling signals
        settings = bot_settings.read_upload()
        details, icon = self.typed.details(os.environ), self.typed.icon()
        return self._carried_out(showing, settings, local_file.local(self.path), details, icon)

    async def _carried_out(
        self,
        showing: Output,
        settings: UploadSettings,
        file: StreamedFile,
        details: UploadMetadata,
        icon: SmallFile | None,
    ) -> None:
        async with AsyncExitStack() as stack:
            announcer = None
            if self.channel is not None:
                # checked before gigabytes are sent
                announcer = await stack.enter_async_context(announcing(settings, self.channel))
            builds = await stack.enter_async_context(clients.app_builds(settings, self.app))
            build = await _sent(builds, file, details, icon, showing)
            address = clients.dashboard(settings, build)
            showing.learn(build, address)
            if self.wait:
                build = await watched(builds, build, showing, patience=self.patience, every=self.every)
                showing.learn(build, address)
            ended_well(build)
            showing.say(_closing(build, address))
            if announcer is not None:
                await announcer.announce(build, address or "")
                showing.facts["announced"] = self.channel
                showing.say(f"Posted a card in {self.channel}.")


async def _sent(
    builds: AppBuilds, file: StreamedFile, details: UploadMetadata, icon: SmallFile | None, showing: Output
) -> Build:
    showing.begin(f"Uploading {file.name} ({size(file.size)}).", file.size)
    started = time.monotonic()
    async with showing.progress(file.size):
        done = await builds.upload(file, details, icon=icon, progress=showing.sent, looking=partial(showing.say, LOST))
    seconds = max(time.monotonic() - started, 0.001)
    showing.facts |= {"sent_bytes": file.size, "seconds": round(seconds, 3), "found_after_break": done.found}
    if done.found:
        showing.say("Found it in Applivery: a new build with the same version and size.")
    rate = size(int(file.size / seconds))
    showing.say(f"Uploaded {_title(done.build)} in {format_duration_short(seconds)} ({rate}/s): build {done.build.id}.")
    return done.build


def _title(build: Build) -> str:
    return f"{build.app.name} {lookup.label(build)}"


def _closing(build: Build, address: str | None) -> str:
    state = f"{_title(build)} is ready." if build.stage is Stage.READY else "Applivery is processing it."
    if build.stage is Stage.UNKNOWN:
        state = f"Applivery status: {status_of(build)}."
    return f"{state} {address or 'Set APPLIVERY_ORGANIZATION to print its dashboard link.'}"
