"""The one message a channel gets when the bot is invited: written down once for each channel, for good."""

from __future__ import annotations

from bot.db.dialect_sql import written
from bot.db.transaction import Transaction
from bot.db.wakeups import Topic
from bot.domain.model import ChannelNotice
from bot.domain.states import DeliveryState

SOMETHING = "{}"  # what is about no build has a fact; this one needs to say nothing more


def enqueue_welcome(tx: Transaction, channel_id: str) -> None:
    """Let a channel hear once what the bot can do there; it leaves by the outbox.

    Not where it was said before, nor where there is a subscription: then they know. What could not be said, since
    the bot had been put out again, is said after the next invitation.
    """
    row = {
        "channel": channel_id,
        "event": ChannelNotice.WELCOME.value,
        "key": f"{channel_id}:{ChannelNotice.WELCOME}",
    }
    tx.execute(_OPEN, channel=channel_id)
    due = tx.execute(_SAY, **row, fact=SOMETHING).scalar() == DeliveryState.DUE
    if due:
        tx.notify(Topic.OUTBOX)


# The channel first: its row lock makes ids grow in the order in which a channel's announcements are committed.
_OPEN = written("""
    INSERT INTO channel_leases (channel_id, has_pending, next_send_at, lease_until) VALUES (:channel, true, 0, 0)
    ON CONFLICT (channel_id) DO UPDATE SET has_pending = true
""")

_SAY = written("""
    INSERT INTO outbox (channel_id, app_id, build_id, event, dedup_key, payload, state, outcome_unknown, created_at,
        card_key, options)
    SELECT :channel, '', :event, :event, :key, :fact,
        CASE WHEN EXISTS (SELECT 1 FROM subscriptions WHERE channel_id = :channel)
            THEN {delivery.KNOWN} ELSE {delivery.DUE} END,
        false, {now}, :event, ''
    WHERE true
    ON CONFLICT (channel_id, build_id, event) DO UPDATE SET
        state = {delivery.DUE}, payload = excluded.payload, created_at = excluded.created_at, first_attempt_at = NULL,
        reason = NULL
        WHERE outbox.state = {delivery.FAILED} AND excluded.state = {delivery.DUE}
    RETURNING state
""")
