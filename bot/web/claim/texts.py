"""What the claim page says by a name: its endings, what is above the QR code, and what platforms are called there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.model import Build
from bot.domain.outcomes import ClaimOutcome
from bot.domain.states import PauseReason
from bot.domain.tickets import TicketStatus
from bot.i18n import later, say


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """A page that gives nothing: its HTTP status, what happened, and what to do; its words are said by the page."""

    status: int
    title: str
    sentence: str
    next_step: str


_ASK_AGAIN = later("Ask for the build again in Slack; a fresh link takes a second.")

ENDINGS: Mapping[TicketStatus | ClaimOutcome, ErrorPage] = {
    TicketStatus.SPENT: ErrorPage(
        410, later("This link was used"), later("It worked once, and somebody has used it."), _ASK_AGAIN
    ),
    TicketStatus.UNSURE: ErrorPage(
        410,
        later("This link may have been used"),
        later("I don't know whether this link was used."),
        later("Something went wrong while it was being used. Ask for the build again in Slack."),
    ),
    TicketStatus.EXPIRED: ErrorPage(
        410, later("This link is too old"), later("Links like this one live for a few minutes only."), _ASK_AGAIN
    ),
    TicketStatus.CANCELLED: ErrorPage(
        410,
        later("There is a newer link"),
        later("This one was cancelled when another one was made for the same build."),
        later("Open the newest link in Slack, or ask for the build again there."),
    ),
    TicketStatus.RECALLED: ErrorPage(
        410,
        later("This build was recalled"),
        later("Your team has taken it back, so it should not be installed any more."),
        later("Ask in Slack which build to use instead."),
    ),
    TicketStatus.UNKNOWN: ErrorPage(
        404,
        later("This link is not known"),
        later("It may have been copied in part, or be more than a day old."),
        later("Open it from Slack once more, or ask for the build again there."),
    ),
    ClaimOutcome.GONE: ErrorPage(
        410,
        later("This build is gone"),
        later("It was deleted in Applivery, or removed by its retention policy."),
        later("Ask in Slack for another build."),
    ),
    ClaimOutcome.NOT_PROCESSED: ErrorPage(
        409,
        later("This build is not ready yet"),
        later("Applivery is still processing it."),
        later("Wait a moment and try again. Your link has not been used."),
    ),
    ClaimOutcome.UNKNOWN_STATUS: ErrorPage(
        409,
        later("This build is not available"),
        "",
        later("Look at it in Applivery, or ask in Slack for another build."),
    ),
    ClaimOutcome.UNUSABLE: ErrorPage(
        409,
        later("This build cannot be installed"),
        later("Applivery could not process it, so there is no file to give."),
        later("Ask in Slack for another build."),
    ),
    ClaimOutcome.DENIED: ErrorPage(
        403, later("You can't get this build any more"), "", later("Ask an admin of the bot in Slack.")
    ),
    ClaimOutcome.LIMITED: ErrorPage(
        429,
        later("Too many wrong links"),
        later("Too many links that do not exist were opened from your network."),
        later("Wait a minute, then open the link from Slack once more."),
    ),
    ClaimOutcome.CUT: ErrorPage(
        400,
        later("Request interrupted"),
        later("Your browser's request was cut off on its way."),
        later("Your link has not been used. Try again."),
    ),
    ClaimOutcome.METHOD: ErrorPage(
        405, later("That cannot be done here"), later("This page can be opened, and its button pressed."), _ASK_AGAIN
    ),
    # What happened and what to do are the error's own words.
    ClaimOutcome.FAILED: ErrorPage(503, later("That did not work"), "", ""),
}

# Why a link is refused that was given before.
NO_ACCESS = later("The person this link was made for no longer has access to the app.")
DENIED: Mapping[str, str] = {
    PauseReason.CHANNEL: later("The app can't be used any more in the channel where this link was asked for."),
}

OTHER = "other"
# Above the QR code, by platform; the last one where there is nothing to install.
SCAN = {
    "ios": later("Scan to install on an iPhone or iPad"),
    "ipados": later("Scan to install on an iPad"),
    "tvos": later("Scan to install on an Apple TV"),
    "android": later("Scan to install on an Android device"),
    OTHER: later("On another device?"),
}

PLATFORMS = {
    "ios": later("iPhone and iPad"),
    "ipados": "iPad",
    "tvos": "Apple TV",
    "macos": "macOS",
    "android": "Android",
    "windows": "Windows",
}


def platform_name(build: Build) -> str:
    """What a build is for, in the language of this moment; what we do not know is shown as it is."""
    platform = build.platform.casefold()
    return say(PLATFORMS[platform]) if platform in PLATFORMS else build.platform
