"""A bot that watches many apps for two channels beside a sink that answers at once: builds in, messages out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.http import ClientExchange, get, post
from bench.processes import RunningProcess, app_in, sink
from bot.db import subscriptions
from bot.db.database import Database, utc_now
from bot.domain.model import BuildEvent
from tests.support.postgres import PostgresServer

CHANNELS = ("C0RELEASES", "C0BETA")
DOORBELL = "bench-doorbell"
PATIENCE = 300.0
# As it should be run: what was committed survives a power cut.
SAFE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


@dataclass(frozen=True, slots=True)
class OutboxScenario:
    """A running bot and the sink it asks and tells."""

    bot: RunningProcess
    world: ClientExchange
    door: ClientExchange
    apps: tuple[str, ...]

    async def more(self, builds: int, app: int | None = None) -> float:
        """So many builds more in every app, or in one; gives the epoch seconds."""
        made = await self._said(f"/more/{builds}/{'all' if app is None else app}")
        return float(made["at"])

    async def ring(self, app: int | None = None) -> None:
        """Applivery's webhook, naming an app or none."""
        body = json.dumps({"app": self.apps[app]} if app is not None else {}).encode()
        await self.door.ask(post(f"/webhooks/applivery/{DOORBELL}", body))

    async def heard(self, posts: int) -> float:
        """When the last of so many messages came; raises RuntimeError when one came twice or out of order."""
        async with asyncio.timeout(PATIENCE):
            heard = await self._said(f"/heard/{posts}")
        if (heard["posts"], heard["twice"], heard["ordered"]) != (posts, 0, True):
            raise RuntimeError(f"{posts} messages were expected, and this came: {heard}")
        return float(heard["last"])

    async def settled(self) -> None:
        """Wait until older cards are edited no more."""
        edits = -1
        while edits != (edits := int((await self._said("/heard/0"))["edits"])):
            await asyncio.sleep(3)

    async def asked(self) -> dict[str, int]:
        """How often Applivery was asked for what."""
        return dict(await self._said("/asked"))

    async def _said(self, path: str) -> Any:
        status, body = await self.world.ask(get(path))
        if status != 200:
            raise RuntimeError(f"{path}: {status}")
        return json.loads(body)


@asynccontextmanager
async def scene(apps: int, server: PostgresServer | None = None, **settings: str) -> AsyncIterator[OutboxScenario]:
    """A bot on SQLite or a PostgreSQL server, whose two channels hear of every build of so many apps."""
    with TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        database = server.fresh() if server else f"sqlite:///{folder / 'bot.db'}"
        async with sink("bench.releases", str(apps)) as port:
            world = await ClientExchange.connect(port)
            ids = tuple(json.loads((await world.ask(get("/apps")))[1]))
            await subscribe(database, ids)
            watching = {"APPLIVERY_WEBHOOK_SECRET": DOORBELL, "ACCESS_DEFAULT_ROLE": "manager"}
            more = {"DATABASE_URL": database, **watching, **settings}
            async with app_in(folder, ("bench.teller",), port, **more) as bot:
                it = OutboxScenario(bot, world, await ClientExchange.connect(bot.port), ids)
                while (await it.asked()).get("list", 0) < apps:  # the first look at each is history
                    await asyncio.sleep(0.1)
                await asyncio.sleep(0.5)
                yield it


async def subscribe(database: str, apps: tuple[str, ...], clock: Callable[[], datetime] = utc_now) -> None:
    """Let both channels hear of every build of these apps."""
    store = await Database.open(database, clock=clock)
    try:
        for app in apps:
            for channel in CHANNELS:
                await store.run(
                    subscriptions.add_subscription,
                    "T0BENCH",
                    channel,
                    app,
                    f"App {app}",
                    [BuildEvent.PROCESSED, BuildEvent.FAILED],
                    "",
                    "U0PERSON",
                )
    finally:
        await store.close()


@asynccontextmanager
async def postgresql() -> AsyncIterator[PostgresServer]:
    """A server that keeps what it has committed."""
    server = await asyncio.to_thread(PostgresServer.start, **SAFE)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.stop)
