"""Pause and resume what is no longer permitted: subscriptions, watches and scheduled reports, with the reason."""

from __future__ import annotations

from msgspec import Struct

from bot.db import goals, outbox_read, scheduled_reports, subscriptions
from bot.db.dialect_sql import JsonRows, as_rows, written
from bot.db.goals import goal_of
from bot.db.scheduled_reports import scheduled_report_of
from bot.db.subscriptions import subscription_of
from bot.db.transaction import Transaction
from bot.db.wakeups import Topic
from bot.domain.goals import Goal
from bot.domain.model import Delivery, Subscription, is_person
from bot.domain.scheduled_reports import ScheduledReport
from bot.domain.states import PauseReason


class HeldDeliveries(Struct, frozen=True):
    """Deliveries of one channel, app and subscription (or `only` of one build) that are held for the same reason.

    `announcement` is the oldest of them.
    """

    announcement: Delivery
    subscription_id: int
    only: str


def pause_subscription(tx: Transaction, number: int, reason: PauseReason) -> Subscription | None:
    """Pause a subscription; return None when it is paused already, or has ended."""
    tx.notify(Topic.ACCESS)
    row = tx.execute(_PAUSE_SUBSCRIPTION, id=number, reason=reason).first()
    return subscription_of(row) if row else None


def resume_subscription(tx: Transaction, number: int) -> None:
    """Resume a subscription."""
    tx.notify(Topic.ACCESS)
    tx.execute(_RESUME_SUBSCRIPTION, id=number)


def list_paused_subscriptions(tx: Transaction) -> list[Subscription]:
    """Return the subscriptions that are paused because access was lost."""
    return [subscription_of(row) for row in tx.execute(_PAUSED_SUBSCRIPTIONS)]


def pause_report(tx: Transaction, number: int, reason: PauseReason) -> ScheduledReport | None:
    """Pause a scheduled report; return None when it is paused already, or has ended."""
    tx.notify(Topic.ACCESS)
    tx.notify(Topic.SCHEDULED_REPORTS)
    row = tx.execute(_PAUSE_REPORT, id=number, reason=reason).first()
    return scheduled_report_of(row) if row else None


def resume_report(tx: Transaction, number: int) -> None:
    """Resume a scheduled report; one late report covers all that were missed."""
    tx.notify(Topic.ACCESS)
    tx.notify(Topic.SCHEDULED_REPORTS)
    tx.execute(_RESUME_REPORT, id=number)


def list_paused_reports(tx: Transaction) -> list[ScheduledReport]:
    """Return the scheduled reports that are paused because access was lost."""
    return [scheduled_report_of(row) for row in tx.execute(_PAUSED_REPORTS)]


def pause_goal(tx: Transaction, number: int, reason: str) -> Goal | None:
    """Pause a goal; return None when it is paused already, or has ended. Its next count resumes it."""
    row = tx.execute(_PAUSE_GOAL, id=number, reason=reason).first()
    return goal_of(row) if row else None


# -------------------------------------------------------------- deliveries


def list_held_deliveries(tx: Transaction) -> list[HeldDeliveries]:
    """Return the deliveries that are held because access was lost."""
    groups = tx.execute(_GROUPS)
    found = outbox_read.read_deliveries(tx, as_rows({"id": row.id} for row in groups))
    read = {row.id: announcement for row, announcement in found}
    return [HeldDeliveries(delivery, row.subscription_id, row.only) for row in groups if (delivery := read.get(row.id))]


def release_deliveries(tx: Transaction, held: HeldDeliveries) -> int:
    """Release these deliveries; several new cards of a channel become one message. Return how many were released."""
    channel = held.announcement.channel_id
    which = {"channel": channel, "app": held.announcement.build.app.id, "subscription": held.subscription_id}
    ids = tx.execute(_THESE, **which, only=held.only).scalars()
    rows = as_rows({"id": number} for number in ids)
    if not is_person(channel):
        tx.execute(_TOGETHER, channel=channel, wait=f"late/{channel}", rows=rows)
    tx.execute(_RELEASE, rows=rows)
    tx.execute(_OPEN, channel=channel)
    tx.notify(Topic.OUTBOX)
    return len(ids)


_PAUSE_SUBSCRIPTION = written(f"""
    UPDATE subscriptions SET paused = :reason WHERE id = :id AND paused IS NULL RETURNING {subscriptions.COLUMNS}
""")  # noqa: S608 - no user input

_RESUME_SUBSCRIPTION = written("UPDATE subscriptions SET paused = NULL WHERE id = :id AND paused IN {pause_reasons}")

_PAUSED_SUBSCRIPTIONS = written(f"""
    SELECT {subscriptions.COLUMNS} FROM subscriptions WHERE paused IN {{pause_reasons}} ORDER BY id
""")  # noqa: S608 - no user input

_PAUSE_REPORT = written(f"""
    UPDATE scheduled_reports SET paused = :reason, lease_token = NULL, lease_until = 0
    WHERE id = :id AND paused IS NULL RETURNING {scheduled_reports.COLUMNS}
""")  # noqa: S608 - no user input

# Due at once, even if it was leased while it was paused.
_RESUME_REPORT = written("""
    UPDATE scheduled_reports SET paused = NULL, lease_token = NULL, lease_until = 0
    WHERE id = :id AND paused IN {pause_reasons}
""")

_PAUSED_REPORTS = written(f"""
    SELECT {scheduled_reports.COLUMNS} FROM scheduled_reports WHERE paused IN {{pause_reasons}} ORDER BY id
""")  # noqa: S608 - no user input

_PAUSE_GOAL = written(f"""
    UPDATE goals SET paused = :reason WHERE id = :id AND paused IS NULL AND ended_at = 0 RETURNING {goals.COLUMNS}
""")  # noqa: S608 - no user input

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
    WHERE id IN (SELECT o.id FROM {rows}) AND (event || '') IN {card_events}
        AND NOT EXISTS (
            SELECT 1 FROM outbox p
            WHERE p.channel_id = :channel AND p.card_key = outbox.card_key AND p.ts IS NOT NULL
        )
        AND 1 < (
            SELECT count(DISTINCT h.card_key) FROM outbox h
            WHERE h.id IN (SELECT o.id FROM {rows}) AND (h.event || '') IN {card_events}
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
