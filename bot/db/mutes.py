"""Held announcements: for a digest, during a mute or quiet hours, or while a channel refuses messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.db.dialect_sql import JsonRows, as_rows, span, written
from bot.db.subscriptions import COLUMNS, move_held, pause_subscriptions, subscription_of
from bot.db.transaction import Transaction
from bot.db.types import storable
from bot.db.wakeups import Topic
from bot.domain.model import Subscription
from bot.domain.mutes import CLOCK_SET_BACK, LONGEST

MUTE = span((LONGEST + CLOCK_SET_BACK).total_seconds())
FURTHEST = MUTE + span(8 * 24 * 3600)  # the first digest after the longest mute


def release_held(tx: Transaction) -> float | None:
    """Release announcements whose hold has ended; return the seconds until the next one, None without any.

    Announcements whose subscription was muted meanwhile stay held, as a new build would be.
    """
    rows = tx.execute(_MUTED_MEANWHILE, mute=MUTE, far=FURTHEST)
    move_held(tx, [subscription_of(row) for row in rows])
    released = set(tx.execute(_RELEASE, mute=MUTE, far=FURTHEST).scalars())
    if released:
        tx.execute(_OPEN, rows=as_rows({"channel": item} for item in sorted(released)))
        tx.notify(Topic.OUTBOX)
    wait = tx.execute(_HELD_IN, far=FURTHEST).scalar()
    return None if wait is None else max(0.0, int(wait) / 1e6)


def mute_subscriptions(
    tx: Transaction, channel_id: str, ids: Sequence[int], until: datetime | None
) -> list[Subscription]:
    """Mute these subscriptions of a channel until a time (aware); None unmutes them now.

    Return the changed subscriptions. Announcements they already hold become due when a new build would.
    """
    rows = as_rows({"id": number} for number in ids)
    muted = [subscription_of(row) for row in tx.execute(_MUTE, channel=channel_id, until=until, rows=rows)]
    move_held(tx, muted)
    return sorted(muted, key=lambda subscription: subscription.id)


def list_paused_channels(tx: Transaction) -> dict[str, str]:
    """Return the channels that refuse messages (paused, or with held announcements), each with Slack's reason."""
    return {row.channel_id: row.reason for row in tx.execute(_PAUSED)}


def pause_channel(tx: Transaction, channel_id: str, reason: str) -> list[Subscription]:
    """Pause a channel's subscriptions and hold its new messages that are due; return those not paused before.

    Both in one transaction, so that a process woken by it sees both.
    """
    paused = pause_subscriptions(tx, channel_id, reason)
    hold_channel(tx, channel_id, reason)
    tx.notify(Topic.PAUSED_CHANNELS)
    return paused


def hold_channel(tx: Transaction, channel_id: str, reason: str) -> None:
    """Hold the new messages that are due in a channel that refuses messages, as if Slack had refused each."""
    tx.execute(_HOLD_CHANNEL, channel=channel_id, reason=storable(reason))


def release_channel(tx: Transaction, channel_id: str) -> int:
    """Release announcements held because the channel refused messages; several new cards become one message.

    Return the number of announcements released.
    """
    where = {"channel": channel_id, "wait": f"late/{channel_id}"}
    tx.execute(_OPEN_CHANNEL, channel=channel_id)
    tx.execute(_TOGETHER, **where)
    released = len(tx.execute(_RELEASE_CHANNEL, channel=channel_id))
    if released:
        tx.notify(Topic.OUTBOX)
    return released


_MUTE = written(
    f"""
    UPDATE subscriptions SET muted_until = :until
    WHERE channel_id = :channel AND id IN (SELECT o.id FROM {{rows}}) RETURNING {COLUMNS}
    """,  # noqa: S608 - no user input
    JsonRows("rows", {"id": "bigint"}),
)

_MUTED_MEANWHILE = written("""
    SELECT s.* FROM subscriptions s
    WHERE s.muted_until > {now} AND s.muted_until <= {now} + :mute AND s.id IN (
        SELECT subscription_id FROM outbox
        WHERE state = {delivery.HELD} AND (not_before <= {now} OR not_before > {now} + :far)
    )
""")

