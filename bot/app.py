"""Start the bot's parts in order and stop them in reverse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp

import bot.commands
from bot import http_client, i18n
from bot.applivery.client import AppliveryClient
from bot.container import build_services
from bot.db.database import Database
from bot.db.installation import installation_tag
from bot.dispatch.dispatcher import RequestDispatcher
from bot.dispatch.registry import HandlerRegistry
from bot.domain.health import Health
from bot.exceptions import BotError, kind_of
from bot.factories import applivery_of, claim_page, learn_secrets, people_of, poster_of
from bot.health import HealthService
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.observability.metrics import Metrics
from bot.services import event_arrivals
from bot.services.channel_moves import ChannelMoves
from bot.services.device_history import DeviceHistory
from bot.services.event_arrivals import EventArrivals
from bot.services.permissions import PermissionChecker
from bot.services.slack_uploads import UploadRunner
from bot.services.webhook import WebhookHandler
from bot.slack.client import BotIdentity, SlackClient
from bot.slack.deduplication import RequestDeduplicator
from bot.slack.scopes import OPTIONAL, REQUIRED, SCOPES
from bot.slack.socket_mode.pool import SocketPool
from bot.slack.web_api import WebAPI
from bot.supervisor import FINISH_SECONDS, WorkerSupervisor, jobs_of
from bot.testing_overrides import TestingOverrides
from bot.web import readiness
from bot.web.claim.page import ClaimPage
from bot.web.liveness import Listeners
from bot.web.metrics_collector import MetricsCollector
from bot.web.server import HttpServer
from bot.web.slack_events import SlackEvents
from bot.workers.channel_monitor import ChannelMonitor

if TYPE_CHECKING:
    from bot.settings import Settings

log = logger(__name__)

LOOK_SECONDS = 0.2  # between two checks whether Slack can reach the bot
RETRY_SECONDS = 10.0  # after a failed request for the bot's identity
HINTS_SHARE = 4  # webhooks may cause polls for at most this fraction (a quarter) of the hourly requests


@dataclass(slots=True, kw_only=True)
class RunningBot(WorkerSupervisor):
    """A running bot; its parts are attributes for tests that step the workers by hand."""

    settings: Settings
    tuning: TestingOverrides
    metrics: Metrics
    applivery: AppliveryClient
    slack_client: SlackClient
    dispatcher: RequestDispatcher
    upload_runner: UploadRunner
    web: HttpServer
    sockets: SocketPool | None = None

    async def drain(self, hurry: asyncio.Event) -> None:
        """Fail readiness and keep serving for DRAIN_SECONDS, until proxies have stopped, or until `hurry` is set."""
        if seconds := self.settings.drains_for:
            log.info("service.draining", seconds=seconds)
            await self.web.drain(seconds, hurry)

    async def connected(self) -> BotIdentity:
        """Wait until Slack accepts the token and reaches the bot; return the bot's identity in Slack."""
        while self.sockets and not await self.sockets.count_connected():  # noqa: ASYNC110 - the SDK offers no event for this
            await asyncio.sleep(LOOK_SECONDS)
        while True:
            try:
                return await self.slack_client.identity()
            except BotError:
                await asyncio.sleep(RETRY_SECONDS)


@asynccontextmanager
async def running(
    settings: Settings,
    tuning: TestingOverrides | None = None,
    *,
    jobs: bool = True,
    listeners: Listeners | None = None,
) -> AsyncIterator[RunningBot]:
    """Run a bot until the block ends. Raises StartupError when the database or the port cannot be opened.

    `listeners` are ports that are open already; the bot uses and closes them. Slack and Applivery may be unavailable:
    then the bot is alive but not ready.
    """
    tuning = tuning or TestingOverrides()
    await asyncio.to_thread(i18n.load_locale, settings.language)
    i18n.set_locale(settings.language)  # for workers; requests of users use the user's language
    async with AsyncExitStack() as stack:
        listeners = listeners or await Listeners.open(
            settings.host, settings.port, settings.metrics_port, tuning.limits
        )
        stack.callback(listeners.close)
        service = await _opened(settings, tuning, stack, listeners)
        if jobs:
            service.start()
            stack.push_async_callback(service.stop)
        if service.sockets:
            service.sockets.start()
        for greeting in (_check_installation(service), _say_that_no_event_came(service)):
            stack.callback(asyncio.create_task(greeting).cancel)
        log.info(
            "service.started",
            port=service.web.port,
            metrics_port=service.web.metrics_port,
            mode="socket" if service.sockets else "http",
        )
        yield service
        log.info("service.stopping")


