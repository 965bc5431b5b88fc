"""Who was given which role, and which app may be used where."""

from __future__ import annotations

from typing import Any, TypeVar

import sqlalchemy as sa

from bot.db.download_schema import manager_channels
from bot.db.runner import Connection, Work
from bot.db.schema import app_channels, grants
from bot.db.session import Database
from bot.db.types import EVERY_APP, db_now
from bot.db.wakeups import Topic
from bot.domain.access import RoleGrant
from bot.domain.model import Role

T = TypeVar("T")


class Permits(Database):
    """The store's grants and allow-lists."""

    async def grant(self, team_id: str, grantee: str, role: Role, app_id: str | None, granted_by: str) -> None:
        """Give a role; it replaces what the same grantee had for the same app. Raises `DatabaseUnavailable`."""
        values = {"role": role.name, "granted_by": granted_by, "granted_at": db_now()}
        insert = self.insert(grants).values(team_id=team_id, grantee=grantee, app_id=app_id or EVERY_APP, **values)
        upsert = insert.on_conflict_do_update(index_elements=["team_id", "grantee", "app_id"], set_=values)

        async def work(connection: Connection) -> None:
            await self._changed(connection)
            await connection.execute(upsert)

        await self._decided(work)

    async def revoke(self, team_id: str, grantee: str, app_id: str | None) -> Role | None:
        """Take a role back; returns the one that was given, None if none was."""
        which = (grants.c.team_id == team_id) & (grants.c.grantee == grantee)
        delete = sa.delete(grants).where(which & (grants.c.app_id == (app_id or EVERY_APP))).returning(grants.c.role)

        async def work(connection: Connection) -> Role | None:
            await self._changed(connection)
            role = (await connection.execute(delete)).scalar()
            return None if role is None else Role[role]

        return await self._decided(work)

    async def grants(self, team_id: str) -> list[RoleGrant]:
        """Every grant in a workspace, the oldest first; a role of a newer version is left out."""

        async def work(connection: Connection) -> list[RoleGrant]:
            query = sa.select(grants).where(grants.c.team_id == team_id).order_by(grants.c.granted_at, grants.c.grantee)
            return [_grant(row) for row in await connection.execute(query) if Role.named(row.role)]

        return await self.kept(f"grants {team_id}", work)

    async def allow_in(self, app_id: str, channel_id: str, set_by: str) -> None:
        """Put a channel on an app's allow-list; the first one closes the app everywhere else."""
        values = {"set_by": set_by, "set_at": db_now()}
        insert = self.insert(app_channels).values(app_id=app_id, channel_id=channel_id, **values)

        async def work(connection: Connection) -> None:
            await self._changed(connection)
            await connection.execute(insert.on_conflict_do_nothing())

        await self._decided(work)

    async def disallow_in(self, app_id: str, channel_id: str) -> bool:
        """Take a channel off an app's allow-list; False if it was not on it. The last one opens the app everywhere."""
        which = (app_channels.c.app_id == app_id) & (app_channels.c.channel_id == channel_id)

        async def work(connection: Connection) -> bool:
            await self._changed(connection)
            gone = await connection.execute(sa.delete(app_channels).where(which).returning(app_channels.c.app_id))
            return gone.first() is not None

        return await self._decided(work)

    async def allowed_channels(self) -> dict[str, frozenset[str]]:
        """The channels of every app that has an allow-list, by app id."""

        async def work(connection: Connection) -> dict[str, frozenset[str]]:
            found: dict[str, set[str]] = {}
            for row in await connection.execute(sa.select(app_channels.c.app_id, app_channels.c.channel_id)):
                found.setdefault(row.app_id, set()).add(row.channel_id)
            return {app_id: frozenset(channels) for app_id, channels in found.items()}

        return await self.kept("allowed channels", work)

    async def name_people_in(self, channel_id: str, set_by: str) -> None:
        """Put a channel on the managers' list: summaries there may name people."""
        insert = self.insert(manager_channels).values(channel_id=channel_id, set_by=set_by, set_at=db_now())

        async def work(connection: Connection) -> None:
            await self._changed(connection)
            await connection.execute(insert.on_conflict_do_nothing())

        await self._decided(work)

    async def name_nobody_in(self, channel_id: str) -> bool:
        """Take a channel off the managers' list; False if it was not on it."""
        which = manager_channels.c.channel_id == channel_id

        async def work(connection: Connection) -> bool:
            await self._changed(connection)
            gone = await connection.execute(sa.delete(manager_channels).where(which).returning(*manager_channels.c))
            return gone.first() is not None

        return await self._decided(work)

    async def manager_channels(self) -> frozenset[str]:
        """The channels on the managers' list."""

        async def work(connection: Connection) -> frozenset[str]:
            return frozenset((await connection.execute(sa.select(manager_channels.c.channel_id))).scalars())

        return await self.kept("manager channels", work)

    async def _changed(self, connection: Connection) -> None:
        """Within a transaction that writes: nobody goes by what was read before."""
        self.changed()
        await self.tell_others(connection, Topic.ACCESS)

    async def _decided(self, work: Work[T]) -> T:
        """Run `work`, and wake what looks at what may act from now on, or no more."""
        answer = await self.run(work)
        self.wakeups.ring(Topic.ACCESS)
        return answer


def _grant(row: sa.Row[Any]) -> RoleGrant:
    app_id = None if row.app_id == EVERY_APP else row.app_id
    return RoleGrant(row.team_id, row.grantee, Role[row.role], app_id, row.granted_by, row.granted_at)
