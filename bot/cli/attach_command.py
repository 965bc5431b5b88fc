"""The `attach` command: its arguments and how it runs."""

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from msgspec import Struct

from bot import settings as bot_settings
from bot.applivery import local_file
from bot.applivery.multipart import StreamedFile
from bot.cli import clients
from bot.cli.output import Output
from bot.settings import UploadSettings
from bot.slack.mrkdwn import size


class AttachCommand(Struct, frozen=True):
    """The arguments of an `attach` command."""

    which: str
    path: Path
    app: str | None

    def begun(self, showing: Output) -> Coroutine[Any, Any, None]:
        """Read the settings and find the file; return the remaining work. Raises BotError."""
        return self._carried_out(showing, bot_settings.read_upload(), local_file.local(self.path))

    async def _carried_out(self, showing: Output, settings: UploadSettings, file: StreamedFile) -> None:
        async with AsyncExitStack() as stack:
            builds = await stack.enter_async_context(clients.app_builds(settings, self.app))
            build_id, title = await clients.build(builds, self.which)
            showing.begin(f"Attaching {file.name} ({size(file.size)}) to {title}.", file.size)
            async with showing.progress(file.size):
                build = await builds.attach(build_id, file, progress=showing.sent)
            showing.learn(build, clients.dashboard(settings, build))
            showing.facts["attached"] = file.name
            showing.say(f"Attached. Attachments of this build: {len(build.attachments)}.")
