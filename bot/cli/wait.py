"""Wait until Applivery has processed a build, and check its result."""

from __future__ import annotations

import asyncio
import time

from bot.applivery.app_builds import AppBuilds
from bot.cli.output import Output
from bot.domain.model import Build, Stage
from bot.exceptions import (
    AppliveryError,
    AppliveryRateLimited,
    BotError,
    BudgetExhausted,
    InvalidResponse,
    ServiceUnavailable,
)
from bot.i18n import Text, english
from bot.i18n.units import format_duration_short

_PASSING = (ServiceUnavailable, AppliveryRateLimited, InvalidResponse, BudgetExhausted)
CODES = "https://www.applivery.com/docs/mobile-app-distribution/builds-processing-codes/"


class BuildNotReady(BotError, kind="NotReady"):
    """The file was uploaded, but there is no build to download: it failed (`code`: why), or has no result yet."""

    def __init__(self, sentence: Text, next_step: Text, *, code: int | str | None = None) -> None:
        super().__init__(sentence, next_step)
        self.code = code


async def watched(app_builds: AppBuilds, build: Build, showing: Output, *, patience: float, every: float) -> Build:
    """Return the build when it is ready or has failed. Raises BuildNotReady after `patience` seconds."""
    until = time.monotonic() + patience
    text = ""
    while not build.stage.final:
        if status_of(build) != text:
            text = status_of(build)
            showing.say(f"Status: {text}.")
        if time.monotonic() >= until:
            waited = format_duration_short(patience)
            raise BuildNotReady(
                english(f"Uploaded, but still processing after {waited} ({quoted(build)})."),
                english("Check it in the dashboard. Uploading it again would create a duplicate."),
            )
        await asyncio.sleep(min(every, max(0.0, until - time.monotonic())))
        try:
            build = await app_builds.build(build.id)
            showing.looked(build)
        except _PASSING as error:
            showing.say(f"{error.sentence} Checking again.")
        except AppliveryError as refused:  # the token may upload, but not read the build
            raise BuildNotReady(
                english(f"Uploaded, but its status can't be read: {refused.sentence}"),
                english("Check it in the dashboard. Uploading it again would create a duplicate."),
                code=refused.code,
            ) from None
    return build


def status_of(build: Build) -> str:
    """Return Applivery's status of a build, marked as unknown if it is not documented."""
    return quoted(build) if build.stage is Stage.UNKNOWN else build.status


def quoted(build: Build) -> str:
    """Return the status for use within a sentence."""
    if build.stage is not Stage.UNKNOWN:
        return f"“{build.status}”"
    return f"unknown status “{build.status}”" if build.status else "no status"


def ended_well(build: Build) -> None:
    """Raise BuildNotReady with Applivery's error if the processing failed."""
    if build.stage is not Stage.FAILED:
        return
    code = f" (code {build.error_code})" if build.error_code else ""
    reason = build.error or "Applivery gave no reason."
    raise BuildNotReady(
        english(f"Applivery failed to process the build{code}: {reason}"),
        english(f"Error codes: {CODES}"),
        code=_number(build),
    )


def _number(build: Build) -> int | str | None:
    """Return Applivery's code, as an int if it is a number."""
    code = build.error_code
    return int(code) if code and code.isascii() and code.isdigit() and len(code) < 10 else code
