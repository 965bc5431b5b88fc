"""Last recorded facts of builds by id, deleted ones included."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from bot.db.schema import builds
from bot.db.serialization import build_of
from bot.db.transaction import Transaction
from bot.domain.model import Build

AT_ONCE = 500  # ids in one statement


def find_builds(tx: Transaction, ids: Collection[str]) -> dict[str, Build]:
    """Return the builds with these ids that were ever seen; those a newer version wrote down are left out."""
    wanted = sorted(set(ids))
    parts = [wanted[at : at + AT_ONCE] for at in range(0, len(wanted), AT_ONCE)]
    found: dict[str, Build] = {}
    for part in parts:
        query = sa.select(builds.c.build_id, builds.c.snapshot).where(builds.c.build_id.in_(part))
        for row in tx.execute(query):
            try:
                found[row.build_id] = build_of(row.snapshot)
            except ValueError:
                continue
    return found
