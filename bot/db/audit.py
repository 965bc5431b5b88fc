"""Who did what, when, and how it ended."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from bot.db import key_value
from bot.db.dialect_sql import Statement, written
from bot.db.schema import audit as table
from bot.db.transaction import Transaction
from bot.db.types import micros, moment, storable
from bot.domain.audit import LINK_GIVEN, AuditAction, AuditEntry, AuditOutcome

_COLUMNS = [table.c[name] for name in AuditEntry.__struct_fields__]
_TEXTS = [name for name in AuditEntry.__struct_fields__ if name not in ("at", "action", "entrypoint")]
_INSERT = written("""
    INSERT INTO audit
        (at, team_id, user_id, action, outcome, entrypoint, channel_id, app_id, build_id, token_hash)
    VALUES
        (:at, :team_id, :user_id, :action, :outcome, :entrypoint, :channel_id, :app_id, :build_id, :token_hash)
""")


def _links(condition: str) -> Statement:
    """Return the statement for the newest links of a user."""
    return written(f"""
        SELECT at, app_id, build_id FROM audit
        WHERE user_id = :user AND {condition} AND build_id IS NOT NULL
            AND action = {{action.GET}} AND outcome IN {{given}}
        ORDER BY at DESC LIMIT :links
    """)  # noqa: S608 - our own words


_RECEIVED = _links("app_id IS NOT NULL")
# by the user's index, not the app's: an app has the links of all its users
_RECEIVED_OF_APP = _links("(app_id = :app) IS TRUE")


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
    return {link.build_id: link.at for link in _received(tx, _RECEIVED_OF_APP, most, user=user_id, app=app_id)}


def count_receivers(tx: Transaction, app_id: str, build_id: str) -> int:
    """Return how many people were given a link to a build of an app."""
    people = sa.func.count(sa.distinct(table.c.user_id))
    about = (table.c.app_id == app_id, table.c.build_id == build_id)
    given = (*about, table.c.action == AuditAction.GET, table.c.outcome.in_(LINK_GIVEN))
    return int(tx.execute(sa.select(people).where(*given)).scalar_one())


def list_links_received(tx: Transaction, user_id: str, most: int) -> list[ReceivedLink]:
    """Return the builds of all apps the user received links to, newest link first."""
    return _received(tx, _RECEIVED, most, user=user_id)


def _received(tx: Transaction, statement: Statement, most: int, **of: str) -> list[ReceivedLink]:
    """Return up to `most` builds, each with its newest link, newest first.

    Several links are of one build: each look is at twice as many as the one before, until there are enough builds.
    """
    links = most
    while True:
        rows = tx.execute(statement, links=links, **of).all()
        found = {(row.app_id, row.build_id): row for row in reversed(rows)}
        if len(found) >= most or len(rows) < links:
            newest = sorted(found.values(), key=lambda row: -row.at)
            return [ReceivedLink(row.app_id, row.build_id, moment(row.at)) for row in newest[:most]]
        links *= 2


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
