"""Who did what, when, and how it ended."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from bot.db import key_value
from bot.db.dialect_sql import written
from bot.db.schema import audit as table
from bot.db.transaction import Transaction
from bot.db.types import micros, storable
from bot.domain.audit import LINK_GIVEN, AuditAction, AuditEntry, AuditOutcome

_COLUMNS = [table.c[field.name] for field in fields(AuditEntry)]
_TEXTS = [field.name for field in fields(AuditEntry) if field.name not in ("at", "action", "entrypoint")]
_INSERT = written("""
    INSERT INTO audit
        (at, team_id, user_id, action, outcome, entrypoint, channel_id, app_id, build_id, token_hash)
    VALUES
        (:at, :team_id, :user_id, :action, :outcome, :entrypoint, :channel_id, :app_id, :build_id, :token_hash)
""")


class ReceivedLink(NamedTuple):
    """A build the user received a link to, and when the last time (aware)."""

    app_id: str
    build_id: str
    at: datetime


def add_entry(tx: Transaction, entry: AuditEntry) -> None:
    """Add a line; `entry.at` is aware. Raises `DatabaseUnavailable`."""
    texts = {name: None if (text := getattr(entry, name)) is None else storable(text) for name in _TEXTS}
    words = {"action": entry.action.value, "entrypoint": entry.entrypoint.value}
    tx.rows(_INSERT, at=micros(entry.at), **words, **texts)


def record_choice(tx: Transaction, entry: AuditEntry, key: str, value: str) -> None:
    """Add a line about what a user chose, and keep the choice as the value of `key`, in one commit."""
    add_entry(tx, entry)
    key_value.set_value(tx, key, value)


def find_uploader(tx: Transaction, app_id: str, build_id: str) -> str | None:
    """Return the user who uploaded a build from Slack; None for one that came another way."""
    about = (table.c.app_id == app_id, table.c.build_id == build_id, table.c.action == AuditAction.UPLOAD)
    done = (*about, table.c.outcome == AuditOutcome.UPLOADED)
    uploads = tx.execute(sa.select(table.c.at, table.c.user_id).where(*done)).all()  # not by time: that reads the app's
    return max(uploads).user_id if uploads else None


def list_builds_received(tx: Transaction, user_id: str, app_id: str, most: int = 200) -> dict[str, datetime]:
    """Return the builds of an app the user received links to, newest link first, with its time (aware)."""
    last = sa.func.max(table.c.at).label("at")
    query = (
        sa.select(table.c.build_id, sa.type_coerce(last, table.c.at.type).label("at"))
        # by the user's index, not the app's: an app has the links of all its users
        .where(table.c.user_id == user_id, sa.func.coalesce(table.c.app_id, "") == app_id)
        .where(table.c.action == AuditAction.GET)
        .where(table.c.outcome.in_(LINK_GIVEN), table.c.build_id.is_not(None))
        .group_by(table.c.build_id)
        .order_by(last.desc())
        .limit(most)
    )
    return {row.build_id: row.at for row in tx.execute(query)}


def count_receivers(tx: Transaction, app_id: str, build_id: str) -> int:
    """Return how many people were given a link to a build of an app."""
    people = sa.func.count(sa.distinct(table.c.user_id))
    about = (table.c.app_id == app_id, table.c.build_id == build_id)
    given = (*about, table.c.action == AuditAction.GET, table.c.outcome.in_(LINK_GIVEN))
    return int(tx.execute(sa.select(people).where(*given)).scalar_one())


def list_links_received(tx: Transaction, user_id: str, most: int) -> list[ReceivedLink]:
    """Return the builds of all apps the user received links to, newest link first."""
    last = sa.func.max(table.c.at).label("at")
    query = (
        sa.select(table.c.app_id, table.c.build_id, sa.type_coerce(last, table.c.at.type).label("at"))
        .where(table.c.user_id == user_id, table.c.action == AuditAction.GET, table.c.outcome.in_(LINK_GIVEN))
        .where(table.c.app_id.is_not(None), table.c.build_id.is_not(None))
        .group_by(table.c.app_id, table.c.build_id)
        .order_by(last.desc())
        .limit(most)
    )
    return [ReceivedLink(row.app_id, row.build_id, row.at) for row in tx.execute(query)]


def list_entries(  # noqa: PLR0917 - one filter each
    tx: Transaction,
    user_ids: Collection[str] | None = None,
    app_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 100,
) -> list[AuditEntry]:
    """Return the newest lines first: of one person, of one app, between two moments (aware, included), as asked."""
    query = sa.select(*_COLUMNS).order_by(table.c.at.desc(), table.c.id.desc()).limit(limit)
    if user_ids is not None:
        query = query.where(table.c.user_id.in_(user_ids))
    if app_id is not None:
        query = query.where(table.c.app_id == app_id)
    if since is not None:
        query = query.where(table.c.at >= since)
    if until is not None:
        query = query.where(table.c.at <= until)
    return [AuditEntry(**row) for row in tx.execute(query).mappings()]
