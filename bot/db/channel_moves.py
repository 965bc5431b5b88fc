"""Moves everything recorded about a channel to its new id, in one transaction.

Slack says so once; from then on the former id is unknown there. https://docs.slack.dev/reference/events/channel_id_changed
"""

from __future__ import annotations

import sqlalchemy as sa
from msgspec import Struct

from bot.db import access, key_value, subscriptions
from bot.db.dialect_sql import literal, written
from bot.db.download_schema import scheduled_reports
from bot.db.schema import channel_leases, drafts, outbox
from bot.db.transaction import Transaction
from bot.db.types import ChannelId, metadata
from bot.db.wakeups import Topic

NOTE = "moved/"  # and the former id: the present one, and when Slack said so
REFUSED = "refused/"  # and a channel: the owners notified of the refusal that lasts
WAKES = (Topic.OUTBOX, Topic.HELD, Topic.PAUSED_CHANNELS, Topic.SCHEDULED_REPORTS, Topic.GOALS, Topic.LINK_EXPIRIES)

assert scheduled_reports.metadata is metadata  # every table is known here
COLUMNS = tuple(
    column for table in metadata.sorted_tables for column in table.columns if isinstance(column.type, ChannelId)
)


class _Move(Struct, frozen=True):
    """Where a channel is now, since Slack's time `at` (its `event_ts`)."""

    to: str
    at: float

    @classmethod
    def of(cls, text: str) -> _Move:
        to, _, at = text.partition(" ")
        return cls(to, float(at or 0))

    def __str__(self) -> str:
        return f"{self.to} {self.at:.6f}"


def list_moves(tx: Transaction) -> dict[str, str]:
    """Return the present id of every channel that had another."""
    return {former: move.to for former, move in _moves(tx).items()}


def move_channel(tx: Transaction, old: str, new: str, at: float = 0.0) -> str | None:
    """Move everything recorded about a channel to its new id; return the present id.

    `at` is when Slack said so: an event that comes again, or after a later one, changes nothing (None) but for what was
    recorded under the old id since.
    """
    subscriptions.serialize_changes(tx)
    moves = _moves(tx)
    if known := moves.get(old):
        new = new if known.at < at else known.to
        at = max(at, known.at)
    back = moves.get(new)
    if new == old or (back is not None and back.at >= at):
        return None
    _note(tx, moves, old, _Move(new, at))
    _move_rows(tx, old, new)
    subscriptions.void_polls(tx, None)  # those in progress would announce to the old id
    access.mark_grants_changed(tx)
    for topic in WAKES:
        tx.notify(topic)
    return new


def follow(tx: Transaction, channel_id: str) -> str | None:
    """Return the present id of a channel that Slack does not know any more, and let what is left there follow it."""
    known = _moves(tx).get(channel_id)
    return move_channel(tx, channel_id, known.to, known.at) if known else None


def last_message(tx: Transaction, channel_id: str) -> tuple[str, list[str]] | None:
    """Return the ts of our last message in a channel, and the keys that one of which it carries; None without one."""
    mine = (outbox.c.channel_id == channel_id, outbox.c.ts.is_not(None))
    ts: str | None = tx.execute(sa.select(sa.func.max(outbox.c.ts)).where(*mine)).scalar()
    if ts is None:
        return None
    return ts, list(tx.execute(sa.select(outbox.c.dedup_key).where(*mine, outbox.c.ts == ts)).scalars())


def _moves(tx: Transaction) -> dict[str, _Move]:
    return {key.removeprefix(NOTE): _Move.of(value) for key, value in key_value.scan_values(tx, NOTE).items()}


def _note(tx: Transaction, moves: dict[str, _Move], old: str, move: _Move) -> None:
    """Remember the move, also for the ids the channel had before the old one."""
    key_value.delete_value(tx, f"{NOTE}{move.to}")
    for former in (old, *(former for former, earlier in moves.items() if earlier.to == old and former != move.to)):
        key_value.set_value(tx, f"{NOTE}{former}", str(move))


def _move_rows(tx: Transaction, old: str, new: str) -> None:
    ids = {"old": old, "new": new}
    for statement in (_LOCK_LEASES, _MOVE_LEASE, _SAME_SUBSCRIPTION, _KEEP_LATER, _KEEP_FURTHER):
        tx.execute(statement, **ids)
    for column in COLUMNS:
        table = column.table
        if table is not channel_leases:
            for others in _keys(column):
                tx.execute(_duplicates(table, column, others), **ids)
            tx.execute(sa.update(table).where(column == old).values({column.name: new}))
    tx.execute(sa.delete(channel_leases).where(channel_leases.c.channel_id == old))
    _move_texts(tx, old, new)
    _merge_refusals(tx, old, new)


