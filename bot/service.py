"""The only composer: opens everything in order and closes it in reverse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import aiohttp

import bot.commands
from bot.applivery.budget import Budget
from bot.applivery.catalogue import Catalogue
from bot.applivery.client import Applivery
from bot.applivery.hosts import Hosts
from bot.applivery.upload import Endurance
from bot.config import Settings
from bot.domain.model import Build, Role
from bot.errors import Problem
from bot.jobs import digest as digesting
from bot.jobs.announce import LEASE_SECONDS, Announce
from bot.jobs.bell import Bell
from bot.jobs.expire import Expire
from bot.jobs.forget import Forget
from bot.jobs.hold import Hold
from bot.jobs.loop import Step, forever
from bot.jobs.pausing import Pausing
from bot.jobs.personal import Personal
from bot.jobs.progress import EVERY_SECONDS as PROGRESS_SECONDS
from bot.jobs.progress import Progress
from bot.jobs.watch import LEASE_SECONDS as WATCH_LEASE_SECONDS
from bot.jobs.watch import Watch
from bot.jobs.words import Words
from bot.slack.app import FrontDoor, bolt
from bot.slack.carrier import Carrier
from bot.slack.command import House, Registry
from bot.slack.files import Files
from bot.slack.handout import Handout
from bot.slack.manifest import SCOPES
from bot.slack.people import People
from bot.slack.poster import HTTP_SECONDS, Poster
from bot.slack.reporting import Reporting
from bot.slack.socket import Sockets
from bot.store.store import Store
from bot.store.wakeups import Topic
from bot.telemetry import Metrics, logger, redactor
from bot.web import readiness
from bot.web.claim import ClaimPage
from bot.web.gauges import Gauges
from bot.web.porch import Porch
from bot.web.readiness import Check
from bot.web.server import Web

log = logger(__name__)

STOP_SECONDS = 2.0  # for telling that an upload was stopped
FINISH_SECONDS = 4.0  # for answers and posts under way; the whole stop stays within ten


@dataclass(frozen=True, slots=True)
class Tuning:
    """What tests and measurements change and nobody else: paces, leases, patience, the clock."""

    pace_seconds: float = 1.0
    lease_seconds: float = LEASE_SECONDS
    watch_lease_seconds: float = WATCH_LEASE_SECONDS
    digest_lease_seconds: float = digesting.LEASE_SECONDS
    slack_seconds: float = HTTP_SECONDS
    applivery_seconds: float = 30.0
    progress_seconds: float = PROGRESS_SECONDS
    endurance: Endurance = field(default_factory=Endurance)
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))


@dataclass(slots=True)
class Service:
    """One running bot; its parts are here for tests that step the jobs by hand."""

    settings: Settings
    tuning: Tuning
    metrics: Metrics
    store: Store
    applivery: Applivery
    poster: Poster
    door: FrontDoor
    watch: Watch
    announce: Announce
    progress: Progress
    expire: Expire
    hold: Hold
    pausing: Pausing
    carrier: Carrier
    digest: digesting.DigestJob
    forget: Forget
    web: Web
    sockets: Sockets | None = None
    jobs: list[asyncio.Task[None]] = field(default_factory=list)

    def start_jobs(self) -> None:
        """Let the clock tick."""
        steps: list[tuple[str, Step, Topic]] = [
            ("watch", self.watch.step, "watch"),
            ("hold", self.hold.step, "held"),
            ("announce", self.announce.step, "tell"),
            ("pausing", self.pausing.step, "paused"),
            ("progress", self.progress.step, "progress"),
            ("digest", self.digest.step, "digest"),
            ("expire", self.expire.step, "expire"),
        ]
        self.jobs += [
            asyncio.create_task(forever(name, step, partial(self.store.wait, topic)), name=name)
            for name, step, topic in steps
        ]
        self.jobs.append(asyncio.create_task(forever("forget", self.forget.step, asyncio.sleep), name="forget"))


@asynccontextmanager
async def running(
    settings: Settings, tuning: Tuning | None = None, *, jobs: bool = True, porch: Porch | None = None
) -> AsyncIterator[Service]:
    """A bot that runs until the block ends. Raises CannotStart when the database or the port cannot be had.

    `porch` is the open port, when there is one already; the bot takes it over and closes it.
    Neither Slack nor Applivery has to answer for that: without them the bot is alive and not ready.
    """
    tuning = tuning or Tuning()
    async with AsyncExitStack() as stack:
        porch = porch or await Porch.open(settings.host, settings.port)
        stack.callback(porch.close)
        service = await _opened(settings, tuning, stack, porch)
        if jobs:
            service.start_jobs()
            stack.push_async_callback(_stop_jobs, service)
        if service.sockets:
            service.sockets.start()
        greeting = asyncio.create_task(_say_what_is_missing(service.poster))
        stack.callback(greeting.cancel)
        log.info("service.started", port=service.web.port, mode="socket" if service.sockets else "http")
        yield service
        log.info("service.stopping")


async def _opened(settings: Settings, tuning: Tuning, stack: AsyncExitStack, porch: Porch) -> Service:
    learn_secrets(settings)
    metrics = Metrics()
    registry = Registry.of(bot.commands)
    store = await Store.open(settings.database_url, clock=tuning.clock)
    stack.push_async_callback(store.close)
    applivery = await stack.enter_async_context(applivery_of(settings, tuning, metrics))
    session = await stack.enter_async_context(
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=tuning.slack_seconds))
    )
    poster = poster_of(settings, tuning, session)
    claim = _claim_page(settings, applivery, store, metrics, tuning)
    dashboard = partial(_dashboard, applivery.hosts, settings.applivery_organization)
    people = People(poster, store, admins=settings.access_admins, default=Role[settings.access_default_role.upper()])
    catalogue = Catalogue(applivery)
    handout = Handout(
        applivery=applivery,
        catalogue=catalogue,
        store=store,
        metrics=metrics,
        clock=tuning.clock,
        claims=claim,
        per_minute=settings.links_per_minute,
        per_hour=settings.links_per_hour,
    )
    pausing = Pausing(store=store, poster=poster)
    carrier = Carrier(
        applivery=applivery,
        files=Files(poster, token=settings.slack_bot_token.get_secret_value(), api_url=settings.slack_api_url),
        poster=poster,
        store=store,
        dashboard=dashboard,
        clock=tuning.clock,
        every=tuning.progress_seconds,
    )
    stack.push_async_callback(carrier.close, STOP_SECONDS)
    catalogue = Catalogue(applivery)
    reporting = Reporting(
        applivery=applivery, catalogue=catalogue, store=store, clock=tuning.clock, ledger_days=settings.ledger_days
    )
    door = FrontDoor(
        house=House(
            applivery=applivery,
            catalogue=catalogue,
            store=store,
            people=people,
            places=poster,
            handout=handout,
            reporting=reporting,
            metrics=metrics,
            registry=registry,
            carrier=carrier,
            command=settings.slack_command,
            dashboard=dashboard,
        ),
        poster=poster,
        people=people,
        metrics=metrics,
        clock=tuning.clock,
        moved=pausing.look_now,
    )
    stack.push_async_callback(door.finish, FINISH_SECONDS)
    slack = bolt(
        door,
        token=settings.slack_bot_token.get_secret_value(),
        signing_secret=settings.slack_signing_secret.get_secret_value() if settings.slack_signing_secret else None,
        base_url=f"{settings.slack_api_url}/",
        session=session,
    )
    sockets = None
    if settings.slack_app_token:
        token = settings.slack_app_token.get_secret_value()
        sockets = Sockets(slack, app_token=token, count=settings.slack_socket_connections, metrics=metrics)
        stack.push_async_callback(sockets.close)
    watch = Watch(
        applivery=applivery,
        store=store,
        metrics=metrics,
        busy_seconds=settings.poll_busy_seconds,
        idle_seconds=settings.poll_idle_seconds,
        lease_seconds=tuning.watch_lease_seconds,
    )
    words = Words(
        catalogue=Catalogue(applivery.polling()),
        dashboard=dashboard,
        apps=partial(applivery.hosts.dashboard_app_url, settings.applivery_organization),
        personal=Personal(people=people, handout=handout, dashboard=dashboard, clock=tuning.clock).message,
        clock=tuning.clock,
    )
    announce = Announce(
        store=store,
        poster=poster,
        metrics=metrics,
        message=words.message,
        pausing=pausing,
        lease_seconds=tuning.lease_seconds,
        pace_seconds=tuning.pace_seconds,
    )
    expire, hold = Expire(store=store, poster=poster), Hold(store=store)
    progress = Progress(store=store, poster=poster, dashboard=dashboard, every_seconds=tuning.progress_seconds)
    digest = digesting.DigestJob(
        store=store, reporting=reporting, people=people, poster=poster, lease_seconds=tuning.digest_lease_seconds
    )
    forget = Forget(store, settings.ledger_days)
    secret = settings.applivery_webhook_secret
    checks: dict[str, Check] = {
        "slack": partial(readiness.slack, sockets, poster),
        "database": partial(readiness.database, store),
        "polling": partial(
            readiness.polling, store, settings.poll_idle_seconds, lambda: watch.away, lambda: applivery.budget.stretch
        ),
    }
    web = Web(
        metrics=metrics,
        checks=checks,
        measure=Gauges(metrics, store, checks, idle_seconds=settings.poll_idle_seconds).measure,
        slack=None if sockets else slack,
        webhook_secret=secret.get_secret_value() if secret else None,
        ring=Bell(store).ring,
        claim=claim,
    )
    await web.start(porch)
    stack.push_async_callback(web.close)
    return Service(
        settings=settings,
        tuning=tuning,
        metrics=metrics,
        store=store,
        applivery=applivery,
        poster=poster,
        door=door,
        watch=watch,
        announce=announce,
        progress=progress,
        expire=expire,
        hold=hold,
        pausing=pausing,
        carrier=carrier,
        digest=digest,
        forget=forget,
        web=web,
        sockets=sockets,
    )


def learn_secrets(settings: Settings) -> None:
    """From now on let no log line, whatever it says, hold one of these secrets."""
    for secret in (
        settings.slack_bot_token,
        settings.slack_app_token,
        settings.slack_signing_secret,
        settings.applivery_token,
        settings.applivery_webhook_secret,
    ):
        redactor.learn(secret.get_secret_value() if secret else None)


@asynccontextmanager
async def applivery_of(settings: Settings, tuning: Tuning, metrics: Metrics) -> AsyncIterator[Applivery]:
    """The workspace these settings name, until the block ends."""
    budget = Budget(settings.applivery_requests_per_hour)
    metrics.budget_left.set_function(lambda: budget.left)
    client = Applivery(
        hosts=Hosts.of_tenant(
            settings.applivery_tenant,
            api=settings.applivery_api_url,
            upload=settings.applivery_upload_url,
            download=settings.applivery_download_url,
            dashboard=settings.applivery_dashboard_url,
        ),
        organization=settings.applivery_organization,
        token=settings.applivery_token.get_secret_value(),
        budget=budget,
        timeout=tuning.applivery_seconds,
        endurance=tuning.endurance,
        observe=lambda call, outcome, seconds: metrics.applivery.labels(call, outcome).observe(seconds),
    )
    async with client:
        yield client


def poster_of(settings: Settings, tuning: Tuning, session: aiohttp.ClientSession) -> Poster:
    """Slack's Web API as these settings reach it."""
    return Poster(
        token=settings.slack_bot_token.get_secret_value(),
        base_url=f"{settings.slack_api_url}/",
        session=session,
        pace=tuning.pace_seconds,
    )


