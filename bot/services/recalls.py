"""Recall builds for all users, and undo recalls."""

from __future__ import annotations

from bot.db import audit, recalls
from bot.db.database import Database
from bot.domain.audit import AuditAction, Entrypoint
from bot.domain.model import Actor, Build, Recall, RecallReach
from bot.services.audit import AuditLog


class RecallService:
    """Recalls builds and undoes recalls. Each method raises DatabaseUnavailable."""

    def __init__(self, store: Database, audit: AuditLog) -> None:
        self._store = store
        self._audit = audit

    async def all(self) -> dict[str, Recall]:
        """Return every recall in force, by build id."""
        return await self._store.cached(recalls.list_recalls)

    async def of(self, build_id: str) -> Recall | None:
        """Return the recall of a build."""
        return (await self._store.cached(recalls.list_recalls)).get(build_id)

    async def recall(
        self, actor: Actor, entrypoint: Entrypoint, build: Build, reason: str
    ) -> tuple[Recall, RecallReach | None]:
        """Recall a build.

        Return the recall in force and its reach; None for the reach if the build was recalled before: that recall
        stays.
        """
        standing, is_new = await self._store.run(recalls.recall_build, build, reason, actor.user_id)
        if not is_new:
            return standing, None
        await self._audit.record(actor, entrypoint, AuditAction.RECALL, reason, app_id=build.app.id, build_id=build.id)
        return standing, await self.reach(build)

    async def reach(self, build: Build) -> RecallReach:
        """Return the reach of a recall of the build."""
        cards = await self._store.run(recalls.count_cards, build.id)
        return RecallReach(cards, await self._store.run(audit.count_receivers, build.app.id, build.id))

    async def release(self, actor: Actor, entrypoint: Entrypoint, build: Build) -> tuple[Recall, int] | None:
        """Undo a recall; return it and the number of changed cards, None without a recall."""
        ended = await self._store.run(recalls.undo_recall, build)
        if ended is None:
            return None
        await self._audit.record(
            actor, entrypoint, AuditAction.UNRECALL, f"was {ended.reason}", app_id=build.app.id, build_id=build.id
        )
        return ended, await self._store.run(recalls.count_cards, build.id)
