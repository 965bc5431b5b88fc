"""The random id of the installation this database belongs to, the same for all replicas."""

from __future__ import annotations

import hashlib
import secrets

from bot.db import key_value
from bot.db.transaction import Transaction

_KEY = "installation"


def installation_tag(tx: Transaction, organization: str) -> str:
    """Return the tag of this installation's messages in Slack; created at the first start.

    It is derived from the database's id and the Applivery workspace, so that a copy of the database for another
    workspace is another installation. A copy for the same workspace differs by its Slack app.
    """
    key_value.set_value_once(tx, _KEY, secrets.token_hex(16))
    known = key_value.get_value(tx, _KEY) or ""
    return hashlib.sha256(f"{known}\n{organization}".encode()).hexdigest()[:16]