# A mute since then holds them as well.
_RELEASE = written("""
    UPDATE outbox SET state = {delivery.DUE}, not_before = {now}
    WHERE state = {delivery.HELD} AND (not_before <= {now} OR not_before > {now} + :far) AND NOT EXISTS (
        SELECT 1 FROM subscriptions s
        WHERE s.id = outbox.subscription_id AND s.muted_until > {now} AND s.muted_until <= {now} + :mute
    )
    RETURNING channel_id
""")

_OPEN = written(
    """
    INSERT INTO channel_leases (channel_id, has_pending, next_send_at, lease_until)
    SELECT o.channel, true, 0, 0 FROM {rows} WHERE true ORDER BY o.channel
    ON CONFLICT (channel_id) DO UPDATE SET has_pending = true
    """,
    JsonRows("rows", {"channel": "text"}),
)

_HELD_IN = written("""
    SELECT min(CASE WHEN not_before > {now} + :far THEN 0 ELSE not_before - {now} END) FROM outbox
    WHERE state = {delivery.HELD} AND not_before IS NOT NULL
""")

_PAUSED = written("""
    SELECT channel_id, paused AS reason FROM subscriptions WHERE paused IS NOT NULL AND paused NOT LIKE {withheld}
    UNION ALL
    SELECT channel_id, max(reason) FROM outbox
    WHERE state = {delivery.HELD} AND not_before IS NULL AND reason NOT LIKE {withheld} GROUP BY channel_id
""")

_OPEN_CHANNEL = written("UPDATE channel_leases SET has_pending = true WHERE channel_id = :channel")

_TOGETHER = written("""
    UPDATE outbox SET card_key = CAST(:wait AS text) || '/' || (
        SELECT max(h.id) FROM outbox h
        WHERE h.channel_id = :channel AND h.state = {delivery.HELD} AND h.not_before IS NULL
                AND coalesce(h.reason, '') NOT LIKE {withheld}
    )
    WHERE channel_id = :channel AND state = {delivery.HELD} AND not_before IS NULL
        AND coalesce(reason, '') NOT LIKE {withheld} AND event IN {card_events}
        AND NOT EXISTS (
            SELECT 1 FROM outbox p
            WHERE p.channel_id = :channel AND p.card_key = outbox.card_key AND p.ts IS NOT NULL
        )
        AND 1 < (
            SELECT count(DISTINCT h.card_key) FROM outbox h
            WHERE h.channel_id = :channel AND h.state = {delivery.HELD} AND h.not_before IS NULL
                AND coalesce(h.reason, '') NOT LIKE {withheld}
                AND h.event IN {card_events}
                AND NOT EXISTS (
                    SELECT 1 FROM outbox p
                    WHERE p.channel_id = :channel AND p.card_key = h.card_key AND p.ts IS NOT NULL
                )
        )
""")

# Posted cards are still edited, which Slack allows.
_HOLD_CHANNEL = written("""
    UPDATE outbox SET state = {delivery.HELD}, not_before = NULL, reason = :reason, first_attempt_at = NULL
    WHERE channel_id = :channel AND state IN {waiting} AND state = {delivery.DUE} AND NOT outcome_unknown
        AND event IN ({event.UPLOADED}, {event.PROCESSED}, {event.FAILED}) AND NOT EXISTS (
            SELECT 1 FROM outbox p
            WHERE p.channel_id = :channel AND p.card_key = outbox.card_key AND p.ts IS NOT NULL
        )
""")

_RELEASE_CHANNEL = written("""
    UPDATE outbox SET not_before = {now},
        state = CASE WHEN outcome_unknown THEN {delivery.SENDING} ELSE {delivery.DUE} END
    WHERE channel_id = :channel AND state = {delivery.HELD} AND not_before IS NULL
        AND coalesce(reason, '') NOT LIKE {withheld}
    RETURNING id
""")
