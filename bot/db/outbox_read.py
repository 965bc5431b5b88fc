"""Reads for an announcement that is about to be posted: its build, its delivery options, and the builds on its card."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from bot.db.dialect_sql import JsonRows, as_rows, written
from bot.db.serialization import build_of, manner_of
from bot.db.transaction import Transaction
from bot.db.types import moment
from bot.domain import scheduled_reports
from bot.domain.model import App, Build, BuildEvent, CardEntry, CardUpdate, ChannelNotice, Delivery, Recall, Stage


def read_deliveries(tx: Transaction, heads: str) -> list[tuple[Any, Delivery | None]]:
    """Return the announcements with these ids (a `JsonRows` value), oldest first, each with its row.

    None stands for an announcement that only another version can read.
    """
    return deliveries_of(tx, tx.execute(_FACTS_OF, rows=heads))


def deliveries_of(tx: Transaction, rows: Sequence[Any]) -> list[tuple[Any, Delivery | None]]:
    """Return the announcements in these rows, each with its row; None as in `read_deliveries`."""
    cards: dict[tuple[str, str], tuple[CardEntry, ...]] = {}
    if shared := [{"id": row.id} for row in rows if row.card_key != row.build_id]:
        cards = _read_cards(tx, as_rows(shared))
    return [(row, _announcement_of(row, cards.get((row.channel_id, row.card_key)))) for row in rows]


def _read_cards(tx: Transaction, heads: str) -> dict[tuple[str, str], tuple[CardEntry, ...]]:
    """Return the builds on the cards of these announcements, oldest build first."""
    cards: dict[tuple[str, str], dict[str, CardEntry]] = {}
    for row in tx.execute(_SHOWN, rows=heads):
        with suppress(ValueError, TypeError):
            cards.setdefault((row.channel_id, row.card_key), {})[row.build_id] = _shown_of(row)
    return {key: tuple(shown.values()) for key, shown in cards.items()}


def _announcement_of(row: Any, shown: tuple[CardEntry, ...] | None) -> Delivery | None:
    """Return the announcement in a row; None if only another version can read it.

    `shown` are the builds of a card that several builds share.
    """
    try:
        if shown is None:
            shown = () if row.payload or row.card_key != row.build_id else _alone(row)
        event, part = event_of(row.event)
        if event is ChannelNotice.SUMMARY:
            scheduled_reports.kind_of(row.dedup_key)
        return Delivery(
            row.id,
            row.channel_id,
            event,
            nothing(row.app_id) if row.payload and row.snapshot is None else build_of(row.snapshot),
            row.dedup_key,
            part=part,
            card=row.card_key,
            manner=manner_of(row.options),
            shown=shown,
            fact=row.payload,
            subscription_id=row.subscription_id,
        )
    except (ValueError, TypeError):
        return None


def event_of(text: str) -> tuple[BuildEvent | CardUpdate | ChannelNotice, int]:
    """Return the event of an outbox row and its number among several. Raises ValueError for an unknown event."""
    name, _, part = text.partition(":")
    kinds: tuple[type[BuildEvent | CardUpdate | ChannelNotice], ...] = (CardUpdate, ChannelNotice, BuildEvent)
    kind = next((cls for cls in kinds if name in set(cls)), BuildEvent)
    return kind(name), int(part or 0)


def nothing(app_id: str) -> Build:
    """Return a placeholder build, for an announcement that is not about one."""
    return Build("", App(app_id, app_id, app_id), Stage.PENDING)


def _alone(row: Any) -> tuple[CardEntry, ...]:
    """Return the entry of a card with one build, without a successor that only a newer version can read."""
    try:
        return (_shown_of(row),)
    except (ValueError, TypeError):
        return ()


def _shown_of(row: Any) -> CardEntry:
    recall = None
    if row.recalled_at is not None:
        recall = Recall(row.build_id, row.app_id, row.recall_reason, row.recalled_by, moment(row.recalled_at))
    build = build_of(row.snapshot)
    if row.stage == Stage.DELETED:  # the snapshot is the last one before the deletion
        build = replace(build, stage=Stage.DELETED)
    return CardEntry(build, build_of(row.successor) if row.successor else None, recall)


# Not in RETURNING above: SQLite would read the whole tables for sub-selects there. `+ 0` keeps PostgreSQL from looking
# for the largest id among all that waits in the channel, instead of by the card. No text leads
# to a build that is not available.
_FACTS = """
    SELECT a.id, a.channel_id, a.app_id, a.build_id, a.event, a.dedup_key, a.outcome_unknown, a.first_attempt_at,
        a.attempted_from, a.attempted_until, a.card_key, a.options, a.payload, a.subscription_id,
        b.snapshot, b.stage, s.snapshot AS successor,
        r.reason AS recall_reason, r.recalled_by, r.recalled_at, {now} - coalesce(a.not_before, a.created_at) AS age,
        (
            SELECT p.ts FROM outbox p
            WHERE p.channel_id = a.channel_id AND p.card_key = a.card_key AND p.ts IS NOT NULL
                AND p.event NOT LIKE {follow.DETAILS:%}
            ORDER BY p.posted_at DESC, p.id DESC LIMIT 1
        ) AS card_ts,
        (
            SELECT max(w.id + 0) FROM outbox w
            WHERE w.channel_id = a.channel_id AND w.card_key = a.card_key AND w.state = {delivery.DUE}
        ) AS covers
    FROM {source} LEFT JOIN builds b ON b.build_id = a.build_id
    LEFT JOIN outbox q ON q.channel_id = a.channel_id AND q.build_id = a.build_id AND q.event = {event.PROCESSED}
    LEFT JOIN builds s ON s.build_id = q.superseded_by AND s.stage = {stage.READY} AND NOT s.deleted
        AND NOT EXISTS (SELECT 1 FROM recalls t WHERE t.build_id = s.build_id)
    LEFT JOIN recalls r ON r.build_id = a.build_id
    WHERE {which} ORDER BY a.id
