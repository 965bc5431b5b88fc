"""Convert a JSON value of any type to text, number, flag or time; None when that is impossible."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

_DATE_TIME_BLANK = re.compile(r"(?<=\d)\s+(?=\d\d?:)")
EARLIEST_YEAR = 1000
LATEST = datetime(9998, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM = 1e11  # as seconds this would be the year 5138
_LARGEST = 2**63 - 1  # the maximum of a database column
_EPOCH = re.compile(r"\d{9,}(?:\.\d+)?")
_WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def text(value: Any) -> str | None:
    """Return a stripped text, None when it is empty; numbers become their digits."""
    if isinstance(value, str):
        return _storable(value).strip() or None
    if value is None or isinstance(value, bool) or number(value) is None:
        return None
    return str(value)


def first(*values: Any) -> str | None:
    """Return the first value with a text."""
    for value in values:
        if value is not None and (found := text(value)):
            return found
    return None


def number(value: Any) -> float | None:
    """Return a finite number, also from a text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        read = float(value)
    except (ValueError, OverflowError):
        return None
    return read if math.isfinite(read) else None


def count(value: Any) -> int | None:
    """Return a non-negative whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 0 <= value <= _LARGEST else None
    read = number(value)
    return int(read) if read is not None and 0 <= read < _LARGEST else None


def flag(value: Any) -> bool | None:
    """Return a boolean, also from a word, 0 or 1."""
    if isinstance(value, bool):
        return value
    return _WORDS.get((text(value) or "").lower())


def texts(value: Any) -> tuple[str, ...]:
    """Return the texts of a list, or of a comma-separated text."""
    if isinstance(value, str):
        value = value.split(",")
    found: Iterator[str | None] = map(text, value) if isinstance(value, list) else iter(())
    return tuple(each for each in found if each)


def moment(value: Any) -> datetime | None:
    """Return an aware UTC time from ISO 8601 or epoch (milli)seconds; without an offset it is taken as UTC.

    Applivery's reference has `2024-01-01T00: 00:00Z` with a space, so spaces are ignored. The end of time
    (`9999-12-31…`, for *never*) becomes `LATEST`, and its beginning (`0001-01-01…`, for *not set*) None: in a user's
    time zone, or some days later, they are no dates.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _from_epoch(float(value))
    if not isinstance(value, str):
        return None
    if _EPOCH.fullmatch(value):  # before ISO 8601, whose basic format is digits too
        return _from_epoch(float(value))
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return _from_odd_text(value.strip())
    return _in_utc(read)


def _from_odd_text(value: str) -> datetime | None:
    tidy = "".join(_DATE_TIME_BLANK.sub("T", value, count=1).split())
    try:
        return _in_utc(datetime.fromisoformat(tidy))
    except ValueError:
        return None


def _in_utc(read: datetime) -> datetime | None:
    if read.year < EARLIEST_YEAR:
        return None
    if read.year >= LATEST.year:
        return LATEST
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


def _from_epoch(value: float) -> datetime | None:
    try:
        return _in_utc(datetime.fromtimestamp(value / 1000 if abs(value) >= _MILLISECONDS_FROM else value, UTC))
    except (ValueError, OverflowError, OSError):
        return None


def _storable(value: str) -> str:
    """Remove characters that a UTF-8 database rejects: NUL and lone surrogates."""
    if "\x00" in value:
        value = value.replace("\x00", "")
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