def _keys(column: sa.Column[str]) -> list[list[sa.Column[object]]]:
    """Return the other columns of each key that the column is part of."""
    keys = [*column.table.constraints, *(index for index in column.table.indexes if index.unique)]
    unique = (sa.UniqueConstraint, sa.PrimaryKeyConstraint, sa.Index)
    return [
        [other for other in key.columns if other is not column]
        for key in keys
        if isinstance(key, unique) and column.name in key.columns
    ]


def _duplicates(table: sa.Table, column: sa.Column[str], others: list[sa.Column[object]]) -> sa.Delete:
    """Return what deletes the rows of the old id that are there under the new one already."""
    there = table.alias("there")
    same = [there.c[other.name] == other for other in others]
    exists = sa.exists().where(there.c[column.name] == sa.bindparam("new"), *same)
    return sa.delete(table).where(column == sa.bindparam("old"), exists)


def _move_texts(tx: Transaction, old: str, new: str) -> None:
    """Change the id in what is kept to be undone, and in long commands: there it is a JSON text or a mention."""
    changed: sa.ColumnElement[str] = drafts.c.value
    for shape in ('"{}"', "<#{}>", "<#{}|"):
        changed = sa.func.replace(changed, shape.format(old), shape.format(new))
    tx.execute(sa.update(drafts).where(drafts.c.value.contains(old, autoescape=True)).values(value=changed))


def _merge_refusals(tx: Transaction, old: str, new: str) -> None:
    """Join the lists of owners notified that the channel refuses messages."""
    told = key_value.get_value(tx, f"{REFUSED}{old}")
    if told is not None:
        also = key_value.get_value(tx, f"{REFUSED}{new}") or ""
        key_value.set_value(tx, f"{REFUSED}{new}", " ".join(sorted({*told.split(), *also.split()})))
        key_value.delete_value(tx, f"{REFUSED}{old}")


# Makes everybody who claims or finishes a post there wait, so that the lease that moves is the current one.
_LOCK_LEASES = written("UPDATE channel_leases SET has_pending = has_pending WHERE channel_id IN (:old, :new)")

# A post in progress keeps its lease under the new id. If one is in progress there too, that one's lease stays, and the
# other post is looked up in the channel afterwards.
_MOVE_LEASE = written("""
    INSERT INTO channel_leases (channel_id, has_pending, next_send_at, lease_token, lease_until)
    SELECT :new, true, next_send_at, lease_token, lease_until FROM channel_leases WHERE channel_id = :old
    ON CONFLICT (channel_id) DO UPDATE SET has_pending = true,
        next_send_at = CASE WHEN excluded.next_send_at > channel_leases.next_send_at
            THEN excluded.next_send_at ELSE channel_leases.next_send_at END,
        lease_token = CASE WHEN channel_leases.lease_until <= {now}
            THEN excluded.lease_token ELSE channel_leases.lease_token END,
        lease_until = CASE WHEN channel_leases.lease_until <= {now}
            THEN excluded.lease_until ELSE channel_leases.lease_until END
""")

_BOTH = """
    FROM subscriptions o JOIN subscriptions n ON n.app_id = o.app_id
    WHERE o.channel_id = :old AND n.channel_id = :new
"""
_LATER = "CASE WHEN o.created_at > n.created_at THEN o.id ELSE n.id END"
_EARLIER = "CASE WHEN o.created_at > n.created_at THEN n.id ELSE o.id END"

# Of two subscriptions to one app the later one stays, since that was meant last; what is held for the other is its own.
_SAME_SUBSCRIPTION = written(f"""
    UPDATE outbox SET subscription_id = (SELECT {_LATER} {_BOTH} AND {_EARLIER} = outbox.subscription_id)
    WHERE subscription_id IN (SELECT {_EARLIER} {_BOTH})
""")  # noqa: S608 - our own words

_KEEP_LATER = written(f"DELETE FROM subscriptions WHERE id IN (SELECT {_EARLIER} {_BOTH})")  # noqa: S608 - our own words

# Of two deliveries of one event the one that came further stays: its card is the one that is edited from now on.
_FURTHER = literal(
    """
    CASE {row}.state WHEN {delivery.POSTED} THEN 6 WHEN {delivery.SENDING} THEN 5 WHEN {delivery.DUE} THEN 4
        WHEN {delivery.HELD} THEN 3 WHEN {delivery.KNOWN} THEN 2 ELSE 1 END
""".replace("{row}", "{{row}}")
)

_KEEP_FURTHER = written(f"""
    DELETE FROM outbox WHERE id IN (
        SELECT CASE WHEN {_FURTHER.format(row="o")} > {_FURTHER.format(row="n")} THEN n.id ELSE o.id END
        FROM outbox o JOIN outbox n ON n.build_id = o.build_id AND n.event = o.event
        WHERE o.channel_id = :old AND n.channel_id = :new
    )
""")  # noqa: S608 - our own words

assert outbox.c.channel_id in COLUMNS
