"""Who was asked to try a build, once each, and who does not want to be asked."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from bot.db.dialect_sql import JsonRows, as_rows, written
from bot.db.download_schema import nudge_opt_outs, nudges
from bot.db.transaction import Transaction
from bot.db.types import db_now


def record_nudges(tx: Transaction, build_id: str, people: Collection[str], sent_by: str, *, most: int) -> list[str]:
    """Record that the first of these users, `most` at most, are asked to try a build.

    Return those who may be: not asked yet, and not opted out.

    Committed before the messages are sent, so that a failure never asks a user twice.
    """
    row = {"build_id": build_id, "sent_by": sent_by, "sent_at": db_now()}
    new = tx.insert(nudges).on_conflict_do_nothing().returning(nudges.c.user_id)
    against = _opted_out(tx, people)
    asked: list[str] = []
    for person in people:
        if len(asked) < most and person not in against:
            asked += tx.execute(new.values(user_id=person, **row)).scalars()
    return asked


def list_askable(tx: Transaction, build_id: str, people: Collection[str]) -> list[str]:
    """Return which of these users may be asked to try a build: not asked yet, and not opted out."""
    asked = set(tx.execute(sa.select(nudges.c.user_id).where(nudges.c.build_id == build_id)).scalars())
    against = _opted_out(tx, people)
    return [person for person in people if person not in asked | against]


def _opted_out(tx: Transaction, people: Collection[str]) -> set[str]:
    return set(tx.execute(_OPTED_OUT, rows=as_rows({"user_id": person} for person in people)).scalars())


def opt_in_to_nudges(tx: Transaction, user_id: str) -> None:
    """Ask this user again, about builds they were not asked about."""
    tx.execute(sa.delete(nudge_opt_outs).where(nudge_opt_outs.c.user_id == user_id))


def opt_out_of_nudges(tx: Transaction, user_id: str) -> None:
    """Never ask this user again, about any build."""
    insert = tx.insert(nudge_opt_outs).values(user_id=user_id, since=db_now()).on_conflict_do_nothing()
    tx.execute(insert)


_OPTED_OUT = written(
    "SELECT n.user_id FROM {rows} JOIN nudge_opt_outs n ON n.user_id = o.user_id",
    JsonRows("rows", {"user_id": "text"}),
)
