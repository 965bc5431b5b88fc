"""Socket Mode: several connections, a watchdog over each, and the truth about whether Slack reaches us."""

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
LINGER_SECONDS = 30.0  # that an old connection is still read; Slack closes it ten seconds after its warning

# To come back at once would only be refused again.
REFUSALS = {
    "link_disabled": "Socket Mode is turned off for this app: turn it on at api.slack.com/apps, under Socket Mode",
    "too_many_websockets": "Slack's ten connections are taken: stop what else uses SLACK_APP_TOKEN",
}


class SocketPool:
    """Keeps `count` Socket Mode connections open: with two, a lost one leaves no gap.

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
            metrics.socket_disconnects.labels(reason)  # from the start, so that Prometheus sees the first
        self._ping_seconds, self._check_seconds, self._rebuild_seconds = ping_seconds, check_seconds, rebuild_seconds

        def connection(told_to_go: ToldToGo) -> SocketModeConnection:
            return SocketModeConnection(
                receive, client=client, app_token=app_token, ping_seconds=ping_seconds, on_disconnect=told_to_go
            )

        self._slots = [_SocketSlot(connection, linger_seconds, metrics) for _ in range(count)]
        self._watch: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to connect, and watch from now on; returns at once."""
        for line in self._slots:
            line.current.start()
        self._watch = asyncio.create_task(self._watch_slots())

    @property
    def count(self) -> int:
        """How many there are to be."""
        return len(self._slots)

    @property
    def hello_at(self) -> float | None:
        """When Slack said hello on any of them, the last time (time.monotonic()); None before the first."""
        return max((at for line in self._slots if (at := line.hello_at) is not None), default=None)

    @property
    def last_error(self) -> str:
        """What keeps the first line that is down from connecting, as far as is known."""
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
            except Exception as error:  # the watchdog survives every error of the SDK
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
        # A ticket address works once, and the SDK tries the same one for ever after a refused handshake.
        slot.current.wss_uri = None
        if down > self._rebuild_seconds and now - slot.built_at > self._rebuild_seconds:
            await slot.reconnect()

    async def close(self) -> None:
        """Hang up, in bounded time."""
        if self._watch:
            self._watch.cancel()
        await asyncio.gather(*(line.close() for line in self._slots))


class _SocketSlot:
    """One connection that is replaced when Slack is about to close it: the new one opens before the old one closes."""

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
        """Return whether Slack reaches us on this line, be it by the connection that is about to go."""
        return any(
            [await connection.is_connected() for connection in (self.current, *(old for _, old in self._closing))]
        )

    @property
    def hello_at(self) -> float | None:
        """When Slack said hello here, the last time."""
        every = (self.current.hello_at, *(old.hello_at for _, old in self._closing))
        return max((at for at in every if at is not None), default=None)

    def _on_disconnect(self, connection: SocketModeConnection, reason: str) -> None:
        if connection is not self.current:
            return  # it is leaving already; Slack says it twice
        self._metrics.socket_disconnects.labels(reason if reason in _KNOWN else "other").inc()
        connection.disable_reconnect()
        if reason in REFUSALS:
            log.warning("slack.socket.refused", reason=reason, so=REFUSALS[reason])
            connection.last_error = reason
            return  # the watchdog tries again after a while
        self._closing.append((time.monotonic() + self._linger, connection))
        self.current = connection.successor = self._make(self._on_disconnect)
        self.built_at = time.monotonic()
        self.current.start()

    async def reap_closed(self) -> None:
        """Hang up the old connections that Slack has closed, or should have."""
        now = time.monotonic()
        gone = [entry for entry in self._closing if entry[1].is_finished or entry[0] < now]
        self._closing = [entry for entry in self._closing if entry not in gone]
        for _, old in gone:
            await old.close_quickly()

    async def reconnect(self) -> None:
        """Give the connection up and make another."""
        await self.current.close_quickly()
        self.current, self.built_at = self._make(self._on_disconnect), time.monotonic()
        self.current.start()

    async def close(self) -> None:
        """Hang up."""
        await asyncio.gather(
            *(connection.close_quickly() for connection in (self.current, *(old for _, old in self._closing)))
        )


_KNOWN = {"warning", "refresh_requested", *REFUSALS}
