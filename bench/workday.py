"""A busy workspace in fast motion: what its people and its uploads do to a bot whose clock is a fake one.

The clock is moved on by a minute when all that happened in the last is answered; so every poll, plan, limit and
clean-up of a day takes place. `DAY` says how much happens.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.clicks import ClickAnswers
from bench.hours import SharedClock
from bench.http import ClientExchange, ServerExchange, get, post
from bench.processes import ROOT, RunningProcess, app_in, sink
from bench.slack import click, command
from bench.telling import CHANNELS, DOORBELL, subscribe_by

APPS, PEOPLE = 12, 300
HOUR = 60  # in minutes
PATIENCE = 60.0
# How often a day. An upload is two builds; each is pending, in progress, then processed, or one time in ten failed.
DAY = {"uploads": 144, "commands": 2400, "clicks": 1200, "summaries": 96, "watches": 48, "scrapes": 1440}
TYPED = ("get", "builds", "status", "news", "files", "whoami", "help get", "subscriptions", "get", "builds")
BEGAN = datetime(2026, 11, 20, 20, tzinfo=UTC)


@dataclass
class Day:
    """The bot, the world, and where everybody waits for answers."""

    bot: RunningProcess
    world: ClientExchange
    hours: SharedClock
    answers: ClickAnswers
    here: int
    apps: tuple[str, ...]
    file: Path
    dice: random.Random = field(default_factory=lambda: random.Random("day"))
    typed: int = 0
    cards: int = 0
    moving: dict[int, int] = field(default_factory=dict)  # minutes since the upload, by app
    counts: dict[str, int] = field(default_factory=dict)
    happens: dict[str, int] = field(default_factory=lambda: DAY)

    async def minute(self, minutes: int = 1, busy: float = 1.0) -> None:
        """What happens in one minute; it is over when all have an answer and the channels know of their builds.

        Or in several at once, with this share of what a busy day has.
        """
        self.hours.set(self.hours.now() + timedelta(minutes=minutes))
        for app in [app for app, age in self.moving.items() if age]:
            await self._further(app)
        for what, times in self.happens.items():
            for _ in range(self._how_often(times * busy * minutes)):
                self.counts[what] = self.counts.get(what, 0) + 1
                await getattr(self, f"_{what}")()
        await self._quiet()

    def _how_often(self, a_day: float) -> int:
        whole, rest = divmod(a_day, 24 * HOUR)
        return int(whole) + (self.dice.random() < rest / (24 * HOUR))

    async def _uploads(self) -> None:
        app = self.dice.randrange(len(self.apps))
        if app not in self.moving:
            self.moving[app] = 1
            await self._tell(f"/begin/{app}/2")
            await self._ring(app)

    async def _further(self, app: int) -> None:
        age = self.moving[app]
        self.moving[app] += 1
        if age == 1:
            await self._tell(f"/move/{app}/in_progress")
        elif age == 4:
            await self._tell(f"/move/{app}/{'failed' if self.dice.random() < 0.1 else 'processed'}")
            del self.moving[app]
            self.cards += 2 * len(CHANNELS)
        await self._ring(app)

    async def _ring(self, app: int) -> None:
        self.counts["webhooks"] = self.counts.get("webhooks", 0) + 1
        body = json.dumps({"app": self.apps[app]}).encode()
        await self._ask(post(f"/webhooks/applivery/{DOORBELL}", body))

    async def _commands(self) -> None:
        words = self.dice.choice(TYPED)
        named = words in ("get", "builds", "status", "news", "files")
        await self._type(f"{words} app-{self.dice.randrange(len(self.apps))}" if named else words)

    async def _watches(self) -> None:
        await self._type(f"watch app-{self.dice.randrange(len(self.apps))} latest")

    async def _summaries(self) -> None:
        await self._type(f"downloads app-{self.dice.randrange(len(self.apps))} since:7d")

    async def _type(self, text: str) -> None:
        number = self._next()
        await self._send(command(number, number % PEOPLE, "answer", self.here, text))

    async def _clicks(self) -> None:
        app = self.dice.randrange(len(self.apps))
        newest = json.loads(await self._tell(f"/v1/organizations/acme/apps/{self.apps[app]}/builds"))["data"]["items"]
        ready = next((item["id"] for item in newest if item["status"] == "processed"), None)
        if ready:
            number = self._next()
            await self._send(click(number, number % PEOPLE, f"{self.apps[app]}/{ready}", self.here))

    async def _scrapes(self) -> None:
        for path in ("/metrics", "/readyz"):
            await self._ask(get(path))

    def _next(self) -> int:
        self.typed += 1
        return self.typed

    async def _send(self, request: bytes) -> None:
        status, body = await self._ask(request)
        if status != 200 or body:
            raise RuntimeError(f"not acknowledged: {status} {body[:200]!r}")

    async def _ask(self, request: bytes) -> tuple[int, bytes]:
        """By a connection of its own, as Slack's are."""
        line = await ClientExchange.connect(self.bot.port)
        async with asyncio.timeout(PATIENCE):
            said = await line.ask(request)
        line.transport.close()
        return said

    async def _tell(self, path: str) -> bytes:
        return (await self.world.ask(get(path)))[1]

    async def _quiet(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while len(self.answers.came) < self.typed:
                await asyncio.sleep(0.002)
            heard = json.loads(await self._tell(f"/heard/{self.cards}"))
        if (heard["posts"], heard["twice"]) != (self.cards, 0):
            raise RuntimeError(f"{self.cards} cards were expected, and this came: {heard}")


@asynccontextmanager
async def workday(apps: int = APPS, root: Path = ROOT, *, history: int = 20) -> AsyncIterator[Day]:
    """A bot of this checkout that knows so many builds of each app, at the first minute."""
    with TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        hours = SharedClock(folder / "hours")
        hours.set(BEGAN)
        async with sink("bench.workspace", str(apps), str(folder / "hours")) as port:
            world = await ClientExchange.connect(port)
            ids = tuple(json.loads((await world.ask(get("/apps")))[1]))
            await world.ask(get(f"/more/{history}/all"))
            await subscribe_by(root, f"sqlite:///{folder / 'bot.db'}", ids, folder / "hours")
            more = {"APPLIVERY_WEBHOOK_SECRET": DOORBELL, "ACCESS_DEFAULT_ROLE": "manager"}
            async with app_in(folder, ("bench.daylight", str(folder / "hours")), port, root, **more) as bot:
                answers = ClickAnswers()
                server = await asyncio.get_running_loop().create_server(
                    lambda: ServerExchange(answers.respond), "127.0.0.1", 0
                )
                here = server.sockets[0].getsockname()[1]
                yield Day(bot, world, hours, answers, here, ids, folder / "bot.db")
                server.close()
