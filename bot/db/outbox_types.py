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
    """The lease on a channel: its end by the database's clock; its start by `time.monotonic()` and its duration."""

    token: str
    until: datetime
    start: float
    seconds: float


class DeliveryClaim(Struct, frozen=True):
    """An announcement claimed for posting until the deadline, at most one per channel.

    `unsure`: an earlier attempt has an unknown outcome, so look for its key in the channel before posting. Such
    attempts started from `attempted_from` to `attempted_until` (None if an older version made them) and ended a lease
    later. `first_attempt_at` counts all attempts, rejected ones too. `deadline` is by the database's clock,
    `deadline_monotonic` the same moment by this process's `time.monotonic()`: past it, do not post. `card_ts` is the
    card's existing message in this channel. The post covers everything due for the same card up to the announcement
    `covers`. `due_monotonic` is when it became due: recorded, or released if it was held. `subscriptions` are the
    channel's subscriptions to its app or to every app.
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
            due_monotonic=lease.start - max(0.0, int(row.age) / 1e6),  # the age is negative after a clock was set back
            card_ts=row.card_ts,
            covers=row.covers or 0,
            attempted_from=None if row.attempted_from is None else moment(row.attempted_from),
            attempted_until=None if row.attempted_until is None else moment(row.attempted_until),
            subscriptions=subscriptions,
        )


class DeliveryResult(Struct, frozen=True):
    """The result of a post.

    POSTED with Slack's `ts`; AGAIN in `retry_in` seconds (certainly not posted); HELD for the `reason` until the
    channel accepts messages again; FAILED for good, for the `reason`; UNSURE keeps the lease and, after its end, the
    channel is searched for the message; LOOK_UP: it is searched in `retry_in` seconds. `covers` is the claim's, for a
    card; `edited` marks an edit of an existing message.
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
        """Return the result of a claim's post."""
        announcement = claim.announcement
        where = (announcement.id, announcement.channel_id, claim.channel_token)
        return cls(*where, kind, ts, retry_in, reason, covers, edited)


@dataclass(frozen=True, slots=True)
class OutboxBatch:
    """The posts to make now, and the duplicates to delete: posts that another replica had made first.

    Without claims, `due_in` is the seconds until there are some; None: wait for a notification.
    """

    claims: tuple[DeliveryClaim, ...] = ()
    lost: tuple[DeliveryResult, ...] = ()
    due_in: float | None = field(default=None, compare=False)


class OutboxBacklog(Struct, frozen=True):
    """The number of waiting announcements and the age of the oldest in seconds (None without any)."""

    count: int
    oldest_seconds: float | None