def _claim_page(
    settings: Settings, applivery: Applivery, store: Store, metrics: Metrics, tuning: Tuning
) -> ClaimPage | None:
    if settings.public_url is None:
        return None
    life_seconds = settings.ticket_minutes * 60
    return ClaimPage(applivery, store, metrics, tuning.clock, settings.public_url, life_seconds=life_seconds)


def _dashboard(hosts: Hosts, organization: str, build: Build) -> str:
    return hosts.dashboard_build_url(organization, build.app, build)


async def _stop_jobs(service: Service) -> None:
    for job in service.jobs:
        job.cancel()
    await asyncio.gather(*service.jobs, return_exceptions=True)
    try:
        await service.announce.finish(FINISH_SECONDS)
        await service.watch.finish()
    except Problem as problem:
        log.warning("jobs.unfinished", problem=type(problem).__name__)


async def _say_what_is_missing(poster: Poster) -> None:
    """One line at the start for scopes Slack did not give us, with what suffers."""
    try:
        scopes = (await poster.identity()).scopes
    except Problem as problem:
        log.warning("slack.not_reached", problem=type(problem).__name__, said=str(problem))
        return
    if scopes is None:
        return
    for scope in SCOPES:
        if scope not in scopes:
            log.warning("slack.scope_missing", scope=scope, needed_for=SCOPES[scope])
