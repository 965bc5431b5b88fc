"""A database of an older version is brought up to date, and keeps what is in it."""

from __future__ import annotations

import importlib

import pytest
import sqlalchemy as sa
from alembic import command

from bot.db import migrate as db_migrate
from bot.db.connect import DatabaseUrl, connect
from bot.db.database import utc_now
from tests.support.sqlalchemy_core import run_core


def value(column: sa.Column[object], row: int) -> object:
    """What may stand in a column, different for each row and column."""
    if isinstance(column.type, sa.Boolean):
        return row % 2 == 0
    number = sum(map(ord, column.name)) * 10 + row
    return number if isinstance(column.type, sa.Integer | sa.Double | sa.Float) else f"{column.name} {row} ’"


VERSIONS = [path.stem.partition("_")[0] for path in sorted((db_migrate.MIGRATIONS / "versions").glob("0*.py"))]
PLAIN_NAMES = importlib.import_module("bot.db.migrations.versions.0012_plain_names")


def fill(connection: sa.Connection) -> None:
    """Put three rows into every table there is."""
    metadata = sa.MetaData()
    metadata.reflect(connection)
    for name, table in metadata.tables.items():
        if name != "alembic_version":
            rows = [{column.name: value(column, row) for column in table.c} for row in range(3)]
            connection.execute(table.insert(), rows)


def columns(connection: sa.Connection) -> dict[tuple[str, str], list[object]]:
    """The values of each column, by the names that its table and it have today."""
    metadata = sa.MetaData()
    metadata.reflect(connection)
    found = {}
    for name, table in metadata.tables.items():
        today = PLAIN_NAMES.TABLES.get(name, name)
        renamed = PLAIN_NAMES.COLUMNS.get(today, {})
        if name != "alembic_version":
            rows = connection.execute(sa.select(table)).all()
            for at, column in enumerate(table.c):
                found[today, renamed.get(column.name, column.name)] = sorted((row[at] for row in rows), key=repr)
    return found


@pytest.mark.parametrize("version", VERSIONS[:-1])
async def test_the_upgrade_from_each_version_keeps_every_row(empty_address: str, version: str) -> None:
    runner = connect(DatabaseUrl.parse(empty_address), utc_now)
    await run_core(runner, lambda connection: command.upgrade(db_migrate.alembic_config(connection), version))
    await run_core(runner, fill)
    before = await run_core(runner, columns)
    assert all(len(values) == 3 for values in before.values())
    await runner.run_raw(db_migrate.upgrade)
    assert await runner.run_raw(db_migrate.stands_at) == db_migrate.HEAD == VERSIONS[-1]
    after = await run_core(runner, columns)
    await runner.close()
    assert {name: after.get(name) for name in before} == before
