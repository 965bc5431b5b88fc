"""Bringing a database to the tables this program knows, on a connection that is given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import Connection

from bot.db.dialect_sql import POSTGRESQL
from bot.exceptions import StartupError
from bot.i18n import english

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"

# The newest version in migrations/versions; a test compares. Kept here so that a start on an up-to-date database
# does not have to load Alembic (a quarter of a second and 10 MB).
HEAD = "0023"

# Any number that no other program uses: "applivery" on a phone's keys.
_LOCK = 277548379


def stands_at(connection: Connection) -> str | None:
    """Return the version of the tables in this database; None when there are none."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return version


def upgrade(connection: Connection) -> None:
    """Bring the tables to `HEAD` within the connection's transaction; a second replica waits here for the first.

    Raises `StartupError` when a newer program has already changed them.
    """
    if connection.dialect.name == POSTGRESQL:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    if stands_at(connection) == HEAD:
        return
    from alembic import command  # noqa: PLC0415 - see HEAD
    from alembic.util import CommandError  # noqa: PLC0415

    config = alembic_config(connection)
    try:
        command.upgrade(config, "head")
    except CommandError as problem:
        raise StartupError(
            english("The database was made by a newer version of this bot than this one."),
            english("Start that version again, or go back to a copy of the database from before."),
        ) from problem


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's settings, in code instead of an alembic.ini: they travel with the wheel."""
    from alembic.config import Config  # noqa: PLC0415 - see HEAD

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
