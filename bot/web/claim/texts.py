"""Texts of the claim page: error pages, the heading of the QR code, and names of platforms."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from bot.domain.model import Build
from bot.domain.outcomes import ClaimOutcome
from bot.domain.platforms import PLATFORMS
from bot.domain.states import PauseReason
from bot.domain.tickets import TicketStatus
from bot.i18n import _, gettext_noop


class ErrorPage(Struct, frozen=True):
    """A page without a download: its HTTP status, what happened, and what to do, as message ids."""

    status: int
    title: str
    sentence: str
    next_step: str


_OTHER_BUILD = gettext_noop("Get another build in Slack.")
_STILL_VALID = gettext_noop("Your link is still valid. Try again.")

ENDINGS: Mapping[TicketStatus | ClaimOutcome, ErrorPage] = {
    TicketStatus.SPENT: ErrorPage(410, gettext_noop("This link was used"), gettext_noop("Each link works once."), ""),
    TicketStatus.UNSURE: ErrorPage(
        410,
        gettext_noop("This link may have been used"),
        gettext_noop("The download was interrupted, and I can't tell whether it finished."),
        "",
    ),
    TicketStatus.EXPIRED: ErrorPage(
        410, gettext_noop("This link expired"), gettext_noop("Links last only a few minutes."), ""
    ),
    TicketStatus.CANCELLED: ErrorPage(
        410,
        gettext_noop("There is a newer link"),
        gettext_noop("A newer link for the same build replaced this one."),
        gettext_noop("Open the newest link in Slack."),
    ),
    TicketStatus.RECALLED: ErrorPage(
        410,
        gettext_noop("This build was recalled"),
        gettext_noop("Your team blocked new downloads of it."),
        _OTHER_BUILD,
    ),
    TicketStatus.UNKNOWN: ErrorPage(
        404,
        gettext_noop("This link doesn't work"),
        gettext_noop("The link is incomplete, or more than a day old."),
        gettext_noop("Open the link from Slack again, or get a new one."),
    ),
    ClaimOutcome.GONE: ErrorPage(
        410,
        gettext_noop("This build was deleted"),
        gettext_noop("Applivery no longer has this build."),
        _OTHER_BUILD,
    ),
    ClaimOutcome.NOT_PROCESSED: ErrorPage(
        409,
        gettext_noop("This build isn't ready yet"),
        gettext_noop("Applivery is still processing this build."),
        gettext_noop("Your link is still valid. Try again in a minute."),
    ),
    ClaimOutcome.UNKNOWN_STATUS: ErrorPage(409, gettext_noop("This build isn't available"), "", _OTHER_BUILD),
    ClaimOutcome.UNUSABLE: ErrorPage(
        409,
        gettext_noop("This build can't be installed"),
        gettext_noop("Applivery couldn't process this build, so there's no file to install."),
        _OTHER_BUILD,
    ),
    ClaimOutcome.DENIED: ErrorPage(
        403, gettext_noop("You can't get this build any more"), "", gettext_noop("Ask for access in Slack.")
    ),
    ClaimOutcome.LIMITED: ErrorPage(
        429,
        gettext_noop("Too many wrong links"),
        gettext_noop("Your network opened too many links that don't exist."),
        gettext_noop("Wait a minute, then open your link again."),
    ),
    ClaimOutcome.CUT: ErrorPage(
        400,
        gettext_noop("Request interrupted"),
        gettext_noop("Your browser's request was cut off."),
        _STILL_VALID,
    ),
    ClaimOutcome.METHOD: ErrorPage(
        405,
        gettext_noop("This request isn't supported"),
        gettext_noop("Open this page in a browser and press its button."),
        "",
    ),
    # The texts are those of the error.
    ClaimOutcome.FAILED: ErrorPage(503, gettext_noop("That didn't work"), "", ""),
}

# Why an existing link is refused.
NO_ACCESS = gettext_noop("The person this link was made for no longer has access to the app.")
DENIED: Mapping[str, str] = {
    PauseReason.CHANNEL: gettext_noop("This app can't be used any more in the channel where you requested the link."),
}

NOTHING_TO_INSTALL = gettext_noop("On another device?")  # above the QR code


def platform_name(build: Build) -> str:
    """Return the platform of a build in the current language; an unknown one as it is."""
    platform = PLATFORMS.get(build.platform.casefold())
    return _(platform.devices) if platform and platform.devices else build.platform


def scan_text(platform: str) -> str:
    """Return the text above the QR code of a build for this platform; empty for one that cannot be installed."""
    return PLATFORMS[platform].scan if platform in PLATFORMS else ""
