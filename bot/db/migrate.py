"""Bringing a database to the tables this program knows, on a connection that is given."""

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

# The newest version in migrations/versions; a test compares. Kept here so that a start on an up-to-date database
# does not have to load Alembic and SQLAlchemy (a third of a second and 25 MB).
HEAD = "0023"

# Any number that no other program uses: "applivery" on a phone's keys.
_LOCK = 277548379


_HAS_TABLES = {
    SQLITE: "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'",
    POSTGRESQL: "SELECT to_regclass('alembic_version')",
}


def stands_at(connection: sqlite3.Connection | sa.Connection) -> str | None:
    """Return the version of the tables in this database; None when there are none."""
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
    """Bring the tables to `HEAD` within the connection's transaction; a second replica waits here for the first.

    Raises `StartupError` when a newer program has already changed them.
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
    """Alembic's settings, in code instead of an alembic.ini: they travel with the wheel."""
    from alembic.config import Config  # noqa: PLC0415 - see HEAD

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
