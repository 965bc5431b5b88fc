"""The states that deliveries and watches are in, as they are stored."""

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
    """How one attempt to post ended.

    UNSURE: Slack may or may not have it, and the attempt may not be over. LOOK_UP: it is over, Slack may have it.
    """

    POSTED = "posted"
    AGAIN = "again"
    HELD = "held"
    FAILED = "failed"
    UNSURE = "unsure"
    LOOK_UP = "look_up"


class WatchState(StrEnum):
    """The state of a watch.

    DELETED: the build was, in Applivery; GIVEN_UP: it may never end.
    """

    OPEN = "open"
    STOPPED = "stopped"
    DELETED = "deleted"
    GIVEN_UP = "given_up"


class GoalState(StrEnum):
    """The state of a goal: it runs, or how it ended.

    DELETED: the build was, in Applivery; UNCOUNTABLE: Slack does not show the people any more; UNANSWERED: Applivery
    gave no last count; WITHDRAWN: it was not permitted any more when its time was over.
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
    """The state of a bisect; every one but RUNNING is an end.

    EXPIRED: for two weeks no tester has voted.
    """

    RUNNING = "running"
    FOUND = "found"
    STOPPED = "stopped"
    EXPIRED = "expired"


class BisectVerdict(StrEnum):
    """What a tester says of a build; UNCLEAR: it cannot be tested."""

    GOOD = "good"
    BAD = "bad"
    UNCLEAR = "unclear"


class Judgement(StrEnum):
    """What all testers together say of a build; CONTESTED: as many good as bad."""

    OPEN = "open"
    GOOD = "good"
    BAD = "bad"
    UNCLEAR = "unclear"
    CONTESTED = "contested"


class PauseReason(StrEnum):
    """Why something that was set up may not act any more, until that is over; stored where Slack's reasons are."""

    ROLE = "access:role"  # its owner lacks the role
    PERSON = "access:person"  # its owner is a bot or has left
    CHANNEL = "access:channel"  # the app may not be used in that channel
    SHARED = "access:shared"  # the channel is shared with another organisation
    RECALLED = "access:recalled"  # the build is
    APP = "access:app"  # Applivery has the app no more
