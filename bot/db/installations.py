"""What is stored of the installation: whose rows they are, and the workspaces an organisation added the app to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.db import access, download_schema, key_value, schema
from bot.db.transaction import Transaction
from bot.db.types import metadata
from bot.domain.workspaces import RemovedWorkspace

NOTE = "workspace/"  # and its id: its name, and after it was removed a second line that says when
REMEMBER = timedelta(days=30)
ALL_TABLES = (schema, download_schema)  # loaded, and so among those of `metadata`


def adopt_rows(tx: Transaction, installation: str, formerly: Collection[str]) -> int:
    """Move rows stored under these ids to the installation; return how many there were.

    A role that the installation already has stays as it is.
    """
    grants = schema.grants
    columns = [column for column in grants.c if column.name != "team_id"]
    taken = sa.select(sa.literal(installation), *columns).where(grants.c.team_id.in_(formerly))
    insert = tx.insert(grants).from_select(["team_id", *(column.name for column in columns)], taken)
    tx.execute(insert.on_conflict_do_nothing())
    moved = tx.execute(sa.delete(grants).where(grants.c.team_id.in_(formerly))).rowcount
    for table in metadata.sorted_tables:
        if table is not grants and "team_id" in table.c:
            update = sa.update(table).where(table.c.team_id.in_(formerly)).values(team_id=installation)
            moved += tx.execute(update).rowcount
    if moved:
        access.mark_grants_changed(tx)
    return moved


def record_workspaces(tx: Transaction, names: Mapping[str, str], now: datetime) -> list[RemovedWorkspace]:
    """Record the workspaces the app is in; return those that it was in before and is no longer, once."""
    known = key_value.scan_values(tx, NOTE)
    for team_id, name in names.items():
        key_value.set_value(tx, NOTE + team_id, name)
    removed = []
    for key, note in known.items():
        workspace = _read(key, note)
        if workspace.id in names:
            continue
        if workspace.removed_at is None:
            removed.append(RemovedWorkspace(workspace.id, workspace.name, now))
            key_value.set_value(tx, key, f"{workspace.name}\n{now.isoformat()}")
        elif workspace.removed_at < now - REMEMBER:
            key_value.delete_value(tx, key)
    return removed


def list_removed(tx: Transaction, present: Collection[str], now: datetime) -> list[RemovedWorkspace]:
    """Return the workspaces the app was in within a month, and is not among those where it is `present`."""
    known = [_read(key, note) for key, note in key_value.scan_values(tx, NOTE).items()]
    return [
        workspace
        for workspace in known
        if workspace.id not in present and (workspace.removed_at or now) >= now - REMEMBER
    ]


def _read(key: str, note: str) -> RemovedWorkspace:
    name, _, since = note.partition("\n")
    return RemovedWorkspace(key.removeprefix(NOTE), name, datetime.fromisoformat(since) if since else None)
