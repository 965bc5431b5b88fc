"""Copy one database to another, of the same kind or not, while no bot uses either."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from bot.db import download_schema, schema, sqlite_files  # noqa: F401 - they put the tables into `metadata`
from bot.db import migrate as db_migrate
from bot.db.column_types import metadata
from bot.db.connect import DatabaseUrl, SingleProcessLock, connect
from bot.db.database import cannot_use
from bot.db.dialect_sql import POSTGRESQL
from bot.db.postgres_tools import require_unused
from bot.db.sqlalchemy_connection import sqlalchemy_connection
from bot.exceptions import BotError, DatabaseNotFound
from bot.i18n import english
from bot.system_clock import utc_now

ROWS = 1000  # read and written at once


async def copy_database(source: str, target: str) -> dict[str, int]:
    """Copy all rows of the bot's tables into an empty database; a missing SQLite file is created.

    Both are addresses in the format of DATABASE_URL. Return the number of rows copied per table. All is one
    transaction. Raises BotError: a bot uses one of them, the target has rows, the source is of another version.
    """
    read_from, write_to = DatabaseUrl.parse(source), DatabaseUrl.parse(target)
    if read_from == write_to:
        raise BotError(english("Both are the same database."), english("Name an empty database as the second one."))
    if read_from.file is not None and not read_from.file.exists():
        raise DatabaseNotFound(english(f"There is no database at {read_from}."), english("Check its path."))
    with ExitStack() as stack:
        for place in (read_from, write_to):
            _take(place, stack)
        if write_to.file is not None:
            _create(write_to.file, stack)
        url = read_from.url or sa.URL.create("sqlite", database=str(read_from.file))
        engine = sa.create_engine(url, hide_parameters=True)
        stack.callback(engine.dispose)
        runner = connect(write_to, utc_now)
        try:
            return await runner.run_raw(partial(_fill, read_from, engine))
        except (DBAPIError, sqlite3.Error) as problem:
            raise cannot_use(write_to, _of_driver(problem)) from problem
        finally:
            await runner.close()


def _create(file: Path, stack: ExitStack) -> None:
    """Create a SQLite file if it is missing; delete it again when the block raises."""
    if not file.exists():
        stack.push(lambda kind, *_: file.unlink(missing_ok=True) if kind else None)
    sqlite_files.make_private(file)


def _take(place: DatabaseUrl, stack: ExitStack) -> None:
    """Ensure that no bot uses a database, and that none starts on a SQLite file meanwhile."""
    if place.file is not None:
        stack.callback(SingleProcessLock.take(place.file).free)
    else:
        require_unused(place)


def _fill(place: DatabaseUrl, source: sa.Engine, target: Any) -> dict[str, int]:
    try:
        with source.connect() as connection, sqlalchemy_connection(target) as filled:
            return _copy_tables(place, connection, filled)
    except DBAPIError as problem:
        raise cannot_use(place, _of_driver(problem)) from problem


def _of_driver(problem: Exception) -> Exception:
    found: Exception = getattr(problem, "orig", None) or problem
    return found


def _copy_tables(place: DatabaseUrl, source: sa.Connection, target: sa.Connection) -> dict[str, int]:
    if source.dialect.name == POSTGRESQL:  # a consistent snapshot
        source.execution_options(isolation_level="REPEATABLE READ")
    if db_migrate.stands_at(source) != db_migrate.HEAD:
        raise BotError(
            english(f"The database at {place} is of another version of this bot."),
            english("Run `applivery-bot migrate` for it first."),
        )
    is_new = db_migrate.stands_at(target) is None
    db_migrate.upgrade(target)
    if not is_new and any(_count(target, table) for table in metadata.sorted_tables):
        raise BotError(english("The target already has data."), english("Name an empty database as the second one."))
    return {table.name: _copy_table(table, source, target) for table in metadata.sorted_tables}


def _copy_table(table: sa.Table, source: sa.Connection, target: sa.Connection) -> int:
    """Copy one table as its rows are stored; return how many there are. Raises BotError when some are missing."""
    stored = _as_stored(table)
    target.execute(sa.delete(stored))  # rows that the migrations inserted
    rows = iter(source.execution_options(yield_per=ROWS).execute(sa.select(stored)).mappings())
    while chunk := [dict(row) for row in islice(rows, ROWS)]:
        target.execute(sa.insert(stored), chunk)
    copied, there = _count(target, table), _count(source, table)
    if copied != there:
        raise BotError(english(f"{table.name} has {there} rows, and {copied} were copied."), english("Try again."))
    _set_sequence(table, target)
    return copied


def _as_stored(table: sa.Table) -> sa.TableClause:
    """Return the table with the plain types of its columns, so that every value is copied as it is."""
    types = ((column.name, column.type) for column in table.columns)
    return sa.table(
        table.name,
        *(sa.column(name, kind.impl if isinstance(kind, sa.types.TypeDecorator) else kind) for name, kind in types),
    )


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def _set_sequence(table: sa.Table, target: sa.Connection) -> None:
    """Set PostgreSQL's sequences past the copied rows; SQLite needs none."""
    column = table.autoincrement_column
    if column is None or target.dialect.name != POSTGRESQL:
        return
    newest = sa.select(sa.func.max(column)).scalar_subquery()
    sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
    target.execute(sa.select(sa.func.setval(sequence, newest)).where(newest.is_not(None)))
