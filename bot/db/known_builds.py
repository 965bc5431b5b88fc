"""Last recorded builds by id, deleted ones included."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from bot.db.dialect_sql import JsonRows, as_rows, written
from bot.db.serialization import build_of
from bot.db.transaction import Transaction
from bot.domain.model import Build


def find_builds(tx: Transaction, ids: Collection[str]) -> dict[str, Build]:
    """Return the recorded builds with these ids, without those that only a newer version can read."""
    found: dict[str, Build] = {}
    for row in tx.execute(_BUILDS, rows=as_rows({"id": build_id} for build_id in sorted(set(ids)))):
        with suppress(ValueError):
            found[row.build_id] = build_of(row.snapshot)
    return found


_BUILDS = written(
    "SELECT b.build_id, b.snapshot FROM {rows} JOIN builds b ON b.build_id = o.id",
    JsonRows("rows", {"id": "text"}),
)
