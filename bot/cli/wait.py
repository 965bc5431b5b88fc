"""Waiting on the shell until Applivery has processed a build, and what its end means."""

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
    """Applivery has the file, and no build that can be downloaded: it failed (`code` says why), or is not known yet."""

    def __init__(self, sentence: Text, next_step: Text, *, code: int | str | None = None) -> None:
        super().__init__(sentence, next_step)
        self.code = code


async def watched(depot: AppBuilds, build: Build, showing: Output, *, patience: float, every: float) -> Build:
    """The build once it is ready or has failed; raises BuildNotReady when that takes longer than `patience` seconds."""
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
            build = await depot.build(build.id)
            showing.looked(build)
        except _PASSING as error:
            showing.say(f"{error.sentence} Checking again.")
        except AppliveryError as refused:  # the upload was allowed, and looking at its build is not
            raise BuildNotReady(
                english(f"Uploaded, but its status can't be read: {refused.sentence}"),
                english("Check it in the dashboard. Uploading it again would create a duplicate."),
                code=refused.code,
            ) from None
    return build


def status_of(build: Build) -> str:
    """Return Applivery's word for a build's status, marked as unknown when it is not documented."""
    return quoted(build) if build.stage is Stage.UNKNOWN else build.status


def quoted(build: Build) -> str:
    """Return the same in the middle of a sentence."""
    if build.stage is not Stage.UNKNOWN:
        return f"“{build.status}”"
    return f"unknown status “{build.status}”" if build.status else "no status"


def ended_well(build: Build) -> None:
    """Raise BuildNotReady, with Applivery's own words, when the processing failed."""
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
    """Return Applivery's code as other codes are: a number when it is one."""
    code = build.error_code
    return int(code) if code and code.isascii() and code.isdigit() and len(code) < 10 else code
