"""Format the expiry of links and pages, for all texts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.i18n import Counted, Text

FAR = timedelta(days=60)  # from here on a date is clearer than a number of days


def expires(at: datetime | None, now: datetime, written: Callable[[datetime], str]) -> Text:
    """Return the words to follow "the link", such as `expires 14:32 (4 min)`; the times are aware, None is unknown.

    `written` formats a time for its reader, with its day unless that is today. If a new link seems to have expired,
    one of the two clocks is wrong.
    """
    if at is None:
        return Text("expires soon")
    if at <= now:
        return Text("expired {time} by this bot's clock", time=written(at))
    if at - now >= FAR:
        return Text("expires {time}", time=written(at))
    return Text("expires {time} ({left})", time=written(at), left=left(at - now))


def left(left: timedelta) -> Text:
    """Return the duration in a suitable unit."""
    minutes = round(left.total_seconds() / 60)
    if minutes < 1:
        return Text("under 1 min")
    if minutes < 120:
        return Text("{number} min", number=minutes)
    if minutes < 48 * 60:
        return Text("{number} h", number=minutes // 60)
    return Counted("{number} day", "{number} days", left.days)
