"""The audit log: actions of users, their times and results."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from msgspec.structs import asdict

from bot.db import key_value
from bot.db.dialect_sql import Statement, written
from bot.db.transaction import Transaction
from bot.db.types import moment
from bot.domain.audit import AuditAction, AuditEntry, Entrypoint

_COLUMNS = ", ".join(AuditEntry.__struct_fields__)
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
    """)  # noqa: S608 - no user input


_RECEIVED = _links("app_id IS NOT NULL")
# by the user's index, not the app's, which has the links of all users
_RECEIVED_OF_APP = _links("(app_id = :app) IS TRUE")


class ReceivedLink(NamedTuple):
    """A build the user received a link to, with the time of the newest link (aware)."""

    app_id: str
    build_id: str
    at: datetime


def add_entry(tx: Transaction, entry: AuditEntry) -> None:
    """Add an entry; `entry.at` is aware. Raises `DatabaseUnavailable`."""
    tx.rows(_INSERT, **asdict(entry))


def record_choice(tx: Transaction, entry: AuditEntry, key: str, value: str) -> None:
    """Add an entry about a user's choice, and store the choice as the value of `key`, in one transaction."""
    add_entry(tx, entry)
    key_value.set_value(tx, key, value)


def find_uploader(tx: Transaction, app_id: str, build_id: str) -> str | None:
    """Return the user who uploaded a build from Slack; None for a build that was uploaded elsewhere."""
    uploads = [(row.at, row.user_id) for row in tx.execute(_UPLOADS, app=app_id, build=build_id)]
    return max(uploads)[1] if uploads else None


def list_builds_received(tx: Transaction, user_id: str, app_id: str, most: int = 200) -> dict[str, datetime]:
    """Return the builds of an app that the user received links to, newest link first."""
    return {link.build_id: link.at for link in _received(tx, _RECEIVED_OF_APP, most, user=user_id, app=app_id)}


def count_receivers(tx: Transaction, app_id: str, build_id: str) -> int:
    """Return how many users received a link to a build of an app."""
    return int(tx.execute(_RECEIVERS, app=app_id, build=build_id).scalar_one())


def list_links_received(tx: Transaction, user_id: str, most: int) -> list[ReceivedLink]:
    """Return the builds of all apps that the user received links to, newest link first."""
    return _received(tx, _RECEIVED, most, user=user_id)


def _received(tx: Transaction, statement: Statement, most: int, **of: str) -> list[ReceivedLink]:
    """Return up to `most` builds, each with its newest link, newest first.

    Several links may be to one build, so each query reads twice as many links as the last, until there are enough
    builds.
    """
    links = most
    while True:
        rows = tx.execute(statement, links=links, **of)
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
    """Return the newest entries first, filtered by users, app and times (aware, inclusive)."""
    conditions = {"app_id = :app": app_id, "at >= :since": since, "at <= :until": until}
    given = [condition for condition, value in conditions.items() if value is not None]
    values = {"app": app_id, "since": since, "until": until, "most": limit}
    if user_ids is None:
        return [_entry(row) for row in tx.execute(_entries(*given), **values)]
    of_person = _entries("user_id = :who", *given)  # one user at a time, each by the index of users
    rows = [row for user_id in sorted(set(user_ids)) for row in tx.execute(of_person, who=user_id, **values)]
    return [_entry(row) for row in sorted(rows, key=lambda row: (-row.at, -row.id))[:limit]]


@cache
def _entries(*conditions: str) -> Statement:
    """Return the statement that reads the newest entries that match all conditions."""
    where = " AND ".join(conditions) or "true"
    return written(f"SELECT id, {_COLUMNS} FROM audit WHERE {where} ORDER BY at DESC, id DESC LIMIT :most")  # noqa: S608 - no user input


def _entry(row: Any) -> AuditEntry:
    values = {name: getattr(row, name) for name in AuditEntry.__struct_fields__}
    words = {"action": AuditAction(row.action), "entrypoint": Entrypoint(row.entrypoint)}
    return AuditEntry(**{**values, **words, "at": moment(row.at)})


# Not by time, or the index of the app's entries would be read.
_UPLOADS = written("""
    SELECT at, user_id FROM audit
    WHERE app_id = :app AND build_id = :build AND action = {action.UPLOAD} AND outcome = {outcome.UPLOADED}
""")

_RECEIVERS = written("""
    SELECT count(DISTINCT user_id) FROM audit
    WHERE app_id = :app AND build_id = :build AND action = {action.GET} AND outcome IN {given}
""")
