"""Keep several Socket Mode connections open, check each, and report whether Slack can reach the bot."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from slack_sdk.web.async_client import AsyncWebClient

from bot.exceptions import kind_of
from bot.observability.logging import logger
from bot.observability.metrics import Metrics
from bot.slack.incoming import Receiver
from bot.slack.socket_mode.client import SocketModeConnection, ToldToGo

log = logger(__name__)

PING_SECONDS = 10.0  # the SDK calls a connection stale after four silent pings
LOOK_SECONDS = 2.0
REBUILD_SECONDS = 60.0
LINGER_SECONDS = 30.0  # how long an old connection is still read; Slack closes it ten seconds after its warning

# An immediate new attempt would be refused as well.
REFUSALS = {
    "link_disabled": "Socket Mode is turned off for this app: turn it on at api.slack.com/apps, under Socket Mode",
    "too_many_websockets": "Slack's ten connections are taken: stop what else uses SLACK_APP_TOKEN",
}


class SocketPool:
    """Keep `count` Socket Mode connections open; with two, losing one leaves no gap.

    https://docs.slack.dev/apis/events-api/using-socket-mode
    """

    def __init__(
        self,
        receive: Receiver,
        *,
        client: AsyncWebClient,
        app_token: str,
        count: int,
        metrics: Metrics,
        ping_seconds: float = PING_SECONDS,
        check_seconds: float = LOOK_SECONDS,
        rebuild_seconds: float = REBUILD_SECONDS,
        linger_seconds: float = LINGER_SECONDS,
    ) -> None:
        self._metrics = metrics
        for reason in (*_KNOWN, "other"):
            # created at the start, so that Prometheus sees the first increment
            metrics.socket_disconnects.labels(reason)
        self._ping_seconds, self._check_seconds, self._rebuild_seconds = ping_seconds, check_seconds, rebuild_seconds

        def connection(told_to_go: ToldToGo) -> SocketModeConnection:
            return SocketModeConnection(
                receive, client=client, app_token=app_token, ping_seconds=ping_seconds, on_disconnect=told_to_go
            )

        self._slots = [_SocketSlot(connection, linger_seconds, metrics) for _ in range(count)]
        self._watch: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the connections and the watchdog in the background."""
        for line in self._slots:
            line.current.start()
        self._watch = asyncio.create_task(self._watch_slots())

    @property
    def count(self) -> int:
        """The number of connections to keep open."""
        return len(self._slots)

    @property
    def hello_at(self) -> float | None:
        """When Slack last sent hello on any of them (time.monotonic()); None before the first."""
        return max((at for line in self._slots if (at := line.hello_at) is not None), default=None)

    @property
    def last_error(self) -> str:
        """The last error of the first connection that is down, if known."""
        return next(
            (line.current.last_error for line in self._slots if line.current.current_session is None), "it was closed"
        )

    async def count_connected(self) -> int:
        """Return the number of open connections (the SDK's own example forgets to await this)."""
        return sum([await line.is_connected() for line in self._slots])

    async def _watch_slots(self) -> None:
        while True:
            try:
                for line in self._slots:
                    await self._check_slot(line)
                self._metrics.sockets.set(await self.count_connected())
            except Exception as error:  # the watchdog must survive every error of the SDK
                log.exception("slack.socket.error", error=kind_of(error))
            await asyncio.sleep(self._check_seconds)

    async def _check_slot(self, slot: _SocketSlot) -> None:
        await slot.reap_closed()
        now = time.monotonic()
        if await slot.current.is_connected():
            if slot.announced:
                log.info("slack.socket.back", seconds=round(now - slot.up_at))
            slot.up_at, slot.announced = now, False
            return
        down = now - slot.up_at
        if down > self._ping_seconds and not slot.announced:
            log.warning("slack.socket.down", seconds=round(down), trouble=slot.current.last_error)
            slot.announced = True
        # An address works once, but the SDK would retry the same one for ever after a refused handshake.
        slot.current.wss_uri = None
        if down > self._rebuild_seconds and now - slot.built_at > self._rebuild_seconds:
            await slot.reconnect()

    async def close(self) -> None:
        """Close all connections in bounded time."""
        if self._watch:
            self._watch.cancel()
        await asyncio.gather(*(line.close() for line in self._slots))


class _SocketSlot:
    """A connection that is replaced before Slack closes it: the new one opens first."""

    def __init__(
        self, make: Callable[[ToldToGo], SocketModeConnection], linger_seconds: float, metrics: Metrics
    ) -> None:
        self._make = make
        self._linger = linger_seconds
        self._metrics = metrics
        self._closing: list[tuple[float, SocketModeConnection]] = []
        self.current = make(self._on_disconnect)
        self.up_at = self.built_at = time.monotonic()
        self.announced = False

    async def is_connected(self) -> bool:
        """Return whether Slack can reach the bot here, be it by a connection that is about to be closed."""
        return any(
            [await connection.is_connected() for connection in (self.current, *(old for _, old in self._closing))]
        )

    @property
    def hello_at(self) -> float | None:
        """When Slack last sent hello here (time.monotonic())."""
        every = (self.current.hello_at, *(old.hello_at for _, old in self._closing))
        return max((at for at in every if at is not None), default=None)

    def _on_disconnect(self, connection: SocketModeConnection, reason: str) -> None:
        if connection is not self.current:
            return  # already replaced; Slack sends it twice
        self._metrics.socket_disconnects.labels(reason if reason in _KNOWN else "other").inc()
        connection.disable_reconnect()
        if reason in REFUSALS:
            log.warning("slack.socket.refused", reason=reason, so=REFUSALS[reason])
            connection.last_error = reason
            return  # the watchdog reconnects after a while
        self._closing.append((time.monotonic() + self._linger, connection))
        self.current = connection.successor = self._make(self._on_disconnect)
        self.built_at = time.monotonic()
        self.current.start()

    async def reap_closed(self) -> None:
        """Close the old connections that Slack has closed, or should have."""
        now = time.monotonic()
        gone = [entry for entry in self._closing if entry[1].is_finished or entry[0] < now]
        self._closing = [entry for entry in self._closing if entry not in gone]
        for _, old in gone:
            await old.close_quickly()

    async def reconnect(self) -> None:
        """Close the connection and open another."""
        await self.current.close_quickly()
        self.current, self.built_at = self._make(self._on_disconnect), time.monotonic()
        self.current.start()

    async def close(self) -> None:
        """Close all connections of this slot."""
        await asyncio.gather(
            *(connection.close_quickly() for connection in (self.current, *(old for _, old in self._closing)))
        )


_KNOWN = {"warning", "refresh_requested", *REFUSALS}
