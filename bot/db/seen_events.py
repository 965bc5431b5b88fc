"""Which of Slack's events were seen already, over all replicas."""

from __future__ import annotations

from bot.db.dialect_sql import span, written
from bot.db.schema import seen_events
from bot.db.transaction import Transaction
from bot.db.types import db_now

KEEP_SECONDS = 24 * 60 * 60


def record_event(tx: Transaction, *marks: str) -> bool:
    """True the first time an event comes within a day, over all replicas; False when it comes again.

    It is known by any of its marks.
    """
    # in one order, so that two of these never wait for each other
    insert = tx.insert(seen_events).values([{"event_id": mark, "seen_at": db_now()} for mark in sorted(set(marks))])
    first_time = insert.on_conflict_do_nothing().returning(seen_events.c.event_id)
    tx.execute(_PURGE, keep=span(KEEP_SECONDS))
    return len(tx.execute(first_time).all()) == len(set(marks))


_PURGE = written("DELETE FROM seen_events WHERE seen_at <= {now} - :keep OR seen_at > {now} + :keep")
