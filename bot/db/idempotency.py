"""What was done a moment ago and is not done again, over all replicas."""

from __future__ import annotations

import sqlalchemy as sa

from bot.db.dialect_sql import SKEW_SECONDS, span, written
from bot.db.schema import idempotency_keys as table
from bot.db.transaction import Transaction


def acquire_once(tx: Transaction, key: str, within_seconds: float) -> bool:
    """True unless the same was done within so many seconds, here or in another process."""
    about = {"key": key, "within": span(within_seconds), "skew": span(min(within_seconds, SKEW_SECONDS))}
    return tx.execute(_FIRST, **about).first() is not None


def release_once(tx: Transaction, key: str) -> None:
    """What `first_time` let through has come to nothing: the next try is the first again."""
    tx.execute(sa.delete(table).where(table.c.key == key))


_FIRST = written("""
    INSERT INTO idempotency_keys (key, at) VALUES (:key, {now})
    ON CONFLICT (key) DO UPDATE SET at = excluded.at
        WHERE idempotency_keys.at <= excluded.at - :within OR idempotency_keys.at > excluded.at + :skew
    RETURNING key
""")
