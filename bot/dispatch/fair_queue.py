"""A fair queue: a few requests of each user run concurrently, the rest wait in the user's own line."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from bot.exceptions import Overloaded

EACH = 4  # requests of one person at once
AT_ONCE = 256  # more than may wait for Applivery and for methods of Slack that hang
FROM_LINE = 2  # for a user who has sent more than that: a flood delays others half as much
LINE = 100  # requests of one person that wait
LINES = 2000  # requests of all people that wait


class FairQueue:
    """Serve users in turn: each one who waits gets one request begun before another gets a second."""

    def __init__(self, *, each: int = EACH, at_once: int = AT_ONCE, line: int = LINE, lines: int = LINES) -> None:
        self._each, self._at_once, self._max_waiting_each, self._max_waiting = each, at_once, line, lines
        self._running: Counter[str] = Counter()
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}
        self._waiting = 0

    def is_full(self, person: str) -> bool:
        """Return whether no more requests of this person can wait."""
        return len(self._queues.get(person, ())) >= self._max_waiting_each or self._waiting >= self._max_waiting

    def enter(self, person: str) -> AbstractAsyncContextManager[None]:
        """Join the line now: in the block, which begins in turn, one request of this person is worked on.

        Raises Overloaded when too many wait already. The caller has to enter the block.
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
        """Who is cancelled when called already hands the turn on."""
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
        """Begin one request of each user who waits and may, in turn, for as long as there is room."""
        self._running = +self._running  # without those who have none any more
        for person in list(self._queues):
            if self._may_run(person, min(self._each, FROM_LINE)):
                line = self._queues.pop(person)
                line.popleft().set_result(None)
                self._running[person] += 1
                self._waiting -= 1
                if line:
                    self._queues[person] = line  # behind all others
