"""The database has one small class in front, and functions behind it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from bot.db.database import Database
from tests.repository.shell import ROOT

MODULES = sorted((ROOT / "bot").rglob("*.py"))
NOUNS = [path for path in MODULES if path.is_relative_to(ROOT / "bot/db") and "migrations" not in path.parts]
# What runs a transaction, and what hears of those of other processes.
MAY_NOTIFY = {"bot/db/database.py", "bot/db/postgres.py", "bot/app.py"}  # app.py: Slack accepts the token again
NOTIFIERS = {"notify", "notify_all"}


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text())))


def found(paths: list[Path], kind: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    for path in paths:
        for node in nodes_of(path):
            if isinstance(node, kind):
                yield path.relative_to(ROOT).as_posix(), node


def takes_transaction(node: ast.AST) -> bool:
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    return bool(node.args.args) and node.args.args[0].arg == "tx"


def test_the_database_has_few_public_methods() -> None:
    methods = [name for name, _ in inspect.getmembers(Database, callable) if not name.startswith("_")]
    assert len(methods) <= 9, methods
    assert Database.__bases__ == (object,)


def test_no_class_of_the_database_is_a_mixin() -> None:
    names = {node.name for _, node in found(NOUNS, ast.ClassDef) if isinstance(node, ast.ClassDef)}
    derived = [
        (path, node.name)
        for path, node in found(NOUNS, ast.ClassDef)
        if isinstance(node, ast.ClassDef)
        and names & {ast.unparse(base) for base in node.bases}
        and node.name != "ChannelId"  # a column's type
    ]
    assert derived == []


def test_functions_take_the_transaction_and_await_nothing() -> None:
    takers = [(path, node) for path, node in found(MODULES, ast.FunctionDef) if takes_transaction(node)]
    assert len(takers) > 100
    assert [path for path, node in found(MODULES, ast.AsyncFunctionDef) if takes_transaction(node)] == []
    assert not any(isinstance(inner, ast.Await) for _, node in takers for inner in ast.walk(node))


def test_no_transaction_is_a_closure() -> None:
    closures = [
        (path, inner.name)
        for path, node in found(MODULES, ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if inner is not node and isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
        if takes_transaction(inner) or (inner.name == "work" and path.startswith("bot/db/"))
    ]
    assert closures == []


def test_only_a_commit_notifies() -> None:
    found_in = {
        path
        for path, node in found(MODULES, ast.Attribute)
        if isinstance(node, ast.Attribute) and node.attr in NOTIFIERS and ast.unparse(node.value).endswith("notifier")
    }
    assert found_in <= MAY_NOTIFY
