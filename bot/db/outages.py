"""Outages reported to the admins: one record for all replicas, in one transaction with its messages."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from bot.db import key_value
from bot.db.dialect_sql import JsonRows, as_rows, written
from bot.db.transaction import Transaction
from bot.db.wakeups import Topic
from bot.domain.model import ChannelNotice

NOTE = "outage"


class OutageRecord(Struct, frozen=True):
    """An outage: `kind` is the class of its error, `cause` the root cause. Times are epoch seconds.

    The replica `owner` reports its end; after `until` any other may.
    """

    began: float
    kind: str
    cause: str
    owner: str
    until: float
    ended: float | None = None


def get_outage(tx: Transaction) -> OutageRecord | None:
    """Return the ongoing outage that was reported to the admins; None without one."""
    return _noted(tx)


def begin_outage(tx: Transaction, record: OutageRecord, admins: Sequence[str]) -> bool:
    """Notify these users of an outage; enqueue nothing and return False when an ongoing one was reported."""
    if tx.execute(_BEGIN, key=NOTE, value=_text(record)).first() is None:
        return False
    _enqueue_notices(tx, ChannelNotice.OUTAGE, record, admins)
    return True


def renew_outage(tx: Transaction, record: OutageRecord, until: float, owner: str) -> None:
    """Renew the ownership of the outage, or take it over from a replica whose ownership ended."""
    renewed = _text(replace(record, until=until, owner=owner))
    tx.execute(_RENEW, key=NOTE, value=_text(record), renewed=renewed)


def end_outage(tx: Transaction, record: OutageRecord, ended: float, admins: Sequence[str]) -> bool:
    """Notify these users that the outage is over; enqueue nothing and return False when that was reported already."""
    if tx.execute(_END, key=NOTE, value=_text(record)).first() is None:
        return False
    _enqueue_notices(tx, ChannelNotice.RECOVERY, replace(record, ended=ended), admins)
    return True


def _enqueue_notices(tx: Transaction, event: ChannelNotice, record: OutageRecord, admins: Sequence[str]) -> None:
    number = str(round(record.began * 1000))
    rows = as_rows({"person": admin, "key": f"{admin}:{number}:{event}"} for admin in sorted(set(admins)))
    tx.execute(_OPEN, rows=rows)
    tx.execute(_SAY, rows=rows, number=number, event=str(event), fact=_text(record))
    tx.notify(Topic.OUTBOX)


def _noted(tx: Transaction) -> OutageRecord | None:
    text = key_value.get_value(tx, NOTE)
    return None if text is None else outage_of(text)


def _text(record: OutageRecord) -> str:
    return msgspec.json.encode(record).decode()


def outage_of(text: str) -> OutageRecord:
    """Parse a stored outage. Raises ValueError when it cannot be read."""
    return msgspec.json.decode(text, type=OutageRecord)


_BEGIN = written("""
    INSERT INTO key_value (key, value) VALUES (:key, :value) ON CONFLICT (key) DO NOTHING RETURNING key
""")

_RENEW = written("UPDATE key_value SET value = :renewed WHERE key = :key AND value = :value")

_END = written("DELETE FROM key_value WHERE key = :key AND value = :value RETURNING key")

_PEOPLE = JsonRows("rows", {"person": "text", "key": "text"})

_OPEN = written(
    """
    INSERT INTO channel_leases (channel_id, has_pending, next_send_at, lease_until)
    SELECT o.person, true, 0, 0 FROM {rows} WHERE true ORDER BY o.person
    ON CONFLICT (channel_id) DO UPDATE SET has_pending = true
    """,
    _PEOPLE,
)

_SAY = written(
    """
    INSERT INTO outbox (channel_id, app_id, build_id, event, dedup_key, payload, state, outcome_unknown, created_at,
        card_key, options)
    SELECT o.person, '', :number, :event, o.key, :fact, {delivery.DUE}, false, {now}, o.key, '' FROM {rows} WHERE true
    ON CONFLICT (channel_id, build_id, event) DO NOTHING
    """,
    _PEOPLE,
)
