"""Changes of users and groups in Slack, for replicas that no NOTIFY reaches: `Transaction.notify_slack_change`."""

from __future__ import annotations

from collections.abc import Mapping

from bot.db import database_info, key_value
from bot.db.transaction import Transaction
from bot.db.types import micros
from bot.db.wakeups import CHANGED

KEEP_SECONDS = 600  # every replica has read it by then, or its cache of Slack has expired


def list_changes(tx: Transaction) -> Mapping[str, str]:
    """Return the users and groups that changed recently, each with a token that is unique per change.

    The token ends with the sender.
    """
    found = key_value.scan_values(tx, CHANGED)
    oldest = micros(database_info.current_time(tx)) - KEEP_SECONDS * 1_000_000
    for key, value in found.items():
        if int(value.partition(" ")[0]) < oldest:
            key_value.delete_value(tx, key)
    return {key.removeprefix(CHANGED): value for key, value in found.items()}
