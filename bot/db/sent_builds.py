"""Builds that one user sent to another."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from bot.db.schema import sent_builds
from bot.db.transaction import Transaction
from bot.db.types import db_now
from bot.domain.model import Build
from bot.domain.sent_builds import SentBuild


def add_sent_build(tx: Transaction, team_id: str, sender: str, recipient: str, build: Build) -> SentBuild:
    """Record that a build was sent to a user."""
    insert = sa.insert(sent_builds).values(
        team_id=team_id,
        sender=sender,
        recipient=recipient,
        app_id=build.app.id,
        build_id=build.id,
        sent_at=db_now(),
    )
    return _sent(tx.execute(insert.returning(sent_builds)).one())


def get_sent_build(tx: Transaction, number: int) -> SentBuild | None:
    """Return what was sent under this number."""
    row = tx.execute(sa.select(sent_builds).where(sent_builds.c.id == number)).first()
    return None if row is None else _sent(row)


def mark_sent_build_used(tx: Transaction, number: int) -> bool:
    """Its recipient used it; True the first time."""
    which = (sent_builds.c.id == number) & sent_builds.c.used_at.is_(None)
    update = sa.update(sent_builds).where(which).values(used_at=db_now()).returning(sent_builds.c.id)
    return tx.execute(update).first() is not None


def _sent(row: sa.Row[Any]) -> SentBuild:
    return SentBuild(row.id, row.team_id, row.sender, row.recipient, row.app_id, row.build_id)
