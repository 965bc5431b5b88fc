"""Create a report: Applivery's rows of a period and the previous one, the newest version, and the audit log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import date, datetime, timedelta
from functools import partial
from typing import Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from bot.applivery.client import AppliveryClient
from bot.applivery.parse import RowSink
from bot.db import audit_reports, install_failures, recalls
from bot.db.database import Database
from bot.domain import adoption, lookup, spelling, time_zones
from bot.domain.adoption import NewestVersions
from bot.domain.downloads import DownloadAggregator, DownloadSummary, GroupBy, labelled_failures
from bot.domain.members import IdentifiedPerson, MemberDirectory
from bot.domain.model import App, Build, Member, MemberDownloads, Stage
from bot.domain.model.failures import FailureCause
from bot.domain.reports import DownloadReport, PreviousPeriod, report
from bot.domain.timeparse import period as timeparse_period
from bot.domain.timeparse.period import Period
from bot.i18n import _, current_locale, use_locale
from bot.services.app_directory import AppDirectory
from bot.services.drafts import DraftKeeper

Takes = TypeVar("Takes", bound=RowSink)

ASKED_ONE_BY_ONE = 3  # builds; for more, the downloads of the whole app are requested once and filtered


class ReportQuery(Struct, frozen=True):
    """The query of a report: an app, or some of its builds, in a period (None: ever); `what` and `typed` describe it.

    `email` narrows it to one person. `tz` is the IANA zone of the requester.
    """

    app: App
    what: str
    builds: tuple[Build, ...] = ()
    period: Period | None = None
    by: GroupBy = GroupBy.PERSON
    email: str | None = None
    tz: str = "UTC"
    typed: str = ""


class ReportBuilder:
    """Creates reports, for commands, clicks and scheduled reports. Raises AppliveryErrors."""

    def __init__(
        self,
        *,
        applivery: AppliveryClient,
        app_directory: AppDirectory,
        store: Database,
        clock: Callable[[], datetime],
        ledger_days: float,
    ) -> None:
        self._applivery = applivery
        self._app_directory = app_directory
        self._store = store
        self._clock = clock
        self._drafts = DraftKeeper(store)
        self._audit_days = timedelta(days=ledger_days)

    def in_background(self) -> ReportBuilder:
        """Return this builder with the priority of a worker."""
        applivery = self._applivery.polling()
        return ReportBuilder(
            applivery=applivery,
            app_directory=AppDirectory(applivery),
            store=self._store,
            clock=self._clock,
            ledger_days=self._audit_days / timedelta(days=1),
        )

    async def builds(self, app: App, which: str | None) -> tuple[Build, ...]:
        """Return the builds of `latest` (per platform), `#number`, an id, a comma-separated list, or a version (of all
        platforms); none: the app. Raises AmbiguousInput, UserInputError, NotFoundByName or NotFound.
        """
        word = spelling.bare(which or "")
        if which is None or word in ("", "all"):
            return ()
        if word == "latest" and (newest := await self.newest_builds(app)):
            return newest
        if len(ids := which.split(",")) > 1 and all(map(lookup.BUILD_ID.fullmatch, ids)):
            return tuple(await asyncio.gather(*(self._app_directory.build_by_id(id_, (app,)) for id_ in ids)))
        named = not which.startswith("#") and word != "latest" and not lookup.BUILD_ID.fullmatch(which)
        if named and (same := await self._app_directory.of_version(app, which)):
            return tuple(same)
        return (
            (
                await self._app_directory.build(app, which, recalled=await self._store.cached(recalls.list_recalls))
            ).build,
        )

    async def newest_builds(self, app: App) -> tuple[Build, ...]:
        """Return the ready builds of each platform's newest version, without recalled ones; empty if none is."""
        every, recalled = await self._list_builds(app)
        newest = lookup.newest_of_each_platform(every, recalled)
        return tuple(
            build
            for build in every
            if build.stage is Stage.READY
            and build.id not in recalled
            and any(_is_newest(build, other) for other in newest)
        )

    async def newer_version(self, app: App, named: str) -> str:
        """Return the newest version of an app if it differs from `named`, a version or build ids; else empty.

        Only one page of the app's builds is read, since this is called often.
        """
        newest = lookup.newest_of_each_platform(
            await self._app_directory.builds(app), await self._store.cached(recalls.list_recalls)
        )
        versions = list(dict.fromkeys(build.version for build in newest if build.version))
        is_newest = named in versions or any(build.id in named.split(",") for build in newest)
        return "" if is_newest else " · ".join(versions)

    async def _list_builds(self, app: App) -> tuple[list[Build], Collection[str]]:
        """Return an app's builds, newest first, and the ids of the recalled ones."""
        return await asyncio.gather(
            self._app_directory.builds(app, limit=None), self._store.cached(recalls.list_recalls)
        )

    async def _newest_versions(self, app: App) -> NewestVersions:
        return adoption.newest(*await self._list_builds(app))

    async def build_report(self, question: ReportQuery, spoken: str | None = None) -> DownloadReport:
        """Return the report, names included, in the language `spoken` (None: the current one)."""
        before = _period_before(question.period)
        tally, earlier, newest, links = await asyncio.gather(
            self.count_downloads(question, question.period),
            self.count_downloads(question, before) if before else _no_op(),
            _no_op() if question.builds or question.email else self._newest_versions(question.app),
            _no_op() if question.email else self._count_links(question),
        )
        failures = await self._count_failures(question) if question.by is GroupBy.FAILURE else {}
        with use_locale(spoken or current_locale()):
            summary = replace(tally.summary(), failures=labelled_failures(failures))
            report = _new_report(question, summary)
            then = _previous_period(earlier.summary(), before) if before and earlier else None
        return replace(
            report,
            before=then,
            adopted=adoption.adoption(report.summary.people, newest) if newest and newest.versions else None,
            links=links,
            remembered=self._audit_days_if_shorter(question.period),
            typed=await self._drafts.store(question.typed),
            stretch=_date_range(question.period, question.tz),
        )

    async def count_downloads(self, question: ReportQuery, period: Period | None) -> DownloadAggregator:
        """Count all downloads of a period."""
        first, *others = await self.fold_downloads(
            question, period, lambda: DownloadAggregator(question.tz, totals=period is None)
        )
        for other in others:
            first.absorb(other)
        return first

    async def fold_downloads(
        self, question: ReportQuery, period: Period | None, into: Callable[[], Takes]
    ) -> list[Takes]:
        """Add all rows to sinks created by `into`: one for the app, or one per build.

        A report on one person reads all rows twice: first for their identity, then for their downloads. Applivery's
        filter would omit rows with only their id, or with their email in different case.
        """
        if question.email is None:
            return await self._fold_attempt(question, period, into)
        known, *others = await self._fold_attempt(question, period, MemberDirectory)
        for other in others:
            known.found.absorb(other.found)
        they = known.found.who(Member("", email=question.email))
        return [
            filter_.into
            for filter_ in await self._fold_attempt(question, period, lambda: OnePersonFilter(into(), known, they))
        ]

    async def _fold_attempt(
        self, question: ReportQuery, period: Period | None, into: Callable[[], Takes]
    ) -> list[Takes]:
        ids = [build.id for build in question.builds]
        ask = partial(
            self._applivery.fold_downloads,
            since=period.start if period else None,
            until=period.end if period else None,
        )
        if ids and len(ids) <= ASKED_ONE_BY_ONE:
            return list(await asyncio.gather(*(ask(into, question.app.id, id_) for id_ in ids)))
        if not ids:
            return [await ask(into, question.app.id)]
        return [(await ask(lambda: _BuildFilter(into(), question.builds), question.app.id)).into]

    async def _count_links(self, question: ReportQuery) -> int:
        period = question.period
        return await self._store.run(
            audit_reports.count_links,
            question.app.id,
            [build.id for build in question.builds],
            since=period.start if period else None,
            until=period.end if period else None,
        )

    async def _count_failures(self, question: ReportQuery) -> dict[FailureCause, int]:
        period = question.period
        return await self._store.run(
            install_failures.count_failures,
            question.app.id,
            [build.id for build in question.builds],
            since=period.start if period else None,
            until=period.end if period else None,
        )

    def _audit_days_if_shorter(self, period: Period | None) -> int | None:
        """Return the retention of the audit log in days, if it is shorter than the period."""
        if period and not period.open and period.start >= self._clock() - self._audit_days:
            return None
        return round(self._audit_days / timedelta(days=1))


