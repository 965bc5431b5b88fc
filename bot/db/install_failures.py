"""Why builds did not install: one answer of a user about a build, under a key that names neither."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from bot.db import key_value
from bot.db.dialect_sql import written
from bot.db.download_schema import install_failures as table
from bot.db.transaction import Transaction
from bot.db.types import storable
from bot.domain.install_failures import answer_key
from bot.domain.model.failures import FailureCause

_SALT = "install failures"
CHUNK = 500  # keys in one statement


def record_failure(tx: Transaction, user_id: str, app_id: str, build_id: str, cause: FailureCause) -> None:
    """Keep a user's answer about a build; it takes the place of an earlier one."""
    key_value.set_value_once(tx, _SALT, secrets.token_hex(32))
    key = answer_key(_salt(tx), user_id, build_id)
    tx.execute(_ANSWER, key=key, app=storable(app_id), build=storable(build_id), cause=cause.value)


def count_failures(
    tx: Transaction,
    app_id: str,
    build_ids: Collection[str] = (),
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> dict[FailureCause, int]:
    """Return how many answers there are of each cause, about an app's builds (all of them, or these), between two
    aware moments.
    """
    query = sa.select(table.c.cause, sa.func.count().label("answers")).where(table.c.app_id == app_id)
    if build_ids:
        query = query.where(table.c.build_id.in_(build_ids))
    if since is not None:
        query = query.where(table.c.at >= since)
    if until is not None:
        query = query.where(table.c.at <= until)
    found: dict[FailureCause, int] = {}
    for row in tx.execute(query.group_by(table.c.cause)):  # several words of other versions read as one
        found[row.cause] = found.get(row.cause, 0) + int(row.answers)
    return found


def erase_answers(tx: Transaction, user_id: str) -> None:
    """Delete a user's answers: their keys follow from the builds that have any."""
    salt = _salt(tx)
    builds = tx.execute(sa.select(table.c.build_id).distinct()).scalars()
    keys = [answer_key(salt, user_id, build_id) for build_id in builds]
    for start in range(0, len(keys), CHUNK):
        tx.execute(sa.delete(table).where(table.c.answer_key.in_(keys[start : start + CHUNK])))


def _salt(tx: Transaction) -> str:
    return key_value.get_value(tx, _SALT) or ""


_ANSWER = written("""
    INSERT INTO install_failures (answer_key, app_id, build_id, cause, at) VALUES (:key, :app, :build, :cause, {now})
    ON CONFLICT (answer_key) DO UPDATE SET cause = excluded.cause, at = excluded.at
""")
