"""Bisects of channels: start, votes and end."""

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
        """Start a bisect without deleted builds; return it and whether it is new.

        A running bisect of the same app and platform in the channel is returned instead.
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
        """Return the running bisects of a channel, oldest first, each with its remaining range."""
        running = await self._store.run(stored.list_running_bisections, channel_id)
        return [(each, await self.range_of(each)) for each in running]

    async def find(self, number: int) -> Bisection | None:
        """Return the bisect with this number; None when it was deleted."""
        return await self._store.run(stored.find_bisection, number)

    async def range_of(self, bisection: Bisection) -> BisectionRange:
        """Return the remaining range of a bisect."""
        return await self._store.run(stored.find_range, bisection)

    async def vote(
        self, actor: Actor, entrypoint: Entrypoint, bisection: Bisection, build_id: str, verdict: BisectVerdict
    ) -> VoteResult | None:
        """Count a tester's vote on a build; None when the bisect was deleted.

        Deleted builds that would be asked about next are left out in the same transaction.
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
        """Continue without a build that is no longer available; None when the bisect was deleted."""
        gone = {build_id, *await self._gone_next(bisection.without([build_id]))}
        after = await self._store.run(stored.leave_out, bisection.id, gone)
        if after and bisection.state is BisectionState.RUNNING and after.state is BisectionState.FOUND:
            await self._record_result(actor, entrypoint, after)
        return after

    async def stop(self, actor: Actor, entrypoint: Entrypoint, bisection: Bisection) -> tuple[Bisection, bool] | None:
        """Stop a bisect; return it and whether it was running, None when it was deleted."""
        ended = await self._store.run(stored.stop_bisection, bisection.id)
        if ended and ended[1]:
            await self._audit.record(
                actor, entrypoint, AuditAction.BISECT, AuditOutcome.STOPPED, app_id=bisection.app.id
            )
        return ended

    async def expire(self) -> None:
        """End the bisects without a vote for two weeks."""
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
        """Return the deleted builds that would be asked about next, up to the first existing one."""
        gone: set[str] = set()
        while (asked := (await self.range_of(bisection.without(gone))).ask) and not await self._is_there(
            bisection.app, asked
        ):
            gone.add(asked)
        return gone

    async def _is_there(self, app: App, build_id: str) -> bool:
        """Return whether a build is available; True when Applivery does not respond."""
        try:
            build = await self._apps.build_by_id(build_id, (app,))
        except NotFound:
            return False
        except AppliveryError:
            return True  # an outage must not prevent a vote, and *Get build* checks again
        return build.stage not in (Stage.FAILED, Stage.DELETED)
