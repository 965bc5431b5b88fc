"""What the claim page says by a name: its endings, what is above the QR code, and what platforms are called there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.model import Build
from bot.domain.outcomes import ClaimOutcome
from bot.domain.platforms import PLATFORMS
from bot.domain.states import PauseReason
from bot.domain.tickets import TicketStatus
from bot.i18n import _, gettext_noop


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """A page that gives nothing: its HTTP status, what happened, and what to do; its words are said by the page."""

    status: int
    title: str
    sentence: str
    next_step: str


_ASK_AGAIN = gettext_noop("Ask for the build again in Slack; a fresh link takes a second.")

ENDINGS: Mapping[TicketStatus | ClaimOutcome, ErrorPage] = {
    TicketStatus.SPENT: ErrorPage(
        410, gettext_noop("This link was used"), gettext_noop("It worked once, and it has been used."), _ASK_AGAIN
    ),
    TicketStatus.UNSURE: ErrorPage(
        410,
        gettext_noop("This link may have been used"),
        gettext_noop("I don't know whether this link was used."),
        gettext_noop("Something went wrong while it was being used. Ask for the build again in Slack."),
    ),
    TicketStatus.EXPIRED: ErrorPage(
        410,
        gettext_noop("This link is too old"),
        gettext_noop("Links like this one live for a few minutes only."),
        _ASK_AGAIN,
    ),
    TicketStatus.CANCELLED: ErrorPage(
        410,
        gettext_noop("There is a newer link"),
        gettext_noop("This one was cancelled when another one was made for the same build."),
        gettext_noop("Open the newest link in Slack, or ask for the build again there."),
    ),
    TicketStatus.RECALLED: ErrorPage(
        410,
        gettext_noop("This build was recalled"),
        gettext_noop("Your team has taken it back, so it should not be installed any more."),
        gettext_noop("Ask in Slack which build to use instead."),
    ),
    TicketStatus.UNKNOWN: ErrorPage(
        404,
        gettext_noop("This link is not known"),
        gettext_noop("It may have been copied in part, or be more than a day old."),
        gettext_noop("Open it from Slack once more, or ask for the build again there."),
    ),
    ClaimOutcome.GONE: ErrorPage(
        410,
        gettext_noop("This build is gone"),
        gettext_noop("It was deleted in Applivery, or removed by its retention policy."),
        gettext_noop("Ask in Slack for another build."),
    ),
    ClaimOutcome.NOT_PROCESSED: ErrorPage(
        409,
        gettext_noop("This build is not ready yet"),
        gettext_noop("Applivery is still processing it."),
        gettext_noop("Wait a moment and try again. Your link has not been used."),
    ),
    ClaimOutcome.UNKNOWN_STATUS: ErrorPage(
        409,
        gettext_noop("This build is not available"),
        "",
        gettext_noop("Look at it in Applivery, or ask in Slack for another build."),
    ),
    ClaimOutcome.UNUSABLE: ErrorPage(
        409,
        gettext_noop("This build cannot be installed"),
        gettext_noop("Applivery could not process it, so there is no file to give."),
        gettext_noop("Ask in Slack for another build."),
    ),
    ClaimOutcome.DENIED: ErrorPage(
        403, gettext_noop("You can't get this build any more"), "", gettext_noop("Ask an admin of the bot in Slack.")
    ),
    ClaimOutcome.LIMITED: ErrorPage(
        429,
        gettext_noop("Too many wrong links"),
        gettext_noop("Too many links that do not exist were opened from your network."),
        gettext_noop("Wait a minute, then open the link from Slack once more."),
    ),
    ClaimOutcome.CUT: ErrorPage(
        400,
        gettext_noop("Request interrupted"),
        gettext_noop("Your browser's request was cut off on its way."),
        gettext_noop("Your link has not been used. Try again."),
    ),
    ClaimOutcome.METHOD: ErrorPage(
        405,
        gettext_noop("That cannot be done here"),
        gettext_noop("This page can be opened, and its button pressed."),
        _ASK_AGAIN,
    ),
    # What happened and what to do are the error's own words.
    ClaimOutcome.FAILED: ErrorPage(503, gettext_noop("That did not work"), "", ""),
}

# Why a link is refused that was given before.
NO_ACCESS = gettext_noop("The person this link was made for no longer has access to the app.")
DENIED: Mapping[str, str] = {
    PauseReason.CHANNEL: gettext_noop("The app can't be used any more in the channel where this link was asked for."),
}

NOTHING_TO_INSTALL = gettext_noop("On another device?")  # above the QR code


def platform_name(build: Build) -> str:
    """Return what a build is for, in the language of this moment; what we do not know is shown as it is."""
    platform = PLATFORMS.get(build.platform.casefold())
    return _(platform.devices) if platform and platform.devices else build.platform


def scan_text(platform: str) -> str:
    """Return the text above the QR code of a build for this platform; empty for one that cannot be installed."""
    return PLATFORMS[platform].scan if platform in PLATFORMS else ""
