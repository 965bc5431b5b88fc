"""Users who were asked to try a build (once each), and users who opted out."""

from __future__ import annotations

from collections.abc import Collection

from bot.db.dialect_sql import JsonRows, as_rows, written
from bot.db.transaction import Transaction


def record_nudges(tx: Transaction, build_id: str, people: Collection[str], sent_by: str, *, most: int) -> list[str]:
    """Record requests to try a build, to the first `most` of these users.

    Return the users to ask: not asked before, and not opted out.

    Committed before the messages are sent, so that a failure never asks a user twice.
    """
    against = _opted_out(tx, people)
    asked: list[str] = []
    for person in people:
        if len(asked) < most and person not in against:
            asked += tx.execute(_ASK, build=build_id, user=person, by=sent_by).scalars()
    return asked


def list_askable(tx: Transaction, build_id: str, people: Collection[str]) -> list[str]:
    """Return which of these users may be asked to try a build: not asked before, and not opted out."""
    asked = set(tx.execute(_ASKED, build=build_id).scalars())
    against = _opted_out(tx, people)
    return [person for person in people if person not in asked | against]


def _opted_out(tx: Transaction, people: Collection[str]) -> set[str]:
    return set(tx.execute(_OPTED_OUT, rows=as_rows({"user_id": person} for person in people)).scalars())


def opt_in_to_nudges(tx: Transaction, user_id: str) -> None:
    """Allow asking this user again, about builds they were not asked about."""
    tx.execute(_OPT_IN, user=user_id)


def opt_out_of_nudges(tx: Transaction, user_id: str) -> None:
    """Opt a user out of being asked, for all builds."""
    tx.execute(_OPT_OUT, user=user_id)


_ASK = written("""
    INSERT INTO nudges (build_id, user_id, sent_by, sent_at) VALUES (:build, :user, :by, {now})
    ON CONFLICT (build_id, user_id) DO NOTHING RETURNING user_id
""")

_ASKED = written("SELECT user_id FROM nudges WHERE build_id = :build")

_OPT_IN = written("DELETE FROM nudge_opt_outs WHERE user_id = :user")

_OPT_OUT = written("INSERT INTO nudge_opt_outs (user_id, since) VALUES (:user, {now}) ON CONFLICT (user_id) DO NOTHING")

_OPTED_OUT = written(
    "SELECT n.user_id FROM {rows} JOIN nudge_opt_outs n ON n.user_id = o.user_id",
    JsonRows("rows", {"user_id": "text"}),
)
