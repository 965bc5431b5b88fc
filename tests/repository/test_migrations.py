"""Migrations only add, so that replicas of the release before go on working: docs/operations.md, Upgrading."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from bot.db import migrate as db_migrate
from bot.db.connect import DatabaseUrl, connect
from bot.db.database import Database, utc_now
from bot.db.migrate import MIGRATIONS

VERSIONS = sorted((MIGRATIONS / "versions").glob("0*.py"))
BEFORE_THE_FIRST_RELEASE = MIGRATIONS / "versions" / "0012_plain_names.py"  # it renames
TAKES_AWAY = {"drop_table", "drop_column", "rename_table", "drop_constraint", "alter_column"}


def calls(version: Path) -> list[ast.Call]:
    """What the upgrade calls."""
    [upgrade] = [node for node in ast.parse(version.read_text()).body if getattr(node, "name", "") == "upgrade"]
    return [node for node in ast.walk(upgrade) if isinstance(node, ast.Call)]


def name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


@pytest.mark.parametrize(
    "version", [path for path in VERSIONS if path != BEFORE_THE_FIRST_RELEASE], ids=lambda path: path.stem
)
def test_an_upgrade_takes_nothing_away_that_the_release_before_still_uses(version: Path) -> None:
    assert {name(call) for call in calls(version)} & TAKES_AWAY == set()


@pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.stem)
def test_a_new_column_of_an_old_table_can_be_left_out(version: Path) -> None:
    for call in calls(version):
        if name(call) == "add_column":
            [column] = [part for part in ast.walk(call) if isinstance(part, ast.Call) and name(part) == "Column"]
            given = {keyword.arg: keyword.value for keyword in column.keywords}
            may_be_null = not (isinstance(given.get("nullable"), ast.Constant) and given["nullable"].value is False)
            assert may_be_null or "server_default" in given, ast.unparse(call)


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

    await runner.run_raw(db_migrate.upgrade)
    assert await runner.run_raw(rows) == {plain_names.TABLES.get(name, name): found for name, found in before.items()}
    await runner.close()
    await (await Database.open(empty_address)).close()
