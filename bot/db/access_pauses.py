"""Pause and resume what is no longer permitted: subscriptions, watches and scheduled reports, with the reason."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from bot.db import outbox_read
from bot.db.dialect_sql import JsonRows, as_rows, written
from bot.db.download_schema import goals as goals_table
from bot.db.download_schema import scheduled_reports
from bot.db.goals import goal_of
from bot.db.scheduled_reports import digest_of
from bot.db.schema import subscriptions
from bot.db.subscriptions import subscription_of
from bot.db.transaction import Transaction
from bot.db.wakeups import Topic
from bot.domain.goals import Goal
from bot.domain.model import Delivery, Subscription, is_person
from bot.domain.scheduled_reports import ScheduledReport
from bot.domain.states import PauseReason


class HeldDeliveries(Struct, frozen=True):
    """Deliveries that are held for one reason: of a channel, an app and a subscription, or `only` of one build.

    `announcement` is the oldest of them.
    """

    announcement: Delivery
    subscription_id: int
    only: str


def pause_subscription(tx: Transaction, number: int, reason: PauseReason) -> Subscription | None:
    """Pause one subscription; None when it is paused already, or has ended."""
    which = (subscriptions.c.id == number, subscriptions.c.paused.is_(None))
    row = _set_paused(tx, subscriptions, which, reason)
    return subscription_of(row) if row else None


def resume_subscription(tx: Transaction, number: int) -> None:
    """Let one subscription act again."""
    _set_paused(tx, subscriptions, (subscriptions.c.id == number, _is_withheld(subscriptions)), None)


def list_paused_subscriptions(tx: Transaction) -> list[Subscription]:
    """Return the subscriptions that may not act."""
    query = sa.select(subscriptions).where(_is_withheld(subscriptions)).order_by(subscriptions.c.id)
    return [subscription_of(row) for row in tx.execute(query)]


def pause_report(tx: Transaction, number: int, reason: PauseReason) -> ScheduledReport | None:
    """Pause one scheduled report; None when it is paused already, or has ended."""
    row = _set_paused(
        tx, scheduled_reports, (scheduled_reports.c.id == number, scheduled_reports.c.paused.is_(None)), reason
    )
    return digest_of(row) if row else None


def resume_report(tx: Transaction, number: int) -> None:
    """Let one scheduled report act again; what was missed comes late, as one."""
    _set_paused(tx, scheduled_reports, (scheduled_reports.c.id == number, _is_withheld(scheduled_reports)), None)


def list_paused_reports(tx: Transaction) -> list[ScheduledReport]:
    """Return the scheduled reports that may not act."""
    query = sa.select(scheduled_reports).where(_is_withheld(scheduled_reports)).order_by(scheduled_reports.c.id)
    return [digest_of(row) for row in tx.execute(query)]


def pause_goal(tx: Transaction, number: int, reason: str) -> Goal | None:
    """Pause one goal; None when it is paused already, or has ended. Its next count resumes it."""
    which = (goals_table.c.id == number, goals_table.c.paused.is_(None), goals_table.c.ended_at == 0)
    row = tx.execute(sa.update(goals_table).where(*which).values(paused=reason).returning(*goals_table.c)).first()
    return goal_of(row) if row else None


def _set_paused(
    tx: Transaction, table: sa.Table, which: tuple[sa.ColumnElement[bool], ...], reason: PauseReason | None
) -> sa.Row[Any] | None:
    # a resumed report is due at once, also when it was leased while it was paused
    free = {"lease_token": None, "lease_until": sa.literal(0, sa.BigInteger)} if table is scheduled_reports else {}
    update = sa.update(table).where(*which).values(paused=reason, **free).returning(*table.c)
    tx.notify(Topic.ACCESS)
    if table is scheduled_reports:
        tx.notify(Topic.SCHEDULED_REPORTS)
    return tx.execute(update).first()


# -------------------------------------------------------------- deliveries


def list_held_deliveries(tx: Transaction) -> list[HeldDeliveries]:
    """Return what is held because it may not be said."""
    groups = tx.execute(_GROUPS).all()
    found = outbox_read.read_deliveries(tx, as_rows({"id": row.id} for row in groups))
    read = {row.id: announcement for row, announcement in found}
    return [HeldDeliveries(delivery, row.subscription_id, row.only) for row in groups if (delivery := read.get(row.id))]


def release_deliveries(tx: Transaction, held: HeldDeliveries) -> int:
    """Let these be said; in a channel several new cards go into one message. Returns how many they are."""
    channel = held.announcement.channel_id
    which = {"channel": channel, "app": held.announcement.build.app.id, "subscription": held.subscription_id}
    ids = tx.execute(_THESE, **which, only=held.only).scalars().all()
    rows = as_rows({"id": number} for number in ids)
    if not is_person(channel):
        tx.execute(_TOGETHER, channel=channel, wait=f"late/{channel}", rows=rows)
    tx.execute(_RELEASE, rows=rows)
    tx.execute(_OPEN, channel=channel)
    tx.notify(Topic.OUTBOX)
    return len(ids)


def _is_withheld(table: sa.Table) -> sa.ColumnElement[bool]:
    return table.c.paused.in_(list(PauseReason))


_IDS = JsonRows("rows", {"id": "bigint"})

_GROUPS = written("""
    SELECT min(h.id) AS id, h.subscription_id, h.only FROM (
        SELECT id, channel_id, app_id, coalesce(subscription_id, 0) AS subscription_id,
            CASE WHEN reason = {withdrawal.RECALLED} OR substr(channel_id, 1, 1) IN ('U', 'W') THEN build_id
                ELSE '' END AS only
        FROM outbox WHERE state = {delivery.HELD} AND reason LIKE {withheld}
    ) AS h GROUP BY h.channel_id, h.app_id, h.subscription_id, h.only ORDER BY min(h.id)
""")

_THESE = written("""
    SELECT id FROM outbox
    WHERE state = {delivery.HELD} AND reason LIKE {withheld} AND channel_id = :channel AND app_id = :app
        AND coalesce(subscription_id, 0) = :subscription
        AND (build_id = :only OR CAST(:only AS text) = '' AND reason <> {withdrawal.RECALLED})
    ORDER BY id
""")

_TOGETHER = written(
    """
    UPDATE outbox SET card_key = CAST(:wait AS text) || '/' || (SELECT max(o.id) FROM {rows})
    WHERE id IN (SELECT o.id FROM {rows}) AND event IN {card_events}
        AND NOT EXISTS (
            SELECT 1 FROM outbox p
            WHERE p.channel_id = :channel AND p.card_key = outbox.card_key AND p.ts IS NOT NULL
        )
        AND 1 < (
            SELECT count(DISTINCT h.card_key) FROM outbox h
            WHERE h.id IN (SELECT o.id FROM {rows}) AND h.event IN {card_events}
                AND NOT EXISTS (
                    SELECT 1 FROM outbox p
                    WHERE p.channel_id = :channel AND p.card_key = h.card_key AND p.ts IS NOT NULL
                )
        )
    """,
    _IDS,
)

_RELEASE = written(
    """
    UPDATE outbox SET not_before = {now}, reason = NULL,
        state = CASE WHEN outcome_unknown THEN {delivery.SENDING} ELSE {delivery.DUE} END
    FROM {rows} WHERE outbox.id = o.id AND outbox.state = {delivery.HELD}
    """,
    _IDS,
)

_OPEN = written("""
    INSERT INTO channel_leases (channel_id, has_pending, next_send_at, lease_until) VALUES (:channel, true, 0, 0)
    ON CONFLICT (channel_id) DO UPDATE SET has_pending = true
""")
