"""The hourly allowance of requests to Applivery, with a share reserved for users."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum
from heapq import merge

from bot.exceptions import BudgetExhausted, again_in
from bot.i18n import Text

_HOUR = 3600.0
_SLOT = 10.0  # seconds counted together, so that memory does not grow with the limit


class Priority(Enum):
    """The priority of a request: for a user who is waiting, or for a worker that can wait."""

    PEOPLE = "people"
    POLLING = "polling"


class _RequestWindow:
    """Requests of the last hour, counted in slots: (end of the slot in seconds of the clock, requests in it)."""

    def __init__(self, slots: Iterable[tuple[float, int]] = ()) -> None:
        self.slots = deque(sorted(slots))
        self._sum = sum(count for _, count in self.slots)

    def add(self, now: float) -> None:
        """Count one request."""
        if self.slots and now < self.slots[-1][0]:
            end, count = self.slots.pop()
            self.slots.append((end, count + 1))
        else:
            self.slots.append((now + _SLOT, 1))
        self._sum += 1

    def count(self, now: float) -> int:
        """Return how many there are, without those that are an hour old."""
        while self.slots and self.slots[0][0] + _HOUR <= now:
            self._sum -= self.slots.popleft()[1]
        return self._sum


class RequestBudget:
    """An allowance of requests in any hour; polling may use only what leaves a reserve for people.

    Applivery states 10,000 requests an hour and does not say per what, hence one budget for all replicas: each tells
    the others from time to time how many it has made (`unshared`, `share`). `reserve` is the share of `per_hour` kept
    for people; `clock` gives seconds that never go back.
    """

    def __init__(self, per_hour: int, *, reserve: float = 0.2, clock: Callable[[], float] = time.monotonic) -> None:
        if per_hour < 1 or not 0 <= reserve < 1:
            raise ValueError("a budget needs at least one request an hour and a reserve of 0 up to, not including, 1")
        self.per_hour = per_hour
        self._reserved = min(math.ceil(per_hour * reserve), per_hour - 1)
        self._clock = clock
        self._own = _RequestWindow()
        self._others = _RequestWindow()
        self.unshared = 0  # requests of this process that the other replicas do not know of

    @property
    def used(self) -> int:
        """Requests made in the last hour, by all replicas as far as known."""
        now = self._clock()
        return self._own.count(now) + self._others.count(now)

    @property
    def left(self) -> int:
        """Requests that people may still make now."""
        return max(0, self.per_hour - self.used)

    @property
    def stretch(self) -> float:
        """By how much polling is to be slowed down: 1 while there is plenty, up to 10 when little is left for it."""
        share = (self.left - self._reserved) / (self.per_hour - self._reserved)
        return min(max(0.5 / share, 1.0), 10.0) if share > 0 else 10.0

    def take(self, lane: Priority) -> None:
        """Count one request, or raise BudgetExhausted when this lane may make none now."""
        if self.left <= self._floor(lane):
            raise BudgetExhausted(next_step=_again(self.wait(lane)))
        self._own.add(self._clock())
        self.unshared += 1

    def share(self, shared: int, others: Iterable[tuple[float, int]]) -> None:
        """Replace what the other replicas have made: (seconds ago, requests). They know of `shared` more of ours."""
        now = self._clock()
        self.unshared -= shared
        self._others = _RequestWindow((now - ago, count) for ago, count in others)

    def wait(self, lane: Priority) -> float:
        """Return the seconds until this lane may make a request; 0 when it may make one now."""
        missing = self.used + self._floor(lane) + 1 - self.per_hour
        for end, count in merge(self._own.slots, self._others.slots):
            if missing <= 0:
                break
            missing -= count
            if missing <= 0:
                return max(0.0, end + _HOUR - self._clock())
        return 0.0

    def _floor(self, lane: Priority) -> int:
        return self._reserved if lane is Priority.POLLING else 0


def _again(seconds: float) -> Text:
    minutes = max(1, math.ceil(seconds / 60))
    return Text("Try again in a minute.") if minutes == 1 else again_in(60 * minutes)
