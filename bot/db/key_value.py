"""Small things to remember: which Slack events were seen, and notes by name."""

from __future__ import annotations

import sqlalchemy as sa

from bot.db.dialect_sql import span, written
from bot.db.runner import Connection
from bot.db.schema import notes, seen_events
from bot.db.session import Database
from bot.db.types import db_now, storable

KEEP_SECONDS = 24 * 60 * 60


class Notes(Database):
    """The store's small things."""

    async def seen_event(self, *marks: str) -> bool:
        """True the first time an event comes within a day, over all replicas; False when it comes again.

        It is known by any of its marks.
        """
        # in one order, so that two of these never wait for each other
        insert = self.insert(seen_events).values(
            [{"event_id": mark, "seen_at": db_now()} for mark in sorted(set(marks))]
        )
        first_time = insert.on_conflict_do_nothing().returning(seen_events.c.event_id)

        async def work(connection: Connection) -> bool:
            await self.execute(connection, _PURGE, keep=span(KEEP_SECONDS))
            return len((await connection.execute(first_time)).all()) == len(set(marks))

        return await self.run(work)

    async def remember(self, key: str, value: str) -> None:
        """Write a note under this name; it replaces the one before."""

        async def work(connection: Connection) -> None:
            await self.execute(connection, _REMEMBER, key=storable(key), value=storable(value))

        await self.run(work)

    async def remember_once(self, key: str, value: str) -> bool:
        """Write a note under this name, unless there is one; True when it was written, over all replicas."""
        insert = self.insert(notes).values(key=key, value=value).on_conflict_do_nothing().returning(notes.c.key)

        async def work(connection: Connection) -> bool:
            return (await connection.execute(insert)).first() is not None

        return await self.run(work)

    async def recall(self, key: str) -> str | None:
        """The note under this name; None if there is none."""

        async def work(connection: Connection) -> str | None:
            found: str | None = (await connection.execute(sa.select(notes.c.value).where(notes.c.key == key))).scalar()
            return found

        return await self.run(work)

    async def notes_under(self, prefix: str) -> dict[str, str]:
        """The notes whose names begin so, by name."""
        statement = sa.select(notes.c.key, notes.c.value).where(notes.c.key.startswith(prefix, autoescape=True))

        async def work(connection: Connection) -> dict[str, str]:
            return {row.key: row.value for row in await connection.execute(statement)}

        return await self.run(work)

    async def forget_note(self, key: str) -> None:
        """Take away the note under this name."""

        async def work(connection: Connection) -> None:
            await connection.execute(sa.delete(notes).where(notes.c.key == key))

        await self.run(work)


# What says the same already is not written again, so that the disk need not be waited for.
_REMEMBER = written("""
    INSERT INTO notes (key, value) VALUES (:key, :value)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE notes.value <> excluded.value
""")

_PURGE = written("DELETE FROM seen_events WHERE seen_at <= {now} - :keep OR seen_at > {now} + :keep")
