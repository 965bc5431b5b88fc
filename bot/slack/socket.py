"""Socket Mode: several connections, a watchdog over each, and the truth about whether Slack reaches us."""

from __future__ import annotations

import asyncio
import logging
import time

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from bot.telemetry import Metrics, logger

log = logger(__name__)

PING_SECONDS = 10.0  # the SDK calls a connection stale after four silent pings
LOOK_SECONDS = 2.0
REBUILD_SECONDS = 60.0
CLOSE_SECONDS = 3.0

# The SDK logs a traceback for each failed attempt; the watchdog says it once, in words.
_quiet = logging.getLogger("bot.slack.socket.sdk")
_quiet.setLevel(logging.CRITICAL)


class Sockets:
    """Keeps `count` Socket Mode connections open: with two, a refresh of one leaves no gap.

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
    ) -> None:
        self._app = app
        self._app_token = app_token
        self._metrics = metrics
        self._ping, self._look_every, self._rebuild = ping_seconds, look_seconds, rebuild_seconds
        self._lines = [_Line(self._connection()) for _ in range(count)]
        self._watch: asyncio.Task[None] | None = None

    def _connection(self) -> AsyncSocketModeHandler:
        return AsyncSocketModeHandler(self._app, self._app_token, logger=_quiet, ping_interval=self._ping)

    def start(self) -> None:
        """Begin to connect, and watch from now on; returns at once."""
        for line in self._lines:
            line.connect()
        self._watch = asyncio.create_task(self._watching())

    async def connected(self) -> int:
        """How many connections are really open now (the SDK's own example forgets to await this)."""
        return sum([await line.handler.client.is_connected() for line in self._lines])

    async def _watching(self) -> None:
        while True:
            for line in self._lines:
                await self._look(line)
            self._metrics.sockets.set(await self.connected())
            await asyncio.sleep(self._look_every)

    async def _look(self, line: _Line) -> None:
        now = time.monotonic()
        if await line.handler.client.is_connected():
            if line.announced:
                log.info("slack.socket.back", seconds=round(now - line.up_at))
            line.up_at, line.announced = now, False
            return
        down = now - line.up_at
        if down > self._ping and not line.announced:
            log.warning("slack.socket.down", seconds=round(down))
            line.announced = True
        # A ticket address works once, and the SDK tries the same one for ever after a refused handshake.
        line.handler.client.wss_uri = None
        if down > self._rebuild and now - line.built_at > self._rebuild:
            await line.close()
            line.handler, line.built_at = self._connection(), now
            line.connect()

    async def close(self) -> None:
        """Hang up, in bounded time: an SDK client has been seen to hang while closing."""
        if self._watch:
            self._watch.cancel()
        await asyncio.gather(*(line.close() for line in self._lines))


class _Line:
    """One connection, when it was last up, and whether its outage has been told."""

    def __init__(self, handler: AsyncSocketModeHandler) -> None:
        self.handler = handler
        self.up_at = self.built_at = time.monotonic()
        self.announced = False
        self._connecting: asyncio.Task[None] | None = None

    def connect(self) -> None:
        self._connecting = asyncio.create_task(self.handler.connect_async())

    async def close(self) -> None:
        if self._connecting:
            self._connecting.cancel()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.handler.close_async()
        except (TimeoutError, OSError, RuntimeError) as error:
            log.info("slack.socket.close_failed", error=type(error).__name__)
