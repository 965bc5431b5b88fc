"""Values by name, for what needs no table of its own."""

from __future__ import annotations

import sqlalchemy as sa

from bot.db.dialect_sql import SQLITE, span, written
from bot.db.schema import key_value as table
from bot.db.transaction import Transaction
from bot.db.types import db_now, storable

DAY = 86_400.0
_LAST = "\U0010ffff"  # no name has it


def set_value(tx: Transaction, key: str, value: str) -> None:
    """Write a note under this name; it replaces the one before."""
    tx.rows(_REMEMBER, key=storable(key), value=storable(value), day=span(DAY))


def set_value_once(tx: Transaction, key: str, value: str) -> bool:
    """Write a note under this name, unless there is one; True when it was written, over all replicas."""
    row = {"key": key, "value": value, "written_at": db_now()}
    insert = tx.insert(table).values(row).on_conflict_do_nothing().returning(table.c.key)
    return tx.execute(insert).first() is not None


def get_value(tx: Transaction, key: str) -> str | None:
    """Return the note under this name; None if there is none."""
    found: str | None = tx.execute(sa.select(table.c.value).where(table.c.key == key)).scalar()
    return found


def scan_values(tx: Transaction, prefix: str) -> dict[str, str]:
    """Return the notes whose names begin so, by name."""
    statement = sa.select(table.c.key, table.c.value).where(begins_with(tx, prefix))
    return {row.key: row.value for row in tx.execute(statement)}


def begins_with(tx: Transaction, prefix: str) -> sa.ColumnElement[bool]:
    """Return the condition for such names: by an index, which LIKE cannot use when the prefix is a parameter.

    https://www.sqlite.org/optoverview.html#the_like_optimization, and
    https://www.postgresql.org/docs/current/indexes-opclass.html for the operators of a text_pattern_ops index
    """
    if tx.dialect == SQLITE:
        return (table.c.key >= prefix) & (table.c.key < prefix + _LAST)
    from_it, below_next = (table.c.key.bool_op(operator) for operator in ("~>=~", "~<~"))
    return from_it(prefix) & below_next(prefix + _LAST)


def delete_value(tx: Transaction, key: str) -> None:
    """Take away the note under this name."""
    tx.execute(sa.delete(table).where(table.c.key == key))


# What says the same already is not written again within a day, so that the disk need not be waited for.
_REMEMBER = written("""
    INSERT INTO key_value (key, value, written_at) VALUES (:key, :value, {now})
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, written_at = excluded.written_at
    WHERE key_value.value <> excluded.value OR key_value.written_at IS NULL
        OR excluded.written_at - key_value.written_at > :day
""")
