"""Migrations only add, so that replicas of the release before go on working: docs/operations.md, Upgrading."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

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
def test_migration_drops_nothing_used_by_previous_release(version: Path) -> None:
    assert {name(call) for call in calls(version)} & TAKES_AWAY == set()


@pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.stem)
def test_a_new_column_of_an_old_table_can_be_left_out(version: Path) -> None:
    for call in calls(version):
        if name(call) == "add_column":
            [column] = [part for part in ast.walk(call) if isinstance(part, ast.Call) and name(part) == "Column"]
            given = {keyword.arg: keyword.value for keyword in column.keywords}
            may_be_null = not (isinstance(given.get("nullable"), ast.Constant) and given["nullable"].value is False)
            assert may_be_null or "server_default" in given, ast.unparse(call)
