"""Stored states of deliveries, watches, goals and bisects."""

from __future__ import annotations

from enum import StrEnum


class DeliveryState(StrEnum):
    """The state of a delivery. (HELD →) DUE → SENDING → POSTED or FAILED; KNOWN is never posted."""

    HELD = "held"
    DUE = "due"
    SENDING = "sending"
    POSTED = "posted"
    FAILED = "failed"
    KNOWN = "known"


class ResultKind(StrEnum):
    """The result of an attempt to post.

    UNSURE: the outcome is unknown, and the attempt may still be running. LOOK_UP: it has ended with an unknown outcome.
    """

    POSTED = "posted"
    AGAIN = "again"
    HELD = "held"
    FAILED = "failed"
    UNSURE = "unsure"
    LOOK_UP = "look_up"


class WatchState(StrEnum):
    """The state of a watch.

    DELETED: the build was deleted in Applivery; GIVEN_UP: the build may never end.
    """

    OPEN = "open"
    STOPPED = "stopped"
    DELETED = "deleted"
    GIVEN_UP = "given_up"


class GoalState(StrEnum):
    """The state of a goal: running, or how it ended.

    DELETED: the build was deleted in Applivery; UNCOUNTABLE: the people are no longer visible in Slack; UNANSWERED:
    there was no last count from Applivery; WITHDRAWN: it was no longer permitted at its end.
    """

    RUNNING = "running"
    REACHED = "reached"
    MISSED = "missed"
    RECALLED = "recalled"
    DELETED = "deleted"
    UNCOUNTABLE = "uncountable"
    UNANSWERED = "unanswered"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"


class BisectionState(StrEnum):
    """The state of a bisect; all except RUNNING are final.

    EXPIRED: no tester has voted for two weeks.
    """

    RUNNING = "running"
    FOUND = "found"
    STOPPED = "stopped"
    EXPIRED = "expired"


class BisectVerdict(StrEnum):
    """A tester's verdict on a build; UNCLEAR: it cannot be tested."""

    GOOD = "good"
    BAD = "bad"
    UNCLEAR = "unclear"


class Judgement(StrEnum):
    """The combined verdict of all testers on a build; CONTESTED: as many good as bad."""

    OPEN = "open"
    GOOD = "good"
    BAD = "bad"
    UNCLEAR = "unclear"
    CONTESTED = "contested"


class PauseReason(StrEnum):
    """Why something was paused by the bot; stored in the same column as Slack's error codes."""

    ROLE = "access:role"  # its owner lacks the role
    PERSON = "access:person"  # its owner is a bot or was deactivated
    CHANNEL = "access:channel"  # the app may not be used in that channel
    SHARED = "access:shared"  # the channel is shared with another organisation
    RECALLED = "access:recalled"  # the build was recalled
    APP = "access:app"  # the app was deleted in Applivery
