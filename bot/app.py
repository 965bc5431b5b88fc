"""Opens everything in order and closes it in reverse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import aiohttp

from bot import http_client, i18n
from bot.applivery.client import Applivery
from bot.container import house_of
from bot.db.database import Store
from bot.dispatch.bolt import bolt
from bot.dispatch.dispatcher import FrontDoor
from bot.domain.health import Health
from bot.exceptions import BotError, kind_of
from bot.factories import applivery_of, claim_page, learn_secrets, people_of, poster_of
from bot.health import Vitals
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.observability.metrics import Metrics
from bot.services.permissions import Permission
from bot.services.slack_uploads import Carrier
from bot.services.webhook import Bell
from bot.settings import Settings
from bot.slack.client import Poster
from bot.slack.manifest import SCOPES
from bot.slack.socket_mode.pool import Sockets
from bot.supervisor import FINISH_SECONDS, Jobs, jobs_of
from bot.testing_overrides import Tuning
from bot.web import readiness
from bot.web.claim.page import ClaimPage
from bot.web.liveness import Porch
from bot.web.metrics_collector import Gauges
from bot.web.server import Web
from bot.web.slack_events import SlackEvents
from bot.workers.channel_monitor import Pausing

log = logger(__name__)

HINTS_SHARE = 4  # a webhook's hints lead to polls for a quarter of the hour's requests, at most


@dataclass(slots=True, kw_only=True)
class Service(Jobs):
    """One running bot; its parts are here for tests that step the jobs by hand."""

    settings: Settings
    tuning: Tuning
    metrics: Metrics
    applivery: Applivery
    poster: Poster
    door: FrontDoor
    carrier: Carrier
    web: Web
    sockets: Sockets | None = None


@asynccontextmanager
async def running(
    settings: Settings, tuning: Tuning | None = None, *, jobs: bool = True, porch: Porch | None = None
) -> AsyncIterator[Service]:
    """A bot that runs until the block ends. Raises StartupError when the database or the port cannot be had.

    `porch` is the open port, when there is one already; the bot takes it over and closes it.
    Neither Slack nor Applivery has to answer for that: without them the bot is alive and not ready.
    """
    tuning = tuning or Tuning()
    await asyncio.to_thread(i18n.prepare, settings.language)
    i18n.speak(settings.language)  # in the jobs; who asks something is answered in their own
    async with AsyncExitStack() as stack:
        porch = porch or await Porch.open(settings.host, settings.port, tuning.limits)
        stack.callback(porch.close)
        service = await _opened(settings, tuning, stack, porch)
        if jobs:
            service.start()
            stack.push_async_callback(service.stop)
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
    store = await Store.open(settings.database_url, clock=tuning.clock)
    stack.push_async_callback(store.close)
    applivery = await stack.enter_async_context(applivery_of(settings, tuning, metrics))
    session = await stack.enter_async_context(
        http_client.session(timeout=aiohttp.ClientTimeout(total=tuning.slack_seconds))
    )
    poster = poster_of(settings, tuning, session)
    people = people_of(settings, poster, store)
    store.wakeups.changed = people.forget
    permission = Permission(people, store, poster)
    claim = claim_page(settings, tuning, applivery=applivery, store=store, metrics=metrics, permission=permission)

    async def health() -> Health:
        return await vitals.health()  # made last, since it looks at all the others

    async def polling() -> dict[str, Any]:
        return await vitals.polling()

    house = house_of(
        settings,
        tuning,
        stack,
        applivery=applivery,
        store=store,
        poster=poster,
        people=people,
        permission=permission,
        metrics=metrics,
        claims=claim,
        health=health,
    )
    pausing = Pausing(store=store, poster=poster, people=house.people)
    door = FrontDoor(
        house=house,
        poster=poster,
        people=house.people,
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
    jobs = jobs_of(settings, tuning, house, poster, pausing, polling)
    vitals = Vitals(
        settings,
        tuning,
        jobs=jobs,
        applivery=applivery,
        catalogue=house.catalogue,
        poster=poster,
        sockets=sockets,
    )
    secret = settings.slack_signing_secret.get_secret_value() if settings.slack_signing_secret else ""
    events = None if sockets else SlackEvents(slack, secret, metrics)
    bell = Bell(store, per_hour=settings.applivery_requests_per_hour // HINTS_SHARE)
    stack.callback(bell.close)
    web = _web(settings, store, metrics, vitals, claim, bell, events)
    await web.start(porch)
    stack.push_async_callback(web.close)
    return Service(
        settings=settings,
        tuning=tuning,
        metrics=metrics,
        applivery=applivery,
        poster=poster,
        door=door,
        carrier=house.carrier,
        web=web,
        sockets=sockets,
        **{field.name: getattr(jobs, field.name) for field in fields(jobs)},
    )


def _web(  # noqa: PLR0917 - the third door leads to all of these
    settings: Settings,
    store: Store,
    metrics: Metrics,
    vitals: Vitals,
    claim: ClaimPage | None,
    bell: Bell,
    slack: SlackEvents | None,
) -> Web:
    secret = settings.applivery_webhook_secret
    return Web(
        metrics=metrics,
        checks=vitals.checks,
        measure=Gauges(metrics, vitals.checks, partial(readiness.waiting, store)).measure,
        slack=slack,
        webhook_secret=secret.get_secret_value() if secret else None,
        ring=bell.ring,
        claim=claim,
    )


async def _say_what_is_missing(poster: Poster) -> None:
    """One line at the start for scopes Slack did not give us, with what suffers."""
    try:
        scopes = (await poster.identity()).scopes
    except BotError as problem:
        log.warning("slack.not_reached", problem=kind_of(problem), said=str(problem), cause=cause(problem))
        return
    if scopes is None:
        return
    for scope in SCOPES:
        if scope not in scopes:
            log.warning("slack.scope_missing", scope=scope, needed_for=SCOPES[scope])
