"""Estimate Slack's clock, whose time messages have, and which may differ from the local one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime

from bot.slack.errors import find_header

TOLERANCE = 5.0  # seconds; the header has whole seconds, and the ts of a message is from some time during its request


class SlackClock:
    """An estimate by the `Date` of every response, corrected by the ts of messages, which no proxy can alter."""

    def __init__(self) -> None:
        self._ahead: float | None = None  # seconds ahead of time.monotonic()
        self._correction = 0.0

    def read_date(self, headers: Mapping[str, str]) -> None:
        """Update the estimate from the headers of a response."""
        with suppress(ValueError, TypeError, OverflowError):
            said = parsedate_to_datetime(find_header(headers, "date") or "").timestamp()
            self._ahead = said + 0.5 + self._correction - time.monotonic()

    def read_stamp(self, ts: str, began: float) -> None:
        """Update the estimate from the ts of a new message, whose request began at this time.monotonic()."""
        now = time.monotonic()
        if now - began > TOLERANCE:
            return
        ahead = float(ts) - (began + now) / 2
        if self._ahead is None or abs(ahead - self._ahead) > TOLERANCE:
            self._correction += 0.0 if self._ahead is None else ahead - self._ahead
            self._ahead = ahead

    def at(self, monotonic: float) -> float | None:
        """Return Slack's time at a time.monotonic(), in epoch seconds; None while there is no estimate."""
        return None if self._ahead is None else self._ahead + monotonic
