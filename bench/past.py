"""Rows that many pretended hours have left, as copies of those that some hours did.

Only tables that have a row for every build, message or link of the past are copied: whatever else an hour leaves is
deleted after a day, or as much as there are people.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.db.column_types import UtcMicros
from bot.db.schema import audit, builds, outbox
from bot.db.types import micros as to_micros
from bot.domain.model import BuildEvent
from bot.domain.states import DeliveryState

# By table, the time from which on its rows are of the hours that are repeated.
COPIED = {builds: "made_at", outbox: "created_at", audit: "at"}
ROOM = 1_000_000  # for the ids of one repetition; those of what came later are larger
PATIENCE = 60.0
_STANDING = f"event = '{BuildEvent.PROCESSED}' AND superseded_by IS NULL"
_ENDS_IN_THE_BUILD = ("build_id", "dedup_key")


def repeat(file: Path, began: datetime, lasted: timedelta, times: int, *, running: bool) -> None:
    """Let what the bot of this file has done since `began` have happened so many times more, each time earlier.

    When the bot is running, it is done while no message is on its way, whose id the bot needs.
    """
    edit = {"event": "'changed:' || i", "dedup_key": "dedup_key || i || ':changed'", "superseded_by": "NULL"}
    edit["id"] = f"id - i * {ROOM} + {ROOM // 2}"
    given = {"times": times, "lasted": lasted // timedelta(microseconds=1), "began": to_micros(began)}
    with closing(sqlite3.connect(file, timeout=PATIENCE, isolation_level="IMMEDIATE")) as connection, connection:
        if running:
            _begin_when_idle(connection)
        for table in (outbox, audit):
            connection.execute(f"UPDATE {table.name} SET id = id + ?", (times * ROOM,))
        # the last card of a line was edited when the next time's followed it
        connection.execute(_copy(outbox, _STANDING, edit), given)
        for table in COPIED:
            connection.execute(_copy(table), given)
        connection.execute("ANALYZE")


def _begin_when_idle(connection: sqlite3.Connection) -> None:
    """Begin a transaction in which no message is on its way. Raises TimeoutError."""
    under_way = f"SELECT count(*) FROM outbox WHERE state = '{DeliveryState.SENDING}'"
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute(under_way).fetchone() == (0,):
            return
        connection.rollback()
        time.sleep(0.05)
    raise TimeoutError("messages are still on their way")


def _copy(table: sa.Table, which: str = "TRUE", other: dict[str, str] | None = None) -> str:
    """`i` counts the repetitions from 1, backwards in time."""
    values = {column.name: _value(column) for column in table.columns} | (other or {})
    return (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :times) "
        f"INSERT INTO {table.name} ({', '.join(values)}) SELECT {', '.join(values.values())} "
        f"FROM {table.name}, n WHERE :times > 0 AND {COPIED[table]} > :began AND {which}"
    )


def _value(column: sa.Column[Any]) -> str:
    name, then = column.name, f"{column.name} || '-' || i"
    if isinstance(column.type, UtcMicros):
        return f"{name} - i * :lasted"
    if name == "snapshot":
        return "replace(snapshot, build_id, build_id || '-' || i)"
    if name == "card_key":
        return f"CASE {name} WHEN '' THEN '' ELSE {then} END"
    if name == "superseded_by":
        return f"coalesce({then}, CASE event WHEN '{BuildEvent.PROCESSED}' THEN build_id || '-' || (i - 1) END)"
    return {"id": f"id - i * {ROOM}"}.get(name, then if name in _ENDS_IN_THE_BUILD else name)
