"""Builds that one user sent to another."""

from __future__ import annotations

from typing import Any

from bot.db.dialect_sql import written
from bot.db.transaction import Transaction
from bot.domain.model import Build
from bot.domain.sent_builds import SentBuild


def add_sent_build(tx: Transaction, team_id: str, sender: str, recipient: str, build: Build) -> SentBuild:
    """Record that a build was sent to a user."""
    about = {"team": team_id, "sender": sender, "recipient": recipient, "app": build.app.id, "build": build.id}
    return _sent(tx.execute(_SEND, **about).one())


def get_sent_build(tx: Transaction, number: int) -> SentBuild | None:
    """Return the sent build with this number."""
    row = tx.execute(_SENT, id=number).first()
    return None if row is None else _sent(row)


def mark_sent_build_used(tx: Transaction, number: int) -> bool:
    """Record that the recipient used it; return True the first time."""
    return tx.execute(_USE, id=number).first() is not None


def _sent(row: Any) -> SentBuild:
    return SentBuild(row.id, row.team_id, row.sender, row.recipient, row.app_id, row.build_id)


_COLUMNS = "id, team_id, sender, recipient, app_id, build_id"

_SEND = written(f"""
    INSERT INTO sent_builds (team_id, sender, recipient, app_id, build_id, sent_at)
    VALUES (:team, :sender, :recipient, :app, :build, {{now}}) RETURNING {_COLUMNS}
""")  # noqa: S608 - no user input

_SENT = written(f"SELECT {_COLUMNS} FROM sent_builds WHERE id = :id")  # noqa: S608 - no user input

_USE = written("UPDATE sent_builds SET used_at = {now} WHERE id = :id AND used_at IS NULL RETURNING id")
