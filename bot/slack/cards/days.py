"""Counts by day as the points of a chart: days while they fit, else weeks, else months; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from bot.language import month, say, short_day
from bot.slack.charts import POINTS

Days = Sequence[tuple[date, int]]
Stretch = tuple[date, date]


def points(days: Days, stretch: Stretch | None = None) -> list[tuple[str, int]]:
    """A label and a count for each day, week or month of the stretch (or from the first to the last of the days).

    A day without downloads counts nothing and is there; of more than twenty months the last are kept.
    """
    if not days:
        return []
    first, last = min(day for day, _ in days), max(day for day, _ in days)
    if stretch:
        first, last = min(first, stretch[0]), max(last, stretch[1])
    if (last - first).days < POINTS:
        return _by(days, first, last, 1, short_day)
    monday = first - timedelta(days=first.weekday()) if first - date.min > timedelta(days=7) else first
    if (last - monday).days // 7 < POINTS:
        return _by(days, monday, last, 7, _week)
    return _by_month(days, _month(first), _month(last))


def _by(days: Days, first: date, last: date, length: int, label: Callable[[date], str]) -> list[tuple[str, int]]:
    counts = [0] * ((last - first).days // length + 1)
    for day, count in days:
        counts[(day - first).days // length] += count
    return [(label(first + timedelta(days=number * length)), count) for number, count in enumerate(counts)]


def _week(monday: date) -> str:
    return say("from {day}", day=short_day(monday))


def _by_month(days: Days, first: int, last: int) -> list[tuple[str, int]]:
    first = max(first, last - POINTS + 1)  # a single odd date may lie centuries away
    counts = [0] * (last - first + 1)
    for day, count in days:
        if _month(day) >= first:
            counts[_month(day) - first] += count
    months = [date(number // 12, number % 12 + 1, 1) for number in range(first, last + 1)]
    return [(month(first_day), count) for first_day, count in zip(months, counts, strict=True)]


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1
