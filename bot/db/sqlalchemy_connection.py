"""SQLAlchemy on a connection of the SQLite driver, for migrations and copies of whole tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool


@contextmanager
def sqlalchemy_connection(connection: Any) -> Iterator[sa.Connection]:
    """Yield a SQLAlchemy connection in the driver's current transaction, which continues after the block.

    A PostgreSQL connection is SQLAlchemy's already.
    """
    if not isinstance(connection, sqlite3.Connection):
        yield connection
        return
    borrowed = _BorrowedConnection(connection)
    engine = sa.create_engine("sqlite://", creator=lambda: borrowed, poolclass=StaticPool, hide_parameters=True)
    with engine.connect() as made:
        yield made


class _BorrowedConnection:
    """A connection whose transaction is ended by its owner."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def commit(self) -> None:
        """Leave it to the owner."""

    def rollback(self) -> None:
        """Leave it to the owner."""

    def close(self) -> None:
        """Leave it to the owner."""
