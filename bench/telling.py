"""A bot that announces many apps in two channels, with a sink that answers at once."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

from bench.hours import SharedClock
from bench.http import ClientExchange, get, post
from bench.processes import ROOT, RunningProcess, app_in, sink
from bot.db import subscriptions
from bot.db.database import Database
from bot.domain.model import BuildEvent
from bot.system_clock import utc_now
from tests.support.postgres import PostgresServer, server_programs

CHANNELS = ("C0RELEASES", "C0BETA")
DOORBELL = "bench-doorbell"
PATIENCE = 60.0
SETTLING = 10.0
OLDER = ("made_at", "seen_at", "since", "changed_at")
_SUBSCRIBE = """
import asyncio, pathlib, sys
from bench.hours import SharedClock
from bench.telling import subscribe
database, hours, *apps = sys.argv[1:]
more = {"clock": SharedClock(pathlib.Path(hours)).now} if hours else {}
asyncio.run(subscribe(database, apps, **more))
"""
# As it should be run: what was committed survives a power cut.
SAFE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


@dataclass(frozen=True, slots=True)
class OutboxScenario:
    """A running bot and its sink."""

    bot: RunningProcess
    port: int
    world: ClientExchange
    apps: tuple[str, ...]
    database: str

    async def more(self, builds: int, app: int | None = None) -> float:
        """So many builds more in every app, or in one; gives the epoch seconds."""
        made = await self._said(f"/more/{builds}/{'all' if app is None else app}")
        return float(made["at"])

    async def ring(self, app: int | None = None) -> None:
        """Applivery's webhook, naming an app or none, by a connection of its own: the bot closes idle ones."""
        body = json.dumps({"app": self.apps[app]} if app is not None else {}).encode()
        door = await ClientExchange.connect(self.bot.port)
        async with asyncio.timeout(PATIENCE):
            await door.ask(post(f"/webhooks/applivery/{DOORBELL}", body))
        door.transport.close()

    async def heard(self, posts: int) -> float:
        """When the last of so many messages came; raises RuntimeError when one came twice or out of order."""
        line = await ClientExchange.connect(self.port)  # of its own: no other request gets an answer that is too late
        try:
            async with asyncio.timeout(PATIENCE):
                heard = json.loads((await line.ask(get(f"/heard/{posts}")))[1])
        finally:
            line.transport.close()
        if (heard["posts"], heard["twice"], heard["ordered"]) != (posts, 0, True):
            raise RuntimeError(f"{posts} messages were expected, and this came: {heard}")
        return float(heard["last"])

    async def settled(self) -> None:
        """Wait until older cards are edited no more, for a few seconds at most."""
        edits, until = -1, asyncio.get_running_loop().time() + SETTLING
        while edits != (edits := int((await self._said("/heard/0"))["edits"])):
            await asyncio.sleep(1)
            if asyncio.get_running_loop().time() > until:
                return

    async def heard_so_far(self) -> int:
        """How many messages came until now."""
        return int((await self._said("/heard/0"))["posts"])

    async def stir(self, whether: bool) -> None:
        """Let every list of builds differ from the one before it, or be the same again."""
        await self._said(f"/stir/{'yes' if whether else 'no'}")

    async def age(self, builds: int) -> None:
        """Give the first app so many known builds in SQLite, and what was said of each, as copies of its oldest."""
        await asyncio.to_thread(_age, Path(self.database.removeprefix("sqlite:///")), builds)

    async def asked(self) -> dict[str, int]:
        """How often Applivery was asked for what."""
        return dict(await self._said("/asked"))

    async def _said(self, path: str) -> Any:
        async with asyncio.timeout(PATIENCE):
            status, body = await self.world.ask(get(path))
        if status != 200:
            raise RuntimeError(f"{path}: {status}")
        return json.loads(body)


def _age(file: Path, builds: int) -> None:
    """Copy the oldest row of `builds`, with its rows of `outbox`, until there are so many, while the bot runs."""
    with closing(sqlite3.connect(file, timeout=60)) as connection, connection:
        ((known,),) = connection.execute("SELECT count(*) FROM builds")
        more = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {max(1, builds - known)}) "
        for table, key in (("builds", "build_id"), ("outbox", "build_id, dedup_key, card_key")):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] != "id"]
            keys = key.split(", ")
            copied = [f"{column} || '-' || i" if column in keys else column for column in columns]
            # each a minute older than the one before it: what is as old as the listed ones would be looked for
            copied = [f"{column} - 60000000 * i" if column in OLDER else column for column in copied]
            connection.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) {more} SELECT {', '.join(copied)} FROM {table}, n "
                "WHERE build_id = (SELECT min(build_id) FROM builds)"
            )


@asynccontextmanager
async def scene(
    apps: int,
    settings: Mapping[str, str] = MappingProxyType({}),
    *,
    server: PostgresServer | None = None,
    root: Path = ROOT,
    builds: int = 0,
) -> AsyncIterator[OutboxScenario]:
    """A bot on SQLite or a PostgreSQL server, whose two channels hear of every build of so many apps.

    Each app has so many `builds` before the bot has seen it. `root` is the checkout whose bot it is.
    """
    with TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        database = server.empty() if server else f"sqlite:///{folder / 'bot.db'}"
        async with sink("bench.releases", str(apps), str(builds)) as port:
            world = await ClientExchange.connect(port)
            ids = tuple(json.loads((await world.ask(get("/apps")))[1]))
            await subscribe_by(root, database, ids)
            watching = {"APPLIVERY_WEBHOOK_SECRET": DOORBELL, "ACCESS_DEFAULT_ROLE": "manager"}
            more = {"DATABASE_URL": database, **watching, **settings}
            async with app_in(folder, ("bench.teller",), port, root, **more) as bot:
                it = OutboxScenario(bot, port, world, ids, database)
                async with asyncio.timeout(PATIENCE):
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


async def subscribe_by(root: Path, database: str, apps: tuple[str, ...], hours: Path | None = None) -> None:
    """The same by the code of another version, whose tables may be others; with a clock file, by that clock."""
    if root == ROOT:
        await subscribe(database, apps, SharedClock(hours).now if hours else utc_now)
        return
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _SUBSCRIBE, database, str(hours or ""), *apps), cwd=root
    )
    if await process.wait():
        raise RuntimeError(f"{root} could not subscribe")


def has_postgresql() -> bool:
    """Whether this machine has PostgreSQL's server programs."""
    return server_programs() is not None


@asynccontextmanager
async def postgresql() -> AsyncIterator[PostgresServer]:
    """A server that keeps what it has committed."""
    server = await asyncio.to_thread(PostgresServer.start, **SAFE)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.stop)
