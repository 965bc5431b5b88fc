"""Types of the outbox: a claim on an announcement, and the result of its post."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from msgspec import Struct

from bot.db.types import moment
from bot.domain.model import Delivery, Subscription
from bot.domain.states import ResultKind


class ChannelLease(NamedTuple):
    """A channel that is ours: until when by the database's clock, and from when by `time.monotonic()` for how long."""

    token: str
    until: datetime
    start: float
    seconds: float


class DeliveryClaim(Struct, frozen=True):
    """An announcement claimed for posting, the only one of its channel, until the deadline.

    `unsure`: it was found being sent under a lapsed lease, so look for its key in the channel before posting: attempts
    whose outcome is not known began from `attempted_from` to `attempted_until`, and ended a lease later; None when a
    version before this one made them. `first_attempt_at` is that of any attempt, refused ones too. `deadline` is by the
    database's clock, `deadline_monotonic` the same moment by this process's `time.monotonic()`: past it, do not post.
    `card_ts` is the message this channel already has for the card. Everything due for the same card up to the
    announcement `covers` is shown by posting it now. `due_monotonic` is the earliest time for posting: when it was
    recorded, or released if it was held. `subscriptions` are those of its channel to its app or to every app.
    """

    announcement: Delivery
    channel_token: str
    unsure: bool
    first_attempt_at: datetime
    deadline: datetime
    deadline_monotonic: float
    due_monotonic: float
    card_ts: str | None = None
    covers: int = 0
    attempted_from: datetime | None = None
    attempted_until: datetime | None = None
    subscriptions: Sequence[Subscription] = ()

    @classmethod
    def of(
        cls, row: Any, announcement: Delivery, lease: ChannelLease, subscriptions: Sequence[Subscription]
    ) -> DeliveryClaim:
        """Return the claim on an announcement that was read with its row (`outbox_read.deliveries_of`) under this
        lease.
        """
        return cls(
            announcement,
            lease.token,
            bool(row.outcome_unknown),
            moment(row.first_attempt_at),
            deadline=lease.until,
            deadline_monotonic=lease.start + lease.seconds,
            due_monotonic=lease.start - max(0.0, int(row.age) / 1e6),  # a clock set back makes nothing early
            card_ts=row.card_ts,
            covers=row.covers or 0,
            attempted_from=None if row.attempted_from is None else moment(row.attempted_from),
            attempted_until=None if row.attempted_until is None else moment(row.attempted_until),
            subscriptions=subscriptions,
        )


class DeliveryResult(Struct, frozen=True):
    """How a post ended.

    POSTED with Slack's `ts`; AGAIN in `retry_in` seconds (it certainly is not there); HELD with the `reason`,
    until the channel takes messages again; FAILED for good, with the `reason`; UNSURE, which keeps the lease: when
    that has lapsed, the channel is searched for it; LOOK_UP: it is searched in `retry_in` seconds. `covers` is the
    claim's, for a card that was shown; `edited` marks a message that was there before.
    """

    announcement_id: int
    channel_id: str
    channel_token: str
    kind: ResultKind
    ts: str | None = None
    retry_in: float = 0.0
    reason: str | None = None
    covers: int = 0
    edited: bool = False

    @classmethod
    def of(
        cls,
        claim: DeliveryClaim,
        kind: ResultKind,
        *,
        ts: str | None = None,
        retry_in: float = 0.0,
        reason: str | None = None,
        covers: int = 0,
        edited: bool = False,
    ) -> DeliveryResult:
        """Return the outcome of a claim."""
        announcement = claim.announcement
        where = (announcement.id, announcement.channel_id, claim.channel_token)
        return cls(*where, kind, ts, retry_in, reason, covers, edited)


@dataclass(frozen=True, slots=True)
class OutboxBatch:
    """What came back: the posts to make now, and the posts another replica had made first: delete our copy of those.

    Without claims, `due_in` is in how many seconds there are some; None: not before something happens.
    """

    claims: tuple[DeliveryClaim, ...] = ()
    lost: tuple[DeliveryResult, ...] = ()
    due_in: float | None = field(default=None, compare=False)


class OutboxBacklog(Struct, frozen=True):
    """How many announcements wait to be said and how old the oldest is, in seconds (None: nothing waits)."""

    count: int
    oldest_seconds: float | None
