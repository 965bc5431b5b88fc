"""Due → count → edit the goal's card, ask users, post the final message; each once, across crashes."""

from __future__ import annotations

import time
from collections.abc import Callable, Container
from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.db import access_pauses, database_info, goals, recalls
from bot.db.database import Database
from bot.db.types import moment
from bot.domain import goals as decisions
from bot.domain.audit import AuditAction, AuditEntry, Entrypoint
from bot.domain.downloads import DownloadGap
from bot.domain.goals import Goal, GoalRequest, GoalSample, GoalStatus
from bot.domain.members import mailbox
from bot.domain.model import App, Build
from bot.domain.states import GoalState
from bot.domain.time_zones import zone
from bot.exceptions import (
    AppliveryError,
    BotError,
    ChannelUnavailable,
    MessageRejected,
    NotFound,
    PermissionDenied,
    PermissionUnverified,
    SlackError,
    UserInputError,
    kind_of,
)
from bot.i18n import use_locale
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.services.access import AccessResolver
from bot.services.download_gaps import DownloadGapService
from bot.services.report_query import about
from bot.services.reports import ReportBuilder, ReportQuery
from bot.slack.blocks import Message
from bot.slack.client import SlackClient
from bot.slack.views import goals as cards
from bot.timeouts import no_later_than
from bot.workers.access_recheck import AccessRechecker
from bot.workers.leases import InterruptedLeases
from bot.workers.loop import OutageTracker

log = logger(__name__)

AT_ONCE = 1  # each may take a while, and a lease covers one
LINK_SECONDS = 30.0  # after a link was issued, until its download is counted
LEASE_SECONDS = 120.0  # longer than all requests of one goal to Applivery and Slack
TROUBLE = timedelta(seconds=60)  # until a failed count is retried
CARD_IS_GONE = ("message_not_found", "cant_update_message")
SECOND = timedelta(seconds=1)


