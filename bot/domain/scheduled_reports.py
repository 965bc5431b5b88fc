"""Digests: summaries that come by themselves, and which stretch of time the next one is about."""

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

    `target_id` is a channel, or a user (`U…`) for their direct messages. The next one is due at `due_at` and begins
    where the last one ended, at `reported_until`. `skip_if_empty`: nothing is posted when there is nothing new.
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
        """The role it takes."""
        return ROLES[self.kind]

    @property
    def private(self) -> bool:
        """Return whether it goes to one user."""
        return self.target_id.startswith(("U", "W"))


def delivery_name(report: ScheduledReport, until: datetime) -> str:
    """Return the name of one delivery of a report, of which its key is made: `downloads/7/1793712000`."""
    return f"{report.kind}/{report.id}/{until.timestamp():.0f}"


def number_of(key: str) -> int:
    """Return the number of the report whose delivery has this key; 0 for another's."""
    number = key.rpartition(":")[2].split("/")[1:2]
    return int(number[0]) if number and number[0].isdecimal() else 0


def kind_of(key: str) -> ReportKind:
    """Return what the report whose delivery has this key is about. Raises ValueError for a newer version's."""
    return ReportKind(key.rpartition(":")[2].partition("/")[0])


class ReportWindow(Struct, frozen=True):
    """What one digest is about, and when the next is due; `late` is when it should have been said, if long ago."""

    period: Period
    until: datetime
    next_at: datetime
    late: datetime | None = None


def turn(digest: ScheduledReport, now: datetime) -> ReportWindow:
    """Return the turn of a digest that is due. Several that were missed are one: it reaches up to the last of them."""
    schedule = timeparse_schedule.parse(digest.schedule)
    until = digest.due_at
    while (following := timeparse_schedule.next_after(schedule, until, digest.tz)) <= now:
        until = following
    late = until if now - until > LATE else None
    # the last one ended later than this one: by a clock that was ahead
    begin = digest.reported_until if digest.reported_until < until else until - timedelta(days=1)
    return ReportWindow(timeparse_period.between(begin, until, digest.tz), until, following, late)


def set_right(digest: ScheduledReport, now: datetime) -> datetime | None:
    """Return when a digest is due that is due later than its schedule can have it; None when it is due when it should
    be.

    It was set by a clock that was ahead then, and would stay away for as long.
    """
    following = timeparse_schedule.next_after(timeparse_schedule.parse(digest.schedule), now, digest.tz)
    return following if digest.due_at > following else None
