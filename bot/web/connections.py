"""Limit open connections: their number, the time of each, and which to close when there are too many."""

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
RESERVE_SECONDS = 2.0  # for the headers of a request on a connection for health checks only
HEALTH = frozenset({"/healthz", "/readyz"})

# aiohttp would log a traceback for a request that is not HTTP; it is counted instead.
_quiet = logging.getLogger("bot.web.connections.aiohttp")
_quiet.setLevel(logging.CRITICAL + 1)


class ConnectionLimits(Struct, frozen=True):
    """The timeouts of a connection in seconds, and the maximum number of connections.

    `head` is for a request's line and headers, `body` for its body, `whole` until its response was sent, `idle` between
    two requests: more than the 60 s after which load balancers disconnect. Beyond `most` connections only health checks
    are answered, on `reserve` more.
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
    """The open connections, sorted by their last request, the most recent one last."""

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
        """Whether new connections are only for health checks."""
        return len(self._connections) >= self.limits.most

    def add(self, visitor: ClientConnection) -> None:
        """Add a connection, or close it if there are too many."""
        if self.is_full:
            self.log_limit("connections")
            self.drop_one()
        visitor.health_only = visitor.health_only or self.is_full
        if len(self._connections) >= self.limits.most + self.limits.reserve:
            visitor.drop(ConnectionEnd.FULL)
        self._connections[visitor] = None
        self._empty.clear()

    async def wait_until_empty(self, seconds: float) -> None:
        """Wait until every connection has ended, at most `seconds`."""
        if self._connections:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), seconds)

    def drop_one(self) -> bool:
        """Close the connection that has been idle for longest; return False if all are busy."""
        visitor = next(self._idle(), None)
        if visitor is None:
            return False
        del self._connections[visitor]
        visitor.drop(ConnectionEnd.FULL)
        return True

    def mark_idle(self, visitor: ClientConnection) -> None:
        """Mark a connection as idle; it is the last of the idle ones to be closed."""
        if visitor in self._connections:
            del self._connections[visitor]
            self._connections[visitor] = None

    def remove(self, visitor: ClientConnection) -> None:
        """Remove a connection that has ended."""
        self._connections.pop(visitor, None)
        if not self._connections:
            self._empty.set()

    def log_limit(self, what: str) -> None:
        """Log an error that can occur a thousand times a second, at most one line in a while."""
        if times := self._log_throttle.due(what):
            log.warning("web.too_many", what=what, open=len(self._connections), times=times)

    def _idle(self) -> Iterator[ClientConnection]:
        return (visitor for visitor in self._connections if not visitor.working)


def _ignore_refusal(_why: ConnectionEnd) -> None:
    """Ignore the reason; there are no metrics yet."""


class ClientConnection(web.RequestHandler):
    """aiohttp's connection with timeouts, and without tracebacks for invalid requests."""

    __slots__ = ("_ends", "_pool", "health_only", "working")

    def __init__(self, server: web.Server, pool: ConnectionPool, *, health_only: bool = False) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # it would write the webhook's secret and claim tickets
            logger=_quiet,
            keepalive_timeout=pool.limits.idle,
            lingering_time=2.0,
            auto_decompress=False,  # no client compresses its requests, and the decompressed size would be unlimited
        )
        self._pool = pool
        self._ends: asyncio.TimerHandle | None = None
        self.health_only = health_only
        self.working = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Join the pool, and start the timeout for the headers of the first request."""
        super().connection_made(transport)
        self._pool.add(self)
        self._start_clock(
            min(self.limits.head, RESERVE_SECONDS) if self.health_only else self.limits.head, ConnectionEnd.SLOW
        )

    def connection_lost(self, error: BaseException | None) -> None:
        """Leave the pool."""
        self._stop_clock()
        self._pool.remove(self)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """Start the timeout of a request at its first byte."""
        if self._ends is None:
            self._start_clock(self.limits.head, ConnectionEnd.SLOW)
        super().data_received(data)

    @property
    def limits(self) -> ConnectionLimits:
        """The limits of this connection."""
        return self._pool.limits

    def begin(self) -> None:
        """Start to handle a request whose headers have arrived."""
        self.working = True
        self._start_clock(self.limits.whole, ConnectionEnd.STUCK)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Wait for the body; meanwhile the connection counts as idle, and may be closed if there are too many."""
        self.working = False
        try:
            yield
        finally:
            self.working = True

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the response and mark the connection as idle."""
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._end()

    def _end(self) -> None:
        self.working = False
        self._pool.mark_idle(self)
        if self.transport is not None and self.transport.get_write_buffer_size():
            self._start_clock(self.limits.whole, ConnectionEnd.STUCK)  # for a client that does not read
        else:
            self._stop_clock()

    def drop(self, why: ConnectionEnd) -> None:
        """Close the connection at once."""
        self._pool.on_refused(why)
        if self.transport is not None:
            self.transport.abort()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Count an invalid request without logging it."""
        self._pool.on_refused(ConnectionEnd.MALFORMED if status < 500 else ConnectionEnd.BROKE)
        answer = web.Response(status=status, text=f"{status}\n")
        answer.force_close()
        return answer

    def log_exception(self, *_: Any, **__: Any) -> None:
        """Log nothing: these errors are of broken connections, and our own are logged where they are caught."""
        self._pool.on_refused(ConnectionEnd.BROKE)

    def _start_clock(self, seconds: float, why: ConnectionEnd) -> None:
        self._stop_clock()
        self._ends = asyncio.get_running_loop().call_later(seconds, self.drop, why)

    def _stop_clock(self) -> None:
        if self._ends is not None:
            self._ends.cancel()
            self._ends = None
