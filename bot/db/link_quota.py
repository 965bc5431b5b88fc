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
    about = {
        "user": limits.user_id,
        "minute": span(MINUTE),
        "hour": span(HOUR),
        "few": limits.per_minute,
        "many": limits.per_hour,
        "skew": span(SKEW_SECONDS),
    }
    turn = [(_TURN, {"who": limits.user_id})] if tx.dialect == POSTGRESQL else []
    *_, given = tx.execute_all([*turn, (_GIVE, about)])
    if given:
        return 0.0
    [row] = tx.rows(_WAIT, **about)
    # time has gone on since: who was refused is told to wait
    return max(1e-6, min(int(row.minute_wait or 0) / 1e6, MINUTE), min(int(row.hour_wait or 0) / 1e6, HOUR))


def return_link(tx: Transaction, user_id: str) -> None:
    """Count one link less for this person: it was not created."""
    tx.execute(_RETURNED, user=user_id)


_RETURNED = written("""
    DELETE FROM link_quota
    WHERE id = (SELECT g.id FROM link_quota g WHERE g.user_id = :user ORDER BY g.at DESC LIMIT 1)
""")

_TURN = written("SELECT pg_advisory_xact_lock(hashtext(:who))")

# The few-th last link of the minute, and the same for the hour.
_MINUTE_BEGAN = """(
    SELECT g.at FROM link_quota g
    WHERE g.user_id = :user AND g.at > {now} - :minute AND g.at <= {now} + :skew
    ORDER BY g.at DESC LIMIT 1 OFFSET :few - 1
)"""
_HOUR_BEGAN = """(
    SELECT g.at FROM link_quota g
    WHERE g.user_id = :user AND g.at > {now} - :hour AND g.at <= {now} + :skew
    ORDER BY g.at DESC LIMIT 1 OFFSET :many - 1
)"""

_GIVE = written(f"""
    INSERT INTO link_quota (user_id, at)
    SELECT :user, {{now}} WHERE {_MINUTE_BEGAN} IS NULL AND {_HOUR_BEGAN} IS NULL
    RETURNING id
""")

# When those leave their minute and hour.
_WAIT = written(
    f"SELECT {_MINUTE_BEGAN} + :minute - {{now}} AS minute_wait, {_HOUR_BEGAN} + :hour - {{now}} AS hour_wait"
)
