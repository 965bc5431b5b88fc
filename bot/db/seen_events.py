"""Slack events that were received already, over all replicas."""

from __future__ import annotations

from bot.db.dialect_sql import JsonRows, as_rows, span, written
from bot.db.transaction import Transaction
from bot.db.types import storable

KEEP_SECONDS = 24 * 60 * 60


def record_event(tx: Transaction, *marks: str) -> bool:
    """Return True for the first delivery of an event within a day, over all replicas; False for a repeat.

    An event is a repeat if any of its ids was seen.
    """
    # in a fixed order, to avoid deadlocks
    known = sorted({storable(mark) for mark in marks})
    rows = as_rows({"mark": mark} for mark in known)
    return len(tx.rows(_RECORD, rows=rows, keep=span(KEEP_SECONDS))) == len(known)


# `WHERE true`, or SQLite takes ON for a join's: https://www.sqlite.org/lang_upsert.html#parsing_ambiguity
_RECORD = written(
    """
    INSERT INTO seen_events (event_id, seen_at) SELECT o.mark, {now} FROM {rows} WHERE true
    ON CONFLICT (event_id) DO UPDATE SET seen_at = excluded.seen_at
        WHERE seen_events.seen_at <= excluded.seen_at - :keep OR seen_events.seen_at > excluded.seen_at + :keep
    RETURNING event_id
    """,
    JsonRows("rows", {"mark": "text"}),
)
