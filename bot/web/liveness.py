"""The listening socket, which answers liveness checks until the bot has started."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from contextlib import suppress
from ipaddress import ip_address

from aiohttp import web
from msgspec import Struct

from bot.domain.outcomes import ConnectionEnd
from bot.exceptions import StartupError
from bot.i18n import english
from bot.web.connections import HEALTH, ClientConnection, ConnectionLimits, ConnectionPool

# A client beyond the backlog is not refused but retries after a second, a third of Slack's timeout.
# https://docs.kernel.org/networking/ip-sysctl.html (somaxconn)
BACKLOG = 1024
METRICS_CONNECTIONS = 32  # on a port that only supervisors and Prometheus use
AT_ONCE = 64  # connections to accept before other tasks run
PAUSE_SECONDS = 0.05  # after running out of file descriptors
SPARES = 8
_NONE_LEFT = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_HEALTH = tuple(f"{method} {path}".encode() for method in ("GET", "HEAD") for path in HEALTH)


class LivenessServer:
    """A listening socket and its first responses: only `/healthz`, and 503 for everything else.

    The start can take long if a database is being migrated, and the supervisor would kill a process that does not
    answer meanwhile.

    It accepts connections itself, because asyncio's server retries `BACKLOG` times and logs each failure when there are
    no file descriptors left. Some are reserved for that case, to answer health checks.
    """

    def __init__(self, sockets: list[socket.socket], limits: ConnectionLimits) -> None:
        self.pool = ConnectionPool(limits)
        self._server = web.Server(_answer_starting, access_log=None)
        self._sockets = sockets
        self._spares: list[int] = []
        self._shutdown_task: asyncio.Task[None] | None = None
        self._connect_tasks: set[asyncio.Task[None]] = set()
        self.port: int = sockets[0].getsockname()[1]
        self._refill()
        for sock in sockets:
            self._listen(sock)

    @classmethod
    async def open(
        cls, host: str, port: int, limits: ConnectionLimits | None = None, *, setting: str = "PORT"
    ) -> LivenessServer:
        """Start to listen; port 0 is any free one. Raises StartupError with the setting if the address is unusable."""
        try:
            return cls(await _bind(host, port), limits or ConnectionLimits.of_this_process())
        except (OSError, UnicodeError) as error:  # UnicodeError for an invalid host name
            why = getattr(error, "strerror", None) or "that is no host"
            raise StartupError(
                english(f"Port {port} of {_display_host(host)} cannot be used: {why}."),
                english(f"Another process may have it; set {setting} to a free one."),
            ) from error

    def hand_over(self, server: web.Server) -> None:
        """Pass new connections to the server; close open keep-alive connections."""
        self._shutdown_task = asyncio.create_task(self._server.shutdown(1.0))
        self._server = server

    def close(self) -> None:
        """Stop listening; idempotent. Waiting connections are accepted first, as closing would reset them."""
        for sock in self._sockets:
            asyncio.get_running_loop().remove_reader(sock)
            self._accept_connections(sock)
            sock.close()
        self._sockets = []
        while self._spares:
            os.close(self._spares.pop())

    async def finish(self, seconds: float) -> None:
        """Stop listening, and wait at most `seconds` for the open connections to end."""
        self.close()
        await asyncio.gather(*self._connect_tasks)
        await self.pool.wait_until_empty(seconds)

    # ------------------------------------------------------------------ accepting connections

    def _listen(self, at: socket.socket) -> None:
        if at in self._sockets:
            asyncio.get_running_loop().add_reader(at, self._accept_connections, at)

    def _accept_connections(self, at: socket.socket) -> None:
        for _ in range(AT_ONCE):
            try:
                come = _accept(at)
            except OSError as error:
                if error.errno not in _NONE_LEFT:
                    raise
                self._accept_without_descriptors(at)
                return
            if come is None:
                break
            self._forward(come, health_only=False)
        self._refill()

    def _accept_without_descriptors(self, at: socket.socket) -> None:
        """Close an idle connection; if there is none, accept health checks on the reserved descriptors.

        If that does not help either, stop accepting for a moment.
        """
        self.pool.log_limit("descriptors")
        if self.pool.drop_one():
            return  # its descriptor is free at the next call
        for _ in range(AT_ONCE):
            if not self._spares:
                break
            os.close(self._spares.pop())
            try:
                come = _accept(at)
            except OSError:
                break
            if come is None:
                self._refill()
                return
            self._forward_or_refuse(come)
        loop = asyncio.get_running_loop()
        loop.remove_reader(at)
        loop.call_later(PAUSE_SECONDS, self._listen_again, at)

    def _forward_or_refuse(self, come: socket.socket) -> None:
        """Accept a connection that asks about health or has sent nothing yet; refuse all others."""
        if _may_ask_about_health(come):
            self._forward(come, health_only=True)
        else:
            come.close()
            self.pool.on_refused(ConnectionEnd.FULL)
            self._refill()

    def _listen_again(self, at: socket.socket) -> None:
        self._refill()
        self._listen(at)

    def _refill(self) -> None:
        while len(self._spares) < SPARES and (number := _open_spare()) is not None:
            self._spares.append(number)

    def _forward(self, come: socket.socket, *, health_only: bool) -> None:
        task = asyncio.create_task(self._connect(come, health_only))
        self._connect_tasks.add(task)
        task.add_done_callback(self._connect_tasks.discard)

    async def _connect(self, come: socket.socket, health_only: bool) -> None:
        def visitor() -> ClientConnection:
            return ClientConnection(self._server, self.pool, health_only=health_only)

        try:
            await asyncio.get_running_loop().connect_accepted_socket(visitor, come)
        except OSError:
            come.close()
            self.pool.on_refused(ConnectionEnd.BROKE)


class Listeners(Struct, frozen=True):
    """The listening sockets: the public one and, if configured, a separate one for metrics and readiness."""

    public: LivenessServer
    metrics: LivenessServer | None = None

    @classmethod
    async def open(
        cls, host: str, port: int, metrics_port: int | None = None, limits: ConnectionLimits | None = None
    ) -> Listeners:
        """Start to listen on all of them. Raises StartupError if one cannot be used."""
        public = await LivenessServer.open(host, port, limits)
        if metrics_port is None:
            return cls(public)
        try:
            few = limits or ConnectionLimits(most=METRICS_CONNECTIONS)
            return cls(public, await LivenessServer.open(host, metrics_port, few, setting="METRICS_PORT"))
        except StartupError:
            public.close()
            raise

    def close(self) -> None:
        """Stop listening; idempotent."""
        self.public.close()
        if self.metrics:
            self.metrics.close()


def _display_host(host: str) -> str:
    """Return the host if it is an address; a name is not shown, since it may be the value of another setting."""
    with suppress(ValueError):
        return str(ip_address(host))
    return host if host in ("", "localhost") else "HOST"


async def _bind(host: str, port: int) -> list[socket.socket]:
    """Return a socket for each address of a host."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    try:
        for family, address in dict.fromkeys((item[0], item[4]) for item in found):
            # "::" alone takes IPv4 too. https://docs.python.org/3/library/socket.html#socket.create_server
            both = host == "::" and socket.has_dualstack_ipv6()
            sock = socket.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=both)
            sock.setblocking(False)
            sockets.append(sock)
    except OSError:
        for each_sock in sockets:
            each_sock.close()
        raise
    return sockets


def _accept(at: socket.socket) -> socket.socket | None:
    """Return the next waiting connection, if any. Raises OSError if there is no descriptor left."""
    try:
        come, _ = at.accept()
    except (BlockingIOError, InterruptedError, ConnectionAbortedError):
        return None
    come.setblocking(False)
    return come


def _may_ask_about_health(come: socket.socket) -> bool:
    try:
        start = come.recv(max(map(len, _HEALTH)), socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return any(start[: len(data)] == data[: len(start)] for data in _HEALTH)


def _open_spare() -> int | None:
    try:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


async def _answer_starting(request: web.BaseRequest) -> web.Response:
    if request.path == "/healthz":
        answer = web.Response(text="alive\n")
    else:
        answer = web.Response(status=503, text="starting\n", headers={"Retry-After": "1"})
    answer.force_close()  # so that the next request uses a new connection, to the started server
    return answer
