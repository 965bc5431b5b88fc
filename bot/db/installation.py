"""Which installation of the bot this database belongs to: a random id, the same for all its replicas, for ever."""

from __future__ import annotations

import hashlib
import secrets

from bot.db import key_value
from bot.db.transaction import Transaction

_KEY = "installation"


def installation_tag(tx: Transaction, organization: str) -> str:
    """Return what marks this installation's messages in Slack; made at the first start.

    It is made of the database's id and the Applivery workspace, so that a copy of the database which serves another
    workspace is another installation. A copy for the same workspace is told apart by its own Slack app.
    """
    key_value.set_value_once(tx, _KEY, secrets.token_hex(16))
    known = key_value.get_value(tx, _KEY) or ""
    return hashlib.sha256(f"{known}\n{organization}".encode()).hexdigest()[:16]
