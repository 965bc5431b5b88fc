"""The rooms a handler may enter, furnished."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial

import bot.commands
from bot.applivery.client import Applivery
from bot.db.database import Store
from bot.dispatch.registry import House, Registry
from bot.domain.health import Health
from bot.domain.model import Build
from bot.observability.metrics import Metrics
from bot.services.access import People
from bot.services.app_directory import Catalogue
from bot.services.drafts import Drafts
from bot.services.links import Claims, Handout
from bot.services.permissions import Permission
from bot.services.reports import Reporting
from bot.services.slack_uploads import Carrier
from bot.settings import Settings
from bot.slack.client import Poster
from bot.slack.file_source import Files
from bot.testing_overrides import Tuning

STOP_SECONDS = 2.0  # for telling that an upload was stopped


def house_of(
    settings: Settings,
    tuning: Tuning,
    stack: AsyncExitStack,
    *,
    applivery: Applivery,
    store: Store,
    poster: Poster,
    people: People,
    permission: Permission,
    metrics: Metrics,
    claims: Claims | None,
    health: Callable[[], Awaitable[Health]],
) -> House:
    """The house of these settings; what is carried when it closes is told that it was stopped."""
    catalogue = Catalogue(applivery)

    def dashboard(build: Build) -> str:
        return applivery.hosts.dashboard_build_url(settings.applivery_organization, build.app, build)

    carrier = Carrier(
        applivery=applivery,
        files=Files(poster, token=settings.slack_bot_token.get_secret_value(), api_url=settings.slack_api_url),
        poster=poster,
        store=store,
        permission=permission,
        dashboard=dashboard,
        clock=tuning.clock,
        every=tuning.progress_seconds,
    )
    stack.push_async_callback(partial(carrier.close, STOP_SECONDS))
    return House(
        applivery=applivery,
        catalogue=catalogue,
        store=store,
        people=people,
        permission=permission,
        language=settings.language,
        places=poster,
        handout=Handout(
            applivery=applivery,
            catalogue=catalogue,
            store=store,
            metrics=metrics,
            clock=tuning.clock,
            claims=claims,
            per_minute=settings.links_per_minute,
            per_hour=settings.links_per_hour,
        ),
        reporting=Reporting(
            applivery=applivery, catalogue=catalogue, store=store, clock=tuning.clock, ledger_days=settings.ledger_days
        ),
        metrics=metrics,
        registry=Registry.of(bot.commands),
        carrier=carrier,
        drafts=Drafts(store),
        command=settings.slack_command,
        deadline=timedelta(hours=settings.build_deadline_hours),
        dashboard=dashboard,
        health=health,
    )
