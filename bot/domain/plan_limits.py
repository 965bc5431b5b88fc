"""Limits of the plan that Applivery has refused requests for (code 5003), and when a limit of downloads is reached."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from msgspec import Struct

_DOWNLOADS = re.compile(r"downloads(?:ByMonth\.(\d{4})(\d{2}))?", re.ASCII)
LEAST_ELAPSED = timedelta(days=1)  # of a month, before its pace says anything


class PlanLimit(Struct, frozen=True):
    """A limit as it was reported at `at` (aware UTC): of the item `item`, with `used` of `limit` used (None: unknown).

    No endpoint tells a limit before it is reached. The items that were seen are `downloads` and
    `downloadsByMonth.202006`, in the vendor's iOS SDK: https://github.com/applivery/applivery-ios-sdk
    """

    item: str
    limit: int
    used: int | None
    at: datetime

    @property
    def family(self) -> str:
        """The item without its month: the name under which the latest is kept."""
        return self.item.partition(".")[0]

    @property
    def of_downloads(self) -> bool:
        """Whether it limits the downloads of a month."""
        return _DOWNLOADS.fullmatch(self.item) is not None

    @property
    def month(self) -> datetime:
        """The start (UTC) of the month it was reached in: the one it names, else the one it was reported in."""
        named = _DOWNLOADS.fullmatch(self.item)
        if named and named[1] and 1 <= int(named[2]) <= 12 and int(named[1]):
            return datetime(int(named[1]), int(named[2]), 1, tzinfo=UTC)
        return month_of(self.at)


def month_of(moment: datetime) -> datetime:
    """Return the start of the month of an aware time, in UTC: the plan's months begin there as far as is known."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(month: datetime) -> datetime:
    """Return the start of the month after this one, which is a start itself."""
    return month_of(month + timedelta(days=32))


def reached_at(limit: int, used: int, now: datetime) -> datetime | None:
    """Return when a month's limit is reached if its downloads go on as so far; None when it is not, or nothing is
    known of the pace yet. `used` are those of this month until `now` (aware).
    """
    month = month_of(now)
    elapsed = now.astimezone(UTC) - month
    if used <= 0 or limit <= 0 or elapsed < LEAST_ELAPSED:
        return None
    if used >= limit:
        return now
    try:
        reached = month + elapsed * (limit / used)
    except OverflowError:
        return None
    return reached if reached < next_month(month) else None