class OnePersonFilter(Generic[Takes]):
    """Passes on the rows of one person."""

    def __init__(self, into: Takes, known: MemberDirectory, they: IdentifiedPerson[None] | None) -> None:
        self.into = into
        self._known = known.found
        self._user_ids = they

    def add(self, row: MemberDownloads) -> None:
        """Take the next row."""
        if self._user_ids and self._known.who(row.member) is self._user_ids:
            self.into.add(row)


class _BuildFilter(Generic[Takes]):
    """Passes on the downloads of some builds, with the identity of each person.

    A download without a build's id is matched by its version.
    """

    def __init__(self, into: Takes, builds: Collection[Build]) -> None:
        self.into = into
        self._ids = frozenset(build.id for build in builds)
        self._versions = frozenset(build.version for build in builds)

    def add(self, row: MemberDownloads) -> None:
        """Take the next row."""
        kept = tuple(
            download
            for download in row.downloads
            if (download.build_id in self._ids if download.build_id else download.version in self._versions)
        )
        self.into.add(replace(row, downloads=kept, total=None))  # Applivery's total includes other builds


def _is_newest(build: Build, newest: Build) -> bool:
    """Return whether a build is the newest of a platform, or has its version there."""
    if build.platform.casefold() != newest.platform.casefold():
        return False
    return build.id == newest.id or (bool(newest.version) and build.version == newest.version)


async def _no_op() -> None:
    return None


def _new_report(question: ReportQuery, summary: DownloadSummary) -> DownloadReport:
    span = _(question.period.words) if question.period else _("so far")
    worded = report(question.what, span, summary, tz=question.tz, by=question.by)
    return replace(worded, language=current_locale())


def _previous_period(earlier: DownloadSummary, before: Period) -> PreviousPeriod:
    return PreviousPeriod(earlier.recorded, len(earlier.people), _(before.words))


def _period_before(period: Period | None) -> Period | None:
    if period is None or period.open:
        return None
    try:
        return timeparse_period.before(period)
    except OverflowError:
        return None


def _date_range(period: Period | None, tz: str) -> tuple[date, date] | None:
    if period is None or period.open:
        return None
    here = time_zones.zone(tz)
    return period.start.astimezone(here).date(), period.end.astimezone(here).date()
