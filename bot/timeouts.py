"""Time limits of outgoing calls: seconds while a user waits, longer for a worker."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

PERSON_SECONDS = 5.0  # of one call in all: its retries, its waits and its place in a queue
JOB_SECONDS = 30.0  # that a worker waits inside of a call; a longer wait is an error with `retry_after`
LONGEST_WAIT = 86_400.0
MOST = 10_000
_PERSON_WAITS: ContextVar[bool] = ContextVar("person_waits", default=False)
_LATEST: ContextVar[float] = ContextVar("latest", default=math.inf)


def person_waits() -> bool:
    """Return whether a user waits for the result of the current task."""
    return _PERSON_WAITS.get()


@contextmanager
def for_a_person(waits: bool = True) -> Iterator[None]:
    """Mark the block, and the tasks begun in it, as done while a user waits; with False as done for a worker."""
    token = _PERSON_WAITS.set(waits)
    try:
        yield
    finally:
        _PERSON_WAITS.reset(token)


@contextmanager
def no_later_than(at: float) -> Iterator[None]:
    """Let no wait in the block, or in the tasks begun in it, end after this time.monotonic(): when a lease lapses."""
    token = _LATEST.set(min(at, _LATEST.get()))
    try:
        yield
    finally:
        _LATEST.reset(token)


def time_left() -> float:
    """Return the seconds until the time that `no_later_than` set; infinite without one, 0 when it is over."""
    return max(0.0, _LATEST.get() - time.monotonic())


def longest_wait() -> float:
    """Return the seconds that all waits of one call may take together, before it is repeated.

    Every wait that a server asks for is held against this, so no cap can be forgotten: the SDK's own handler sleeps
    for any `Retry-After`, inside of the call.
    """
    return min(PERSON_SECONDS if person_waits() else JOB_SECONDS, time_left())


def call_limit() -> float | None:
    """Return the seconds a call that may be broken off may take with everything in it; None: no limit but its own."""
    limit = min(PERSON_SECONDS if person_waits() else math.inf, time_left())
    return None if math.isinf(limit) else limit


class RateLimitDeadlines:
    """Times before which a method may not be called again, because the server said so."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def left(self, name: str) -> float:
        """Return the seconds until `name` may be called; 0 when it may be called now."""
        return max(0.0, self._until.get(name, 0.0) - self._clock())

    def limit(self, name: str, seconds: float) -> None:
        """Forbid calls of `name` for so many seconds."""
        now = self._clock()
        if len(self._until) >= MOST:
            self._until = {key: until for key, until in self._until.items() if until > now}
        self._until[name] = max(self._until.get(name, 0.0), now + seconds)


def retry_after(header: str | None, *, otherwise: float) -> float:
    """Return the seconds of a Retry-After header; `otherwise` when it has none that can be read."""
    try:
        wait = float(header or "")
    except ValueError:
        return otherwise
    return min(wait, LONGEST_WAIT) if wait >= 0 and not math.isnan(wait) else otherwise
