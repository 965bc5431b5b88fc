"""Limits of the plan, known from refused requests (code 5003), and when a limit of downloads will be reached."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from msgspec import Struct

_DOWNLOADS = re.compile(r"downloads(?:ByMonth\.(\d{4})(\d{2}))?", re.ASCII)
LEAST_ELAPSED = timedelta(days=1)  # of a month, before its pace is meaningful


class PlanLimit(Struct, frozen=True):
    """A limit for `item` that was reported at `at` (aware UTC), with `used` of `limit` used (None: unknown).

    No endpoint returns a limit before it is reached. The items seen so far are `downloads` and
    `downloadsByMonth.202006`, in the vendor's iOS SDK: https://github.com/applivery/applivery-ios-sdk
    """

    item: str
    limit: int
    used: int | None
    at: datetime

    @property
    def family(self) -> str:
        """The item without its month: the key of the latest report."""
        return self.item.partition(".")[0]

    @property
    def of_downloads(self) -> bool:
        """Whether it limits the downloads of a month."""
        return _DOWNLOADS.fullmatch(self.item) is not None

    @property
    def month(self) -> datetime:
        """The start (UTC) of the month it was reached in: the one in its name, or else that of the report."""
        named = _DOWNLOADS.fullmatch(self.item)
        if named and named[1] and 1 <= int(named[2]) <= 12 and int(named[1]):
            return datetime(int(named[1]), int(named[2]), 1, tzinfo=UTC)
        return month_of(self.at)


def month_of(moment: datetime) -> datetime:
    """Return the start of the month of an aware time, in UTC, as the plan's months seem to be."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(month: datetime) -> datetime:
    """Return the start of the next month, from the start of this one."""
    return month_of(month + timedelta(days=32))


def reached_at(limit: int, used: int, now: datetime) -> datetime | None:
    """Return when this month's limit is reached at the current pace; None if it is not, or the pace is unknown yet.

    `used` are the downloads of this month until `now` (aware).
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
