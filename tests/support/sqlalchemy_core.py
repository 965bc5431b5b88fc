"""SQLAlchemy's statements in the bot's transactions: for tests that look at tables, or change them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from bot.db.dialect_sql import either
from bot.db.runner import Runner
from bot.db.sqlalchemy_connection import sqlalchemy_connection
from bot.db.transaction import Transaction

T = TypeVar("T")


def core(tx: Transaction, statement: sa.Executable, **parameters: Any) -> Any:
    """The result of a statement, read to its end."""
    if isinstance(statement, sa.TextClause):
        return tx.execute(either(statement.text, statement.text), **parameters)
    with sqlalchemy_connection(tx._connection) as connection:
        result: Any = connection.execute(statement, parameters or None)
        return result.freeze()() if result.returns_rows else result


async def run_core(runner: Runner, work: Callable[[sa.Connection], T]) -> T:
    """What `work` returns, in a transaction of its own."""

    def working(connection: Any) -> T:
        with sqlalchemy_connection(connection) as composed:
            return work(composed)

    return await runner.run_raw(working)
