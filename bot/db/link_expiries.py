"""Messages to edit when their link expires."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from bot.db.dialect_sql import soonest, span, written
from bot.db.transaction import Transaction
from bot.db.wakeups import Topic

MINUTE, HOUR = 60.0, 3600.0


FURTHEST_EXPIRY = span(2 * 24 * HOUR)  # a ticket is valid for a day at most, Applivery's links for minutes


class LinkExpiry(Struct, frozen=True):
    """A message to edit when its link has expired, at `ts` in the channel `target`.

    If `target` is a response_url, it is edited through that. `refresh_value` is the value of its "fresh link" button,
    `language` the locale the message is written in.
    """

    target: str
    ts: str | None
    app_id: str
    build_id: str
    title: str
    refresh_value: str
    language: str


def schedule_expiry(tx: Transaction, due_at: datetime, expiry: LinkExpiry) -> None:
    """Schedule the edit of a message for when its link expires (aware)."""
    tx.execute(_SCHEDULE, due_at=due_at, **asdict(expiry))
    tx.notify(Topic.LINK_EXPIRIES)


def cancel_expiry(tx: Transaction, ts: str) -> None:
    """Cancel the edit of the message at `ts`, which no longer shows the link."""
    tx.execute(_CANCEL, ts=ts)


def take_due_expiries(tx: Transaction, most: int = 20) -> list[LinkExpiry]:
    """Return and delete the due expiries: a missed edit is better than a repeated one."""
    return [_expiry(row) for row in tx.execute(_EXPIRED, most=most, far=FURTHEST_EXPIRY)]


def expiry_due_in(tx: Transaction) -> float | None:
    """Return the seconds until a message is due; None without messages."""
    wait = tx.execute(_EXPIRE_IN, far=FURTHEST_EXPIRY).scalar()
    return None if wait is None else max(0.0, int(wait) / 1e6)


def _expiry(row: Any) -> LinkExpiry:
    return LinkExpiry(row.target, row.ts, row.app_id, row.build_id, row.title, row.refresh_value, row.language)


_SCHEDULE = written("""
    INSERT INTO link_expiries (due_at, target, ts, app_id, build_id, title, refresh_value, language)
    VALUES (:due_at, :target, :ts, :app_id, :build_id, :title, :refresh_value, :language)
""")

_CANCEL = written("DELETE FROM link_expiries WHERE ts = :ts")

# `+` keeps the planner from ordering by the index, which would read all rows that are not due.
_EXPIRED = written("""
    DELETE FROM link_expiries WHERE id IN (
        SELECT id FROM link_expiries WHERE due_at <= {now} OR due_at > {now} + :far
        ORDER BY +due_at LIMIT :most {skip_locked}
    )
    RETURNING target, ts, app_id, build_id, title, refresh_value, language
""")


_EXPIRE_IN = written(soonest("link_expiries", "due_at"))
