"""Due → rows → report → outbox; each report is posted once, across crashes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.db import database_info, known_builds, scheduled_reports
from bot.db.database import Database
from bot.db.serialization import fact_of_forecast, fact_of_report
from bot.domain import lookup
from bot.domain import scheduled_reports as decisions
from bot.domain.forecast_facts import Forecast
from bot.domain.model import App, ReportKind
from bot.domain.reports import DownloadReport
from bot.domain.scheduled_reports import ReportWindow, ScheduledReport
from bot.exceptions import (
    AppliveryError,
    BotError,
    NotFound,
    NotFoundByName,
    PermissionDenied,
    PermissionUnverified,
    SlackError,
    kind_of,
)
from bot.i18n import current_locale, use_locale
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.services import report_query
from bot.services.access import AccessResolver
from bot.services.forecasts import ForecastQuery, ForecastService
from bot.services.reports import ReportBuilder, ReportQuery
from bot.slack.client import SlackClient
from bot.slack.views import scheduled_report as cards
from bot.slack.views.forecast import SHOWN
from bot.timeouts import no_later_than
from bot.workers.access_recheck import AccessRechecker
from bot.workers.leases import InterruptedLeases
from bot.workers.loop import OutageTracker

log = logger(__name__)

AT_ONCE = 1  # each may take a while, and a lease covers one
LONGEST_SLEEP = 3600.0  # seconds, as the clock may be set meanwhile
LONGEST_SCHEDULED = timedelta(days=1)  # a report due sooner is left as it is
LEASE_SECONDS = 120.0  # longer than all requests of one report to Applivery
PEOPLE = 100  # the rows of one table; the file contains all people


class ScheduledReportJob:
    """Creates the reports that are due."""

    def __init__(
        self,
        *,
        store: Database,
        report_builder: ReportBuilder,
        people: AccessResolver,
        slack_client: SlackClient,
        access_rechecker: AccessRechecker,
        forecasts: ForecastService,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._store = store
        self._report_builder = report_builder.in_background()
        self._forecasts = forecasts.in_background()
        self._people = people
        self._slack_client = slack_client
        self._access_rechecker = access_rechecker
        self._lease = lease_seconds
        self.leases = InterruptedLeases(self._release)
        self.outage = OutageTracker("digest")

    async def step(self) -> float | None:
        """Create due reports; return the seconds until the next one. Raises DatabaseUnavailable.

        A report that fails because of Applivery or Slack is retried when its lease lapses, as one report for all
        periods due by then.
        """
        await self._reschedule()
        until = time.monotonic() + self._lease
        for digest, token in await self.leases.claim(
            self._store.run(scheduled_reports.lease_due_reports, AT_ONCE, self._lease)
        ):
            try:
                with self.leases.working([(digest, token)]), no_later_than(until):
                    await self._enqueue(digest, token)
            except (AppliveryError, SlackError, PermissionUnverified) as problem:
                self.outage.record_failure(problem)
            else:
                self.outage.record_success()
        due_in = await self._store.run(scheduled_reports.report_due_in)
        return None if due_in is None else min(due_in, LONGEST_SLEEP)

    async def _release(self, lease: tuple[ScheduledReport, str]) -> None:
        await self._store.run(scheduled_reports.release_report_leases, lease[1])

    async def _reschedule(self) -> None:
        """Reschedule reports that were postponed too far by a clock that was ahead."""
        now = await self._store.run(database_info.current_time)
        for digest in await self._store.run(scheduled_reports.list_reports_due_after, now + LONGEST_SCHEDULED):
            if due := decisions.set_right(digest, now):
                await self._store.run(scheduled_reports.reschedule_report, digest.id, digest.due_at, due)

    async def _enqueue(self, digest: ScheduledReport, token: str) -> None:
        now = await self._store.run(database_info.current_time)
        try:
            with use_locale(await self._people.language(digest.target_id) if digest.private else current_locale()):
                turn = decisions.turn(digest, now)
                fact = await self._build_fact(digest, turn, now)
        except PermissionUnverified:
            raise
        except PermissionDenied:
            return  # it is paused, and its owner was notified
        except (NotFound, NotFoundByName) as problem:
            await self._pause(digest, str(problem))
            return
        await self._store.run(
            scheduled_reports.enqueue_report,
            digest,
            token,
            until=turn.until,
            next_at=turn.next_at,
            fact=fact,
        )

    async def _build_fact(self, digest: ScheduledReport, turn: ReportWindow, now: datetime) -> str | None:
        """Return the report or forecast as JSON text; None when it is empty. Raises as `_build_report` does."""
        if digest.kind is ReportKind.FORECAST:
            forecast = await self._build_forecast(digest, turn, now)
            return None if digest.skip_if_empty and forecast.is_empty else fact_of_forecast(forecast)
        report = await self._build_report(digest, turn)
        return None if digest.skip_if_empty and not report.summary.recorded else fact_of_report(report)

    async def _build_forecast(self, digest: ScheduledReport, turn: ReportWindow, now: datetime) -> Forecast:
        """Return the forecast as its readers may see it; a channel's lacks the apps of other channels."""
        reader = await self._access_rechecker.require_forecast(digest)
        apps = await self._access_rechecker.filter_apps(digest, reader, await self._forecasts.apps())
        named = next((app for app in apps if app.id == digest.app_id), None)
        if digest.app_id and named is None:
            raise NotFound
        query = ForecastQuery(
            apps if named is None else [named],
            named,
            now + timedelta(days=digest.horizon_days),
            None if digest.private else digest.target_id,
        )
        forecast = replace(await self._forecasts.forecast(reader, query), late=turn.late)
        return await self._forecasts.save(forecast) if len(forecast.items) > SHOWN else forecast

    async def _build_report(self, digest: ScheduledReport, turn: ReportWindow) -> DownloadReport:
        """Return the report as its readers may see it. Raises PermissionDenied when it may not be posted any more."""
        app = App(digest.app_id, digest.app_id, digest.app_name)
        query = ReportQuery(app, "", (), turn.period, digest.group_by, None, digest.tz)
        names = await self._access_rechecker.require_report(digest)
        builds = await self._report_builder.builds(app, digest.build_ref)
        report = await self._report_builder.build_report(report_query.about(query, builds))
        if not names:
            return replace(report.without_names(), late=turn.late)
        return replace(report.shared(await self._people.email_domain(digest.created_by)).cut(PEOPLE), late=turn.late)

    async def _build_names(self, digest: ScheduledReport) -> Mapping[str, str]:
        """Return the name of the build a report is about, if the build is recorded."""
        known = await self._store.run(known_builds.find_builds, [digest.build_ref])
        return {build_id: lookup.short(build) for build_id, build in known.items()}

    async def _pause(self, digest: ScheduledReport, why: str) -> None:
        """Pause a report that cannot be created any more, and notify its creator once."""
        log.warning("digest.paused", digest=digest.id, why=why)
        for paused in await self._store.run(scheduled_reports.pause_reports, why, number=digest.id):
            try:
                with use_locale(await self._people.language(paused.created_by)):
                    card = cards.paused(paused, why, await self._build_names(paused))
                await self._slack_client.post(paused.created_by, card)
            except BotError as problem:
                log.info("digest.maker_not_told", problem=kind_of(problem), cause=cause(problem))
