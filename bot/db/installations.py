"""The installation that owns the rows, and the workspaces an organisation added the app to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from bot.db import access, key_value
from bot.db.dialect_sql import JsonRows, Statement, as_rows, written
from bot.db.transaction import Transaction
from bot.domain.workspaces import RemovedWorkspace

NOTE = "workspace/"  # key prefix, before the id; the value is the name and, once removed, a line with the time
REMEMBER = timedelta(days=30)
# Tables with a `team_id`, besides `grants`.
TABLES = (
    *("audit", "bisections", "build_waiters", "goals", "role_requests", "scheduled_reports", "sent_builds"),
    *("subscriptions", "tickets"),
)


def adopt_rows(tx: Transaction, installation: str, formerly: Collection[str]) -> int:
    """Move rows stored under these ids to the installation; return how many there were.

    A role that the installation already has stays as it is.
    """
    rows = as_rows({"id": team_id} for team_id in formerly)
    tx.execute(_ADOPT_GRANTS, to=installation, rows=rows)
    moved = len(tx.execute(_DROP_GRANTS, rows=rows))
    moved += sum(len(tx.execute(_adopting(table), to=installation, rows=rows)) for table in TABLES)
    if moved:
        access.mark_grants_changed(tx)
    return moved


def _adopting(table: str) -> Statement:
    return written(f"UPDATE {table} SET team_id = :to WHERE team_id IN (SELECT o.id FROM {{rows}}) RETURNING 1", _IDS)  # noqa: S608 - no user input


def record_workspaces(tx: Transaction, names: Mapping[str, str], now: datetime) -> list[RemovedWorkspace]:
    """Record the workspaces with the app; return each workspace that was removed, once."""
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
    """Return the workspaces that had the app within the last month and are not among `present`."""
    known = [_read(key, note) for key, note in key_value.scan_values(tx, NOTE).items()]
    return [
        workspace
        for workspace in known
        if workspace.id not in present and (workspace.removed_at or now) >= now - REMEMBER
    ]


def _read(key: str, note: str) -> RemovedWorkspace:
    name, _, since = note.partition("\n")
    return RemovedWorkspace(key.removeprefix(NOTE), name, datetime.fromisoformat(since) if since else None)


_IDS = JsonRows("rows", {"id": "text"})

_ADOPT_GRANTS = written(
    """
    INSERT INTO grants (team_id, grantee, app_id, role, granted_by, granted_at)
    SELECT CAST(:to AS text), grantee, app_id, role, granted_by, granted_at FROM grants
    WHERE team_id IN (SELECT o.id FROM {rows})
    ON CONFLICT (team_id, grantee, app_id) DO NOTHING
    """,
    _IDS,
)

_DROP_GRANTS = written("DELETE FROM grants WHERE team_id IN (SELECT o.id FROM {rows}) RETURNING 1", _IDS)
