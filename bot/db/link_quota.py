"""Rate limit of links per user."""

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
    """Count a link for this user and return 0; or return the seconds until the limit allows one.

    Check and insert are one transaction, so that concurrent clicks cannot exceed the limit.
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
    # time has passed since the check: never return 0 after a refusal
    return max(1e-6, min(int(row.minute_wait or 0) / 1e6, MINUTE), min(int(row.hour_wait or 0) / 1e6, HOUR))


def return_link(tx: Transaction, user_id: str) -> None:
    """Uncount a link that could not be created."""
    tx.execute(_RETURNED, user=user_id)


_RETURNED = written("""
    DELETE FROM link_quota
    WHERE id = (SELECT g.id FROM link_quota g WHERE g.user_id = :user ORDER BY g.at DESC LIMIT 1)
""")

_TURN = written("SELECT pg_advisory_xact_lock(hashtext(:who))")

# The link number `:few` from the end of the minute, and number `:many` of the hour.
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

# When those links leave their minute and hour.
_WAIT = written(
    f"SELECT {_MINUTE_BEGAN} + :minute - {{now}} AS minute_wait, {_HOUR_BEGAN} + :hour - {{now}} AS hour_wait"
)
