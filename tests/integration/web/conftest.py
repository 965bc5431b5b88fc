"""The claim page on a server of its own: a fake Applivery, a store in memory, and a clock to set."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.applivery.client import AppliveryClient
from bot.applivery.hosts import AppliveryHosts
from bot.applivery.rate_budget import RequestBudget
from bot.db import tickets
from bot.db.database import Database
from bot.domain.model import Actor, App, Build, FileKind, Stage
from bot.domain.outcomes import ClaimOutcome
from bot.domain.states import PauseReason
from bot.domain.tickets import Ticket, TicketState, TicketStatus, fingerprint, new_ticket
from bot.exceptions import PermissionDenied
from bot.observability.metrics import Metrics
from bot.setting_values import PRIVATE
from bot.web.brute_force_guard import BruteForceGuard
from bot.web.claim.page import ClaimPage
from bot.web.liveness import LivenessServer
from bot.web.server import HttpServer
from sandbox.applivery import FakeApplivery

ANA = Actor("T1", "UANA", "C1")

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Mobile/15E148 Safari/604.1"
)
MAC = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Safari/605.1.15"
)
ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36"
)
WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)


@dataclass
class PageSnapshot:
    """An answer, read."""

    status: int
    headers: Any
    text: str


@dataclass
class ClaimEnvironment:
    """Everything behind one claim page."""

    applivery: FakeApplivery
    client: AppliveryClient
    metrics: Metrics
    http: aiohttp.ClientSession
    folder: Path
    ahead: timedelta = timedelta(0)
    refused: set[str] = field(default_factory=set)
    store: Database = None  # type: ignore[assignment]
    claim: ClaimPage = None  # type: ignore[assignment]
    web: HttpServer = None  # type: ignore[assignment]

    async def permit(self, ticket: Ticket) -> None:
        """Whoever has a ticket may use it, unless they are on the list of the refused."""
        if ticket.user_id in self.refused:
            raise PermissionDenied(reason=PauseReason.ROLE)

    def clock(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def seconds(self) -> float:
        return self.ahead.total_seconds()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web.port}"

    async def open(self, **options: Any) -> None:
        liveness = await LivenessServer.open("127.0.0.1", 0)
        url = f"http://127.0.0.1:{liveness.port}"
        guesses = BruteForceGuard(clock=self.seconds)
        options = {"trusted_proxies": PRIVATE, **options}
        self.claim = ClaimPage(
            self.client, self.store, self.metrics, self.clock, url, guesses=guesses, permit=self.permit, **options
        )
        self.web = HttpServer(metrics=self.metrics, checks={}, claim=self.claim)
        await self.web.start(liveness)

    # -------------------------------------------------------------- saying it shortly

    def build(self, os: str = "ios", **changes: Any) -> Any:
        app = self.applivery.app("Courier", slug="courier")
        return self.applivery.build(app, version="2.4.0", number="173", os=os, **changes)

    async def address(self, build: Any, kind: FileKind = FileKind.AUTO, file_id: str | None = None) -> str:
        app = App(build.app.id, build.app.slug, build.app.name)
        known = Build(build.id, app, Stage.READY)
        address, _ = await self.claim.issue(asker=ANA, build=known, kind=kind, file_id=file_id)
        return address

    async def get(self, address: str, agent: str = MAC, **changes: Any) -> PageSnapshot:
        return await self._ask("GET", address, agent, **changes)

    async def head(self, address: str, agent: str = MAC) -> PageSnapshot:
        return await self._ask("HEAD", address, agent)

    async def post(self, address: str, agent: str = MAC, **changes: Any) -> PageSnapshot:
        return await self._ask("POST", address, agent, **changes)

    async def _ask(self, method: str, address: str, agent: str, **changes: Any) -> PageSnapshot:
        headers = {"User-Agent": agent, **changes.pop("headers", {})}
        async with self.http.request(method, address, headers=headers, allow_redirects=False, **changes) as answer:
            return PageSnapshot(answer.status, answer.headers, await answer.text())

    def counted(self, outcome: TicketStatus | ClaimOutcome) -> float:
        return self.metrics.registry.get_sample_value("applivery_bot_claims_total", {"outcome": outcome}) or 0


@pytest.fixture
async def desk(tmp_path: Path, empty_database: Path) -> AsyncIterator[ClaimEnvironment]:
    async with claim_environment(tmp_path, empty_database) as it:
        yield it


@asynccontextmanager
async def claim_environment(folder: Path, empty_database: Path) -> AsyncIterator[ClaimEnvironment]:
    """Everything behind one claim page, in an empty folder, until the block ends."""
    shutil.copy(empty_database, folder / "bot.db")
    applivery = FakeApplivery(processing=None)
    await applivery.start()
    hosts = AppliveryHosts(api=applivery.url, upload=applivery.url, download=applivery.url, dashboard=applivery.url)
    client = AppliveryClient(
        hosts=hosts, organization="acme", token=applivery.token, budget=RequestBudget(10_000), timeout=5
    )
    http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
    it = ClaimEnvironment(applivery, client, Metrics(), http, folder)
    it.store = await Database.open(f"sqlite:///{folder / 'bot.db'}", clock=it.clock)
    await it.open()
    yield it
    await it.web.close()
    await http.close()
    await client.close()
    await it.store.close()
    await applivery.stop()


async def ended(desk: ClaimEnvironment, why: TicketStatus) -> str:
    """The address of a ticket that cannot be claimed, for this reason."""
    build = desk.build("android")
    address = await desk.address(build)
    if why is TicketStatus.SPENT:
        await desk.post(address)
        desk.applivery.minted.clear()
    elif why is TicketStatus.UNSURE:
        await desk.store.run(tickets.claim_ticket, fingerprint(address[-22:]))  # and then the process was killed
    elif why is TicketStatus.CANCELLED:
        await desk.address(build)
    elif why is TicketStatus.RECALLED:
        await desk.store.run(tickets.end_tickets, build.id, TicketState.RECALLED)
    elif why is TicketStatus.EXPIRED:
        desk.ahead = timedelta(minutes=11)
    elif why is TicketStatus.UNKNOWN:
        address = f"{desk.url}/b/{new_ticket()}"
    return address
