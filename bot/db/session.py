"""What the nouns of the store stand on: transactions, statements in the database's dialect, and the bells."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from bot.db.dialect_sql import POSTGRESQL, Statement
from bot.db.runner import Connection, Transactions, Work
from bot.db.wakeups import CHANGED, CHANNEL, Notifier, Topic

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

T = TypeVar("T")

_NOTIFY = sa.text("SELECT pg_notify(:channel, :payload)")


class Database:
    """A database that is open; `dialect` is `sqlite` or `postgresql`."""

    def __init__(self, transactions: Transactions, dialect: str) -> None:
        self._transactions = transactions
        self.dialect = dialect
        self.wakeups = Notifier()
        self._changes = 0
        self._kept: dict[str, tuple[int, Any]] = {}
        self._tidied: dict[str, float] = {}

    async def run(self, work: Work[T]) -> T:
        """Do `work` in one transaction and return what it returns; raises `DatabaseUnavailable` when the database is
        away.

        `work` awaits nothing but its connection, and may be done more than once, each time in a new transaction.
        """
        return await self._transactions.run(work)

    async def kept(self, name: str, read: Work[T]) -> T:
        """What `read` gives, which is what it gave before as long as nothing called `changed`.

        For the few rows that every command asks for. PostgreSQL is asked each time, as other processes write there too;
        a SQLite file has this process alone.
        """
        changes, answer = self._kept.get(name, (-1, None))
        if changes != self._changes or self.dialect == POSTGRESQL:
            changes = self._changes  # of before: what is written while we read makes this answer an old one
            answer = await self.run(read)
            self._kept[name] = (changes, answer)
        return cast("T", answer)

    def changed(self) -> None:
        """Forget what `kept` knows; called within the transaction that writes, so that no reader comes in between."""
        self._changes += 1

    def due(self, name: str, every_seconds: float = 60.0) -> bool:
        """True once in so many seconds: for tidying up that need not be done each time."""
        now = time.monotonic()
        if now < self._tidied.get(name, float("-inf")) + every_seconds:
            return False
        self._tidied[name] = now
        return True

    async def execute(self, connection: Connection, statement: Statement, **parameters: object) -> sa.CursorResult[Any]:
        """Run a statement of `sql.written` in its version for this database."""
        return await connection.execute(statement[self.dialect], parameters)

    def insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that knows ON CONFLICT, for this database."""
        if self.dialect == POSTGRESQL:
            from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - see engine.connect

            return postgresql.insert(table)
        return sqlite.insert(table)

    async def tell_changed(self, who: str) -> None:
        """Let the other processes know that Slack has another record of this person or group; SQLite has none."""
        if self.dialect == POSTGRESQL:
            told = {"channel": CHANNEL, "payload": f"{CHANGED}{who} {self.wakeups.me}"}

            async def work(connection: Connection) -> None:
                await connection.execute(_NOTIFY, told)

            await self.run(work)

    async def tell_others(self, connection: Connection, topic: Topic) -> None:
        """Wake the other processes when this transaction is committed; SQLite has none."""
        if self.dialect == POSTGRESQL:
            await connection.execute(_NOTIFY, {"channel": CHANNEL, "payload": f"{topic} {self.wakeups.me}"})
