"""Convert times of post attempts to Slack's clock, which timestamps messages; leases use the database's clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from bot.db import key_value
from bot.db.database import Database
from bot.db.outbox_types import DeliveryClaim
from bot.slack.client import MARGIN, SlackClient
from bot.slack.message_lookup import SearchPeriod

KEY = "slack_clock_ahead"
AGREE = 5.0  # seconds within which two readings are equal
# Wrong clocks are mostly off by a time zone. Two hours of a channel are a page or two.
UNKNOWN = 7200.0


class AttemptClocks:
    """The offset of Slack's clock from the database's, now and at the posts of an earlier process.

    The offset is stored before a process posts, and again when it changes. If it is the same at the look-up, the
    attempt was at its recorded time plus the offset, within `MARGIN`, and only that period is searched. Otherwise, or
    if it was never stored, a clock was set at an unknown time: the search covers the period of each offset first, then
    `UNKNOWN` around them. So a wrong clock costs requests, but never duplicates a message.
    """

    def __init__(self, store: Database, slack_client: SlackClient) -> None:
        self._store = store
        self._slack_client = slack_client
        self._known: list[float] = []
        self._since: datetime | None = None  # the offset was stored before all attempts since then

    async def record(self, claim: DeliveryClaim) -> None:
        """Store the offset before a post. Raises DatabaseUnavailable."""
        now = self._ahead(claim)
        if self._since is None and (written := await self._written()) is not None:
            self._known, self._since = [written], datetime.min.replace(tzinfo=UTC)
        if now is None or (self._known and abs(self._known[-1] - now) <= AGREE / 2):
            return
        self._known = [*self._known, now][-8:]
        self._since = self._since or claim.deadline - timedelta(seconds=claim.deadline_monotonic - time.monotonic())
        await self._store.run(key_value.set_value, KEY, f"{now:.3f}")

    async def periods(self, claim: DeliveryClaim, lease_seconds: float) -> tuple[SearchPeriod, ...]:
        """Return the periods to search for attempts with unknown outcome, in order."""
        now, written = self._ahead(claim), await self._written()  # another replica may have stored it since
        ahead = _distinct([*self._known, *(each for each in (written, now) if each is not None)])
        if claim.attempted_from is None:
            return (_period(claim.first_attempt_at, None, [*ahead, 0.0], UNKNOWN),)
        first, last = claim.attempted_from, claim.attempted_until or claim.attempted_from
        end = last.timestamp() + lease_seconds
        near = [_period(first, end, [each], MARGIN) for each in ahead]
        if now is not None and self._since is not None and self._since <= first and len(ahead) == 1:
            return tuple(near)
        return (*near, _period(first, end, ahead or [0.0], UNKNOWN))

    def _ahead(self, claim: DeliveryClaim) -> float | None:
        now = time.monotonic()
        slack = self._slack_client.clock.at(now)
        return None if slack is None else slack - (claim.deadline.timestamp() - claim.deadline_monotonic + now)

    async def _written(self) -> float | None:
        value = await self._store.run(key_value.get_value, KEY)
        try:
            return None if value is None else float(value)
        except ValueError:
            return None


def _distinct(ahead: list[float]) -> list[float]:
    """Return the distinct readings."""
    kept: list[float] = []
    for each in ahead:
        if all(abs(each - other) > AGREE for other in kept):
            kept.append(each)
    return kept


def _period(first: datetime, end: float | None, ahead: list[float], margin: float) -> SearchPeriod:
    oldest = first.timestamp() + min(ahead) - margin
    return SearchPeriod(oldest, None if end is None else end + max(ahead) + margin)
