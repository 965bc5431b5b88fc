"""Outcomes of requests, polls, webhook calls and claims, as values of metrics.

In addition, failures are counted by the name of the exception.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class CountedLink(NamedTuple):
    """The result of counting a link for a user; if it was refused, `wait` is the seconds until the next one."""

    user_id: str
    wait: float


class Arrival(NamedTuple):
    """What is known of a request: whether it is a redelivery, which clicks are repeated, and its counted link."""

    is_replayed: bool = False
    double_clicks: frozenset[str] = frozenset()
    link: CountedLink | None = None


class RequestOutcome(StrEnum):
    """The outcome of a request from Slack; UNVERIFIED: not signed by Slack, REPLAYED: delivered before, OVERLOADED:
    too many were waiting."""

    ANSWERED = "answered"
    DENIED = "denied"
    PROBLEM = "problem"
    UNEXPECTED = "unexpected"
    REPLAYED = "replayed"
    OVERLOADED = "overloaded"
    UNVERIFIED = "unverified"


class PollOutcome(StrEnum):
    """The outcome of a poll of an app: builds in progress, or none."""

    BUSY = "busy"
    IDLE = "idle"


class WebhookOutcome(StrEnum):
    """The outcome of a webhook call; FORGED: with a wrong secret."""

    RUNG = "rung"
    FORGED = "forged"
    TOO_LARGE = "too_large"


class ConnectionEnd(StrEnum):
    """Why a connection was refused or closed without a response.

    SLOW: incomplete headers after the timeout; STUCK: the request or response took too long; FULL: too many
    connections; MALFORMED: not HTTP; BROKE: closed by the client during a request.
    """

    SLOW = "slow"
    STUCK = "stuck"
    FULL = "full"
    MALFORMED = "malformed"
    BROKE = "broke"


class LinkOutcome(StrEnum):
    """The outcome of a pasted link, or of a request for a card's details.

    EXPLAINED: a card was shown; OPENED: details were shown; others are why not. DRAFT: the message was not sent yet;
    MANY: too many links in one message; UNRECOGNIZED: no link to an app or build of this workspace; OFF: a scope is
    missing; CHANNEL: the bot may not post there, or the channel is shared; DENIED: the user may not use the app there;
    RECENT: the same build was shown there just before; GONE: no such app or build; FAILED: Slack or Applivery failed.
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
    """The outcome of a visit to the claim page, other than the states of tickets."""

    SHOWN = "shown"
    MINTED = "minted"
    REPORTED = "reported"  # the user reported that the build did not install
    GONE = "gone"
    NOT_PROCESSED = "not_processed"
    UNKNOWN_STATUS = "unknown_status"
    UNUSABLE = "unusable"
    DENIED = "denied"
    LIMITED = "limited"
    METHOD = "method"
    CUT = "cut"
    FAILED = "failed"
