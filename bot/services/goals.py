"""Goals: start, list, stop and resume, and requests to users."""

from __future__ import annotations

from bot.db import goals
from bot.db.database import Database
from bot.domain import goals as decisions
from bot.domain.audit import AuditAction, AuditOutcome, Entrypoint
from bot.domain.goals import Goal, GoalStatus
from bot.domain.model import Actor
from bot.exceptions import UserInputError
from bot.i18n import Counted, Text
from bot.services.audit import AuditLog


class GoalService:
    """The goals of channels. Each method raises DatabaseUnavailable."""

    def __init__(self, store: Database, audit: AuditLog) -> None:
        self._store = store
        self._audit = audit

    async def start(self, actor: Actor, entrypoint: Entrypoint, status: GoalStatus) -> Goal:
        """Save a goal with its first count, and post its card. Raises UserInputError when the maximum is running."""
        saved = await self._store.run(
            goals.add_goal, status.goal, status, most=decisions.MOST, first_wave=decisions.UNDO_SECONDS
        )
        if saved is None:
            many = Counted(
                "The limit is {number} running goal.", "The limit is {number} running goals.", decisions.MOST
            )
            raise UserInputError(many, Text("Stop one of them first."))
        share = f"{saved.percent}%" if saved.percent else f"{saved.people} people"
        outcome = f"{share} of {saved.place_name or saved.members_of} by {saved.deadline:%Y-%m-%d %H:%M}"
        await self._audit.record(actor, entrypoint, AuditAction.GOAL, outcome, app_id=saved.app_id)
        return saved

    async def like(self, goal: Goal) -> Goal | None:
        """Return the running goal of the same channel, builds and people."""
        return await self._store.run(goals.find_like, goal)

    async def of_channel(self, channel_id: str) -> list[GoalStatus]:
        """Return the running goals of a channel, oldest first, with their counts so far."""
        running = await self._store.run(goals.list_goals, channel_id)
        return [await self._store.run(goals.read_status, goal) for goal in running]

    async def find(self, number: int) -> Goal | None:
        """Return the goal with this number, even if it has ended."""
        return await self._store.run(goals.get_goal, number)

    async def stop(self, actor: Actor, entrypoint: Entrypoint, goal: Goal) -> bool:
        """Stop a goal; returns whether it was running."""
        stopped = await self._store.run(goals.stop_goal, goal.id)
        if stopped:
            await self._audit.record(actor, entrypoint, AuditAction.GOAL, AuditOutcome.STOPPED, app_id=goal.app_id)
        return stopped is not None

    async def resume(self, actor: Actor, entrypoint: Entrypoint, goal: Goal) -> Goal | None:
        """Resume a stopped goal; None when that is not possible any more."""
        resumed = await self._store.run(goals.resume_goal, goal.id)
        if resumed:
            await self._audit.record(actor, entrypoint, AuditAction.GOAL, "continued", app_id=goal.app_id)
        return resumed

    async def set_asking(self, actor: Actor, entrypoint: Entrypoint, goal: Goal, *, asks: bool) -> Goal | None:
        """Turn a goal's requests to users on or off; None when it has ended."""
        changed = await self._store.run(goals.set_asking, goal.id, asks=asks)
        if changed:
            words = "asks people" if asks else "asks no one"
            await self._audit.record(actor, entrypoint, AuditAction.GOAL, words, app_id=goal.app_id)
        return changed
