"""What the outbox hands out and takes back: a claim on an announcement, and how its post ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.domain.model import Announcement

Ended = Literal["posted", "again", "failed", "unsure"]


@dataclass(frozen=True, slots=True)
class Claim:
    """An announcement that is ours to post, alone in its channel, until the deadline.

    `unsure`: it was found being sent under a lapsed lease, so look for its key in the channel, from
    `first_attempt_at` on, before posting. `deadline` is by the database's clock, `deadline_monotonic` the same
    moment by this process's `time.monotonic()`: past it, do not post. `card_ts` is the message this channel already
    has about the build.
    """

    announcement: Announcement
    channel_token: str
    unsure: bool
    first_attempt_at: datetime
    deadline: datetime
    deadline_monotonic: float
    card_ts: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a post ended.

    `posted` with Slack's `ts`; `again` in `retry_in` seconds (it certainly is not there); `failed` for good, with the
    `reason`; `unsure`, which keeps the lease: when that has lapsed, the channel is searched for it.
    """

    announcement_id: int
    channel_id: str
    channel_token: str
    kind: Ended
    ts: str | None = None
    retry_in: float = 0.0
    reason: str | None = None

    @classmethod
    def of(
        cls,
        claim: Claim,
        kind: Ended,
        *,
        ts: str | None = None,
        retry_in: float = 0.0,
        reason: str | None = None,
    ) -> Outcome:
        """The outcome of a claim."""
        announcement = claim.announcement
        return cls(announcement.id, announcement.channel_id, claim.channel_token, kind, ts, retry_in, reason)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came back: the posts to make now, and the posts somebody else had made first: delete our copy of those."""

    claims: tuple[Claim, ...] = ()
    lost: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many announcements wait to be said and how old the oldest is, in seconds (None: nothing waits)."""

    count: int
    oldest_seconds: float | None
