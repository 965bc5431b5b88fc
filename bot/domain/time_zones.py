"""Times as the clock of a reader's time zone shows them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


def zone(name: str) -> ZoneInfo:
    """Return the time zone of an IANA name; UTC for one this machine does not know."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def local(instant: datetime, there: ZoneInfo) -> datetime:
    """Return an aware instant by the clock there; as it is when there was no calendar yet, or is none any more."""
    try:
        return instant.astimezone(there)
    except OverflowError:
        return instant


def is_today(at: datetime, now: datetime, zone: ZoneInfo) -> bool:
    """Return whether a time (aware) is on the day that a clock in this zone shows `now`."""
    return at.astimezone(zone).date() == now.astimezone(zone).date()
