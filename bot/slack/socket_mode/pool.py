"""Socket Mode: several connections, a watchdog over each, and the truth about whether Slack reaches us."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from slack_bolt.async_app import AsyncApp

from bot.exceptions import kind_of
from bot.observability.logging import logger
from bot.observability.metrics import Metrics
from bot.slack.socket_mode.client import SocketModeConnection, ToldToGo

log = logger(__name__)

PING_SECONDS = 10.0  # the SDK calls a connection stale after four silent pings
LOOK_SECONDS = 2.0
REBUILD_SECONDS = 60.0
LINGER_SECONDS = 30.0  # that an old connection is heard out; Slack closes it ten seconds after it has said so

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
        app: AsyncApp,
        *,
        app_token: str,
        count: int,
        metrics: Metrics,
        ping_seconds: float = PING_SECONDS,
        look_seconds: float = LOOK_SECONDS,
        rebuild_seconds: float = REBUILD_SECONDS,
        linger_seconds: float = LINGER_SECONDS,
    ) -> None:
        self._metrics = metrics
        self._ping, self._look_every, self._rebuild = ping_seconds, look_seconds, rebuild_seconds

        def connection(told_to_go: ToldToGo) -> SocketModeConnection:
            return SocketModeConnection(app, app_token=app_token, ping_seconds=ping_seconds, told_to_go=told_to_go)

        self._lines = [_SocketSlot(connection, linger_seconds, metrics) for _ in range(count)]
        self._watch: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to connect, and watch from now on; returns at once."""
        for line in self._lines:
            line.now.start()
        self._watch = asyncio.create_task(self._watching())

    @property
    def count(self) -> int:
        """How many there are to be."""
        return len(self._lines)

    @property
    def greeted(self) -> float | None:
        """When Slack said hello on any of them, the last time (time.monotonic()); None before the first."""
        return max((at for line in self._lines if (at := line.greeted) is not None), default=None)

    @property
    def trouble(self) -> str:
        """What keeps the first line that is down from connecting, as far as is known."""
        return next((line.now.trouble for line in self._lines if line.now.current_session is None), "it was closed")

    async def connected(self) -> int:
        """On how many lines we are really heard now (the SDK's own example forgets to await this)."""
        return sum([await line.connected() for line in self._lines])

    async def _watching(self) -> None:
        while True:
            try:
                for line in self._lines:
                    await self._look(line)
                self._metrics.sockets.set(await self.connected())
            except Exception as error:  # the watchdog survives every error of the SDK
                log.exception("slack.socket.error", error=kind_of(error))
            await asyncio.sleep(self._look_every)

    async def _look(self, line: _SocketSlot) -> None:
        await line.let_go()
        now = time.monotonic()
        if await line.now.is_connected():
            if line.announced:
                log.info("slack.socket.back", seconds=round(now - line.up_at))
            line.up_at, line.announced = now, False
            return
        down = now - line.up_at
        if down > self._ping and not line.announced:
            log.warning("slack.socket.down", seconds=round(down), trouble=line.now.trouble)
            line.announced = True
        # A ticket address works once, and the SDK tries the same one for ever after a refused handshake.
        line.now.wss_uri = None
        if down > self._rebuild and now - line.built_at > self._rebuild:
            await line.build_anew()

    async def close(self) -> None:
        """Hang up, in bounded time."""
        if self._watch:
            self._watch.cancel()
        await asyncio.gather(*(line.close() for line in self._lines))


class _SocketSlot:
    """One connection that is replaced when Slack is about to close it: the new one first, then the old one goes."""

    def __init__(
        self, make: Callable[[ToldToGo], SocketModeConnection], linger_seconds: float, metrics: Metrics
    ) -> None:
        self._make = make
        self._linger = linger_seconds
        self._metrics = metrics
        self._leaving: list[tuple[float, SocketModeConnection]] = []
        self.now = make(self._told_to_go)
        self.up_at = self.built_at = time.monotonic()
        self.announced = False

    async def connected(self) -> bool:
        """Whether Slack reaches us on this line, be it by the connection that is about to go."""
        return any([await connection.is_connected() for connection in (self.now, *(old for _, old in self._leaving))])

    @property
    def greeted(self) -> float | None:
        """When Slack said hello here, the last time."""
        every = (self.now.greeted, *(old.greeted for _, old in self._leaving))
        return max((at for at in every if at is not None), default=None)

    def _told_to_go(self, connection: SocketModeConnection, reason: str) -> None:
        if connection is not self.now:
            return  # it is leaving already; Slack says it twice
        self._metrics.socket_disconnects.labels(reason if reason in _KNOWN else "other").inc()
        connection.stay_away()
        if reason in REFUSALS:
            log.warning("slack.socket.refused", reason=reason, so=REFUSALS[reason])
            connection.trouble = reason
            return  # the watchdog tries again after a while
        self._leaving.append((time.monotonic() + self._linger, connection))
        self.now = connection.successor = self._make(self._told_to_go)
        self.built_at = time.monotonic()
        self.now.start()

    async def let_go(self) -> None:
        """Hang up the old connections that Slack has closed, or should have."""
        now = time.monotonic()
        gone = [entry for entry in self._leaving if entry[1].over or entry[0] < now]
        self._leaving = [entry for entry in self._leaving if entry not in gone]
        for _, old in gone:
            await old.hang_up()

    async def build_anew(self) -> None:
        """Give the connection up and make another."""
        await self.now.hang_up()
        self.now, self.built_at = self._make(self._told_to_go), time.monotonic()
        self.now.start()

    async def close(self) -> None:
        """Hang up."""
        await asyncio.gather(*(connection.hang_up() for connection in (self.now, *(old for _, old in self._leaving))))


_KNOWN = {"warning", "refresh_requested", *REFUSALS}
