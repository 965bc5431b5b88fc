"""A fair queue: a few requests of each user run concurrently, the others wait in the user's own queue."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from bot.exceptions import Overloaded

EACH = 4  # concurrent requests per person
AT_ONCE = 256  # concurrent requests: more than can wait for Applivery and for hanging methods of Slack
FROM_LINE = 2  # concurrent requests per person that come from the queue: halves the delay by one person's flood
LINE = 100  # waiting requests per person
LINES = 2000  # waiting requests in all


class FairQueue:
    """Serve users round-robin: one request of each waiting user starts before the second of another."""

    def __init__(self, *, each: int = EACH, at_once: int = AT_ONCE, line: int = LINE, lines: int = LINES) -> None:
        self._each, self._at_once, self._max_waiting_each, self._max_waiting = each, at_once, line, lines
        self._running: Counter[str] = Counter()
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}
        self._waiting = 0

    def is_full(self, person: str) -> bool:
        """Return whether another request of this person would be rejected."""
        return len(self._queues.get(person, ())) >= self._max_waiting_each or self._waiting >= self._max_waiting

    def enter(self, person: str) -> AbstractAsyncContextManager[None]:
        """Queue a request of this person now; the returned context is entered when its turn comes.

        Raises Overloaded when too many wait already. The caller must enter the context.
        """
        if person not in self._queues and self._may_run(person, self._each):
            self._running[person] += 1
            return self._wait_turn(person, None)
        if self.is_full(person):
            raise Overloaded
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(person, deque()).append(called)
        self._waiting += 1
        return self._wait_turn(person, called)

    @asynccontextmanager
    async def _wait_turn(self, person: str, called: asyncio.Future[None] | None) -> AsyncIterator[None]:
        if called is not None:
            try:
                await called
            except asyncio.CancelledError:
                self._abandon(person, called)
                raise
        try:
            yield
        finally:
            self._running[person] -= 1
            self._start_next()

    def _abandon(self, person: str, called: asyncio.Future[None]) -> None:
        """Leave the queue after a cancellation; if the turn had come already, pass it on."""
        if called.done() and not called.cancelled():
            self._running[person] -= 1
        else:
            self._queues[person].remove(called)
            self._waiting -= 1
            if not self._queues[person]:
                del self._queues[person]
        self._start_next()

    def _may_run(self, person: str, most: int) -> bool:
        return self._running[person] < most and self._running.total() < self._at_once

    def _start_next(self) -> None:
        """Start one request of each waiting user, in turn, within the limits."""
        self._running = +self._running  # drops users with a count of zero
        for person in list(self._queues):
            if self._may_run(person, min(self._each, FROM_LINE)):
                line = self._queues.pop(person)
                line.popleft().set_result(None)
                self._running[person] += 1
                self._waiting -= 1
                if line:
                    self._queues[person] = line  # at the end of the rotation
