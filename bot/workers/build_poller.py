"""Poll → decide → record: one list call per app covers its builds; stages and announcements are one transaction."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.applivery.client import AppliveryClient, Page, Priority
from bot.applivery.pagination import every_page
from bot.db import (
    access,
    access_pauses,
    app_polls,
    build_waiters,
    build_watches,
    database_info,
    key_value,
    subscriptions,
)
from bot.db import builds as stored_builds
from bot.db.app_polls import PollLease
from bot.db.database import Database
from bot.domain import builds as decisions
from bot.domain import polling
from bot.domain.health import AttemptHistory
from bot.domain.model import EVENT_OF, App, Build, BuildTransition, KnownBuild, NewDelivery, Stage, Subscription
from bot.domain.outcomes import PollOutcome
from bot.domain.polling import PollPace
from bot.domain.states import PauseReason
from bot.exceptions import (
    AppliveryError,
    AppliveryRateLimited,
    BotError,
    BudgetExhausted,
    DatabaseUnavailable,
    InvalidCredentials,
    InvalidId,
    NotFound,
    ServiceUnavailable,
    WorkspaceNotFound,
    kind_of,
)
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.observability.metrics import Metrics
from bot.services.app_directory import AppDirectory
from bot.workers.leases import InterruptedLeases
from bot.workers.loop import OutageTracker

log = logger(__name__)

AT_ONCE = 8
# Renewed while a poll runs, so that it can be short: another replica takes over soon after a crash.
LEASE_SECONDS = 10.0
RENEWALS = 3  # per lease duration
PAGE_SIZE = 50
PAGES = 20
MOST_NEWS = 100  # per poll: after a long outage progress is saved in parts, and no poll outlives its lease
MISSED = 10  # unlisted builds on cards, requested one by one per poll
ASK_AGAIN = timedelta(hours=1)  # until an unlisted build that still exists is requested again
DEADLINE = timedelta(days=1)
HISTORY = timedelta(days=365)
CATALOGUE_NOTE = "catalogue_seen_at"
# Any other error concerns one app, unless several apps fail and no poll succeeds.
EVERYWHERE = (ServiceUnavailable, AppliveryRateLimited, InvalidCredentials, BudgetExhausted, WorkspaceNotFound)
SEVERAL = 3
ASK_SECONDS = 15.0
COUNT_SECONDS = 10.0
POSTPONED_SECONDS = 60.0  # until a poll without budget is tried again; users may make fewer requests by then
QUIET_SECONDS = 15.0  # between two checks whether Slack accepts the token again


class BuildPoller:
    """Polls every watched app when it is due."""

    def __init__(
        self,
        *,
        applivery: AppliveryClient,
        store: Database,
        metrics: Metrics,
        on_app_deleted: Callable[[str], Awaitable[None]],
        can_speak: Callable[[], Awaitable[bool]],
        busy_seconds: float,
        idle_seconds: float,
        deadline: timedelta = DEADLINE,
        history: timedelta = HISTORY,
        lease_seconds: float = LEASE_SECONDS,
        rng: random.Random | None = None,
    ) -> None:
        self._applivery = applivery.polling()
        self._routine = applivery.polling(Priority.ROUTINE)
        self._app_directory = AppDirectory(self._applivery)
        self._store = store
        self._metrics = metrics
        self._on_app_deleted = on_app_deleted
        self._can_speak = can_speak
        self._busy = busy_seconds
        self._idle = idle_seconds
        self._deadline = deadline
        self._history = history
        self._lease = lease_seconds
        self._counts = (0, 0)  # watched apps, and those with a build that is processing
        self._counts_until = 0.0  # time.monotonic()
        self._said_short = False
        self._rng = rng or random.Random()  # noqa: S311  spreads polls, guards nothing
        self.outage = OutageTracker("applivery")
        self.attempts = AttemptHistory()
        self._app_trackers: dict[str, OutageTracker] = {}
        self._failed_apps: set[str] = set()  # apps whose poll failed since the last success
        self.leases = InterruptedLeases(self._release)  # of polls interrupted by a stop or the database
        self._confirmed_at: dict[str, datetime] = {}  # unlisted builds, and when Applivery confirmed that they exist
        self._probe_at = 0.0  # time.monotonic(), when no app is watched

    async def step(self) -> float | None:
        """Poll the apps that are due; return the seconds until the next one may be. Raises DatabaseUnavailable.

        While Slack cannot be used, no app is polled; changes are found afterwards. An app leased by another replica is
        due again when that lease ends, which the replica renews while it runs.
        """
        await self.leases.release()
        if not await self._can_speak():
            return QUIET_SECONDS
        await self._discover_apps()
        await self._count_apps()
        furthest = decisions.furthest_look(self.pace)
        claims = await self.leases.claim(
            self._store.run(app_polls.claim_due_apps, AT_ONCE, self._lease, furthest_seconds=furthest)
        )
        self.attempts.waiting_since = time.monotonic() if claims else None
        renewal = asyncio.create_task(self._renew_leases(claims[0].token)) if claims else None
        try:
            with self.leases.working(claims):
                await asyncio.gather(*(self._poll_app(claim) for claim in claims))
        finally:
            self.attempts.waiting_since = None
            if renewal:
                renewal.cancel()
        due = await self._store.run(app_polls.poll_due_in, furthest_seconds=furthest)
        return await self._probe_applivery() if due is None else min(due, self._idle)

    @property
    def pace(self) -> PollPace:
        """Return the poll intervals: as configured, unless the hourly budget is too small for them."""
        apps, running = self._counts
        budget = self._applivery.budget
        return polling.poll_pace(
            apps=apps,
            running=running,
            per_hour=budget.routine_per_hour,
            busy=self._busy,
            idle=self._idle,
            spent=budget.routine_spent,
        )

    async def _count_apps(self) -> None:
        """Count the apps to poll, now and then; log once when the hourly budget is too small for them."""
        now = time.monotonic()
        if now < self._counts_until:
            return
        self._counts = await self._store.run(app_polls.count_apps)
        self._counts_until = now + COUNT_SECONDS
        pace = self.pace
        if pace.stretch > 1 and not self._said_short:
            self._said_short = True
            log.warning("watch.polls_stretched", apps=self._counts[0], seconds=round(pace.idle), wanted=self._idle)

    async def _renew_leases(self, token: str) -> None:
        """Renew the leases of a step as long as its polls run. A lease that lapses all the same does no harm: its
        results are discarded.
        """
        while True:
            await asyncio.sleep(self._lease / RENEWALS)
            try:
                await self._store.run(app_polls.renew_leases, token, self._lease)
            except DatabaseUnavailable as problem:
                log.info("watch.lease_not_renewed", problem=kind_of(problem), cause=cause(problem))

    async def retry_now(self) -> None:
        """Poll failed apps now, since Applivery is available again. Raises DatabaseUnavailable."""
        self._probe_at = 0.0
        await self._store.run(app_polls.retry_failing)

    async def _probe_applivery(self) -> float:
        """Without apps to poll, request the workspace now and then, to know whether Applivery is available.

        Return the seconds until the next request.
        """
        if (wait := self._probe_at - time.monotonic()) > 0:
            return wait
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await self._applivery.organization()
        except TimeoutError as error:
            self._record_failure(None, ServiceUnavailable(why=cause(error)))
        except AppliveryError as problem:
            self._record_failure(None, problem)
        else:
            await self._record_success()
        failures = self.attempts.failures
        pause = (
            decisions.retry_look(failures - 1, busy=self._busy, idle=self._idle)
            if failures
            else self._next_poll_seconds(0)
        )
        self._probe_at = time.monotonic() + pause
        return pause

    async def _release(self, claim: PollLease) -> None:
        await self._store.run(app_polls.record_failure, claim.app_id, claim.token, 0.0, failed=False)

    async def _discover_apps(self) -> None:
        """Start polling new apps for subscriptions to every app, from their first build on."""
        if not await self._store.run(subscriptions.has_every_app_subscription):
            return
        noted = await self._store.run(key_value.get_value, CATALOGUE_NOTE)
        now = await self._store.run(database_info.current_time)
        if noted and abs(now - datetime.fromisoformat(noted)).total_seconds() < self._idle:
            return
        try:
            apps = await self._app_directory.apps(fresh=True)
        except AppliveryError as problem:
            self._record_failure(None, problem)
            return
        await self._store.run(
            app_polls.ensure_apps,
            [app.id for app in apps],
            catalogue_seen_at=datetime.fromisoformat(noted) if noted else None,
        )
        await self._store.run(key_value.set_value, CATALOGUE_NOTE, now.isoformat())

    async def _poll_app(self, claim: PollLease) -> None:
        try:
            running = await self._poll_and_record(claim)
        except DatabaseUnavailable:
            self.leases.add((claim,))
            raise
        except BudgetExhausted as problem:  # not an error of Applivery's, and temporary
            self._metrics.polls.labels(kind_of(problem)).inc()
            lane = Priority.POLLING if claim.on_request else Priority.ROUTINE
            pause = min(max(self._applivery.budget.wait(lane), 1.0), POSTPONED_SECONDS)
            await self._store.run(app_polls.record_failure, claim.app_id, claim.token, pause, failed=False)
        except Exception as error:  # noqa: BLE001  an odd response for one app, or a bug, must not block the others
            self._metrics.polls.labels(kind_of(error)).inc()
            if isinstance(error, NotFound) and await self._confirm_app_deleted(claim):
                self._tracker_of(claim.app_id).record_failure(error)
                await self._on_app_deleted(claim.app_id)
                await self._record_success()
                return
            own = self._record_failure(claim.app_id, error)
            pause = decisions.retry_look(claim.failures, busy=self._busy, idle=self._idle, own=own)
            await self._store.run(app_polls.record_failure, claim.app_id, claim.token, pause)
        else:
            if claim.app_id in self._app_trackers:
                self._app_trackers.pop(claim.app_id).record_success()
            self._metrics.polls.labels(PollOutcome.BUSY if running else PollOutcome.IDLE).inc()
            await self._record_success()

    async def _confirm_app_deleted(self, claim: PollLease) -> bool:
        """Return whether Applivery's list of apps lacks this one: then it is deleted, and the next poll can wait."""
        try:
            apps = await self._app_directory.apps(fresh=True)
        except AppliveryError:
            return False
        if claim.app_id in {app.id for app in apps}:
            return False
        pause = decisions.retry_look(10, busy=self._busy, idle=self._idle, own=True)
        await self._store.run(
            stored_builds.record_poll,
            claim.app_id,
            claim.token,
            (),
            (),
            next_at_seconds=pause,
            baseline_done=claim.baseline_done,
        )
        return True

    def _tracker_of(self, app_id: str) -> OutageTracker:
        return self._app_trackers.setdefault(app_id, OutageTracker("watch.app", app=app_id))

    def _record_failure(self, app_id: str | None, error: Exception) -> bool:
        """Log a failure once: an outage of Applivery for all apps (None: no app), or a failure of one app.

        Return whether it concerns one app. If several apps have failed since the last success, it does not.
        """
        self.attempts.failed(error, time.monotonic())
        if app_id is not None:
            self._failed_apps.add(app_id)
        own = app_id is not None and not isinstance(error, EVERYWHERE) and len(self._failed_apps) < SEVERAL
        outage = self._tracker_of(app_id) if own and app_id is not None else self.outage
        if not outage.failures and not isinstance(error, BotError):
            log.error("watch.error", app=app_id, error=kind_of(error), exc_info=error)
        outage.record_failure(error)
        return own

    async def _record_success(self) -> None:
        """Record a success. After an outage every app is due now."""
        self.outage.record_success()
        self._failed_apps.clear()
        before, failures = self.attempts.worked_at, self.attempts.failures
        self.attempts.worked(time.monotonic())
        usual = 1.5 * self.pace.idle
        if failures and (before is None or time.monotonic() - before > usual):
            await self._store.run(app_polls.retry_failing)

    async def _poll_and_record(self, claim: PollLease) -> int:
        """Poll one app; return the number of builds that require another poll soon."""
        app = await self._app(claim.app_id)
        applivery = self._applivery if claim.on_request else self._routine
        page_hash, newest = await applivery.newest_builds(app, limit=PAGE_SIZE, unless=claim.page_hash)
        if newest is None:
            pause = self._next_poll_seconds(claim.running)
            await self._store.run(app_polls.record_unchanged, claim.app_id, claim.token, pause)
            return int(claim.running)
        seen = await self._list_builds(app, claim, newest)
        now, awaiting = await self._store.run(build_waiters.list_waiters_now, app.id)
        removed, whole_story = await self._find_removed(app, seen, awaiting, now)
        builds = [*removed, *seen.builds]
        whole_story &= await self._check_unlisted(app, seen, [build.id for build in builds], now)
        stages = {build_id: known.stage for build_id, known in seen.known.items()}
        baseline, since = not claim.baseline_done, claim.baseline_since
        transitions = decisions.changes(
            stages, builds, baseline=baseline, since=since, awaited=awaiting, now=now, forgotten=now - self._history
        )
        more = len(transitions) > MOST_NEWS and not baseline  # do not announce builds older than the baseline
        if more:
            transitions = transitions[:MOST_NEWS]
        listening = await self._list_subscriptions(app)
        for subscription in listening:
            if subscription.paused == PauseReason.APP:  # the app exists again
                await self._store.run(access_pauses.resume_subscription, subscription.id)
        detailed, deliveries = await self._plan_deliveries(transitions, listening, awaiting, now)
        under_way = {build.id: decisions.unfinished_since(build, seen.known.get(build.id), now) for build in builds}
        hurried = sum(decisions.in_a_hurry(build, under_way[build.id], now) for build in builds)
        recorded = await self._store.run(
            stored_builds.record_poll,
            claim.app_id,
            claim.token,
            detailed,
            deliveries,
            next_at_seconds=0.0 if more else self._next_poll_seconds(hurried),
            running=bool(hurried),
        )
        if not recorded.lease_lost:
            endless = [
                build.id for build in builds if decisions.is_endless(build, under_way[build.id], now, self._deadline)
            ]
            for build_id in sorted(awaiting.keys() & set(endless)):
                await self._store.run(build_watches.enqueue_given_up, app.id, build_id)
            await self._notify_reprocessed(app, builds, stages, awaiting)
        if not baseline:
            await self._refresh_edited(app, builds, stages, listening, now)
            if whole_story and not more and not recorded.lease_lost:
                pause = decisions.same_for(builds, under_way, now, self._deadline).total_seconds()
                await self._store.run(app_polls.note_page, app.id, claim.token, page_hash, pause)
        if recorded.announced:
            log.info("watch.announced", app=app.slug, builds=len(recorded.moved), announcements=recorded.announced)
        return hurried

    async def _notify_reprocessed(
        self, app: App, builds: Sequence[Build], stages: Mapping[str, Stage], awaiting: Mapping[str, Sequence[str]]
    ) -> None:
        """Notify users whose watched build was processed again with the same result, as its stage did not change."""
        for build in builds:
            event = EVENT_OF.get(build.stage)
            if build.id in awaiting and event and stages.get(build.id) is build.stage:
                deliveries = [NewDelivery(person, build.id, event) for person in awaiting[build.id]]
                await self._store.run(stored_builds.enqueue_deliveries, app.id, deliveries)
                await self._store.run(build_waiters.remove_waiter, build.id)

    def _next_poll_seconds(self, hurried: int) -> float:
        """Return the seconds until the next poll: with jitter, and longer while the hourly budget is short."""
        return decisions.next_look(hurried, self.pace, rng=self._rng.random())

    async def _plan_deliveries(
        self,
        transitions: Sequence[BuildTransition],
        listening: Sequence[Subscription],
        awaiting: Mapping[str, Sequence[str]],
        now: datetime,
    ) -> tuple[Sequence[BuildTransition], list[NewDelivery]]:
        """Plan the announcements; twice, since details are requested only for builds that will be announced."""
        told = {delivery.build_id for delivery in decisions.announcements(transitions, listening, awaiting, now=now)}
        if not told:
            return transitions, []
        semaphore = asyncio.Semaphore(AT_ONCE)
        transitions = await asyncio.gather(
            *(self._with_details(change, change.build.id in told, semaphore) for change in transitions)
        )
        return transitions, decisions.announcements(transitions, listening, awaiting, now=now)

    async def _refresh_edited(
        self,
        app: App,
        seen: Sequence[Build],
        known: Mapping[str, Stage],
        listening: Sequence[Subscription],
        now: datetime,
    ) -> None:
        """Return builds that were edited in Applivery, and deliveries for certificates that expire soon."""
        marks = {build.id: decisions.mark(build) for build in seen if known.get(build.id) is build.stage}
        if marks and (edited := await self._store.run(stored_builds.find_edited, app.id, marks)):
            semaphore = asyncio.Semaphore(AT_ONCE)
            changed = [BuildTransition(build, build.stage) for build in seen if build.id in edited]
            changed = await asyncio.gather(*(self._with_details(change, True, semaphore) for change in changed))
            await self._store.run(stored_builds.record_edits, [change.build for change in changed], marks)
        expiring = decisions.expiring(seen, listening, now)
        if expiring:
            told, about = [new for new, _ in expiring], [build for _, build in expiring]
            await self._store.run(stored_builds.enqueue_deliveries, app.id, told, about)

    async def _list_subscriptions(self, app: App) -> list[Subscription]:
        """Return the subscriptions, those to every app only where this app may be used; others are paused."""
        channels = (await self._store.cached(access.list_allowed_channels)).get(app.id)
        every = await self._store.run(subscriptions.list_subscriptions, about=app.id)
        return [
            subscription
            for subscription in every
            if subscription.app_id or not channels or subscription.channel_id in channels
        ]

    async def _app(self, app_id: str) -> App:
        apps = [app for app in await self._app_directory.apps() if app.id == app_id]
        return apps[0] if apps else App(id=app_id, slug=app_id, name=app_id)

    async def _list_builds(self, app: App, claim: PollLease, newest: Page[Build]) -> _PollResult:
        """Return the app's newest builds, page by page until a known one, and their previous states."""

        async def fetch(number: int, limit: int) -> Page[Build]:
            if (number, limit) == (1, PAGE_SIZE):
                return newest
            return await self._applivery.builds(app, page=number, limit=limit)

        seen, read = _PollResult(), 0
        every = every_page("builds", fetch, self._applivery.page_sizes, first=PAGE_SIZE, at_once=1)
        async with aclosing(every) as pages:
            async for page in pages:
                read += 1
                # a build may move to the next page during the reads
                seen.by_id |= {build.id: build for build in page.items}
                seen.known |= await self._store.run(
                    stored_builds.list_known, app.id, [build.id for build in page.items]
                )
                seen.whole = not page.has_next
                last = not page.items or read == PAGES
                if last or self._has_reached_history(page.items, seen.known, claim):
                    break
        return seen

    def _has_reached_history(self, items: Sequence[Build], known: Mapping[str, KnownBuild], claim: PollLease) -> bool:
        if claim.baseline_done:
            return any(build.id in known for build in items)
        oldest = items[-1].created_at
        return claim.baseline_since is None or oldest is None or oldest <= claim.baseline_since

    async def _find_removed(
        self, app: App, seen: _PollResult, awaiting: Iterable[str], now: datetime
    ) -> tuple[list[Build], bool]:
        """Request builds that were processing and are no longer listed, one by one; record the deleted ones.

        Builds that have not ended within the deadline are skipped. The second result is whether there were none.
        """
        unfinished = [
            build_id
            for build_id, known in seen.known.items()
            if not known.stage.final and now - known.since < self._deadline
        ]
        builds = []
        unlisted = [build_id for build_id in dict.fromkeys([*awaiting, *unfinished]) if build_id not in seen.by_id]
        for build_id in unlisted:
            try:
                builds.append(replace(await self._applivery.build(app.id, build_id), app=app))
            except (NotFound, InvalidId):
                await self._forget(app, build_id)
        return builds, not unlisted

    async def _check_unlisted(self, app: App, seen: _PollResult, there: Sequence[str], now: datetime) -> bool:
        """Request builds on cards that the list lacks, one by one and now and then, to find deleted ones.

        Missing from the list is no proof of deletion; a 404 is. Return whether all are known to exist.
        """
        self._confirmed_at = {build_id: at for build_id, at in self._confirmed_at.items() if now - at < ASK_AGAIN}
        skipped = [*there, *self._confirmed_at]
        unlisted = await self._store.run(stored_builds.find_unlisted, app.id, skipped, whole=seen.whole, most=MISSED)
        for build_id in unlisted:
            try:
                await self._applivery.build(app.id, build_id)
                self._confirmed_at[build_id] = now
            except (NotFound, InvalidId):
                await self._forget(app, build_id)
            except BotError as problem:
                log.info("watch.not_told_apart", app=app.slug, problem=kind_of(problem))
                return False
        return len(unlisted) < MISSED

    async def _forget(self, app: App, build_id: str) -> None:
        # first, so that watchers are notified even if this process crashes
        await self._store.run(build_watches.enqueue_deleted, app.id, build_id)
        await self._store.run(stored_builds.mark_deleted, app.id, build_id)

    async def _with_details(self, change: BuildTransition, told: bool, semaphore: asyncio.Semaphore) -> BuildTransition:
        """Return a build to be announced with its details: why it failed, when its certificate expires."""
        build = change.build
        if change.quiet or not told or not build.stage.final:
            return change
        try:
            async with semaphore:
                details = await self._applivery.build(build.app.id, build.id)
        except BotError:
            return change  # announce it without details rather than late
        if details.stage is not build.stage:
            return change
        return replace(change, build=replace(details, app=build.app))


@dataclass(slots=True)
class _PollResult:
    """The result of a poll: the listed builds, newest first, their previous states, whether the list is whole."""

    by_id: dict[str, Build] = field(default_factory=dict)
    known: dict[str, KnownBuild] = field(default_factory=dict)
    whole: bool = False

    @property
    def builds(self) -> list[Build]:
        return list(self.by_id.values())
