"""Create, start and stop the background workers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from bot.applivery.client import AppliveryClient
from bot.db.database import Database
from bot.db.wakeups import Topic
from bot.exceptions import BotError, kind_of
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.observability.metrics import Metrics
from bot.services.app_directory import AppDirectory
from bot.services.bundle import Services
from bot.services.permissions import PermissionChecker
from bot.services.upload_recovery import UploadJournal
from bot.slack.client import SlackClient
from bot.testing_overrides import TestingOverrides
from bot.workers import scheduled_reports as digesting
from bot.workers.access_recheck import AccessRechecker
from bot.workers.bisection_expirer import BisectionExpirer
from bot.workers.budget_exchange import BudgetExchange
from bot.workers.build_poller import BuildPoller
from bot.workers.channel_monitor import ChannelMonitor
from bot.workers.goal_tracker import GoalTracker
from bot.workers.held_releaser import HeldReleaser
from bot.workers.link_expirer import LinkExpirer
from bot.workers.loop import OutageTracker, Step, forever
from bot.workers.message_renderer import MessageRenderer
from bot.workers.outbox_dispatcher import OutboxDispatcher
from bot.workers.personal_notifications import PersonalNotifier
from bot.workers.poll_outages import OutageNotifier
from bot.workers.progress_updater import ProgressUpdater
from bot.workers.retention import RetentionJob

if TYPE_CHECKING:
    from bot.settings import Settings

log = logger(__name__)

Polling = Callable[[], Awaitable[dict[str, Any]]]

FINISH_SECONDS = 4.0  # for responses and posts in progress; the whole stop stays within ten


@dataclass(slots=True, kw_only=True)
class WorkerSupervisor:
    """The workers of one bot; each has a step()."""

    store: Database
    watch: BuildPoller
    announce: OutboxDispatcher
    progress: ProgressUpdater
    expire: LinkExpirer
    hold: HeldReleaser
    pausing: ChannelMonitor
    withdrawals: AccessRechecker
    digest: digesting.ScheduledReportJob
    goals: GoalTracker
    forget: RetentionJob
    bisections: BisectionExpirer
    unfinished: UploadJournal
    outage_notifier: OutageNotifier
    budget_exchange: BudgetExchange
    running: list[asyncio.Task[None]] = field(default_factory=list)
    loops: list[OutageTracker] = field(default_factory=list)

    def start(self) -> None:
        """Start the workers."""
        steps: list[tuple[str, Step, Topic]] = [
            ("watch", self.watch.step, Topic.APP_POLLS),
            ("hold", self.hold.step, Topic.HELD),
            ("announce", self.announce.step, Topic.OUTBOX),
            ("pausing", self.pausing.step, Topic.PAUSED_CHANNELS),
            ("withdrawals", self.withdrawals.step, Topic.ACCESS),
            ("progress", self.progress.step, Topic.BUILD_WATCHES),
            ("digest", self.digest.step, Topic.SCHEDULED_REPORTS),
            ("goals", self.goals.step, Topic.GOALS),
            ("expire", self.expire.step, Topic.LINK_EXPIRIES),
        ]
        for name, step, topic in steps:
            outage = OutageTracker(name)
            self.loops.append(outage)
            loop = forever(name, step, partial(self.store.wait, topic), outage)
            self.running.append(asyncio.create_task(loop, name=name))
        self.running += [
            asyncio.create_task(forever(name, step, asyncio.sleep), name=name)
            for name, step in (
                ("forget", self.forget.step),
                ("bisections", self.bisections.step),
                ("unfinished", self.unfinished.step),
                ("outages", self.outage_notifier.step),
                ("budget", self.budget_exchange.step),
            )
        ]

    def outages(self) -> list[OutageTracker]:
        """The outage trackers of all services."""
        return [self.watch.outage, self.announce.outage, self.digest.outage, self.goals.outage, *self.loops]

    async def stop(self) -> None:
        """Let work in progress end, and release leases of work that was not started."""
        for job in self.running:
            job.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)
        try:
            await self.announce.drain_posts(FINISH_SECONDS)
            for worker in (self.watch, self.progress, self.digest, self.goals, self.expire):
                await worker.leases.release()
        except BotError as problem:
            log.warning("jobs.unfinished", problem=kind_of(problem), cause=cause(problem))


def jobs_of(
    settings: Settings,
    tuning: TestingOverrides,
    services: Services,
    *,
    applivery: AppliveryClient,
    store: Database,
    slack_client: SlackClient,
    permission: PermissionChecker,
    metrics: Metrics,
    pausing: ChannelMonitor,
    polling: Polling,
) -> WorkerSupervisor:
    """Return the workers; `polling` says whether polls succeed, as `/readyz` does."""
    access, dashboard = services.access, services.dashboard
    deadline = timedelta(hours=settings.build_deadline_hours)
    words = MessageRenderer(
        app_directory=AppDirectory(applivery.polling()),
        dashboard=dashboard,
        apps=partial(applivery.hosts.dashboard_app_url, settings.applivery_organization),
        personal=PersonalNotifier(
            people=access,
            permission=permission,
            link_issuer=services.links,
            devices=services.devices,
            dashboard=dashboard,
            clock=tuning.clock,
        ).message,
        bisections=services.bisections,
        clock=tuning.clock,
    )
    withdrawals = AccessRechecker(
        store=store,
        slack_client=slack_client,
        people=access,
        permission=permission,
        message=words.message,
    )
    watch = BuildPoller(
        applivery=applivery,
        store=store,
        metrics=metrics,
        on_app_deleted=withdrawals.on_app_deleted,
        can_speak=slack_client.is_token_accepted,
        busy_seconds=settings.poll_busy_seconds,
        idle_seconds=settings.poll_idle_seconds,
        deadline=deadline,
        history=timedelta(days=settings.history_days),
        lease_seconds=tuning.watch_lease_seconds,
    )
    return WorkerSupervisor(
        store=store,
        withdrawals=withdrawals,
        watch=watch,
        outage_notifier=OutageNotifier(
            store=store, slack_client=slack_client, people=access, polling=polling, attempts=watch.attempts
        ),
        announce=OutboxDispatcher(
            store=store,
            slack_client=slack_client,
            metrics=metrics,
            message=words.message,
            channel_monitor=pausing,
            access_rechecker=withdrawals,
            moves=services.slack_events.moves,
            lease_seconds=tuning.lease_seconds,
            pace_seconds=tuning.pace_seconds,
        ),
        progress=ProgressUpdater(
            store=store,
            slack_client=slack_client,
            people=access,
            access_rechecker=withdrawals,
            dashboard=dashboard,
            every_seconds=tuning.progress_seconds,
            deadline=deadline,
        ),
        expire=LinkExpirer(store=store, slack_client=slack_client),
        hold=HeldReleaser(store=store),
        pausing=pausing,
        digest=digesting.ScheduledReportJob(
            store=store,
            report_builder=services.reports,
            people=access,
            slack_client=slack_client,
            access_rechecker=withdrawals,
            forecasts=services.forecasts,
            lease_seconds=tuning.digest_lease_seconds,
        ),
        goals=GoalTracker(
            store=store,
            report_builder=services.reports,
            gaps=services.gaps,
            people=access,
            slack_client=slack_client,
            access_rechecker=withdrawals,
            clock=tuning.clock,
            lease_seconds=tuning.digest_lease_seconds,
        ),
        budget_exchange=BudgetExchange(store, applivery.budget, applivery.plan_limits),
        forget=RetentionJob(store, audit_days=settings.ledger_days, history_days=settings.history_days),
        bisections=BisectionExpirer(services.bisections),
        unfinished=services.uploads.journal,
    )
