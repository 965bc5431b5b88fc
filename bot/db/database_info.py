"""Properties of the database: whether it accepts a write, its version, its time."""

from __future__ import annotations

from datetime import datetime

from bot.db.dialect_sql import either, written
from bot.db.transaction import Transaction
from bot.db.types import moment


def ping(tx: Transaction) -> None:
    """Write one row that exists for this purpose.

    Only a write detects a standby, a full disk or a missing permission.
    """
    tx.execute(_PING)


def engine_version(tx: Transaction) -> str:
    """Return the version of the database itself: `3.40.1`, `16.4`."""
    return str(tx.execute(_VERSION).scalar_one()).partition(" ")[0]


def current_time(tx: Transaction) -> datetime:
    """Return the time (aware UTC) that leases and schedules use: the server's on PostgreSQL, the clock's on SQLite."""
    return moment(tx.execute(_NOW).scalar_one())


_VERSION = either("SELECT sqlite_version()", "SELECT current_setting('server_version')")

_NOW = written("SELECT {now}")

# Increments, as an unchanged value might not be written.
_PING = written("""
    INSERT INTO key_value (key, value) VALUES ('ping', '1')
    ON CONFLICT (key) DO UPDATE SET value = CAST((CAST(key_value.value AS bigint) + 1) % 1000000 AS text)
""")