class GoalTracker:
    """Counts goals that are due, as `missing:` does, and keeps their cards up to date.

    Edits are idempotent and silent, so they bypass the outbox; messages that must notify (requests to users, the final
    message) use it.
    """

    def __init__(
        self,
        *,
        store: Database,
        report_builder: ReportBuilder,
        gaps: DownloadGapService,
        people: AccessResolver,
        slack_client: SlackClient,
        access_rechecker: AccessRechecker,
        clock: Callable[[], datetime],
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._store = store
        self._reports = report_builder.in_background()
        self._gaps = gaps.in_background()
        self._people = people
        self._slack_client = slack_client
        self._access_rechecker = access_rechecker
        self._clock = clock
        self._lease = lease_seconds
        self.leases = InterruptedLeases(self._release_lease)
        self.outage = OutageTracker("goals")

    async def step(self) -> float | None:
        """Count goals that are due, or that a link may have changed; return the seconds until the next one.

        Raises DatabaseUnavailable.
        """
        await self._store.run(goals.count_after_links, LINK_SECONDS)
        until = time.monotonic() + self._lease
        for goal, token in await self.leases.claim(self._store.run(goals.lease_due_goals, AT_ONCE, self._lease)):
            with self.leases.working([(goal, token)]):
                try:
                    with no_later_than(until):
                        await self._update(goal, token)
                except (AppliveryError, SlackError, PermissionUnverified) as problem:
                    self.outage.record_failure(problem)
                    await self._give_up_or_wait(goal, token)
                else:
                    self.outage.record_success()
        due_in = await self._store.run(goals.goal_due_in)
        return None if due_in is None else min(due_in, LINK_SECONDS)

    async def _release_lease(self, lease: tuple[Goal, str]) -> None:
        await self._store.run(goals.release_goal_leases, lease[1])

    async def _update(self, goal: Goal, token: str) -> None:
        """Count and update one goal. Raises errors of Applivery and Slack."""
        now = await self._store.run(database_info.current_time)
        before = await self._store.run(goals.read_status, goal)
        if not goal.is_running:
            await self._show(await self._with_builds(before), token, now)
            return
        try:
            await self._access_rechecker.require_goal(goal)
        except PermissionUnverified:
            raise
        except PermissionDenied:
            await self._withhold(before, token, now)
            return
        status, gap, state = await self._count(before, now)
        sample = (
            None if gap is None else GoalSample(now, len(gap.have), len(gap.have) + len(gap.lack), len(gap.unknown))
        )
        if sample is not None:
            state = decisions.outcome(goal, sample, now)
        recorded = await self._record(status, token, sample, state)
        if recorded is None:
            return
        if gap is not None and recorded.goal.is_running:
            recorded = replace(recorded, asked=await self._ask(recorded, gap, token, now))
        await self._show(recorded, token, now)

    # -------------------------------------------------------------- the count

    async def _count(self, before: GoalStatus, now: datetime) -> tuple[GoalStatus, DownloadGap | None, GoalState]:
        """Return the users with the builds; or None and the final state, when that can't be counted any more."""
        goal = before.goal
        try:
            status = replace(
                await self._with_builds(before), newer=await self._reports.newer_version(_app(goal), goal.build_ref)
            )
        except (NotFound, UserInputError):
            return before, None, GoalState.DELETED
        recalled = await self._store.cached(recalls.list_recalls)
        if status.builds and all(build.id in recalled for build in status.builds):
            return status, None, GoalState.RECALLED
        query = about(ReportQuery(_app(goal), "", tz=goal.tz), status.builds)
        try:
            return status, await self._gaps.compare(query, goal.place, goal.created_by), GoalState.RUNNING
        except PermissionUnverified:
            raise
        except (PermissionDenied, UserInputError) as error:
            log.info("goal.uncountable", goal=goal.id, cause=cause(error))
        return status, None, GoalState.UNCOUNTABLE

    async def _with_builds(self, status: GoalStatus) -> GoalStatus:
        """Return the status with the current builds; without any when they are unavailable and the goal has ended."""
        goal = status.goal
        try:
            return replace(status, builds=await self._reports.builds(_app(goal), goal.build_ref))
        except (AppliveryError, UserInputError):
            if goal.is_running:
                raise
            return status

    async def _record(
        self, status: GoalStatus, token: str, sample: GoalSample | None, state: GoalState
    ) -> GoalStatus | None:
        goal = status.goal
        last = sample or status.last
        entry = AuditEntry(
            at=self._clock(),
            team_id=goal.team_id,
            user_id=goal.created_by,
            action=AuditAction.GOAL,
            outcome=f"{state}: {last.have} of {last.total}",
            entrypoint=Entrypoint.GOAL,
            channel_id=goal.channel_id,
            app_id=goal.app_id,
        )
        return await self._store.run(goals.record_count, status, token, sample=sample, state=state, entry=entry)

    async def _withhold(self, status: GoalStatus, token: str, now: datetime) -> None:
        """Show that a goal is paused (its owner was notified); past its deadline it ends without a final message."""
        if now >= status.goal.deadline:
            ended = await self._record(status, token, None, GoalState.WITHDRAWN)
            if ended is not None:
                await self._show(ended, token, now)
            return
        paused = await self._store.run(goals.get_goal, status.goal.id)
        if paused is not None and not status.goal.paused:
            await self._show(replace(status, goal=paused), token, now, paused=True)
        else:
            await self._release(status.goal, token, now + TROUBLE)

    async def _give_up_or_wait(self, goal: Goal, token: str) -> None:
        """Retry the count soon; a day after the deadline the goal ends without a final count."""
        now = await self._store.run(database_info.current_time)
        if goal.is_running and now > goal.deadline + decisions.PATIENCE:
            status = await self._store.run(goals.read_status, goal)
            await self._record(status, token, None, GoalState.UNANSWERED)
        over = not goal.is_running and now > moment(goal.ended_at) + decisions.PATIENCE
        await self._release(goal, token, now + TROUBLE, frozen=over)

    # -------------------------------------------------------------- requests to users

    async def _ask(self, status: GoalStatus, gap: DownloadGap, token: str, now: datetime) -> int:
        """Ask the users who are due; return how many were asked so far."""
        goal = status.goal
        if not goal.asks or goal.paused or not gap.lack or now < goal.created_at + decisions.UNDO_SECONDS * SECOND:
            return status.asked
        day = now.astimezone(zone(goal.tz)).replace(hour=0, minute=0, second=0, microsecond=0)
        today = await self._store.run(goals.count_requests_since, goal.id, day)
        lack = [user_id for user_id in gap.lack if user_id != goal.created_by]
        able = await self._gaps.able(_app(goal), lack)
        left_out = await self._store.run(goals.list_left_out, able)
        waiting = [person for person in able if person not in left_out]
        most = decisions.wave_size(goal, len(waiting), today, now)
        awake = {
            person: tz for person in waiting if decisions.may_ask(now, tz := await self._tz(person), goal.deadline)
        }
        if not most or not awake:
            return status.asked
        times = await self._store.run(goals.count_requests, goal.id)
        ordered = decisions.in_order(awake, times, await self._last_seen(goal, awake))
        people = [(person, decisions.local_day(now, awake[person])) for person in ordered]
        request = GoalRequest(goal, _available(status.builds, await self._store.cached(recalls.list_recalls)))
        asked = await self._store.run(goals.record_requests, request, token, people, self._entry_of(request), most=most)
        if asked:
            log.info("goal.asked", goal=goal.id, people=len(asked))
        return len({*times, *asked})

    def _entry_of(self, request: GoalRequest) -> AuditEntry:
        goal = request.goal
        return AuditEntry(
            at=self._clock(),
            team_id=goal.team_id,
            user_id=goal.created_by,
            action=AuditAction.NUDGE,
            outcome="",
            entrypoint=Entrypoint.GOAL,
            channel_id=goal.channel_id,
            app_id=goal.app_id,
            build_id=request.builds[0].id if request.builds else None,
        )

    async def _tz(self, user_id: str) -> str:
        return (await self._people.person(user_id)).tz

    async def _last_seen(self, goal: Goal, people: dict[str, str]) -> dict[str, float]:
        """Return when these users last downloaded any build of the app, in seconds since 1970."""
        query = ReportQuery(_app(goal), "", tz=goal.tz)
        summary = (await self._reports.count_downloads(query, None)).summary()
        latest = {
            mailbox(email): row.latest.at.timestamp()
            for row in summary.people
            for email in row.emails
            if row.latest and row.latest.at
        }
        emails = await self._people.emails(people)
        return {user: latest[mailbox(email)] for user, email in emails.items() if email and mailbox(email) in latest}

    # -------------------------------------------------------------- the card

    async def _show(self, status: GoalStatus, token: str, now: datetime, *, paused: bool = False) -> None:
        """Edit the card and end the lease; a goal that was paused for its channel resumes when Slack accepts the edit.

        A channel that refuses the edit pauses the goal, a deleted card stops it.
        """
        goal = status.goal
        ts = await self._store.run(goals.find_card, goal)
        due_at = decisions.next_count(goal, now) if not paused else now + TROUBLE
        first_wave = goal.created_at + decisions.UNDO_SECONDS * SECOND
        due_at = min(due_at, first_wave) if now < first_wave else due_at
        if ts is None:  # not posted yet, or rejected for good
            is_refused = await self._store.run(goals.is_card_refused, goal)
            if is_refused and goal.is_running:
                await self._stop(goal)
            late = now > max(goal.created_at, goal.deadline) + decisions.PATIENCE
            await self._release(goal, token, due_at, frozen=not goal.is_running and (is_refused or late))
            return
        shown = status if paused else replace(status, goal=replace(goal, paused=None))
        try:
            await self._slack_client.edit(goal.channel_id, ts, cards.card(shown))
        except (ChannelUnavailable, MessageRejected) as error:
            if goal.is_running:
                await self._on_refusal(goal, error)
            await self._release(goal, token, now + TROUBLE, frozen=not goal.is_running)
            return
        resumed = not paused and goal.paused is not None
        await self._release(goal, token, due_at, frozen=not goal.is_running, resumed=resumed)

    async def _release(
        self, goal: Goal, token: str, due_at: datetime, *, frozen: bool = False, resumed: bool = False
    ) -> None:
        await self._store.run(goals.release_goal, goal.id, token, due_at=due_at, frozen=frozen, resumed=resumed)

    async def _on_refusal(self, goal: Goal, error: SlackError) -> None:
        """Stop a goal whose card was deleted, pause one whose channel refuses it, and notify its owner, once each."""
        if error.code in CARD_IS_GONE:
            await self._stop(goal)
        elif await self._store.run(access_pauses.pause_goal, goal.id, error.code) is not None:
            log.warning("goal.paused", goal=goal.id, why=error.code)
            await self._tell(goal, lambda: cards.paused(goal, str(error)))

    async def _stop(self, goal: Goal) -> None:
        """Stop a goal that has no card, and notify its owner."""
        if await self._store.run(goals.stop_goal, goal.id) is not None:
            log.warning("goal.without_card", goal=goal.id)
            await self._tell(goal, lambda: cards.card_gone(goal))

    async def _tell(self, goal: Goal, words: Callable[[], Message]) -> None:
        """Notify the owner of a goal in their language. A failure is only logged."""
        try:
            with use_locale(await self._people.language(goal.created_by)):
                message = words()
            await self._slack_client.post(goal.created_by, message)
        except BotError as problem:
            log.info("goal.owner_not_told", problem=kind_of(problem), cause=cause(problem))


def _app(goal: Goal) -> App:
    return App(goal.app_id, goal.app_id, goal.app_name)


def _available(builds: tuple[Build, ...], recalled: Container[str]) -> tuple[Build, ...]:
    """Return the builds that are not recalled."""
    return tuple(build for build in builds if build.id not in recalled)
