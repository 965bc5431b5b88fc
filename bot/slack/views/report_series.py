"""Counts by day as the points of a chart: days while they fit, else weeks, else months; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from enum import Enum
from typing import NamedTuple

from bot.i18n import _, format_month, format_short_day, gettext_noop
from bot.slack.blocks.charts import POINTS

Days = Sequence[tuple[date, int]]
Stretch = tuple[date, date]


class SeriesKind(Enum):
    """The period of one point; the value is the chart's title."""

    DAY = gettext_noop("Downloads by day")
    WEEK = gettext_noop("Downloads by week")
    MONTH = gettext_noop("Downloads by month")


class DownloadSeries(NamedTuple):
    """A label and a count for each day, week or month."""

    bucket: SeriesKind
    points: Sequence[tuple[str, int]]


def series(days: Days, stretch: Stretch | None = None) -> DownloadSeries:
    """Return the counts by day, week or month of the stretch (default: from the first day to the last), complete.

    Days without downloads are included as 0; if there are more than twenty months, the earlier ones are one point.
    """
    if not days:
        return DownloadSeries(SeriesKind.DAY, ())
    first, last = min(day for day, _ in days), max(day for day, _ in days)
    if stretch:
        first, last = min(first, stretch[0]), max(last, stretch[1])
    if (last - first).days < POINTS:
        return DownloadSeries(SeriesKind.DAY, _by(days, first, last, 1, format_short_day))
    monday = first - timedelta(days=first.weekday()) if first - date.min > timedelta(days=7) else first
    if (last - monday).days // 7 < POINTS:
        return DownloadSeries(SeriesKind.WEEK, _by(days, monday, last, 7, _week))
    return DownloadSeries(SeriesKind.MONTH, _by_month(days, _month(first), _month(last)))


def _by(days: Days, first: date, last: date, length: int, label: Callable[[date], str]) -> list[tuple[str, int]]:
    counts = [0] * ((last - first).days // length + 1)
    for day, count in days:
        counts[(day - first).days // length] += count
    return [(label(first + timedelta(days=number * length)), count) for number, count in enumerate(counts)]


def _week(monday: date) -> str:
    return _("from {day}", day=format_short_day(monday))


def _by_month(days: Days, first: int, last: int) -> list[tuple[str, int]]:
    first = max(first, last - POINTS + 1)  # limited, since a single wrong date may be centuries away
    earlier = sum(count for day, count in days if _month(day) < first)
    if earlier:  # their point takes the place of the first month's
        first += 1
        earlier = sum(count for day, count in days if _month(day) < first)
    counts = [0] * (last - first + 1)
    for day, count in days:
        if _month(day) >= first:
            counts[_month(day) - first] += count
    months = [date(number // 12, number % 12 + 1, 1) for number in range(first, last + 1)]
    shown = [(format_month(first_day), count) for first_day, count in zip(months, counts, strict=True)]
    return [(_("before {month}", month=format_month(months[0])), earlier), *shown] if earlier else shown


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1
