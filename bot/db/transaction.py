"""A transaction as functions of this package see it: statements, notifications after the commit, the read cache."""

from __future__ import annotations

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.exc import DBAPIError

from bot.db.dialect_sql import NOW, POSTGRESQL, SQLITE, Statement
from bot.db.types import micros
from bot.db.wakeups import CHANGED, CHANNEL, Topic

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

# `slack_changes` reads it
_WRITE_CHANGE = sa.text(f"""
    INSERT INTO key_value (key, value) VALUES (:key, CAST({NOW[POSTGRESQL]} AS text) || ' ' || :sender)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value
""")  # noqa: S608 - our own words
_NOTIFY = sa.text("SELECT pg_notify(:channel, :payload)")


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


class Transaction:
    """One transaction, on the database's thread. A function that is given one does all its statements on it."""

    def __init__(self, connection: sa.Connection, shared: SharedState) -> None:
        self._connection = connection
        self._shared = shared
        self.dialect = shared.dialect
        self.topics: set[Topic] = set()

    def execute(self, statement: Statement | sa.Executable, /, **parameters: object) -> sa.CursorResult[Any]:
        """Run a statement; one of `dialect_sql.written` in its version for this database."""
        if isinstance(statement, sa.Executable):
            return self._connection.execute(statement, parameters or None)
        if self.dialect == SQLITE:
            parameters["now"] = micros(self._shared.clock())
        return self._connection.exec_driver_sql(_driver_text(statement[self.dialect], self.dialect), parameters)

    def execute_all(self, steps: Sequence[Step]) -> list[list[Any]]:
        """Run statements of `dialect_sql.written` in their order; return the rows of each, with attributes.

        On PostgreSQL they share one round trip, so none can have a parameter that another one returns.
        """
        if self.dialect == POSTGRESQL and steps:
            from bot.db.postgres import execute_pipeline  # noqa: PLC0415 - loaded for PostgreSQL only

            texts = [(_driver_text(statement[POSTGRESQL], POSTGRESQL), values) for statement, values in steps]
            return execute_pipeline(self._connection, texts)
        return [self.rows(statement, **values) for statement, values in steps]

    def rows(self, statement: Statement, /, **parameters: object) -> list[Any]:
        """Run a statement of `dialect_sql.written`; return its rows, with attributes, and nothing else of its result.

        On SQLite it takes a fifth of the time of `execute`: for what is done for each click.
        """
        if self.dialect == POSTGRESQL:
            result = self.execute(statement, **parameters)
            return list(result) if result.returns_rows else []
        parameters["now"] = micros(self._shared.clock())
        driver: Any = self._connection.connection.driver_connection
        try:
            cursor = driver.execute(_driver_text(statement[SQLITE], SQLITE), parameters)
            found = cursor.fetchall()
        except sqlite3.Error as problem:
            raise DBAPIError.instance(
                None, None, problem, sqlite3.Error, hide_parameters=True, dialect=self._connection.dialect
            ) from problem
        return [*map(_row_of(tuple(column[0] for column in cursor.description)), found)] if found else found

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


# https://docs.python.org/3/library/sqlite3.html#sqlite3.paramstyle and https://www.psycopg.org/psycopg3/docs/basic/params.html
_PARAMETERS: Mapping[str, Literal["named", "pyformat"]] = {SQLITE: "named", POSTGRESQL: "pyformat"}


@cache
def _row_of(columns: tuple[str, ...]) -> Callable[[Iterable[Any]], Any]:
    kind: Any = namedtuple("Row", columns, rename=True)  # type: ignore[misc]  # its fields are the statement's
    make: Callable[[Iterable[Any]], Any] = kind._make
    return make


@cache
def _driver_text(statement: sa.TextClause, dialect: str) -> str:
    """Return a statement as the driver takes it: what SQLAlchemy does to it, done once and not each time."""
    return str(statement.compile(dialect=DefaultDialect(paramstyle=_PARAMETERS[dialect])))
