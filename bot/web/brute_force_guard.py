"""Who has opened how many links that do not exist."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

LIMIT = 30  # a minute: a person does not get there, and 128 bits would stand far more
WINDOW = 60.0
ADDRESSES = 10_000  # remembered at most


class BruteForceGuard:
    """Unknown tickets by address within a minute; in this process only, and `clock` counts seconds."""

    def __init__(self, limit: int = LIMIT, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def too_many(self, address: str) -> bool:
        """Whether this address has guessed too often to be answered."""
        since, count = self._seen.get(address, (0.0, 0))
        return count >= self._limit and self._clock() - since < WINDOW

    def add(self, address: str) -> None:
        """Count one."""
        now = self._clock()
        since, count = self._seen.pop(address, (now, 0))
        self._seen[address] = (since, count + 1) if now - since < WINDOW else (now, 1)
        while len(self._seen) > ADDRESSES:
            self._seen.popitem(last=False)
