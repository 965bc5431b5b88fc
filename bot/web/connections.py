"""Open connections: how many there may be, how long each may take, and which has to go when there are too many."""

from __future__ import annotations

import asyncio
import logging
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from aiohttp import web
from msgspec import Struct

from bot.domain.outcomes import ConnectionEnd
from bot.observability.logging import LogThrottle, logger

log = logger(__name__)

MOST, RESERVE = 512, 16
RESERVE_SECONDS = 2.0  # for the head of a request that is let in to ask about health only
HEALTH = frozenset({"/healthz", "/readyz"})

# aiohttp logs a traceback for a request that is not HTTP; ours counts it instead.
_quiet = logging.getLogger("bot.web.connections.aiohttp")
_quiet.setLevel(logging.CRITICAL + 1)


class ConnectionLimits(Struct, frozen=True):
    """What a connection may take, in seconds, and how many there may be at once.

    `head` is for a request's line and headers, `body` for its body, `whole` until its answer has left, `idle` between
    two requests: more than the 60 s after which load balancers hang up. Beyond `most` connections only health is
    answered, on `reserve` more.
    """

    head: float = 10.0
    body: float = 10.0
    whole: float = 90.0
    idle: float = 75.0
    most: int = MOST
    reserve: int = RESERVE

    @classmethod
    def of_this_process(cls) -> ConnectionLimits:
        """Return the limits that leave half of the file descriptors for everything else."""
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return cls() if soft == resource.RLIM_INFINITY else cls(most=max(8, min(MOST, soft // 2 - RESERVE)))


class ConnectionPool:
    """The connections there are, the one that was last busy at the end."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self.on_refused: Callable[[ConnectionEnd], None] = (
            _ignore_refusal  # called with the reason for each connection that is dropped
        )
        self._connections: dict[ClientConnection, None] = {}
        self._empty = asyncio.Event()
        self._log_throttle = LogThrottle()

    def __len__(self) -> int:
        return len(self._connections)

    @property
    def is_full(self) -> bool:
        """Whether who comes now is asked about health only."""
        return len(self._connections) >= self.limits.most

    def add(self, visitor: ClientConnection) -> None:
        """Add a connection; close it when there are too many."""
        if self.is_full:
            self.log_limit("connections")
            self.drop_one()
        visitor.health_only = visitor.health_only or self.is_full
        if len(self._connections) >= self.limits.most + self.limits.reserve:
            visitor.drop(ConnectionEnd.FULL)
        self._connections[visitor] = None
        self._empty.clear()

    async def wait_until_empty(self, seconds: float) -> None:
        """Wait until every connection has ended, `seconds` at most."""
        if self._connections:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), seconds)

    def drop_one(self) -> bool:
        """Hang up on the one that has had no request for longest; False when all are busy."""
        visitor = next(self._idle(), None)
        if visitor is None:
            return False
        del self._connections[visitor]
        visitor.drop(ConnectionEnd.FULL)
        return True

    def mark_idle(self, visitor: ClientConnection) -> None:
        """Mark a connection as answered: it is the last to be dropped when there are too many."""
        if visitor in self._connections:
            del self._connections[visitor]
            self._connections[visitor] = None

    def remove(self, visitor: ClientConnection) -> None:
        """Remove a connection that has ended."""
        self._connections.pop(visitor, None)
        if not self._connections:
            self._empty.set()

    def log_limit(self, what: str) -> None:
        """Log one line about an error that can occur a thousand times a second."""
        if times := self._log_throttle.due(what):
            log.warning("web.too_many", what=what, open=len(self._connections), times=times)

    def _idle(self) -> Iterator[ClientConnection]:
        return (visitor for visitor in self._connections if not visitor.working)


def _ignore_refusal(_why: ConnectionEnd) -> None:
    """Ignore the reason; there are no metrics yet."""


class ClientConnection(web.RequestHandler):
    """One connection: aiohttp's, with a time for each thing it may do, and no traceback by what a stranger sends."""

    __slots__ = ("_ends", "_pool", "health_only", "working")

    def __init__(self, server: web.Server, pool: ConnectionPool, *, health_only: bool = False) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # it would write the webhook's secret and claim tickets
            logger=_quiet,
            keepalive_timeout=pool.limits.idle,
            lingering_time=2.0,
            auto_decompress=False,  # what is sent to us is never packed, and unpacked it has no bound
        )
        self._pool = pool
        self._ends: asyncio.TimerHandle | None = None
        self.health_only = health_only
        self.working = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a place, and have so long for the first request's head."""
        super().connection_made(transport)
        self._pool.add(self)
        self._start_clock(
            min(self.limits.head, RESERVE_SECONDS) if self.health_only else self.limits.head, ConnectionEnd.SLOW
        )

    def connection_lost(self, error: BaseException | None) -> None:
        """Give the place back."""
        self._stop_clock()
        self._pool.remove(self)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """A request's first byte starts its clock."""
        if self._ends is None:
            self._start_clock(self.limits.head, ConnectionEnd.SLOW)
        super().data_received(data)

    @property
    def limits(self) -> ConnectionLimits:
        """What it may take."""
        return self._pool.limits

    def begin(self) -> None:
        """A request's head is here."""
        self.working = True
        self._start_clock(self.limits.whole, ConnectionEnd.STUCK)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While its body comes it is not busy yet: when there are too many connections, it may have to go."""
        self.working = False
        try:
            yield
        finally:
            self.working = True

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the answer, and mark the connection as idle."""
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._end()

    def _end(self) -> None:
        self.working = False
        self._pool.mark_idle(self)
        if self.transport is not None and self.transport.get_write_buffer_size():
            self._start_clock(self.limits.whole, ConnectionEnd.STUCK)  # a client that does not read
        else:
            self._stop_clock()

    def drop(self, why: ConnectionEnd) -> None:
        """Hang up at once."""
        self._pool.on_refused(why)
        if self.transport is not None:
            self.transport.abort()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Count what is no request, and say no more about it than that."""
        self._pool.on_refused(ConnectionEnd.MALFORMED if status < 500 else ConnectionEnd.BROKE)
        answer = web.Response(status=status, text=f"{status}\n")
        answer.force_close()
        return answer

    def log_exception(self, *_: Any, **__: Any) -> None:
        """What is left is about a connection that broke; our own faults are logged where they are caught."""
        self._pool.on_refused(ConnectionEnd.BROKE)

    def _start_clock(self, seconds: float, why: ConnectionEnd) -> None:
        self._stop_clock()
        self._ends = asyncio.get_running_loop().call_later(seconds, self.drop, why)

    def _stop_clock(self) -> None:
        if self._ends is not None:
            self._ends.cancel()
            self._ends = None
