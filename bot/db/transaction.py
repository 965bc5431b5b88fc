"""A transaction as functions of this package see it: statements, notifications after the commit, the read cache."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from bot.db.dialect_sql import NOW, POSTGRESQL, Statement
from bot.db.wakeups import CHANGED, CHANNEL, Topic

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

# `slack_changes` reads it
_WRITE_CHANGE = sa.text(f"""
    INSERT INTO key_value (key, value) VALUES (:key, CAST({NOW[POSTGRESQL]} AS text) || ' ' || :sender)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value
""")  # noqa: S608 - our own words
_NOTIFY = sa.text("SELECT pg_notify(:channel, :payload)")


class SharedState:
    """What all transactions of one database have in common; `dialect` is `sqlite` or `postgresql`.

    `sender` marks this process's notifications; where it `is_pooled`, none comes through.
    `writes` counts the transactions that invalidated the read cache.
    """

    def __init__(self, dialect: str, sender: str, *, is_pooled: bool = False) -> None:
        self.dialect = dialect
        self.sender = sender
        self.is_pooled = is_pooled
        self.writes = 0
        self._last_run: dict[str, float] = {}

    def is_due(self, name: str, every_seconds: float) -> bool:
        """Return True once in `every_seconds` for each name."""
        now = time.monotonic()
        if now < self._last_run.get(name, float("-inf")) + every_seconds:
            return False
        self._last_run[name] = now
        return True


class Transaction:
    """One transaction, on the database's thread. A function that is given one does all its statements on it."""

    def __init__(self, connection: sa.Connection, shared: SharedState) -> None:
        self._connection = connection
        self._shared = shared
        self.dialect = shared.dialect
        self.topics: set[Topic] = set()

    def execute(self, statement: Statement | sa.Executable, /, **parameters: object) -> sa.CursorResult[Any]:
        """Run a statement; one of `dialect_sql.written` in its version for this database."""
        chosen = statement if isinstance(statement, sa.Executable) else statement[self.dialect]
        return self._connection.execute(chosen, parameters or None)

    def insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        """Return an INSERT that knows ON CONFLICT, for this database."""
        if self.dialect == POSTGRESQL:
            from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - loaded for PostgreSQL only

            return postgresql.insert(table)
        return sqlite.insert(table)

    def notify(self, topic: Topic) -> None:
        """Wake the waiters for this topic, here and in the other processes, once this transaction is committed."""
        if topic not in self.topics:
            self.topics.add(topic)
            self._notify_others(topic)

    def notify_slack_change(self, who: str) -> None:
        """Tell the other processes after the commit that Slack's record of this user or group has changed."""
        if self._shared.is_pooled:
            self.execute(_WRITE_CHANGE, key=f"{CHANGED}{who}", sender=self._shared.sender)
        self._notify_others(f"{CHANGED}{who}")

    def _notify_others(self, event: str) -> None:
        if self.dialect == POSTGRESQL and not self._shared.is_pooled:  # SQLite has no other processes
            self.execute(_NOTIFY, channel=CHANNEL, payload=f"{event} {self._shared.sender}")

    def invalidate_cache(self) -> None:
        """Forget what `Database.cached` has read; within the writing transaction, so that no reader comes between."""
        self._shared.writes += 1

    def is_due(self, name: str, every_seconds: float = 60.0) -> bool:
        """Return True once in `every_seconds` for each name: for purges that need not run each time."""
        return self._shared.is_due(name, every_seconds)
