"""Conversion of times, enums and texts to stored values and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Return an aware time as whole microseconds since 1970 (UTC). Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a time without a time zone cannot be stored")
    return (moment - EPOCH) // MICROSECOND


def moment(value: int) -> datetime:
    """Return the aware UTC time from microseconds since 1970."""
    return EPOCH + value * MICROSECOND


def moment_or_none(value: int | None) -> datetime | None:
    """Return the aware UTC time from microseconds since 1970; None for None."""
    return None if value is None else moment(value)


def stored(value: object) -> object:
    """Return a value as both databases accept it: a time in microseconds, an enum's value, text without the characters
    that PostgreSQL rejects.
    """
    if isinstance(value, str):
        text = str(value.value) if isinstance(value, StrEnum) else value
        return text if text.isascii() and "\x00" not in text else storable(text)
    return micros(value) if isinstance(value, datetime) else value


def storable(words: str) -> str:
    """Return the text without the characters that a database rejects."""
    return words.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


# Subscriptions to every app are stored under this name, so that (channel, app) can be unique without NULLs.
EVERY_APP = "*"
