"""What somebody typed, kept for as long as the form or the button that leads back to it may be used."""

from __future__ import annotations

import secrets

from bot.db.dialect_sql import far, span, written
from bot.db.runner import Connection
from bot.db.session import Database
from bot.db.types import storable

KEEP_SECONDS = 7 * 24 * 60 * 60


class Drafts(Database):
    """The store's drafts."""

    async def save_draft(self, value: str) -> str:
        """Keep a text for a week; returns the key to it, which nobody can guess."""
        key = secrets.token_urlsafe(16)

        async def work(connection: Connection) -> str:
            await self.execute(connection, _PURGE, far=far(KEEP_SECONDS))
            await self.execute(connection, _SAVE, key=key, value=storable(value), keep=span(KEEP_SECONDS))
            return key

        return await self.run(work)

    async def purge_drafts(self) -> None:
        """Delete the texts whose week is over."""

        async def work(connection: Connection) -> None:
            await self.execute(connection, _PURGE, far=far(KEEP_SECONDS))

        await self.run(work)

    async def draft(self, key: str) -> str | None:
        """The text under this key; None when there is none, or its week is over."""

        async def work(connection: Connection) -> str | None:
            found: str | None = (await self.execute(connection, _READ, key=key, far=far(KEEP_SECONDS))).scalar()
            return found

        return await self.run(work)


_PURGE = written("DELETE FROM drafts WHERE expires_at <= {now} OR expires_at > {now} + :far")

_SAVE = written("INSERT INTO drafts (key, value, expires_at) VALUES (:key, :value, {now} + :keep)")

_READ = written("SELECT value FROM drafts WHERE key = :key AND expires_at > {now} AND expires_at <= {now} + :far")
