"""The hourly budget of requests to Applivery: users first, then webhooks and new builds, then regular polls."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from itertools import takewhile

from bot.exceptions import BudgetExhausted, again_in
from bot.i18n import Text

_HOUR = 3600.0
_SLOT = 10.0  # seconds counted together, so that memory does not grow with the limit
_WORKERS = 0.04  # share of the hour reserved for webhooks and new builds
_STEADY = 0.97
_UNTOLD = 0.01  # share of the hour for requests that other replicas have not reported yet


class Priority(StrEnum):
    """The priority of a request, highest first; a lower one cannot use the reserves of higher ones."""

    PEOPLE = "people"  # a user waits
    POLLING = "polling"  # a worker: the poll after a webhook, details of new builds, the list of apps
    ROUTINE = "routine"  # the poll of an app at its regular time


_LANES = tuple(Priority)
_RANK = {lane: rank for rank, lane in enumerate(_LANES)}


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
        """Return the number of requests in the last hour."""
        while self.slots and self.slots[0][0] + _HOUR <= now:
            self._sum -= self.slots.popleft()[1]
        return self._sum

    def count_since(self, since: float) -> int:
        """Return the number of requests since a time less than an hour ago."""
        return sum(count for _, count in takewhile(lambda slot: slot[0] > since, reversed(self.slots)))


class RequestBudget:
    """A budget of requests per hour; lower priorities cannot use the reserves of higher ones.

    Applivery documents 10,000 requests an hour without saying per what, hence one budget for all replicas, which
    regularly exchange their counts (`unshared`, `share`). `reserve` is the share of `per_hour` reserved for users;
    `clock` returns monotonic seconds.
    """

    def __init__(self, per_hour: int, *, reserve: float = 0.2, clock: Callable[[], float] = time.monotonic) -> None:
        if per_hour < 1 or not 0 <= reserve < 1:
            raise ValueError("a budget needs at least one request an hour and a reserve of 0 up to, not including, 1")
        self.per_hour = per_hour
        people = min(math.ceil(per_hour * reserve), per_hour - 1)
        workers = min(int(per_hour * _WORKERS), per_hour - 1 - people)
        self._reserved = {Priority.PEOPLE: people, Priority.POLLING: workers, Priority.ROUTINE: 0}
        self._clock = clock
        self._own = {lane: _RequestWindow() for lane in _LANES}
        self._others = {lane: _RequestWindow() for lane in _LANES}
        self.unshared = dict.fromkeys(Priority, 0)  # requests of this process not yet reported to other replicas

    @property
    def used(self) -> int:
        """The known requests of all replicas in the last hour."""
        return sum(self._used().values())

    @property
    def left(self) -> int:
        """The requests that users can still make now."""
        return max(0, self.per_hour - self.used)

    @property
    def routine_per_hour(self) -> float:
        """The regular polls that fit into an hour if other requests continue as in the last half hour; at least some.

        A little less than the remainder, since the counts of the last hour cover up to a minute more; fewer for a while
        when other requests use what polls used before.
        """
        used, now, room = self._used(), self._clock(), self.per_hour - int(_UNTOLD * self.per_hour)
        for lane in (Priority.PEOPLE, Priority.POLLING):
            recent = sum(side[lane].count_since(now - _HOUR / 2) for side in (self._own, self._others))
            room -= max(used[lane], 2 * recent, self._reserved[lane])
        over = max(0, used[Priority.ROUTINE] - room)
        return _STEADY * max(room - over, (self.per_hour - sum(self._reserved.values())) / 10)

    @property
    def routine_spent(self) -> int:
        """The regular polls of the last hour."""
        return self._used()[Priority.ROUTINE]

    def take(self, lane: Priority) -> None:
        """Count one request. Raises BudgetExhausted when this priority has none left now."""
        if self._room(lane, self._used()) <= 0:
            raise BudgetExhausted(next_step=_again(self.wait(lane)))
        self._own[lane].add(self._clock())
        self.unshared[lane] += 1

    def share(self, shared: Mapping[Priority, int], others: Mapping[Priority, Iterable[tuple[float, int]]]) -> None:
        """Replace the other replicas' requests, (seconds ago, requests), after `shared` more were reported to them."""
        now = self._clock()
        for lane, made in shared.items():
            self.unshared[lane] -= made
        self._others = {
            lane: _RequestWindow((now - ago, count) for ago, count in others.get(lane, ())) for lane in _LANES
        }

    def wait(self, lane: Priority) -> float:
        """Return the seconds until this priority can make a request; 0 if it can now."""
        used = self._used()
        if self._room(lane, used) > 0:
            return 0.0
        slots = [(*slot, of) for side in (self._own, self._others) for of in _LANES for slot in side[of].slots]
        for end, count, of in sorted(slots, key=lambda slot: slot[0]):
            used[of] -= count
            if self._room(lane, used) > 0:
                return max(0.0, end + _HOUR - self._clock())
        return 0.0

    def _used(self) -> dict[Priority, int]:
        now = self._clock()
        return {lane: self._own[lane].count(now) + self._others[lane].count(now) for lane in _LANES}

    def _room(self, lane: Priority, used: Mapping[Priority, int]) -> int:
        """Return the requests left for a priority: without those used, and the reserves of higher priorities."""
        room = self.per_hour
        for other in _LANES:
            kept = self._reserved[other] if _RANK[other] < _RANK[lane] else 0
            room -= max(used[other], kept)
        if lane is not Priority.PEOPLE and any(window.slots for window in self._others.values()):
            room -= int(_UNTOLD * self.per_hour)
        return room


def _again(seconds: float) -> Text:
    minutes = max(1, math.ceil(seconds / 60))
    return Text("Try again in a minute.") if minutes == 1 else again_in(60 * minutes)
