"""The rooms a handler may enter, furnished."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial

import bot.commands
from bot.applivery.client import AppliveryClient
from bot.db.database import Database
from bot.dispatch.registry import HandlerRegistry, Services
from bot.domain.health import Health
from bot.domain.model import Build
from bot.observability.metrics import Metrics
from bot.services.access import AccessResolver
from bot.services.app_directory import AppDirectory
from bot.services.drafts import DraftKeeper
from bot.services.links import LinkIssuer, TicketIssuer
from bot.services.permissions import PermissionChecker
from bot.services.reports import ReportBuilder
from bot.services.slack_uploads import UploadRunner
from bot.settings import Settings
from bot.slack.client import SlackClient
from bot.slack.file_source import SlackFileSource
from bot.testing_overrides import TestingOverrides

STOP_SECONDS = 2.0  # for telling that an upload was stopped


def house_of(
    settings: Settings,
    tuning: TestingOverrides,
    stack: AsyncExitStack,
    *,
    applivery: AppliveryClient,
    store: Database,
    poster: SlackClient,
    people: AccessResolver,
    permission: PermissionChecker,
    metrics: Metrics,
    claims: TicketIssuer | None,
    health: Callable[[], Awaitable[Health]],
) -> Services:
    """The house of these settings; what is carried when it closes is told that it was stopped."""
    catalogue = AppDirectory(applivery)

    def dashboard(build: Build) -> str:
        return applivery.hosts.dashboard_build_url(settings.applivery_organization, build.app, build)

    carrier = UploadRunner(
        applivery=applivery,
        files=SlackFileSource(
            poster, token=settings.slack_bot_token.get_secret_value(), api_url=settings.slack_api_url
        ),
        poster=poster,
        store=store,
        permission=permission,
        dashboard=dashboard,
        clock=tuning.clock,
        every=tuning.progress_seconds,
    )
    stack.push_async_callback(partial(carrier.close, STOP_SECONDS))
    return Services(
        applivery=applivery,
        catalogue=catalogue,
        store=store,
        people=people,
        permission=permission,
        language=settings.language,
        places=poster,
        handout=LinkIssuer(
            applivery=applivery,
            catalogue=catalogue,
            store=store,
            metrics=metrics,
            clock=tuning.clock,
            claims=claims,
            per_minute=settings.links_per_minute,
            per_hour=settings.links_per_hour,
        ),
        reporting=ReportBuilder(
            applivery=applivery, catalogue=catalogue, store=store, clock=tuning.clock, ledger_days=settings.ledger_days
        ),
        metrics=metrics,
        registry=HandlerRegistry.of(bot.commands),
        carrier=carrier,
        drafts=DraftKeeper(store),
        command=settings.slack_command,
        deadline=timedelta(hours=settings.build_deadline_hours),
        dashboard=dashboard,
        health=health,
    )
