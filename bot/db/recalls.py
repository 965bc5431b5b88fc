"""Recalled builds: their cards show the reason and their links end; a recall can be undone."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from bot.db import goals, supersession, tickets
from bot.db.dialect_sql import JsonRows, as_rows, written
from bot.db.transaction import Transaction
from bot.db.types import moment
from bot.db.wakeups import Topic
from bot.domain.model import Build, Recall
from bot.domain.tickets import TicketState


def recall_build(tx: Transaction, build: Build, reason: str, by: str) -> tuple[Recall, bool]:
    """Recall a build, end its unclaimed tickets and enqueue the edits of its cards, in one transaction.

    Return the recall in force and whether it is new; a first one stays, with its reason.
    """
    made = tx.execute(_RECALL, build=build.id, app=build.app.id, reason=reason, by=by).first()
    tx.invalidate_cache()
    tx.notify(Topic.ACCESS)
    tickets.end_tickets(tx, build.id, TicketState.RECALLED)
    goals.count_now(tx, build.app.id)
    if made:
        supersession.enqueue_with_supersession(tx, build.app.id, {build.id})
    row = made or tx.execute(_OF_BUILD, build=build.id).one()
    return _recall_of(row), made is not None


def undo_recall(tx: Transaction, build: Build) -> Recall | None:
    """Undo the recall of a build and enqueue the edits of its cards. None when it was not recalled."""
    row = tx.execute(_UNDO, build=build.id).first()
    tx.invalidate_cache()
    tx.notify(Topic.ACCESS)
    if row is None:
        return None
    supersession.enqueue_with_supersession(tx, build.app.id, {build.id})
    return _recall_of(row)


def count_cards(tx: Transaction, build_id: str) -> int:
    """Return how many channel messages show this build, posted or waiting."""
    return int(tx.execute(_CARDS, build=build_id).scalar_one())


def list_recalls(tx: Transaction) -> dict[str, Recall]:
    """Return every recall in force, by build id."""
    return {row.build_id: _recall_of(row) for row in tx.execute(_ALL)}


def find_recalled(tx: Transaction, build_ids: Collection[str]) -> set[str]:
    """Return which of these builds are recalled."""
    return set(tx.execute(_RECALLED, rows=as_rows({"id": build_id} for build_id in build_ids)).scalars())


def _recall_of(row: Any) -> Recall:
    return Recall(row.build_id, row.app_id, row.reason, row.recalled_by, moment(row.recalled_at))


_COLUMNS = "build_id, app_id, reason, recalled_by, recalled_at"

_RECALL = written(f"""
    INSERT INTO recalls ({_COLUMNS}) VALUES (:build, :app, :reason, :by, {{now}})
    ON CONFLICT (build_id) DO NOTHING RETURNING {_COLUMNS}
""")  # noqa: S608 - no user input

_OF_BUILD = written(f"SELECT {_COLUMNS} FROM recalls WHERE build_id = :build")  # noqa: S608 - no user input

_UNDO = written(f"DELETE FROM recalls WHERE build_id = :build RETURNING {_COLUMNS}")  # noqa: S608 - no user input

_ALL = written(f"SELECT {_COLUMNS} FROM recalls")  # noqa: S608 - no user input

_CARDS = written("""
    SELECT count(*) FROM (
        SELECT DISTINCT channel_id, card_key FROM outbox
        WHERE build_id = :build AND state IN {shown} AND payload = ''
            AND event IN {card_events} AND substr(channel_id, 1, 1) NOT IN ('U', 'W')
    ) AS c
""")

_RECALLED = written(
    "SELECT r.build_id FROM {rows} JOIN recalls r ON r.build_id = o.id",
    JsonRows("rows", {"id": "text"}),
)
