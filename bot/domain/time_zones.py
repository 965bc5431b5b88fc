"""Times in users' time zones."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


def zone(name: str) -> ZoneInfo:
    """Return the time zone of an IANA name; UTC if it is unknown on this machine."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def local(instant: datetime, there: ZoneInfo) -> datetime:
    """Return an aware instant in this zone; unchanged if it would be out of the range of datetime."""
    try:
        return instant.astimezone(there)
    except OverflowError:
        return instant


def first_from(wall: datetime) -> datetime:
    """Return the first instant (UTC) of this local time (aware), or the next valid one if a clock change skips it."""
    before_change, after_change = (wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if after_change >= before_change:
        return before_change
    shown = wall.replace(tzinfo=None)

    def is_over(minutes: int) -> bool:
        at = after_change + timedelta(minutes=minutes)
        return at.astimezone(wall.tzinfo).replace(tzinfo=None) >= shown

    skipped = (before_change - after_change) // timedelta(minutes=1)
    return after_change + timedelta(minutes=bisect_left(range(skipped), True, key=is_over))


def is_today(at: datetime, now: datetime, zone: ZoneInfo) -> bool:
    """Return whether a time (aware) is on the same day as `now` in this zone."""
    return at.astimezone(zone).date() == now.astimezone(zone).date()
