"""Requests of each replica to Applivery in the last hour; they survive a restart."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from bot.db import database_info, key_value
from bot.db.transaction import Transaction

PREFIXES = {"people": "applivery_requests:", "polling": "applivery_polling:", "routine": "applivery_routine:"}
MINUTE, HOUR = 60, 3600
MadeBefore = list[tuple[float, int]]  # (seconds ago, requests)


def exchange_counts(tx: Transaction, replica: str, made: Mapping[str, int]) -> dict[str, MadeBefore]:
    """Add the requests this replica has `made`, by priority; return the other replicas' requests of the last hour.

    Requests of one minute are counted together, as made at its end.
    """
    now = database_info.current_time(tx).timestamp()
    return {lane: _exchange(tx, prefix, replica, made.get(lane, 0), now) for lane, prefix in PREFIXES.items()}


def _exchange(tx: Transaction, prefix: str, replica: str, made: int, now: float) -> MadeBefore:
    counts = {key: _of_last_hour(value, now) for key, value in key_value.scan_values(tx, prefix).items()}
    own_key = prefix + replica
    own = counts.pop(own_key, {})
    if made:
        minute = int(now // MINUTE)
        own[minute] = own.get(minute, 0) + made
        key_value.set_value(tx, own_key, msgspec.json.encode(own).decode())
    for key, others in counts.items():
        if not others:
            key_value.delete_value(tx, key)
    return [
        (max(0.0, now - (minute + 1) * MINUTE), count) for others in counts.values() for minute, count in others.items()
    ]


def _of_last_hour(value: str, now: float) -> dict[int, int]:
    """Return the counts by minute since 1970, without minutes in the future (a clock was ahead)."""
    try:
        counts = msgspec.json.decode(value, type=dict[int, int])
    except msgspec.DecodeError:
        return {}
    return {minute: count for minute, count in counts.items() if 0 <= now - minute * MINUTE < HOUR + MINUTE}
