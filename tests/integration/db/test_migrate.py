"""A database of an older version is brought up to date, and keeps what is in it."""

from __future__ import annotations

import importlib

import sqlalchemy as sa
from alembic import command

from bot.db import migrate as db_migrate
from bot.db.connect import DatabaseUrl, connect
from bot.db.database import Database, utc_now


def value(column: sa.Column[object], row: int) -> object:
    """What may stand in a column, different for each row and column."""
    if isinstance(column.type, sa.Boolean):
        return row % 2 == 0
    number = sum(map(ord, column.name)) * 10 + row
    return number if isinstance(column.type, sa.Integer | sa.Double | sa.Float) else f"{column.name} {row} ’"


def rows(connection: sa.Connection) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, in the order of their columns."""
    metadata = sa.MetaData()
    metadata.reflect(connection)
    return {
        name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr)
        for name, table in metadata.tables.items()
        if name != "alembic_version"
    }


async def test_the_upgrade_to_plain_names_keeps_every_row(empty_address: str) -> None:
    plain_names = importlib.import_module("bot.db.migrations.versions.0012_plain_names")
    before: dict[str, list[tuple[object, ...]]] = {}

    def old(connection: sa.Connection) -> None:
        command.upgrade(db_migrate.alembic_config(connection), "0011")
        metadata = sa.MetaData()
        metadata.reflect(connection)
        for name, table in metadata.tables.items():
            if name != "alembic_version":
                for row in range(3):
                    connection.execute(table.insert().values({c.name: value(c, row) for c in table.c}))
        before.update(rows(connection))

    runner = connect(DatabaseUrl.parse(empty_address), utc_now)
    await runner.run_raw(old)
    assert len(before) >= 25
    assert all(len(found) == 3 for found in before.values())

    await runner.run_raw(lambda connection: command.upgrade(db_migrate.alembic_config(connection), "0012"))
    assert await runner.run_raw(rows) == {plain_names.TABLES.get(name, name): found for name, found in before.items()}
    await runner.close()
    await (await Database.open(empty_address)).close()
