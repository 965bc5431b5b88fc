"""The last reported value of each limit of the plan."""

from __future__ import annotations

import msgspec

from bot.db import key_value
from bot.db.transaction import Transaction
from bot.domain.plan_limits import PlanLimit

_PREFIX = "plan_limit:"
_limits = msgspec.json.Decoder(PlanLimit)


def record_limit(tx: Transaction, limit: PlanLimit) -> None:
    """Save a limit of the plan, unless a later report of it is saved."""
    key = _PREFIX + limit.family
    known = _limit_of(key_value.get_value(tx, key))
    if known is None or known.at <= limit.at:
        key_value.set_value(tx, key, msgspec.json.encode(limit).decode())


def list_limits(tx: Transaction) -> list[PlanLimit]:
    """Return the last value of each limit, as far as this version can read them."""
    return [limit for value in key_value.scan_values(tx, _PREFIX).values() if (limit := _limit_of(value))]


def _limit_of(value: str | None) -> PlanLimit | None:
    try:
        return None if value is None else _limits.decode(value)
    except ValueError:
        return None