"""

_FACTS_OF = written(
    _FACTS.replace("{source}", "{rows} JOIN outbox a ON a.id = o.id").replace("{which}", "true"),
    JsonRows("rows", {"id": "bigint"}),
)

# The oldest waiting delivery of each leased channel.
_HEADS = """
    WITH heads AS MATERIALIZED (
        SELECT (
            SELECT min(w.id) FROM outbox w WHERE w.channel_id = c.channel_id AND w.state IN {waiting}
        ) AS id, c.lease_until - :lease AS since
        FROM channel_leases c WHERE c.lease_token = :token
    )
"""
_OF_HEADS = "heads h JOIN outbox a ON a.id = h.id"
# Not the successor of a head that another replica has just recorded as posted: it is not leased. The state is an
# expression, or PostgreSQL would read the whole queue by its index.
_TAKEN = "(a.state || '') = {delivery.SENDING} AND (a.outcome_unknown OR a.attempted_until >= h.since)"

FACTS_OF_LEASE = written(_HEADS + _FACTS.replace("{source}", _OF_HEADS).replace("{which}", _TAKEN))

SUBSCRIPTIONS_OF_LEASE = written(f"""{_HEADS}
    SELECT s.*, a.id AS delivery_id FROM {_OF_HEADS}
    CROSS JOIN (SELECT 0 AS every UNION ALL SELECT 1) e
    JOIN subscriptions s ON s.channel_id = a.channel_id AND s.app_id = CASE e.every WHEN 1 THEN '*' ELSE a.app_id END
    WHERE {_TAKEN} ORDER BY s.id
""")  # noqa: S608 - no user input

# All builds on the cards of these heads, each once, with its successor there and its recall.
_SHOWN = written(
    """
    SELECT a.channel_id, a.card_key, a.app_id, a.build_id, b.snapshot, b.stage, s.snapshot AS successor,
        r.reason AS recall_reason, r.recalled_by, r.recalled_at
    FROM {rows} JOIN outbox h ON h.id = o.id
    JOIN outbox a ON a.channel_id = h.channel_id AND a.card_key = h.card_key
    JOIN builds b ON b.build_id = a.build_id
    LEFT JOIN builds s ON s.build_id = a.superseded_by AND s.stage = {stage.READY} AND NOT s.deleted
        AND NOT EXISTS (SELECT 1 FROM recalls t WHERE t.build_id = s.build_id)
    LEFT JOIN recalls r ON r.build_id = a.build_id
    WHERE h.payload = '' AND a.payload = '' AND a.state IN {shown}
        AND (a.event || '') IN {card_events}
    ORDER BY a.id
    """,
    JsonRows("rows", {"id": "bigint"}),
)
