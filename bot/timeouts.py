"""Time limits of outgoing calls: seconds while a user waits, longer for a worker."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

PERSON_SECONDS = 5.0  # of one call in total, with retries, waits and queueing
JOB_SECONDS = 30.0  # a worker waits at most this long within a call; a longer wait raises an error with `retry_after`
LONGEST_WAIT = 86_400.0
MOST = 10_000
_PERSON_WAITS: ContextVar[bool] = ContextVar("person_waits", default=False)
_LATEST: ContextVar[float] = ContextVar("latest", default=math.inf)


def person_waits() -> bool:
    """Return whether a user waits for the result of the current task."""
    return _PERSON_WAITS.get()


@contextmanager
def for_a_person(waits: bool = True) -> Iterator[None]:
    """Mark the block, and tasks started in it, as work that a user waits for; with False, as a worker's."""
    token = _PERSON_WAITS.set(waits)
    try:
        yield
    finally:
        _PERSON_WAITS.reset(token)


@contextmanager
def no_later_than(at: float) -> Iterator[None]:
    """Limit waits in the block, and in tasks started in it, to this time.monotonic(), such as the end of a lease."""
    token = _LATEST.set(min(at, _LATEST.get()))
    try:
        yield
    finally:
        _LATEST.reset(token)


def time_left() -> float:
    """Return the seconds until the limit of `no_later_than`; infinite without one, 0 after it."""
    return max(0.0, _LATEST.get() - time.monotonic())


def longest_wait() -> float:
    """Return the maximum of all waits of one call in seconds.

    Every wait that a server requests is checked against this: the SDK's handler sleeps for any `Retry-After`.
    """
    return min(PERSON_SECONDS if person_waits() else JOB_SECONDS, time_left())


def call_limit() -> float | None:
    """Return the total timeout in seconds of a call that may be cancelled; None: only the call's own limits."""
    limit = min(PERSON_SECONDS if person_waits() else math.inf, time_left())
    return None if math.isinf(limit) else limit


class RateLimitDeadlines:
    """Times before which a method must not be called again, from the server's rate limits."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def left(self, name: str) -> float:
        """Return the seconds until `name` may be called; 0 when it may be called now."""
        return max(0.0, self._until.get(name, 0.0) - self._clock())

    def limit(self, name: str, seconds: float) -> None:
        """Forbid calls of `name` for `seconds`."""
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
