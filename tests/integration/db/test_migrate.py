"""A database of an older version is brought up to date, and keeps what is in it."""

from __future__ import annotations

import importlib
from collections import Counter
from functools import partial

import pytest
import sqlalchemy as sa
from alembic import command

from bot.db import migrate as db_migrate
from bot.db.connect import DatabaseUrl, connect
from bot.db.runner import Runner
from bot.system_clock import utc_now
from tests.support.sqlalchemy_core import run_core

Values = dict[tuple[str, str], Counter[object]]


def value(column: sa.Column[object], row: int) -> object:
    """What may stand in a column, different for each row and column."""
    if isinstance(column.type, sa.Boolean):
        return row % 2 == 0
    number = sum(map(ord, column.name)) * 10 + row
    return number if isinstance(column.type, sa.Integer | sa.Double | sa.Float) else f"{column.name} {row} ’"


VERSIONS = [path.stem.partition("_")[0] for path in sorted((db_migrate.MIGRATIONS / "versions").glob("0*.py"))]
PLAIN_NAMES = importlib.import_module("bot.db.migrations.versions.0012_plain_names")


def reflected(connection: sa.Connection) -> list[sa.Table]:
    """The bot's tables as they are."""
    metadata = sa.MetaData()
    metadata.reflect(connection)
    return [table for name, table in metadata.tables.items() if name != "alembic_version"]


def fill(connection: sa.Connection, tables: list[sa.Table], first: int = 0) -> None:
    """Put three rows into every table, numbered from `first`."""
    for table in tables:
        rows = [{column.name: value(column, row) for column in table.c} for row in range(first, first + 3)]
        connection.execute(table.insert(), rows)


def columns(connection: sa.Connection, tables: list[sa.Table] | None = None) -> dict[tuple[str, str], list[object]]:
    """The values of each column, by the names that its table and it have today."""
    found = {}
    for table in reflected(connection) if tables is None else tables:
        today = PLAIN_NAMES.TABLES.get(table.name, table.name)
        renamed = PLAIN_NAMES.COLUMNS.get(today, {})
        rows = connection.execute(sa.select(table)).all()
        for at, column in enumerate(table.c):
            found[today, renamed.get(column.name, column.name)] = sorted((row[at] for row in rows), key=repr)
    return found


def upgrade_to(connection: sa.Connection, version: str) -> None:
    command.upgrade(db_migrate.alembic_config(connection), version)


def written_at(connection: sa.Connection, version: str, first: int) -> Values:
    """Upgrade to a version, put three rows into every table, and return what stands in them."""
    upgrade_to(connection, version)
    tables = reflected(connection)
    before = columns(connection, tables)
    fill(connection, tables, first)
    return {name: Counter(values) - Counter(before[name]) for name, values in columns(connection, tables).items()}


async def upgraded(runner: Runner) -> Values:
    """Upgrade to the newest version, and return what stands in the tables then."""
    await runner.run_raw(db_migrate.upgrade)
    assert await runner.run_raw(db_migrate.stands_at) == db_migrate.HEAD == VERSIONS[-1]
    return {name: Counter(values) for name, values in (await run_core(runner, columns)).items()}


def lost(written: Values, after: Values) -> Values:
    """What was written and is not there any more."""
    gone = {name: values - after.get(name, Counter()) for name, values in written.items()}
    return {name: values for name, values in gone.items() if values}


async def test_each_upgrade_keeps_the_rows_of_every_version(empty_address: str) -> None:
    """A database that lived through all of them."""
    runner = connect(DatabaseUrl.parse(empty_address), utc_now)
    written = [
        await run_core(runner, partial(written_at, version=version, first=3 * number))
        for number, version in enumerate(VERSIONS)
    ]
    after = await upgraded(runner)
    await runner.close()
    assert all(values.total() == 3 for values_of in written for values in values_of.values())
    assert [version for version, values in zip(VERSIONS, written, strict=True) if lost(values, after)] == []


@pytest.mark.parametrize("version", VERSIONS[:-1:7])
async def test_the_upgrade_in_one_transaction_keeps_every_row(empty_address: str, version: str) -> None:
    runner = connect(DatabaseUrl.parse(empty_address), utc_now)
    written = await run_core(runner, partial(written_at, version=version, first=0))
    after = await upgraded(runner)
    await runner.close()
    assert all(values.total() == 3 for values in written.values())
    assert lost(written, after) == {}
    assert {after[name].total() for name in written} == {3}
