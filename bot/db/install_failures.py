"""Causes of failed installations: one answer per user and build, under a key that identifies neither."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime
from functools import cache

from bot.db import key_value
from bot.db.dialect_sql import JsonRows, Statement, as_rows, written
from bot.db.transaction import Transaction
from bot.domain.install_failures import answer_key
from bot.domain.model.failures import FailureCause

_SALT = "install failures"


def record_failure(tx: Transaction, user_id: str, app_id: str, build_id: str, cause: FailureCause) -> None:
    """Save a user's answer about a build; it replaces an earlier one."""
    key_value.set_value_once(tx, _SALT, secrets.token_hex(32))
    key = answer_key(_salt(tx), user_id, build_id)
    tx.execute(_ANSWER, key=key, app=app_id, build=build_id, cause=cause)


def count_failures(
    tx: Transaction,
    app_id: str,
    build_ids: Collection[str] = (),
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> dict[FailureCause, int]:
    """Return the number of answers per cause, about an app's builds (all or these), between two times (aware)."""
    conditions = {"build_id IN (SELECT o.build FROM {rows})": build_ids, "at >= :since": since, "at <= :until": until}
    statement = _counts(*(condition for condition, value in conditions.items() if value))
    rows = as_rows({"build": build_id} for build_id in build_ids)
    found: dict[FailureCause, int] = {}
    for row in tx.execute(statement, app=app_id, rows=rows, since=since, until=until):
        cause = FailureCause(row.cause)  # several values of other versions map to one cause
        found[cause] = found.get(cause, 0) + int(row.answers)
    return found


@cache
def _counts(*conditions: str) -> Statement:
    """Return the statement that counts an app's answers that match all conditions."""
    where = "".join(f" AND {condition}" for condition in conditions)
    return written(
        f"SELECT cause, count(*) AS answers FROM install_failures WHERE app_id = :app {where} GROUP BY cause",  # noqa: S608 - no user input
        JsonRows("rows", {"build": "text"}),
    )


def erase_answers(tx: Transaction, user_id: str) -> None:
    """Delete a user's answers; their keys are derived from the user and each build with answers."""
    salt = _salt(tx)
    keys = [answer_key(salt, user_id, build_id) for build_id in tx.execute(_BUILDS).scalars()]
    tx.execute(_ERASE, rows=as_rows({"key": key} for key in keys))


def _salt(tx: Transaction) -> str:
    return key_value.get_value(tx, _SALT) or ""


_BUILDS = written("SELECT DISTINCT build_id FROM install_failures")

_ERASE = written(
    "DELETE FROM install_failures WHERE answer_key IN (SELECT o.key FROM {rows})", JsonRows("rows", {"key": "text"})
)

_ANSWER = written("""
    INSERT INTO install_failures (answer_key, app_id, build_id, cause, at) VALUES (:key, :app, :build, :cause, {now})
    ON CONFLICT (answer_key) DO UPDATE SET cause = excluded.cause, at = excluded.at
""")
