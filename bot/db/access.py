"""Who was given which role, and which app may be used where."""

from __future__ import annotations

from typing import Any

from bot.db.dialect_sql import written
from bot.db.transaction import Transaction
from bot.db.types import EVERY_APP, moment
from bot.db.wakeups import Topic
from bot.domain.access import RoleGrant
from bot.domain.model import GrantChange, Role


def grant_role(  # noqa: PLR0917 - the row's columns, in their order
    tx: Transaction, team_id: str, grantee: str, role: Role, app_id: str | None, granted_by: str
) -> GrantChange:
    """Grant a role; it replaces the role that the same grantee had for the same app. Raises `DatabaseUnavailable`."""
    key = _key(team_id, grantee, app_id)
    had = tx.execute(ROLE, **key).scalar()
    mark_grants_changed(tx)
    granted_at = tx.execute(_GRANT, **key, role=role.name, by=granted_by).scalar_one()
    return GrantChange(Role.named(had or ""), moment(granted_at))


def undo_grant(  # noqa: PLR0917 - the row's key and its previous role
    tx: Transaction, team_id: str, grantee: str, app_id: str | None, change: GrantChange, undone_by: str
) -> bool:
    """Restore the role that a grant replaced; change nothing and return False when the grant was changed since."""
    which = {**_key(team_id, grantee, app_id), "at": change.granted_at}
    mark_grants_changed(tx)
    if change.previous:
        undone = tx.execute(_PUT_BACK, **which, role=change.previous.name, by=undone_by)
    else:
        undone = tx.execute(_TAKE_BACK, **which)
    return undone.first() is not None


def restore_role(  # noqa: PLR0917 - the row's columns, in their order
    tx: Transaction, team_id: str, grantee: str, role: Role, app_id: str | None, granted_by: str
) -> bool:
    """Grant a revoked role again; change nothing and return False when another role was granted since."""
    mark_grants_changed(tx)
    key = _key(team_id, grantee, app_id)
    return tx.execute(_RESTORE, **key, role=role.name, by=granted_by).first() is not None


def revoke_role(tx: Transaction, team_id: str, grantee: str, app_id: str | None) -> Role | None:
    """Revoke a role; return the revoked one, None if there was none."""
    mark_grants_changed(tx)
    role = tx.execute(_REVOKE, **_key(team_id, grantee, app_id)).scalar()
    return None if role is None else Role[role]


def list_grants(tx: Transaction, team_id: str) -> list[RoleGrant]:
    """Return every grant in a workspace, oldest first, without roles that only a newer version knows."""
    return [_grant(row) for row in tx.execute(_GRANTS, team=team_id) if Role.named(row.role)]


def allow_channel(tx: Transaction, app_id: str, channel_id: str, set_by: str) -> bool:
    """Add a channel to an app's allow-list; False if it was on it. The first channel blocks the app in all others."""
    mark_grants_changed(tx)
    return tx.execute(_ALLOW, app=app_id, channel=channel_id, by=set_by).first() is not None


def disallow_channel(tx: Transaction, app_id: str, channel_id: str) -> bool:
    """Remove a channel from an app's allow-list; False if it was not on it. An empty list allows the app everywhere."""
    mark_grants_changed(tx)
    return tx.execute(_DISALLOW, app=app_id, channel=channel_id).first() is not None


def list_allowed_channels(tx: Transaction) -> dict[str, frozenset[str]]:
    """Return the channels of every app that has an allow-list, by app id."""
    found: dict[str, set[str]] = {}
    for row in tx.execute(_ALLOWED):
        found.setdefault(row.app_id, set()).add(row.channel_id)
    return {app_id: frozenset(channels) for app_id, channels in found.items()}


def allow_names_in(tx: Transaction, channel_id: str, set_by: str) -> bool:
    """Add a channel to those where reports may name people; False if it was one."""
    mark_grants_changed(tx)
    return tx.execute(_ALLOW_NAMES, channel=channel_id, by=set_by).first() is not None


def disallow_names_in(tx: Transaction, channel_id: str) -> bool:
    """Remove a channel from those where reports may name people; False if it was none."""
    mark_grants_changed(tx)
    return tx.execute(_DISALLOW_NAMES, channel=channel_id).first() is not None


def list_manager_channels(tx: Transaction) -> frozenset[str]:
    """Return the channels where reports may name people."""
    return frozenset(tx.execute(_NAMED_IN).scalars())


def mark_grants_changed(tx: Transaction) -> None:
    """Invalidate the read caches of all replicas, within the transaction that changes roles or allow-lists."""
    tx.invalidate_cache()
    tx.notify(Topic.ACCESS)


def _key(team_id: str, grantee: str, app_id: str | None) -> dict[str, str]:
    return {"team": team_id, "grantee": grantee, "app": app_id or EVERY_APP}


def _grant(row: Any) -> RoleGrant:
    app_id = None if row.app_id == EVERY_APP else row.app_id
    return RoleGrant(row.team_id, row.grantee, Role[row.role], app_id, row.granted_by, moment(row.granted_at))


_KEY = "team_id = :team AND grantee = :grantee AND app_id = :app"
_NEW = """
    INSERT INTO grants (team_id, grantee, app_id, role, granted_by, granted_at)
    VALUES (:team, :grantee, :app, :role, :by, {now})
"""

ROLE = written(f"SELECT role FROM grants WHERE {_KEY}")  # noqa: S608 - no user input

_GRANT = written(f"""
    {_NEW} ON CONFLICT (team_id, grantee, app_id) DO UPDATE SET
        role = excluded.role, granted_by = excluded.granted_by, granted_at = excluded.granted_at
    RETURNING granted_at
""")

_RESTORE = written(f"{_NEW} ON CONFLICT (team_id, grantee, app_id) DO NOTHING RETURNING grantee")

_TAKE_BACK = written(f"DELETE FROM grants WHERE {_KEY} AND granted_at = :at RETURNING grantee")  # noqa: S608 - no user input

_PUT_BACK = written(f"""
    UPDATE grants SET role = :role, granted_by = :by, granted_at = {{now}}
    WHERE {_KEY} AND granted_at = :at RETURNING grantee
""")  # noqa: S608 - no user input

_REVOKE = written(f"DELETE FROM grants WHERE {_KEY} RETURNING role")  # noqa: S608 - no user input

_GRANTS = written("""
    SELECT team_id, grantee, app_id, role, granted_by, granted_at FROM grants
    WHERE team_id = :team ORDER BY granted_at, grantee
""")

_ALLOW = written("""
    INSERT INTO app_channel_allowlist (app_id, channel_id, set_by, set_at) VALUES (:app, :channel, :by, {now})
    ON CONFLICT (app_id, channel_id) DO NOTHING RETURNING app_id
""")

_DISALLOW = written("DELETE FROM app_channel_allowlist WHERE app_id = :app AND channel_id = :channel RETURNING app_id")

_ALLOWED = written("SELECT app_id, channel_id FROM app_channel_allowlist")

_ALLOW_NAMES = written("""
    INSERT INTO manager_channels (channel_id, set_by, set_at) VALUES (:channel, :by, {now})
    ON CONFLICT (channel_id) DO NOTHING RETURNING channel_id
""")

_DISALLOW_NAMES = written("DELETE FROM manager_channels WHERE channel_id = :channel RETURNING channel_id")

_NAMED_IN = written("SELECT channel_id FROM manager_channels")
