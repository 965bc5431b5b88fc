"""Create the services of a running bot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from bot.applivery.client import AppliveryClient
from bot.applivery.hosts import link_places
from bot.db.database import Database
from bot.domain.health import Health
from bot.domain.model import Build
from bot.observability.metrics import Metrics
from bot.services.access import AccessResolver
from bot.services.app_directory import AppDirectory
from bot.services.audit import AuditLog
from bot.services.bisections import BisectionService
from bot.services.build_lists import BuildLists
from bot.services.bundle import Services
from bot.services.channel_moves import ChannelMoves
from bot.services.channels import ChannelService
from bot.services.device_history import DeviceHistory
from bot.services.download_gaps import DownloadGapService
from bot.services.drafts import DraftKeeper
from bot.services.forecasts import ForecastService
from bot.services.goals import GoalService
from bot.services.install_failures import InstallFailureService
from bot.services.installation import InstallationService
from bot.services.link_expiries import LinkExpiryService
from bot.services.link_previews import LinkPreviews
from bot.services.links import LinkIssuer, TicketIssuer
from bot.services.names import NameLookup
from bot.services.news import NewsService
from bot.services.nudges import NudgeService
from bot.services.permissions import PermissionChecker
from bot.services.recalls import RecallService
from bot.services.reports import ReportBuilder
from bot.services.roles import RoleService
from bot.services.scheduled_reports import ScheduledReportService
from bot.services.sent_builds import SentBuildService
from bot.services.slack_events import SlackEventService
from bot.services.slack_imports import SlackImportService
from bot.services.slack_uploads import UploadRunner
from bot.services.subscriptions import SubscriptionService
from bot.services.watches import WatchService
from bot.slack.client import SlackClient
from bot.slack.file_source import SlackFileSource
from bot.testing_overrides import TestingOverrides

if TYPE_CHECKING:
    from bot.settings import Settings

STOP_SECONDS = 2.0  # timeout of the message that an upload was stopped


def build_services(
    settings: Settings,
    tuning: TestingOverrides,
    stack: AsyncExitStack,
    *,
    applivery: AppliveryClient,
    store: Database,
    slack_client: SlackClient,
    access: AccessResolver,
    devices: DeviceHistory,
    permission: PermissionChecker,
    moves: ChannelMoves,
    metrics: Metrics,
    claims: TicketIssuer | None,
    health: Callable[[], Awaitable[Health]],
) -> Services:
    """Return the services of these settings; closing the stack stops uploads in progress and notifies their users."""
    apps, audit = AppDirectory(applivery), AuditLog(store, tuning.clock)

    def dashboard(build: Build) -> str:
        return applivery.hosts.dashboard_build_url(settings.applivery_organization, build.app, build)

    uploads = UploadRunner(
        applivery=applivery,
        files=SlackFileSource(
            slack_client, token=settings.slack_bot_token.get_secret_value(), api_url=settings.slack_api_url
        ),
        slack_client=slack_client,
        store=store,
        permission=permission,
        dashboard=dashboard,
        audit=audit,
        every=tuning.progress_seconds,
    )
    stack.push_async_callback(partial(uploads.close, STOP_SECONDS))
    channels = ChannelService(store, slack_client, audit)
    reports = ReportBuilder(
        applivery=applivery, app_directory=apps, store=store, clock=tuning.clock, ledger_days=settings.ledger_days
    )
    links = LinkIssuer(
        applivery=applivery,
        app_directory=apps,
        store=store,
        metrics=metrics,
        audit=audit,
        tickets=claims,
        per_minute=settings.links_per_minute,
        per_hour=settings.links_per_hour,
    )
    recalls, news = RecallService(store, audit), NewsService(apps, links)
    return Services(
        access=access,
        apps=apps,
        audit=audit,
        bisections=BisectionService(store, apps, audit),
        builds=BuildLists(apps),
        channels=channels,
        devices=devices,
        drafts=DraftKeeper(store),
        expiries=LinkExpiryService(store),
        failures=InstallFailureService(store, slack_client, audit),
        forecasts=ForecastService(
            applivery=applivery,
            app_directory=apps,
            reports=reports,
            store=store,
            channels=channels,
            access=access,
            clock=tuning.clock,
            workspace_url=applivery.hosts.dashboard_workspace_url(settings.applivery_organization),
        ),
        gaps=DownloadGapService(access, channels, reports),
        goals=GoalService(store, audit),
        installation=InstallationService(store, slack_client, tuning.clock),
        imports=SlackImportService(applivery, slack_client, store),
        link_previews=LinkPreviews(
            store=store,
            applivery=applivery,
            apps=apps,
            people=access,
            channels=channels,
            recalls=recalls,
            news=news,
            slack_client=slack_client,
            metrics=metrics,
            places=link_places(
                tenant=settings.applivery_tenant,
                dashboard=settings.applivery_dashboard_url,
                organization=settings.applivery_organization,
                public_url=settings.public_url,
            ),
            organization=settings.applivery_organization,
            dashboard=dashboard,
            language=settings.language,
        ),
        links=links,
        names=NameLookup(store, apps),
        news=news,
        nudges=NudgeService(store, audit),
        recalls=recalls,
        reports=reports,
        roles=RoleService(store, access, apps, audit),
        scheduled_reports=ScheduledReportService(store, audit),
        sent_builds=SentBuildService(store, permission, audit),
        slack_events=SlackEventService(store, access, moves),
        subscriptions=SubscriptionService(store, audit),
        uploads=uploads,
        watches=WatchService(store, apps, timedelta(hours=settings.build_deadline_hours)),
        command=settings.slack_command,
        language=settings.language,
        dashboard=dashboard,
        health=health,
    )
