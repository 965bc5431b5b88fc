"""Sizes, durations and percentages as the language of the reader writes them."""

from __future__ import annotations

from bot.i18n import ENGLISH, current_locale, format_number, ngettext


def format_size(count: int) -> str:
    """Return a number of bytes: `48.2 MB`."""
    if count < 1000:
        return f"{format_number(count)} {'byte' if count == 1 else 'bytes'}"
    amount = count / 1000
    for unit in ("kB", "MB"):
        if amount < 1000:
            return f"{format_number(round(amount, 1))} {unit}"
        amount /= 1000
    return f"{format_number(round(amount, 1))} GB"


def format_duration(seconds: float, *, minutes_from: float = 90) -> str:
    """Return a duration in words: `40 seconds`, `8 minutes`, `3 hours`; below `minutes_from` in seconds."""
    if seconds < minutes_from:
        return ngettext("{number} second", "{number} seconds", max(1, round(seconds)))
    if seconds < 5400:
        return ngettext("{number} minute", "{number} minutes", max(1, round(seconds / 60)))
    return ngettext("{number} hour", "{number} hours", max(1, round(seconds / 3600)))


def format_duration_short(seconds: float) -> str:
    """Return a duration in units, the same in every language: `45 s`, `3 min`, `1 h 20 min`."""
    whole = max(1, round(seconds))
    if whole < 100:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def format_percent(share: int) -> str:
    """Return a share as the language writes it: `33%`, or `33 %`, which no line end divides."""
    return f"{share}%" if current_locale() == ENGLISH else f"{share}\N{NO-BREAK SPACE}%"


def percent(part: int, whole: int) -> int:
    """Return a share in percent: the one rounding for all that is shown."""
    return round(part * 100 / whole) if whole else 0
