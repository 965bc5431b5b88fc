"""Limit requests for unknown links by client address."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

LIMIT = 30  # per minute: more than a user needs, and far too few to guess 128 bits
WINDOW = 60.0
ADDRESSES = 10_000  # addresses to remember


class BruteForceGuard:
    """Count the unknown tickets of each address within a minute, in this process; `clock` counts seconds."""

    def __init__(self, limit: int = LIMIT, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._attempts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def too_many(self, address: str) -> bool:
        """Return whether this address has requested too many unknown tickets."""
        since, count = self._attempts.get(address, (0.0, 0))
        return count >= self._limit and self._clock() - since < WINDOW

    def add(self, address: str) -> None:
        """Count a request for an unknown ticket."""
        now = self._clock()
        since, count = self._attempts.pop(address, (now, 0))
        self._attempts[address] = (since, count + 1) if now - since < WINDOW else (now, 1)
        while len(self._attempts) > ADDRESSES:
            self._attempts.popitem(last=False)
