"""Enqueue new announcements and edits of posted cards.

Deliveries of a channel are in the order of their commits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from bot.db.dialect_sql import JsonRows, as_rows, written
from bot.db.serialization import text_of
from bot.db.transaction import Step, Transaction
from bot.db.types import micros
from bot.db.wakeups import Topic
from bot.domain.model import NewDelivery


def enqueue(
    tx: Transaction,
    app_id: str,
    deliveries: Sequence[NewDelivery],
    anew: Collection[str] = (),
    *,
    superseded_by: Mapping[tuple[str, str], object] | None = None,
    then: Sequence[Step] = (),
) -> int:
    """Enqueue announcements, each once per channel, build and event; return how many are new.

    Posted cards with the builds `anew` on them are edited to show the current state. Cards that are yet to be posted or
    edited show it anyway; direct messages are not edited. `superseded_by` maps (channel, build) to the newer build.
    `then` are statements that follow in the same round trip, if there is one: other writers to these channels wait for
    this transaction.
    """
    if not deliveries and not anew:
        return 0
    by = (superseded_by or {}).get
    rows = as_rows({**_row(n, new), "by": by((new.channel_id, new.build_id))} for n, new in enumerate(deliveries))
    builds = [{"build": build_id} for build_id in sorted(anew)]
    # Lock the channels first, so that ids grow in the order in which a channel's announcements are committed, and a
    # lease taken in between reads the new state of the card.
    channels = as_rows([*({"channel": delivery.channel_id} for delivery in deliveries), *builds])
    steps: list[Step] = [(_ANNOUNCE, {"app": app_id, "rows": rows})] if deliveries else []
    if builds:
        steps.append((_SHOW_ANEW, {"rows": as_rows(builds)}))
    _, *added = tx.execute_all([(_OPEN, {"rows": channels}), *steps, *then])
    made = sum(len(new) for new in added[: len(steps)])
    if made:
        tx.notify(Topic.OUTBOX)
        if any(new.held_until for new in deliveries):
            tx.notify(Topic.HELD)
    return made


def _row(n: int, new: NewDelivery) -> dict[str, object]:
    event = f"{new.event}:{new.part}" if new.part else str(new.event)
    return {
        "n": n,
        "channel": new.channel_id,
        "build": new.build_id,
        "event": event,
        "key": f"{new.channel_id}:{new.build_id}:{event}",
        "card": new.card or new.build_id,
        "manner": text_of(new.manner),
        "subscription": new.subscription_id,
        "held": micros(new.held_until) if new.held_until else None,
        "fact": new.fact,
    }


_NEW = JsonRows(
    "rows",
    {
        "n": "integer",
        "channel": "text",
        "build": "text",
        "event": "text",
        "key": "text",
        "card": "text",
        "manner": "text",
        "subscription": "bigint",
        "held": "bigint",
        "fact": "text",
        "by": "text",
    },
)

# In the order of channel ids, to avoid deadlocks. A channel in which the build is yet to be announced is locked as
# well, since a replica may be reading the build's old state at this moment. A user's direct messages (U…, W…) are not
# cards and are never edited.
_OPEN = written(
    """
    INSERT INTO channel_leases (channel_id, has_pending, next_send_at, lease_until)
    SELECT c.channel, true, 0, 0 FROM (
        SELECT o.channel FROM {rows} WHERE o.channel IS NOT NULL
        UNION
        SELECT a.channel_id FROM {rows} JOIN outbox a ON a.build_id = o.build
        WHERE a.state NOT IN ({delivery.KNOWN}, {delivery.FAILED}) AND substr(a.channel_id, 1, 1) NOT IN ('U', 'W')
    ) AS c WHERE true ORDER BY c.channel
    ON CONFLICT (channel_id) DO UPDATE SET has_pending = true
    """,
    JsonRows("rows", {"channel": "text", "build": "text"}),
)

_ANNOUNCE = written(
    """
    INSERT INTO outbox (channel_id, app_id, build_id, event, dedup_key, state, outcome_unknown, created_at,
        card_key, options, subscription_id, not_before, payload, superseded_by)
    SELECT o.channel, :app, o.build, o.event, o.key,
        CASE WHEN o.held IS NULL THEN {delivery.DUE} ELSE {delivery.HELD} END, false, {now},
        o.card, o.manner, o.subscription, o.held, o.fact, CASE WHEN o.event = {event.PROCESSED} THEN o.by END
    FROM {rows} WHERE true ORDER BY o.n
    ON CONFLICT (channel_id, build_id, event) DO NOTHING
    RETURNING id
    """,
    _NEW,
)

# One new row per posted card: of its oldest build, with that build's delivery options. None if a row for the card is
# due already, unless the card is being sent: that post covers what was due. The event is an expression, or PostgreSQL
# would read all announcements by it instead of the few by their builds, with the channels locked.
_SHOW_ANEW = written(
    """
    INSERT INTO outbox (channel_id, app_id, build_id, event, dedup_key, state, outcome_unknown, created_at,
        card_key, options, subscription_id, payload)
    SELECT f.channel_id, f.app_id, f.build_id, {follow.CHANGED::} || n.turn,
        f.channel_id || ':' || f.card_key || ':' || {follow.CHANGED::} || n.turn, {delivery.DUE}, false, {now},
        f.card_key, f.options, f.subscription_id, ''
    FROM (
        SELECT min(CASE WHEN a.state IN ({delivery.SENDING}, {delivery.POSTED}) THEN a.id END) AS first,
            max(a.id) AS turn
        FROM (
            SELECT DISTINCT s.channel_id, s.card_key FROM {rows} JOIN outbox s ON s.build_id = o.build
            WHERE s.state IN ({delivery.SENDING}, {delivery.POSTED}) AND (s.event || '') IN {card_events}
                AND substr(s.channel_id, 1, 1) NOT IN ('U', 'W')
        ) AS c JOIN outbox a ON a.channel_id = c.channel_id AND a.card_key = c.card_key
        GROUP BY a.channel_id, a.card_key
        HAVING sum(CASE WHEN a.state = {delivery.DUE} AND a.event NOT LIKE {follow.DETAILS:%} THEN 1 ELSE 0 END) = 0
            OR sum(CASE WHEN a.state = {delivery.SENDING} AND a.event NOT LIKE {follow.DETAILS:%} THEN 1 ELSE 0 END) > 0
    ) AS n JOIN outbox f ON f.id = n.first
    WHERE true ORDER BY n.turn
    ON CONFLICT (channel_id, build_id, event) DO NOTHING
    RETURNING id
    """,
    JsonRows("rows", {"build": "text"}),
)
