"""Write and read the audit log."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from bot.db import audit, audit_reports
from bot.db.database import Database
from bot.domain.audit import AuditAction, AuditEntry, AuditOutcome, Entrypoint
from bot.domain.model import Actor


class AuditLog:
    """Writes and reads the audit trail. Each method raises DatabaseUnavailable."""

    def __init__(self, store: Database, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def record(
        self,
        actor: Actor,
        entrypoint: Entrypoint,
        action: AuditAction,
        outcome: AuditOutcome | str,
        *,
        app_id: str | None = None,
        build_id: str | None = None,
        token_hash: str | None = None,
        choice: tuple[str, str] | None = None,
    ) -> None:
        """Add a row about what a user did, with the hash of a token and never the token.

        `choice` is a key and a value to store in the same transaction.
        """
        entry = AuditEntry(
            at=self._clock(),
            team_id=actor.team_id,
            user_id=actor.user_id,
            action=action,
            outcome=outcome,
            entrypoint=entrypoint,
            channel_id=actor.channel_id,
            app_id=app_id,
            build_id=build_id,
            token_hash=token_hash,
        )
        if choice is None:
            await self._store.run(audit.add_entry, entry)
        else:
            await self._store.run(audit.record_choice, entry, *choice)

    async def entries(
        self,
        *,
        user_ids: Collection[str] | None = None,
        app_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
    ) -> list[AuditEntry]:
        """Return the newest rows, filtered by users, app and times (aware, inclusive)."""
        return await self._store.run(
            audit.list_entries, user_ids=user_ids, app_id=app_id, since=since, until=until, limit=limit
        )

    async def count_user(self, user_ids: Collection[str]) -> int:
        """Return how many rows are about a user with these ids."""
        return sum([await self._store.run(audit_reports.count_person, each) for each in user_ids])

    async def erase_user(self, actor: Actor, entrypoint: Entrypoint, user_ids: Collection[str]) -> int:
        """Delete the rows about a user and return their number; record the deletion without the user."""
        rows = sum([await self._store.run(audit_reports.erase_person, each) for each in user_ids])
        await self.record(actor, entrypoint, AuditAction.FORGET, f"{rows} lines")
        return rows
