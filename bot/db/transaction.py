"""A transaction as functions of this package see it: statements, notifications after the commit, the read cache."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from bot.db.dialect_sql import POSTGRESQL, SQLITE, Statement, written
from bot.db.types import micros, stored
from bot.db.wakeups import CHANGED, CHANNEL, Topic

# `slack_changes` reads it
_WRITE_CHANGE = written("""
    INSERT INTO key_value (key, value) VALUES (:key, CAST({now} AS text) || ' ' || :sender)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value
""")
_NOTIFY = written("SELECT pg_notify(:channel, :payload)")


Step = tuple[Statement, Mapping[str, object]]  # and its parameters


class SharedState:
    """What all transactions of one database have in common; `dialect` is `sqlite` or `postgresql`.

    `sender` marks this process's notifications; where it `is_pooled`, none comes through.
    `writes` counts the transactions that invalidated the read cache. `clock` gives aware times and is asked on SQLite
    only, from its thread.
    """

    def __init__(self, dialect: str, sender: str, clock: Callable[[], datetime], *, is_pooled: bool = False) -> None:
        self.dialect = dialect
        self.clock = clock
        self.sender = sender
        self.is_pooled = is_pooled
        self.writes = 0


class Rows(list[Any]):
    """The rows that a statement returned, with attributes."""

    def first(self) -> Any:
        """Return the first row; None when there is none."""
        return self[0] if self else None

    def one(self) -> Any:
        """Return the only row. Raises ValueError when there is none, or another."""
        [row] = self
        return row

    def scalar(self) -> Any:
        """Return the first value of the first row; None when there is none."""
        return self[0][0] if self else None

    def scalar_one(self) -> Any:
        """Return the first value of the only row. Raises ValueError when there is none, or another."""
        return self.one()[0]

    def scalars(self) -> list[Any]:
        """Return the first value of each row."""
        return [row[0] for row in self]


class Transaction:
    """One transaction, on the database's thread. A function that is given one does all its statements on it.

    `connection` is the driver's on SQLite, and SQLAlchemy's on PostgreSQL.
    """

    def __init__(self, connection: Any, shared: SharedState) -> None:
        self._connection = connection
        self._shared = shared
        self.dialect = shared.dialect
        self.topics: set[Topic] = set()

    def execute(self, statement: Statement, /, **parameters: object) -> Rows:
        """Run a statement of `dialect_sql.written`; return its rows, with attributes."""
        return Rows(self.rows(statement, **parameters))

    def execute_all(self, steps: Sequence[Step]) -> list[list[Any]]:
        """Run statements of `dialect_sql.written` in their order; return the rows of each, with attributes.

        On PostgreSQL they share one round trip, so none can have a parameter that another one returns.
        """
        if self.dialect == POSTGRESQL and steps:
            from bot.db.postgres import execute_pipeline  # noqa: PLC0415 - loaded for PostgreSQL only

            texts = [
                (statement[POSTGRESQL], {name: stored(value) for name, value in values.items()})
                for statement, values in steps
            ]
            return execute_pipeline(self._connection, texts)
        return [self.rows(statement, **values) for statement, values in steps]

    def rows(self, statement: Statement, /, **parameters: object) -> list[Any]:
        """Do what `execute` does, for what is done for each click: the rows are no more than a list."""
        values = {name: stored(value) for name, value in parameters.items()}
        if self.dialect == POSTGRESQL:
            result = self._connection.exec_driver_sql(statement[POSTGRESQL], values)
            return list(result) if result.returns_rows else []
        values["now"] = micros(self._shared.clock())
        cursor = self._connection.execute(statement[SQLITE], values)
        found: list[Any] = cursor.fetchall()
        return [*map(_row_of(tuple(column[0] for column in cursor.description)), found)] if found else found

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


@cache
def _row_of(columns: tuple[str, ...]) -> Callable[[Iterable[Any]], Any]:
    kind: Any = namedtuple("Row", columns, rename=True)  # type: ignore[misc]  # its fields are the statement's
    make: Callable[[Iterable[Any]], Any] = kind._make
    return make
