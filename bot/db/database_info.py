"""Properties of the database: whether it accepts a write, its version, its time."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bot.db import types
from bot.db.dialect_sql import POSTGRESQL, written
from bot.db.transaction import Transaction


def ping(tx: Transaction) -> None:
    """Write one row, the same each time.

    A standby, a full disk or a missing right is seen by a write alone.
    """
    tx.execute(_PING)


def engine_version(tx: Transaction) -> str:
    """Return the version of the database itself: `3.40.1`, `16.4`."""
    question = "SHOW server_version" if tx.dialect == POSTGRESQL else "SELECT sqlite_version()"
    return str(tx.execute(sa.text(question)).scalar_one()).partition(" ")[0]


def current_time(tx: Transaction) -> datetime:
    """Return the time leases and schedules go by, aware UTC: the database's on PostgreSQL, the clock's on SQLite."""
    value: datetime = tx.execute(sa.select(types.db_now())).scalar_one()
    return value


# One more than before: writing the same value would be no write.
_PING = written("""
    INSERT INTO key_value (key, value) VALUES ('ping', '1')
    ON CONFLICT (key) DO UPDATE SET value = CAST((CAST(key_value.value AS bigint) + 1) % 1000000 AS text)
""")
