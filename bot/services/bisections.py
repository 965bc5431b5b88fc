"""Bisects: begun in a channel, voted in by testers, and ended."""

from __future__ import annotations

from bot.db import bisections as stored
from bot.db.bisections import VoteResult
from bot.db.database import Database
from bot.domain.audit import AuditAction, AuditOutcome, Entrypoint
from bot.domain.bisection import PATIENCE, Bisection, BisectionRange, Vote
from bot.domain.model import Actor, App, Stage
from bot.domain.states import BisectionState, BisectVerdict
from bot.exceptions import AppliveryError, NotFound
from bot.services.app_directory import AppDirectory
from bot.services.audit import AuditLog


class BisectionService:
    """The bisects of channels. Each method raises DatabaseUnavailable."""

    def __init__(self, store: Database, apps: AppDirectory, audit: AuditLog) -> None:
        self._store = store
        self._apps = apps
        self._audit = audit

    async def start(self, actor: Actor, entrypoint: Entrypoint, new: Bisection) -> tuple[Bisection, bool]:
        """Begin a bisect, without builds that are gone; return it and whether it is new.

        While one of the same app and platform runs in the channel, that one is returned.
        """
        found, is_new = await self._store.run(stored.start_bisection, new.without(await self._gone_next(new)))
        if is_new:
            await self._audit.record(
                actor,
                entrypoint,
                AuditAction.BISECT,
                AuditOutcome.STARTED,
                app_id=new.app.id,
                build_id=new.builds[-1].id,
            )
        return found, is_new

    async def of_channel(self, channel_id: str) -> list[tuple[Bisection, BisectionRange]]:
        """Return the bisects that run in a channel, oldest first, each with how far it is."""
        running = await self._store.run(stored.list_running_bisections, channel_id)
        return [(each, await self.range_of(each)) for each in running]

    async def find(self, number: int) -> Bisection | None:
        """Return the bisect of this number; None when it is kept no longer."""
        return await self._store.run(stored.find_bisection, number)

    async def range_of(self, bisection: Bisection) -> BisectionRange:
        """Return how far a bisect is now."""
        return await self._store.run(stored.find_range, bisection)

    async def vote(
        self, actor: Actor, entrypoint: Entrypoint, bisection: Bisection, build_id: str, verdict: BisectVerdict
    ) -> VoteResult | None:
        """Count a tester's word on a build; None when the bisect is kept no longer.

        What would be asked about next and is gone is left out in the same commit.
        """
        vote = Vote(build_id, actor.user_id, verdict)
        gone = await self._gone_next(bisection.with_vote(vote))
        result = await self._store.run(stored.vote, bisection.id, vote, gone)
        if result is None or not result.is_counted:
            return result
        await self._audit.record(
            actor, entrypoint, AuditAction.BISECT, str(verdict), app_id=bisection.app.id, build_id=build_id
        )
        if result.bisection.state is BisectionState.FOUND:
            await self._record_result(actor, entrypoint, result.bisection)
        return result

    async def leave_out(
        self, actor: Actor, entrypoint: Entrypoint, bisection: Bisection, build_id: str
    ) -> Bisection | None:
        """Go on without a build that cannot be had any more; None when the bisect is kept no longer."""
        gone = {build_id, *await self._gone_next(bisection.without([build_id]))}
        after = await self._store.run(stored.leave_out, bisection.id, gone)
        if after and bisection.state is BisectionState.RUNNING and after.state is BisectionState.FOUND:
            await self._record_result(actor, entrypoint, after)
        return after

    async def stop(self, actor: Actor, entrypoint: Entrypoint, bisection: Bisection) -> tuple[Bisection, bool] | None:
        """End a bisect; return it and whether it was running, None when it is kept no longer."""
        ended = await self._store.run(stored.stop_bisection, bisection.id)
        if ended and ended[1]:
            await self._audit.record(
                actor, entrypoint, AuditAction.BISECT, AuditOutcome.STOPPED, app_id=bisection.app.id
            )
        return ended

    async def expire(self) -> None:
        """End the bisects in which nothing was voted for two weeks."""
        for each in await self._store.run(stored.expire_bisections, PATIENCE):
            starter = Actor(each.team_id, each.created_by, each.channel_id)
            await self._audit.record(
                starter, Entrypoint.WATCH, AuditAction.BISECT, AuditOutcome.EXPIRED, app_id=each.app.id
            )

    async def _record_result(self, actor: Actor, entrypoint: Entrypoint, bisection: Bisection) -> None:
        found = await self.range_of(bisection)
        await self._audit.record(
            actor, entrypoint, AuditAction.BISECT, AuditOutcome.FOUND, app_id=bisection.app.id, build_id=found.bad
        )

    async def _gone_next(self, bisection: Bisection) -> set[str]:
        """Return which of the builds that would be asked about next are gone, until one is there."""
        gone: set[str] = set()
        while (asked := (await self.range_of(bisection.without(gone))).ask) and not await self._is_there(
            bisection.app, asked
        ):
            gone.add(asked)
        return gone

    async def _is_there(self, app: App, build_id: str) -> bool:
        """Return whether a build can be had, as far as Applivery says."""
        try:
            build = await self._apps.build_by_id(build_id, (app,))
        except NotFound:
            return False
        except AppliveryError:
            return True  # an outage stops no vote, and *Get build* looks again
        return build.stage not in (Stage.FAILED, Stage.DELETED)
