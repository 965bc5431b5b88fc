"""A transaction: statements, notifications after the commit, invalidation of the read cache."""

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
    """State shared by all transactions of a database; `dialect` is `sqlite` or `postgresql`.

    `sender` identifies this process's notifications; with `is_pooled`, none is delivered. `writes` counts the
    transactions that invalidated the read cache. `clock` returns aware times and is called on SQLite only, from its
    thread.
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
        """Return the only row. Raises ValueError when there is none or more than one."""
        [row] = self
        return row

    def scalar(self) -> Any:
        """Return the first value of the first row; None when there is none."""
        return self[0][0] if self else None

    def scalar_one(self) -> Any:
        """Return the first value of the only row. Raises ValueError when there is no row or more than one."""
        return self.one()[0]

    def scalars(self) -> list[Any]:
        """Return the first value of each row."""
        return [row[0] for row in self]


class Transaction:
    """One transaction, on the database's thread. A function that receives one runs all its statements in it.

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
        """Do what `execute` does, but faster, for statements of every click: return the rows as a plain list."""
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
        """Invalidate the results of `Database.cached`; call it within the transaction that writes."""
        self._shared.writes += 1


@cache
def _row_of(columns: tuple[str, ...]) -> Callable[[Iterable[Any]], Any]:
    kind: Any = namedtuple("Row", columns, rename=True)  # type: ignore[misc]  # its fields are the statement's
    make: Callable[[Iterable[Any]], Any] = kind._make
    return make
