"""Who did what, when, and how it ended."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime

import sqlalchemy as sa

from bot.domain.model import AuditEntry
from bot.store.database import Database
from bot.store.tables import audit as table
from bot.store.transactions import Connection

_COLUMNS = [table.c[field.name] for field in fields(AuditEntry)]
_INSERT = sa.insert(table)


class Audit(Database):
    """The store's audit trail."""

    async def audit(self, entry: AuditEntry) -> None:
        """Add a line; `entry.at` is aware. Raises `StoreDown`."""
        row = {column.name: getattr(entry, column.name) for column in _COLUMNS}

        async def work(connection: Connection) -> None:
            await connection.execute(_INSERT, row)

        await self.run(work)

    async def audit_entries(
        self,
        user_id: str | None = None,
        app_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
    ) -> list[AuditEntry]:
        """The newest lines first: of one person, of one app, between two moments (aware, included), as asked."""
        query = sa.select(*_COLUMNS).order_by(table.c.at.desc(), table.c.id.desc()).limit(limit)
        if user_id is not None:
            query = query.where(table.c.user_id == user_id)
        if app_id is not None:
            query = query.where(table.c.app_id == app_id)
        if since is not None:
            query = query.where(table.c.at >= since)
        if until is not None:
            query = query.where(table.c.at <= until)

        async def work(connection: Connection) -> list[AuditEntry]:
            return [AuditEntry(**row) for row in (await connection.execute(query)).mappings()]

        return await self.run(work)
