"""Moves everything recorded about a channel to its new id, in one transaction.

Slack sends one event; from then on it does not know the former id.
https://docs.slack.dev/reference/events/channel_id_changed
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from bot.db import access, key_value, subscriptions
from bot.db.dialect_sql import Statement, literal, written
from bot.db.transaction import Transaction
from bot.db.wakeups import Topic

NOTE = "moved/"  # key prefix, followed by the former id; the value is a `_Move`
REFUSED = "refused/"  # key prefix, followed by a channel; the value lists the owners notified that it refuses messages
WAKES = (Topic.OUTBOX, Topic.HELD, Topic.PAUSED_CHANNELS, Topic.SCHEDULED_REPORTS, Topic.GOALS, Topic.LINK_EXPIRIES)

_LIKE = ("app_id", "build_ref")
# The columns with a channel id (except in `channel_leases`), each with the other columns of its unique keys.
COLUMNS: Mapping[tuple[str, str], tuple[tuple[str, ...], ...]] = {
    ("app_channel_allowlist", "channel_id"): (("app_id",),),
    ("audit", "channel_id"): (),
    ("bisections", "channel_id"): (("running_for",),),
    ("build_waiters", "channel_id"): (),
    ("build_watches", "channel"): (),
    ("goals", "channel_id"): ((*_LIKE, "group_id", "members_of", "ended_at"),),
    ("goals", "members_of"): (("channel_id", *_LIKE, "group_id", "ended_at"),),
    ("link_expiries", "target"): (),
    ("manager_channels", "channel_id"): ((),),
    ("outbox", "channel_id"): (("build_id", "event"),),
    ("role_request_copies", "channel_id"): (),
    ("role_requests", "channel_id"): (),
    ("scheduled_reports", "target_id"): ((*_LIKE, "group_by", "schedule"),),
    ("subscriptions", "channel_id"): (("app_id",),),
    ("tickets", "channel_id"): (),
}


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
    """Return the current id of every channel whose id has changed, by former id."""
    return {former: move.to for former, move in _moves(tx).items()}


def move_channel(tx: Transaction, old: str, new: str, at: float = 0.0) -> str | None:
    """Move everything recorded about a channel to its new id; return the current id.

    `at` is the time of Slack's event. A repeated or outdated event changes nothing (None), except that rows recorded
    under the old id since are moved.
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
    """Return the current id of a channel that Slack no longer knows, and move what is recorded under the old id."""
    known = _moves(tx).get(channel_id)
    return move_channel(tx, channel_id, known.to, known.at) if known else None


def last_message(tx: Transaction, channel_id: str) -> tuple[str, list[str]] | None:
    """Return the ts of the bot's last message in a channel and its possible keys; None without a message."""
    ts: str | None = tx.execute(_LAST_TS, channel=channel_id).scalar()
    if ts is None:
        return None
    return ts, list(tx.execute(_KEYS_OF, channel=channel_id, ts=ts).scalars())


def _moves(tx: Transaction) -> dict[str, _Move]:
    return {key.removeprefix(NOTE): _Move.of(value) for key, value in key_value.scan_values(tx, NOTE).items()}


def _note(tx: Transaction, moves: dict[str, _Move], old: str, move: _Move) -> None:
    """Record the move, also for the ids the channel had before the old one."""
    key_value.delete_value(tx, f"{NOTE}{move.to}")
    for former in (old, *(former for former, earlier in moves.items() if earlier.to == old and former != move.to)):
        key_value.set_value(tx, f"{NOTE}{former}", str(move))


def _move_rows(tx: Transaction, old: str, new: str) -> None:
    ids = {"old": old, "new": new}
    for statement in (_LOCK_LEASES, _MOVE_LEASE, _SAME_SUBSCRIPTION, _KEEP_LATER, _KEEP_FURTHER):
        tx.execute(statement, **ids)
    for (table, column), keys in COLUMNS.items():
        for others in keys:
            tx.execute(_drop_same(table, column, others), **ids)
        tx.execute(_move(table, column), **ids)
    tx.execute(_DROP_LEASE, old=old)
    _move_texts(tx, old, new)
    _merge_refusals(tx, old, new)


def _move(table: str, column: str) -> Statement:
    return written(f"UPDATE {table} SET {column} = :new WHERE {column} = :old")  # noqa: S608 - no user input


def _drop_same(table: str, column: str, others: Sequence[str]) -> Statement:
    """Return the statement that deletes rows of the old id that exist under the new id already."""
    same = "".join(f" AND there.{other} = {table}.{other}" for other in others)
    return written(f"""
        DELETE FROM {table}
        WHERE {column} = :old AND EXISTS (SELECT 1 FROM {table} there WHERE there.{column} = :new {same})
    """)  # noqa: S608 - no user input


def _move_texts(tx: Transaction, old: str, new: str) -> None:
    """Change the id in saved undo data and long commands, where it is part of a JSON text or a mention."""
    words = {
        f"{side}_{name}": shape.format(channel_id)
        for side, channel_id in (("old", old), ("new", new))
        for name, shape in (("text", '"{}"'), ("mention", "<#{}>"), ("named", "<#{}|"))
    }
    tx.execute(_MOVE_TEXTS, old=old, **words)


def _merge_refusals(tx: Transaction, old: str, new: str) -> None:
    """Join the lists of owners notified that the channel refuses messages."""
    told = key_value.get_value(tx, f"{REFUSED}{old}")
    if told is not None:
        also = key_value.get_value(tx, f"{REFUSED}{new}") or ""
        key_value.set_value(tx, f"{REFUSED}{new}", " ".join(sorted({*told.split(), *also.split()})))
        key_value.delete_value(tx, f"{REFUSED}{old}")


_LAST_TS = written("SELECT max(ts) FROM outbox WHERE channel_id = :channel AND ts IS NOT NULL")

_KEYS_OF = written("SELECT dedup_key FROM outbox WHERE channel_id = :channel AND ts = :ts")

_DROP_LEASE = written("DELETE FROM channel_leases WHERE channel_id = :old")

_MOVE_TEXTS = written("""
    UPDATE drafts SET value = replace(replace(replace(value, :old_text, :new_text), :old_mention, :new_mention),
        :old_named, :new_named)
    WHERE replace(value, :old, '') <> value
""")

# Locks the channel, so that no replica claims or finishes a post there until its lease has moved.
_LOCK_LEASES = written("UPDATE channel_leases SET has_pending = has_pending WHERE channel_id IN (:old, :new)")

# A post in progress keeps its lease under the new id. If the new id has a post in progress too, that lease stays, and
# the other post is looked up in the channel afterwards.
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

# Of two subscriptions to one app the later one stays, and takes over what is held for the other.
_SAME_SUBSCRIPTION = written(f"""
    UPDATE outbox SET subscription_id = (SELECT {_LATER} {_BOTH} AND {_EARLIER} = outbox.subscription_id)
    WHERE subscription_id IN (SELECT {_EARLIER} {_BOTH})
""")  # noqa: S608 - no user input

_KEEP_LATER = written(f"DELETE FROM subscriptions WHERE id IN (SELECT {_EARLIER} {_BOTH})")  # noqa: S608 - no user input

# Of two deliveries of one event the more advanced one stays: its card is the one that is edited from now on.
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
""")  # noqa: S608 - no user input