async def _opened(
    settings: Settings, tuning: TestingOverrides, stack: AsyncExitStack, listeners: Listeners
) -> RunningBot:
    learn_secrets(settings)
    metrics = Metrics()
    store = await Database.open(settings.database_url, clock=tuning.clock, replicas=settings.replicas)
    stack.push_async_callback(store.close)
    applivery = await stack.enter_async_context(applivery_of(settings, tuning, metrics))
    session = await stack.enter_async_context(
        http_client.session(timeout=aiohttp.ClientTimeout(total=tuning.slack_seconds))
    )
    installation = await store.run(installation_tag, settings.applivery_organization)
    slack_client = poster_of(settings, tuning, session, store, installation)
    slack_client.standing.on_refused = lambda code: metrics.token_refused.labels(code).inc()
    slack_client.standing.on_accepted = store.notifier.notify_all
    people = people_of(settings, slack_client, store)
    store.notifier.on_slack_change = people.invalidate
    permission = PermissionChecker(people, store, slack_client)
    devices = DeviceHistory(applivery, people)
    stack.callback(devices.close)
    claim = claim_page(
        settings, tuning, applivery=applivery, store=store, metrics=metrics, permission=permission, devices=devices
    )

    async def health() -> Health:
        return await vitals.health()  # created last, since it checks all other parts

    async def polling() -> dict[str, Any]:
        return await vitals.polling()

    moves = ChannelMoves(store, slack_client)
    services = build_services(
        settings,
        tuning,
        stack,
        applivery=applivery,
        store=store,
        slack_client=slack_client,
        access=people,
        devices=devices,
        permission=permission,
        moves=moves,
        metrics=metrics,
        claims=claim,
        health=health,
    )

    async def check_sharing(channel_id: str) -> None:
        await jobs.withdrawals.check_sharing(channel_id)

    pausing = ChannelMonitor(store=store, slack_client=slack_client, people=people, moves=moves)
    dispatcher = RequestDispatcher(
        services=services,
        registry=HandlerRegistry.scan(bot.commands),
        deduplicator=RequestDeduplicator(store, metrics),
        slack_client=slack_client,
        people=people,
        metrics=metrics,
        clock=tuning.clock,
        on_channel_change=pausing.check_now,
        on_sharing_change=check_sharing,
    )
    stack.push_async_callback(dispatcher.stop, FINISH_SECONDS)
    sockets = None
    if settings.slack_app_token:
        token = settings.slack_app_token.get_secret_value()
        sockets = SocketPool(
            dispatcher.receive,
            client=WebAPI(base_url=f"{settings.slack_api_url}/", session=session),
            app_token=token,
            count=settings.slack_socket_connections,
            metrics=metrics,
        )
        stack.push_async_callback(sockets.close)
    arrivals = None if sockets else EventArrivals(store, tuning.clock)
    if arrivals:
        stack.push_async_callback(arrivals.close)
    jobs = jobs_of(
        settings,
        tuning,
        services,
        applivery=applivery,
        store=store,
        slack_client=slack_client,
        permission=permission,
        metrics=metrics,
        pausing=pausing,
        polling=polling,
    )
    vitals = HealthService(
        settings,
        tuning,
        jobs=jobs,
        applivery=applivery,
        app_directory=services.apps,
        slack_client=slack_client,
        sockets=sockets,
        arrivals=arrivals,
    )
    secret = settings.slack_signing_secret.get_secret_value() if settings.slack_signing_secret else ""
    events = SlackEvents(dispatcher.receive, secret, metrics, arrivals) if arrivals else None
    webhook_handler = WebhookHandler(store, per_hour=settings.applivery_requests_per_hour // HINTS_SHARE)
    stack.callback(webhook_handler.close)
    web = _web(settings, store, metrics, vitals, claim, webhook_handler, events)
    await web.start(listeners.public, listeners.metrics)
    stack.push_async_callback(web.close)
    return RunningBot(
        settings=settings,
        tuning=tuning,
        metrics=metrics,
        applivery=applivery,
        slack_client=slack_client,
        dispatcher=dispatcher,
        upload_runner=services.uploads,
        web=web,
        sockets=sockets,
        **{field.name: getattr(jobs, field.name) for field in fields(jobs)},
    )


def _web(  # noqa: PLR0917 - HTTP mode needs all of these
    settings: Settings,
    store: Database,
    metrics: Metrics,
    vitals: HealthService,
    claim: ClaimPage | None,
    webhook_handler: WebhookHandler,
    slack: SlackEvents | None,
) -> HttpServer:
    secret = settings.applivery_webhook_secret
    return HttpServer(
        metrics=metrics,
        checks=vitals.checks,
        measure=MetricsCollector(metrics, vitals.checks, partial(readiness.waiting, store)).measure,
        slack=slack,
        webhook_secret=secret.get_secret_value() if secret else None,
        handle_webhook=webhook_handler.handle_webhook,
        claim=claim,
    )


async def _check_installation(service: RunningBot) -> None:
    """Check the installation once Slack has identified it.

    Logs a line per missing scope, with the affected features; optional ones share a line.
    """
    try:
        found = await service.slack_client.identity()
    except BotError as problem:
        log.warning("slack.not_reached", problem=kind_of(problem), said=str(problem), cause=cause(problem))
        found = await service.connected()
    await service.dispatcher.services.installation.check()
    scopes = found.scopes
    if scopes is None:
        return
    for scope in REQUIRED:
        if scope not in scopes:
            log.warning("slack.scope_missing", scope=scope, needed_for=SCOPES[scope])
    off = {scope: feature.name for scope, feature in OPTIONAL.items() if scope not in scopes}
    if off:
        log.info("slack.features_off", off=off)


async def _say_that_no_event_came(service: RunningBot) -> None:
    """Log a line at the start in HTTP mode if Slack has never sent an event, since the URL may not be verified.

    https://docs.slack.dev/apis/events-api/using-http-request-urls
    """
    if service.sockets:
        return
    try:
        seen = await event_arrivals.read(service.store)
    except BotError as problem:
        log.warning("slack.arrivals_unknown", cause=cause(problem))
        return
    if not (seen.event or seen.verified):
        where = event_arrivals.settings_page(await service.slack_client.app_id())
        log.info("slack.no_event_yet", fix=f"Verify the URL under {where}.")
