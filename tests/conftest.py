"""The world: both fake sides and the real service on SQLite, started and stopped for one test."""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import re
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import BaseModel

from bot.app import RunningBot, running
from bot.db import app_polls, connect, outbox
from bot.db.database import migrate
from bot.db.wakeups import Topic
from bot.observability.logging import set_up_logs
from bot.settings import Settings
from bot.testing_overrides import TestingOverrides
from sandbox.applivery import FakeApplivery
from sandbox.slack import FakeSlack, seed_grid
from sandbox.slack.workspace import SISTER_TEAM
from tests.support.places import Place
from tests.support.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures, for everybody
from tests.support.waiting import busyness, patience

# Let SQLite not wait for the disk: half of a short test was this wait, and what a killed process wrote is there. The
# test of power cuts takes this away.
WITH_POWER_CUTS, connect.SYNCHRONOUS = connect.SYNCHRONOUS, "OFF"


def pytest_configure() -> None:
    """A shell starts its background jobs deaf to Ctrl-C, and the bot's processes would rightly stay so."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    plain_logs()


def plain_logs() -> None:
    """Print what is logged, for a test that fails; structlog draws each traceback, which takes half a second."""
    structlog.reset_defaults()
    *processors, _ = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*processors, plain])


def pytest_collection_finish() -> None:
    """Five thousand tests stay to the end: looking through them for garbage takes a third of a second each time.

    Looking for it once in some tests, not five times in each, saves a twentieth of their CPU time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)


class GivenSettings(Settings):
    """Settings from nothing but their arguments: preparing to look in the environment takes a sixth of a short test."""

    def __init__(self, **values: Any) -> None:
        """Leave out the environment, `.env` and files of secrets, and the search for them."""
        BaseModel.__init__(self, **values)


