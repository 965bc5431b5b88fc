"""How requests, polls, webhook calls and claims end, as the metrics count them.

Failures are counted by the exception's name beside these.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class CountedLink(NamedTuple):
    """A link that was counted for a user; `wait` is the seconds until they may have one, when it was not."""

    user_id: str
    wait: float


class Arrival(NamedTuple):
    """What is known of a request that has come: whether it was here before, which of its clicks a moment ago, and the
    link that it asks for.
    """

    is_replayed: bool = False
    double_clicks: frozenset[str] = frozenset()
    link: CountedLink | None = None


class RequestOutcome(StrEnum):
    """How a request from Slack ended; UNVERIFIED: not signed by Slack, REPLAYED: delivered before,
    OVERLOADED: too many waited already.
    """

    ANSWERED = "answered"
    DENIED = "denied"
    PROBLEM = "problem"
    UNEXPECTED = "unexpected"
    REPLAYED = "replayed"
    OVERLOADED = "overloaded"
    UNVERIFIED = "unverified"


class PollOutcome(StrEnum):
    """The result of a poll of an app: builds in progress, or none."""

    BUSY = "busy"
    IDLE = "idle"


class WebhookOutcome(StrEnum):
    """How a call of the webhook path ended; FORGED: with a wrong secret."""

    RUNG = "rung"
    FORGED = "forged"
    TOO_LARGE = "too_large"


class ConnectionEnd(StrEnum):
    """Why a connection to our port was refused or closed, when no response says it.

    SLOW: no whole head in time; STUCK: its request or answer took too long; FULL: there were too many; MALFORMED: it
    was not HTTP; BROKE: the client closed it in the middle.
    """

    SLOW = "slow"
    STUCK = "stuck"
    FULL = "full"
    MALFORMED = "malformed"
    BROKE = "broke"


class LinkOutcome(StrEnum):
    """What became of a pasted link, or of a request for a card's details.

    EXPLAINED: a card was shown; OPENED: details were. Else why not. DRAFT: the message was not sent yet; MANY: too many
    links in one message; UNRECOGNIZED: no link to an app or build of this workspace; OFF: a scope is missing; CHANNEL:
    the bot may not post there, or the channel is shared; DENIED: the user may not use the app there; RECENT: the same
    build was shown there a moment ago; GONE: Applivery has no such app or build; FAILED: Slack or Applivery failed.
    """

    EXPLAINED = "explained"
    OPENED = "opened"
    DRAFT = "draft"
    MANY = "many"
    UNRECOGNIZED = "unrecognized"
    OFF = "off"
    CHANNEL = "channel"
    DENIED = "denied"
    RECENT = "recent"
    GONE = "gone"
    FAILED = "failed"


class ClaimOutcome(StrEnum):
    """How a visit to the claim page ended, where the ticket's own status does not say it."""

    SHOWN = "shown"
    MINTED = "minted"
    REPORTED = "reported"  # that it did not install
    GONE = "gone"
    NOT_PROCESSED = "not_processed"
    UNKNOWN_STATUS = "unknown_status"
    UNUSABLE = "unusable"
    DENIED = "denied"
    LIMITED = "limited"
    METHOD = "method"
    CUT = "cut"
    FAILED = "failed"
