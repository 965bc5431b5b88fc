"""Scheduled reports, and the period of the next one."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from bot.domain.downloads import GroupBy
from bot.domain.model import ReportKind, Role
from bot.domain.timeparse import period as timeparse_period
from bot.domain.timeparse import schedule as timeparse_schedule
from bot.domain.timeparse.period import Period

LATE = timedelta(minutes=10)


ROLES = {ReportKind.DOWNLOADS: Role.MANAGER, ReportKind.FORECAST: Role.RELEASER}
"""The role that a report's creator and readers by direct message need, and those who end it."""


class ScheduledReport(Struct, frozen=True):
    """A report on one app (or `build_ref` build of it) on a schedule in the IANA zone `tz`; aware times.

    A forecast looks `horizon_days` ahead; its `app_id` is empty when it is about every app of its creator.

    `target_id` is a channel, or a user (`U…`) for direct messages. The next report is due at `due_at`, and its period
    begins at the end of the last one, `reported_until`. `skip_if_empty`: nothing is posted if there is nothing new.
    """

    id: int
    team_id: str
    target_id: str
    app_id: str
    app_name: str
    build_ref: str
    group_by: GroupBy
    schedule: str
    tz: str
    skip_if_empty: bool
    created_by: str
    created_at: datetime
    reported_until: datetime
    due_at: datetime
    paused: str | None = None
    kind: ReportKind = ReportKind.DOWNLOADS
    horizon_days: int = 0

    @property
    def role(self) -> Role:
        """The role that the report requires."""
        return ROLES[self.kind]

    @property
    def private(self) -> bool:
        """Return whether it is sent to one user."""
        return self.target_id.startswith(("U", "W"))


def delivery_name(report: ScheduledReport, until: datetime) -> str:
    """Return the name of a delivery of a report, which is part of its key: `downloads/7/1793712000`."""
    return f"{report.kind}/{report.id}/{until.timestamp():.0f}"


def number_of(key: str) -> int:
    """Return the number of the report from the key of its delivery; 0 for other deliveries."""
    number = key.rpartition(":")[2].split("/")[1:2]
    return int(number[0]) if number and number[0].isdecimal() else 0


def kind_of(key: str) -> ReportKind:
    """Return the kind of report from the key of its delivery. Raises ValueError for a kind of a newer version."""
    return ReportKind(key.rpartition(":")[2].partition("/")[0])


class ReportWindow(Struct, frozen=True):
    """The period of a report, and when the next one is due; `late` is when it was due, if long ago."""

    period: Period
    until: datetime
    next_at: datetime
    late: datetime | None = None


def turn(digest: ScheduledReport, now: datetime) -> ReportWindow:
    """Return the window of a report that is due; several that were missed are joined up to the last of them."""
    schedule = timeparse_schedule.parse(digest.schedule)
    until = digest.due_at
    while (following := timeparse_schedule.next_after(schedule, until, digest.tz)) <= now:
        until = following
    late = until if now - until > LATE else None
    # the last one ended later than this one, because the clock was ahead then
    begin = digest.reported_until if digest.reported_until < until else until - timedelta(days=1)
    return ReportWindow(timeparse_period.between(begin, until, digest.tz), until, following, late)


def set_right(digest: ScheduledReport, now: datetime) -> datetime | None:
    """Return the corrected due time of a report that is due later than its schedule allows; None if it is not.

    Its due time was set while the clock was ahead, and without a correction it would be late by as much.
    """
    following = timeparse_schedule.next_after(timeparse_schedule.parse(digest.schedule), now, digest.tz)
    return following if digest.due_at > following else None
