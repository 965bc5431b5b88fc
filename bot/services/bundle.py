"""The services that handlers use, created once per running bot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct

from bot.domain.health import Health
from bot.domain.model import Build
from bot.services.access import AccessResolver
from bot.services.app_directory import AppDirectory
from bot.services.audit import AuditLog
from bot.services.bisections import BisectionService
from bot.services.build_lists import BuildLists
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
from bot.services.links import LinkIssuer
from bot.services.names import NameLookup
from bot.services.news import NewsService
from bot.services.nudges import NudgeService
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


class Services(Struct, frozen=True, kw_only=True):
    """The use cases by noun, without the database and without Slack's and Applivery's clients.

    `command` is the slash command, `language` that of channels; `dashboard` returns a build's URL there, `health` the
    state of the bot.
    """

    access: AccessResolver
    apps: AppDirectory
    audit: AuditLog
    bisections: BisectionService
    builds: BuildLists
    channels: ChannelService
    devices: DeviceHistory
    drafts: DraftKeeper
    expiries: LinkExpiryService
    failures: InstallFailureService
    forecasts: ForecastService
    gaps: DownloadGapService
    goals: GoalService
    imports: SlackImportService
    installation: InstallationService
    link_previews: LinkPreviews
    links: LinkIssuer
    names: NameLookup
    news: NewsService
    nudges: NudgeService
    recalls: RecallService
    reports: ReportBuilder
    roles: RoleService
    scheduled_reports: ScheduledReportService
    sent_builds: SentBuildService
    slack_events: SlackEventService
    subscriptions: SubscriptionService
    uploads: UploadRunner
    watches: WatchService
    command: str
    language: str
    dashboard: Callable[[Build], str]
    health: Callable[[], Awaitable[Health]]
