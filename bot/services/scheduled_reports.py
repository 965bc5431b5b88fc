"""Scheduled reports: create, list and delete."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.db import scheduled_reports
from bot.db.database import Database
from bot.domain.audit import AuditAction, AuditOutcome, Entrypoint
from bot.domain.downloads import GroupBy
from bot.domain.model import Actor, App, ReportKind
from bot.domain.scheduled_reports import ScheduledReport
from bot.domain.timeparse import schedule as timeparse_schedule
from bot.services.audit import AuditLog
from bot.services.reports import ReportQuery


class ScheduledReportService:
    """The scheduled reports of channels and people. Each method raises DatabaseUnavailable."""

    def __init__(self, store: Database, audit: AuditLog) -> None:
        self._store = store
        self._audit = audit

    async def begin(
        self,
        actor: Actor,
        entrypoint: Entrypoint,
        *,
        place: str,
        query: ReportQuery,
        which: str,
        every: timeparse_schedule.Schedule,
        skip_if_empty: bool,
        now: datetime,
    ) -> ScheduledReport:
        """Save a scheduled report of the build `which` (as typed; empty: the whole app) for a channel or user."""
        report = await self._store.run(
            scheduled_reports.add_report,
            team_id=actor.team_id,
            place=place,
            app_id=query.app.id,
            app_name=query.app.name,
            which=which,
            by=query.by,
            schedule=str(every),
            tz=actor.tz,
            quiet=skip_if_empty,
            created_by=actor.user_id,
            due_at=timeparse_schedule.next_after(every, now, actor.tz),
        )
        outcome = f"{report.schedule} in {place}"
        await self._audit.record(actor, entrypoint, AuditAction.DIGEST, outcome, app_id=query.app.id)
        return report

    async def begin_forecast(
        self,
        actor: Actor,
        entrypoint: Entrypoint,
        *,
        place: str,
        app: App | None,
        every_app: str,
        days: int,
        every: timeparse_schedule.Schedule,
        skip_if_empty: bool,
        now: datetime,
    ) -> ScheduledReport:
        """Save a scheduled forecast of an app (None: all of the creator's, named `every_app`) for `days` ahead."""
        report = await self._store.run(
            scheduled_reports.add_report,
            team_id=actor.team_id,
            place=place,
            app_id=app.id if app else "",
            app_name=app.name if app else every_app,
            which=ReportKind.FORECAST.value,
            by=GroupBy.PERSON,
            schedule=str(every),
            tz=actor.tz,
            quiet=skip_if_empty,
            created_by=actor.user_id,
            due_at=timeparse_schedule.next_after(every, now, actor.tz),
            kind=ReportKind.FORECAST,
            horizon_days=days,
        )
        outcome = f"{report.kind} {report.schedule} in {place}"
        await self._audit.record(actor, entrypoint, AuditAction.DIGEST, outcome, app_id=app.id if app else None)
        return report

    async def of_places(self, places: Sequence[str]) -> list[ScheduledReport]:
        """Return the scheduled reports of these channels and users."""
        return await self._store.run(scheduled_reports.list_reports, places)

    async def find(self, number: int) -> ScheduledReport | None:
        """Return the scheduled report with this number."""
        return await self._store.run(scheduled_reports.get_report, number)

    async def end(self, actor: Actor, entrypoint: Entrypoint, number: int) -> tuple[ScheduledReport, str] | None:
        """Delete a scheduled report and return it with the key to undo that; None if it was deleted already."""
        removed = await self._store.run(scheduled_reports.end_report, number)
        if removed is not None:
            await self._audit.record(
                actor, entrypoint, AuditAction.DIGEST, AuditOutcome.ENDED, app_id=removed[0].app_id or None
            )
        return removed

    async def ended(self, key: str) -> ScheduledReport | None:
        """Return the deleted report with this key; None when it is too old to be restored."""
        return await self._store.run(scheduled_reports.get_ended_report, key)

    async def restore(
        self, actor: Actor, entrypoint: Entrypoint, report: ScheduledReport, now: datetime
    ) -> ScheduledReport | None:
        """Restore a deleted report, due by its schedule; None when an equal one exists."""
        due_at = timeparse_schedule.next_after(timeparse_schedule.parse(report.schedule), now, report.tz)
        restored = await self._store.run(scheduled_reports.restore_report, report, due_at)
        if restored is not None:
            outcome = f"{restored.schedule} in {restored.target_id}"
            await self._audit.record(actor, entrypoint, AuditAction.DIGEST, outcome, app_id=restored.app_id or None)
        return restored
