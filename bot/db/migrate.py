"""Migrate a database to this version's schema, on a given connection."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.db.dialect_sql import POSTGRESQL, SQLITE
from bot.exceptions import StartupError
from bot.i18n import english

if TYPE_CHECKING:
    import sqlalchemy as sa
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"

# The newest version in migrations/versions, as a test verifies. Kept here so that a start on an up-to-date database
# does not load Alembic and SQLAlchemy (a third of a second and 25 MB).
HEAD = "0023"

# An arbitrary number that no other program uses.
_LOCK = 277548379


_HAS_TABLES = {
    SQLITE: "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'",
    POSTGRESQL: "SELECT to_regclass('alembic_version')",
}


def stands_at(connection: sqlite3.Connection | sa.Connection) -> str | None:
    """Return the schema version of this database; None without tables."""
    if _value(connection, _HAS_TABLES[_dialect_of(connection)]) is None:
        return None
    version: str | None = _value(connection, "SELECT version_num FROM alembic_version")
    return version


def _dialect_of(connection: sqlite3.Connection | sa.Connection) -> str:
    return SQLITE if isinstance(connection, sqlite3.Connection) else connection.dialect.name


def _value(connection: sqlite3.Connection | sa.Connection, question: str) -> Any:
    if isinstance(connection, sqlite3.Connection):
        row = connection.execute(question).fetchone()
        return row[0] if row else None
    return connection.exec_driver_sql(question).scalar()


def upgrade(connection: sqlite3.Connection | sa.Connection) -> None:
    """Migrate to `HEAD` within the connection's transaction; a second replica waits here for the first.

    Raises `StartupError` when a newer version has already migrated the tables.
    """
    if _dialect_of(connection) == POSTGRESQL:
        _value(connection, f"SELECT pg_advisory_xact_lock({_LOCK})")
    if stands_at(connection) == HEAD:
        return
    from alembic import command  # noqa: PLC0415 - see HEAD
    from alembic.util import CommandError  # noqa: PLC0415

    from bot.db.sqlalchemy_connection import sqlalchemy_connection  # noqa: PLC0415

    try:
        with sqlalchemy_connection(connection) as composed:
            command.upgrade(alembic_config(composed), "head")
    except CommandError as problem:
        raise StartupError(
            english("The database was made by a newer version of this bot than this one."),
            english("Start that version again, or go back to a copy of the database from before."),
        ) from problem


def alembic_config(connection: sa.Connection | None = None) -> Config:
    """Return Alembic's settings, in code instead of an alembic.ini so that the wheel contains them."""
    from alembic.config import Config  # noqa: PLC0415 - see HEAD

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
