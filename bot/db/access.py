"""Who was given which role, and which app may be used where."""

from __future__ import annotations

from typing import Any, TypeVar

import sqlalchemy as sa

from bot.db.download_schema import manager_channels
from bot.db.schema import app_channel_allowlist, grants
from bot.db.transaction import Transaction
from bot.db.types import EVERY_APP, db_now
from bot.db.wakeups import Topic
from bot.domain.access import RoleGrant
from bot.domain.model import GrantChange, Role

T = TypeVar("T")


def grant_role(  # noqa: PLR0917 - the row's columns, in their order
    tx: Transaction, team_id: str, grantee: str, role: Role, app_id: str | None, granted_by: str
) -> GrantChange:
    """Give a role; it replaces what the same grantee had for the same app. Raises `DatabaseUnavailable`."""
    had = tx.execute(sa.select(grants.c.role).where(_is_of(team_id, grantee, app_id))).scalar()
    values = {"role": role.name, "granted_by": granted_by, "granted_at": db_now()}
    insert = tx.insert(grants).values(team_id=team_id, grantee=grantee, app_id=app_id or EVERY_APP, **values)
    upsert = insert.on_conflict_do_update(index_elements=["team_id", "grantee", "app_id"], set_=values)
    mark_grants_changed(tx)
    granted_at = tx.execute(upsert.returning(grants.c.granted_at)).scalar_one()
    return GrantChange(Role.named(had or ""), granted_at)


def undo_grant(  # noqa: PLR0917 - the row's key, and what it was
    tx: Transaction, team_id: str, grantee: str, app_id: str | None, change: GrantChange, undone_by: str
) -> bool:
    """Put back what a grant replaced; False, and nothing is done, when that grant has been changed since."""
    which = _is_of(team_id, grantee, app_id) & (grants.c.granted_at == change.granted_at)
    back: sa.Delete | sa.Update = sa.delete(grants).where(which)
    if change.previous:
        values = {"role": change.previous.name, "granted_by": undone_by, "granted_at": db_now()}
        back = sa.update(grants).where(which).values(**values)
    mark_grants_changed(tx)
    return tx.execute(back.returning(grants.c.grantee)).first() is not None


def restore_role(  # noqa: PLR0917 - the row's columns, in their order
    tx: Transaction, team_id: str, grantee: str, role: Role, app_id: str | None, granted_by: str
) -> bool:
    """Give a revoked role again; False, and nothing is done, when another was given since."""
    values = {"role": role.name, "granted_by": granted_by, "granted_at": db_now()}
    insert = tx.insert(grants).values(team_id=team_id, grantee=grantee, app_id=app_id or EVERY_APP, **values)
    mark_grants_changed(tx)
    return tx.execute(insert.on_conflict_do_nothing().returning(grants.c.grantee)).first() is not None


def revoke_role(tx: Transaction, team_id: str, grantee: str, app_id: str | None) -> Role | None:
    """Take a role back; returns the one that was given, None if none was."""
    delete = sa.delete(grants).where(_is_of(team_id, grantee, app_id)).returning(grants.c.role)
    mark_grants_changed(tx)
    role = tx.execute(delete).scalar()
    return None if role is None else Role[role]


def list_grants(tx: Transaction, team_id: str) -> list[RoleGrant]:
    """Return every grant in a workspace, the oldest first; a role of a newer version is left out."""
    query = sa.select(grants).where(grants.c.team_id == team_id).order_by(grants.c.granted_at, grants.c.grantee)
    return [_grant(row) for row in tx.execute(query) if Role.named(row.role)]


def allow_channel(tx: Transaction, app_id: str, channel_id: str, set_by: str) -> bool:
    """Put a channel on an app's allow-list; False if it was on it. The first one closes the app everywhere else."""
    values = {"set_by": set_by, "set_at": db_now()}
    insert = tx.insert(app_channel_allowlist).values(app_id=app_id, channel_id=channel_id, **values)
    mark_grants_changed(tx)
    added = tx.execute(insert.on_conflict_do_nothing().returning(app_channel_allowlist.c.app_id))
    return added.first() is not None


def disallow_channel(tx: Transaction, app_id: str, channel_id: str) -> bool:
    """Take a channel off an app's allow-list; False if it was not on it. The last one opens the app everywhere."""
    which = (app_channel_allowlist.c.app_id == app_id) & (app_channel_allowlist.c.channel_id == channel_id)
    mark_grants_changed(tx)
    gone = tx.execute(sa.delete(app_channel_allowlist).where(which).returning(app_channel_allowlist.c.app_id))
    return gone.first() is not None


def list_allowed_channels(tx: Transaction) -> dict[str, frozenset[str]]:
    """Return the channels of every app that has an allow-list, by app id."""
    found: dict[str, set[str]] = {}
    for row in tx.execute(sa.select(app_channel_allowlist.c.app_id, app_channel_allowlist.c.channel_id)):
        found.setdefault(row.app_id, set()).add(row.channel_id)
    return {app_id: frozenset(channels) for app_id, channels in found.items()}


def allow_names_in(tx: Transaction, channel_id: str, set_by: str) -> bool:
    """Put a channel on the managers' list, so that reports there may name people; False if it was on it."""
    insert = tx.insert(manager_channels).values(channel_id=channel_id, set_by=set_by, set_at=db_now())
    mark_grants_changed(tx)
    return tx.execute(insert.on_conflict_do_nothing().returning(*manager_channels.c)).first() is not None


def disallow_names_in(tx: Transaction, channel_id: str) -> bool:
    """Take a channel off the managers' list; False if it was not on it."""
    which = manager_channels.c.channel_id == channel_id
    mark_grants_changed(tx)
    gone = tx.execute(sa.delete(manager_channels).where(which).returning(*manager_channels.c))
    return gone.first() is not None


def list_manager_channels(tx: Transaction) -> frozenset[str]:
    """Return the channels on the managers' list."""
    return frozenset(tx.execute(sa.select(manager_channels.c.channel_id)).scalars())


def mark_grants_changed(tx: Transaction) -> None:
    """Invalidate the caches of all replicas, within a transaction that writes."""
    tx.invalidate_cache()
    tx.notify(Topic.ACCESS)


def _is_of(team_id: str, grantee: str, app_id: str | None) -> sa.ColumnElement[bool]:
    return (grants.c.team_id == team_id) & (grants.c.grantee == grantee) & (grants.c.app_id == (app_id or EVERY_APP))


def _grant(row: sa.Row[Any]) -> RoleGrant:
    app_id = None if row.app_id == EVERY_APP else row.app_id
    return RoleGrant(row.team_id, row.grantee, Role[row.role], app_id, row.granted_by, row.granted_at)
