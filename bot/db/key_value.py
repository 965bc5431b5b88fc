"""Key-value store for data without a table of its own."""

from __future__ import annotations

from bot.db.dialect_sql import span, written
from bot.db.transaction import Transaction
from bot.db.types import storable

DAY = 86_400.0
_LAST = "\U0010ffff"  # in no key


def set_value(tx: Transaction, key: str, value: str) -> None:
    """Set a value, replacing an earlier one."""
    tx.rows(_REMEMBER, key=storable(key), value=storable(value), day=span(DAY))


def set_value_once(tx: Transaction, key: str, value: str) -> bool:
    """Set a value unless the key exists; return True if it was set (by one replica only)."""
    return tx.execute(_ONCE, key=key, value=value).first() is not None


def get_value(tx: Transaction, key: str) -> str | None:
    """Return the value of a key; None if there is none."""
    found: str | None = tx.execute(_VALUE, key=key).scalar()
    return found


def scan_values(tx: Transaction, prefix: str) -> dict[str, str]:
    """Return the values of keys with this prefix, by key."""
    return {row.key: row.value for row in tx.execute(_SCAN, **_range(prefix))}


def delete_values(tx: Transaction, prefix: str) -> None:
    """Delete the keys with this prefix."""
    tx.execute(_DELETE_RANGE, **_range(prefix))


def _range(prefix: str) -> dict[str, str]:
    return {"first": prefix, "beyond": prefix + _LAST}


def delete_value(tx: Transaction, key: str) -> None:
    """Delete a key."""
    tx.execute(_DELETE, key=key)


_ONCE = written("""
    INSERT INTO key_value (key, value, written_at) VALUES (:key, :value, {now})
    ON CONFLICT (key) DO NOTHING RETURNING key
""")

_VALUE = written("SELECT value FROM key_value WHERE key = :key")

# By an index, which LIKE cannot use when the prefix is a parameter.
# https://www.sqlite.org/optoverview.html#the_like_optimization, and
# https://www.postgresql.org/docs/current/indexes-opclass.html for the operators of a text_pattern_ops index
_BEGINS = "key {from_on} :first AND key {below} :beyond"
_SCAN = written(f"SELECT key, value FROM key_value WHERE {_BEGINS}")  # noqa: S608 - no user input
_DELETE_RANGE = written(f"DELETE FROM key_value WHERE {_BEGINS}")  # noqa: S608 - no user input

_DELETE = written("DELETE FROM key_value WHERE key = :key")

# An equal value is not written again within a day, which saves waiting for the disk.
_REMEMBER = written("""
    INSERT INTO key_value (key, value, written_at) VALUES (:key, :value, {now})
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, written_at = excluded.written_at
    WHERE key_value.value <> excluded.value OR key_value.written_at IS NULL
        OR excluded.written_at - key_value.written_at > :day
""")
