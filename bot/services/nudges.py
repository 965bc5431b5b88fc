"""Requests to users to try a build: once per build and user, never to users who opted out."""

from __future__ import annotations

from collections.abc import Collection

from bot.db import nudges
from bot.db.database import Database
from bot.domain.audit import AuditAction, Entrypoint
from bot.domain.model import Actor, Build
from bot.services.audit import AuditLog


class NudgeService:
    """Records requests to try builds. Each method raises DatabaseUnavailable."""

    def __init__(self, store: Database, audit: AuditLog) -> None:
        self._store = store
        self._audit = audit

    async def record(
        self, actor: Actor, entrypoint: Entrypoint, build: Build, people: Collection[str], *, limit: int
    ) -> list[str]:
        """Return which of these users to ask now, at most `limit`."""
        asked = await self._store.run(nudges.record_nudges, build.id, people, actor.user_id, most=limit)
        await self._audit.record(
            actor, entrypoint, AuditAction.NUDGE, f"{len(asked)} people", app_id=build.app.id, build_id=build.id
        )
        return asked

    async def askable(self, build: Build, people: Collection[str]) -> list[str]:
        """Return which of these users may be asked to try a build: not asked before, and not opted out."""
        return await self._store.run(nudges.list_askable, build.id, people)

    async def opt_in(self, user_id: str) -> None:
        """Allow asking this user to try builds again."""
        await self._store.run(nudges.opt_in_to_nudges, user_id)

    async def opt_out(self, user_id: str) -> None:
        """Opt this user out of all requests to try builds."""
        await self._store.run(nudges.opt_out_of_nudges, user_id)
