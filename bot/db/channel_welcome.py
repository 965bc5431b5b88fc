"""The message a channel gets when the bot is invited: once per channel, for good."""

from __future__ import annotations

from bot.db.dialect_sql import written
from bot.db.transaction import Transaction
from bot.db.wakeups import Topic
from bot.domain.model import ChannelNotice
from bot.domain.states import DeliveryState

SOMETHING = "{}"  # an announcement without a build needs a payload; this one has no content


def enqueue_welcome(tx: Transaction, channel_id: str) -> None:
    """Enqueue the introduction of the bot to a channel, once.

    A channel with a subscription gets none. If it could not be posted because the bot was removed again, it is posted
    after the next invitation.
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


# Lock the channel first, so that ids grow in the order in which its announcements are committed.
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
