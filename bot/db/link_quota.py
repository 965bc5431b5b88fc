"""How many links a user has been given lately, and whether they may have another."""

from __future__ import annotations

from typing import NamedTuple

from bot.db.dialect_sql import POSTGRESQL, SKEW_SECONDS, span, written
from bot.db.transaction import Transaction

MINUTE, HOUR = 60.0, 3600.0


class LinkLimits(NamedTuple):
    """How many links a user may have."""

    user_id: str
    per_minute: int
    per_hour: int


def consume_link_quota(tx: Transaction, limits: LinkLimits) -> float:
    """Count one link for this person, or say in how many seconds they may have one (0: it was counted).

    The count and the row are one transaction, so that many clicks at once cannot slip through together.
    """
    if tx.dialect == POSTGRESQL:
        tx.execute(_TURN, who=limits.user_id)
    [row] = tx.rows(
        _WAIT,
        user=limits.user_id,
        minute=span(MINUTE),
        hour=span(HOUR),
        few=limits.per_minute,
        many=limits.per_hour,
        skew=span(SKEW_SECONDS),
    )
    wait = max(min(int(row.minute_wait or 0) / 1e6, MINUTE), min(int(row.hour_wait or 0) / 1e6, HOUR))
    if wait <= 0:
        tx.rows(_GIVEN, user=limits.user_id)
    return max(0.0, wait)


def return_link(tx: Transaction, user_id: str) -> None:
    """Count one link less for this person: it was not created."""
    tx.execute(_RETURNED, user=user_id)


_RETURNED = written("""
    DELETE FROM link_quota
    WHERE id = (SELECT g.id FROM link_quota g WHERE g.user_id = :user ORDER BY g.at DESC LIMIT 1)
""")

_TURN = written("SELECT pg_advisory_xact_lock(hashtext(:who))")

_GIVEN = written("INSERT INTO link_quota (user_id, at) VALUES (:user, {now})")

# When the few-th last link of the minute leaves it, and the same for the hour.
_WAIT = written("""
    SELECT
        (SELECT g.at + :minute - {now} FROM link_quota g
            WHERE g.user_id = :user AND g.at > {now} - :minute AND g.at <= {now} + :skew
            ORDER BY g.at DESC LIMIT 1 OFFSET :few - 1) AS minute_wait,
        (SELECT g.at + :hour - {now} FROM link_quota g
            WHERE g.user_id = :user AND g.at > {now} - :hour AND g.at <= {now} + :skew
            ORDER BY g.at DESC LIMIT 1 OFFSET :many - 1) AS hour_wait
""")
