"""What Slack's clock says, which stamps the messages and need not agree with ours."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime

from bot.slack.errors import find_header

TOLERANCE = 5.0  # seconds; the header has whole ones, and a message is stamped somewhere within its request


class SlackClock:
    """Read off the `Date` of every answer; corrected by the stamp of a message, which a proxy does not write."""

    def __init__(self) -> None:
        self._ahead: float | None = None  # of time.monotonic()
        self._correction = 0.0

    def read_date(self, headers: Mapping[str, str]) -> None:
        """Learn from the headers of an answer."""
        with suppress(ValueError, TypeError, OverflowError):
            said = parsedate_to_datetime(find_header(headers, "date") or "").timestamp()
            self._ahead = said + 0.5 + self._correction - time.monotonic()

    def read_stamp(self, ts: str, began: float) -> None:
        """Learn from the ts of a message that was just posted; its request began at this time.monotonic()."""
        now = time.monotonic()
        if now - began > TOLERANCE:
            return
        ahead = float(ts) - (began + now) / 2
        if self._ahead is None or abs(ahead - self._ahead) > TOLERANCE:
            self._correction += 0.0 if self._ahead is None else ahead - self._ahead
            self._ahead = ahead

    def at(self, monotonic: float) -> float | None:
        """Return what it says at a time.monotonic(), in epoch seconds; None while nothing was learnt."""
        return None if self._ahead is None else self._ahead + monotonic