class Environment:
    """A workspace in which Ana (admin) and Bruno (member) use the bot in #releases, and Applivery has Courier."""

    def __init__(self, folder: Path, slack: FakeSlack, applivery: FakeApplivery) -> None:
        self.folder = folder
        self.slack = slack
        self.applivery = applivery
        self.ana = slack.user("ana", name="Ana Pérez", email="ana@acme.test", admin=True)
        self.bruno = slack.user("bruno", name="Bruno Díaz", email="bruno@acme.test")
        self.releases = slack.channel("releases", members=(self.ana, self.bruno))
        self.general = slack.channel("general", bot_is_member=False, members=(self.ana, self.bruno))
        self.courier = applivery.app("Courier", slug="courier", oss=("ios", "android"))
        self.database = f"sqlite:///{folder / 'bot.db'}"
        self.tuning = TestingOverrides(
            pace_seconds=0.0, lease_seconds=1.0, slack_seconds=0.9, applivery_seconds=5.0, progress_seconds=0.0
        )
        self._running: AsyncExitStack | None = None
        self.bot: RunningBot

    def move_to(self, place: Place) -> None:
        """Let the workspace be one of an Enterprise organisation, or let the bot be installed for all of it.

        User groups list Ana by another id than she acts with. Bruno is in both workspaces, and everything that Slack
        says of him names the other. In #releases are colleagues of each kind, guests and partners.
        """
        if place is Place.ALONE:
            return
        people = seed_grid(self.slack.workspace)
        if place is Place.ORGANISATION:
            self.slack.install_for_organisation()
        assert self.ana.grid
        assert self.bruno.grid
        self.ana.listed_as = self.ana.grid.id = self.slack.workspace.new_id("W")
        self.ana.grid.admin = True
        self.bruno.grid.teams, self.bruno.grid.record_team = [SISTER_TEAM, self.slack.team_id], SISTER_TEAM
        self.bruno.team_id = SISTER_TEAM
        self.releases.members += [person.id for person in people.everybody.values()]

    def settings(self, **changes: Any) -> Settings:
        """Settings that point at both fake sides."""
        return GivenSettings(
            **{
                "slack_bot_token": "xoxb-sandbox",
                "slack_app_token": "xapp-sandbox",
                "slack_signing_secret": "sandbox-signing-secret",
                "slack_api_url": self.slack.api_url,
                "slack_socket_connections": 1,
                "applivery_token": self.applivery.token,
                "applivery_organization": "acme",
                "applivery_api_url": self.applivery.url,
                "applivery_upload_url": self.applivery.url,
                "applivery_download_url": self.applivery.url,
                "applivery_dashboard_url": self.applivery.url,
                "database_url": self.database,
                "port": 0,
                "poll_busy_seconds": 0.05,
                "poll_idle_seconds": 0.1,
                **changes,
            }
        )

    async def start(self, *, jobs: bool = False, **changes: Any) -> RunningBot:
        """Start the bot and wait until Slack reaches it; jobs only tick by hand unless asked for."""
        self._running = AsyncExitStack()
        settings = self.settings(**changes)
        self.bot = await self._running.enter_async_context(running(settings, self.tuning, jobs=jobs))
        if self.bot.sockets is None:
            self.slack.request_url = f"http://127.0.0.1:{self.bot.web.port}/slack/events"
            assert await self.slack.verify()
        else:
            self.slack.request_url = None
            await self.slack.until(lambda: self.slack.sockets)
        return self.bot

    async def stop(self) -> None:
        """Stop the bot; the world goes on."""
        if self._running:
            await self._running.aclose()
            self._running = None

    async def restart(self, *, jobs: bool = False, **changes: Any) -> RunningBot:
        """Stop and start again, with the same database."""
        await self.stop()
        return await self.start(jobs=jobs, **changes)

    async def ask(self, text: str, *, user: Any = None, channel: Any = None) -> Any:
        """Type a command and wait for its first answer."""
        turn = await self.slack.command("/applivery", text, user=user or self.ana, channel=channel or self.releases)
        assert turn.acked, turn.error
        first = await turn.answer()
        # on a busy machine the fake Applivery can be slow, and the user is told so
        return await turn.answer(2) if first.text.startswith("⏳ Applivery is slow") else first

    async def look(self) -> None:
        """Let the clock tick once for everything: look at all watched apps now, and say what is due."""
        await self.bot.store.run(app_polls.request_poll, None)
        await self.bot.watch.step()
        await self.bot.progress.step()
        await self.bot.announce.drain()
        if self.bot.announce.outage.failures and not self.slack.faults.fired:
            await self._try_again()

    async def _try_again(self) -> None:
        """No fault was injected: this machine stood still for longer than Slack may take here."""
        due = await self.bot.store.run(outbox.delivery_due_in)
        if due is not None:
            await asyncio.sleep(min(due, 2.0))
            await self.bot.announce.drain()

    async def settle(self, bot: RunningBot | None = None) -> None:
        """Say everything that waits, however long a lease or Slack's Retry-After makes us wait for it."""
        bot = bot or self.bot
        async with patience():
            while True:
                await bot.announce.drain()
                due = await bot.store.run(outbox.delivery_due_in)
                if due is None:
                    return
                await bot.store.wait(Topic.OUTBOX, due)

    def said(self, channel: Any = None) -> list[str]:
        """What a channel (#releases) has heard, in order: how each message began, before it was edited."""
        return [heard(message) for message in self.slack.messages(channel or self.releases)]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An address of each kind of database in turn: a test that asks for it runs once on each."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bot.db'}"
    address: str = request.getfixturevalue("postgres_url")
    return address


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the tables in it: copying one is twenty times quicker than making one."""
    file = tmp_path_factory.mktemp("empty") / "bot.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
async def world(request: pytest.FixtureRequest, tmp_path: Path, empty_database: Path) -> AsyncIterator[Environment]:
    """A world for one test, in the place that `everywhere` parametrises it with."""
    async with living(tmp_path, empty_database) as it:
        it.move_to(getattr(request, "param", Place.ALONE))
        yield it


@asynccontextmanager
async def living(folder: Path, empty_database: Path) -> AsyncIterator[Environment]:
    """A world in an empty folder, until the block ends."""
    shutil.copy(empty_database, folder / "bot.db")
    three_seconds = 3.0 * busyness()
    slack, applivery = FakeSlack(ack_seconds=three_seconds), FakeApplivery(processing=None)
    slack.modals.trigger_life = three_seconds
    await slack.start()
    await applivery.start()
    it = Environment(folder, slack, applivery)
    yield it
    await it.stop()
    await slack.stop()
    await applivery.stop()


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Every line that is logged from here on, as `run` would write it at DEBUG."""
    with logged("DEBUG") as written:
        yield written


@contextmanager
def logged(at: str, style: str = "json") -> Iterator[io.StringIO]:
    """Every line that is logged in the block, as `run` would write it at this level."""
    root = logging.getLogger()
    level = root.level
    set_up_logs(at, style)
    written, handler = io.StringIO(), root.handlers[0]
    handler.setStream(written)  # type: ignore[attr-defined]
    yield written
    root.removeHandler(handler)
    root.setLevel(level)
    plain_logs()


Said = Callable[[Any], list[str]]


def heads(message: Any) -> list[str]:
    """How a message began in each of its versions, oldest first: a card's text without size, branch and uploader."""
    return [_until(version.text, " · ") for version in (*message.history, message)]


def heard(message: Any) -> str:
    """The first words of a message, as its notification was; a newer build may have been there already."""
    return re.sub(r"^(.*) was superseded by .*", r"✅ \1 is ready.", heads(message)[0])


def _until(text: str, end: str) -> str:
    head, cut, _ = text.partition(end)
    return f"{head}." if cut else head


def texts(messages: list[Any]) -> list[str]:
    """The texts of some messages."""
    return [message.text for message in messages]
