"""The test environment: both fake servers and the real service on SQLite, started and stopped for each test."""

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

# SQLite does not wait for the disk, which took half of a short test; data survives a killed process all the same. The
# test of power cuts undoes this.
WITH_POWER_CUTS, connect.SYNCHRONOUS = connect.SYNCHRONOUS, "OFF"


def pytest_configure() -> None:
    """Restore SIGINT, which shells ignore for background jobs, and which the bot's processes would keep ignoring."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    plain_logs()


def plain_logs() -> None:
    """Print plain logs for failing tests, since structlog takes half a second to format a traceback."""
    structlog.reset_defaults()
    *processors, _ = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*processors, plain])


def pytest_collection_finish() -> None:
    """Freeze the collected tests: scanning five thousand of them for garbage takes a third of a second each time.

    Fewer garbage collections, one per some tests instead of five per test, save a twentieth of the CPU time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)


class GivenSettings(Settings):
    """Settings from arguments only, since the other sources take a sixth of a short test."""

    def __init__(self, **values: Any) -> None:
        """Ignore the environment, `.env` and files of secrets."""
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
        """Make the workspace part of an Enterprise organisation, or install the bot for all of it.

        User groups list Ana by another id than her requests have. Bruno is in both workspaces, and Slack's records of
        him name the other one. In #releases there are colleagues of each kind, guests and partners.
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
        """Return settings that point at both fake servers."""
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
        """Start the bot and wait until Slack can reach it; with `jobs` its workers run, otherwise tests call them."""
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
        """Stop the bot, but not the fake servers."""
        if self._running:
            await self._running.aclose()
            self._running = None

    async def restart(self, *, jobs: bool = False, **changes: Any) -> RunningBot:
        """Stop and start again, with the same database."""
        await self.stop()
        return await self.start(jobs=jobs, **changes)

    async def ask(self, text: str, *, user: Any = None, channel: Any = None) -> Any:
        """Send a command and wait for its first reply."""
        turn = await self.slack.command("/applivery", text, user=user or self.ana, channel=channel or self.releases)
        assert turn.acked, turn.error
        first = await turn.answer()
        # on a busy machine the fake Applivery can be slow, and the user is told so
        return await turn.answer(2) if first.text.startswith("⏳ Applivery is slow") else first

    async def look(self) -> None:
        """Poll all apps now, and deliver what is due."""
        await self.bot.store.run(app_polls.request_poll, None)
        await self.bot.watch.step()
        await self.bot.progress.step()
        await self.bot.announce.drain()
        if self.bot.announce.outage.failures and not self.slack.faults.fired:
            await self._try_again()

    async def _try_again(self) -> None:
        """Retry after a timeout without an injected fault: this machine stalled for longer than Slack may take here."""
        due = await self.bot.store.run(outbox.delivery_due_in)
        if due is not None:
            await asyncio.sleep(min(due, 2.0))
            await self.bot.announce.drain()

    async def settle(self, bot: RunningBot | None = None) -> None:
        """Deliver everything that waits, however long a lease or Slack's Retry-After delays it."""
        bot = bot or self.bot
        async with patience():
            while True:
                await bot.announce.drain()
                due = await bot.store.run(outbox.delivery_due_in)
                if due is None:
                    return
                await bot.store.wait(Topic.OUTBOX, due)

    def said(self, channel: Any = None) -> list[str]:
        """Return the first lines of a channel's messages (#releases), in order, as they were before edits."""
        return [heard(message) for message in self.slack.messages(channel or self.releases)]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of each kind of database in turn; a test with this fixture runs once on each."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bot.db'}"
    address: str = request.getfixturevalue("postgres_url")
    return address


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite file with the schema: copying one is twenty times faster than creating it."""
    file = tmp_path_factory.mktemp("empty") / "bot.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
async def world(request: pytest.FixtureRequest, tmp_path: Path, empty_database: Path) -> AsyncIterator[Environment]:
    """Return the environment of a test, in the workspace that `everywhere` parametrises it with."""
    async with living(tmp_path, empty_database) as it:
        it.move_to(getattr(request, "param", Place.ALONE))
        yield it


@asynccontextmanager
async def living(folder: Path, empty_database: Path) -> AsyncIterator[Environment]:
    """Run an environment in an empty folder."""
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
    """Capture all log lines from here on, as `run` writes them at DEBUG."""
    with logged("DEBUG") as written:
        yield written


@contextmanager
def logged(at: str, style: str = "json") -> Iterator[io.StringIO]:
    """Capture all log lines in the context, as `run` writes them at this level."""
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
    """Return the start of each version of a message, oldest first: of a card without size, branch and uploader."""
    return [_until(version.text, " · ") for version in (*message.history, message)]


def heard(message: Any) -> str:
    """Return the beginning of a message as in its notification; a newer build may have superseded it already."""
    return re.sub(r"^(.*) was superseded by .*", r"✅ \1 is ready.", heads(message)[0])


def _until(text: str, end: str) -> str:
    head, cut, _ = text.partition(end)
    return f"{head}." if cut else head


def texts(messages: list[Any]) -> list[str]:
    """Return the texts of messages."""
    return [message.text for message in messages]
