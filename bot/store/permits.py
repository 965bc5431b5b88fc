"""Who was given which role, which app may be used where, and who asked for more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from bot.domain.access import Grant
from bot.domain.model import Role
from bot.store.columns import EVERY_APP, now
from bot.store.database import Database
from bot.store.download_tables import manager_channels
from bot.store.sql import SKEW_SECONDS, span
from bot.store.tables import app_channels, grants, role_requests
from bot.store.transactions import Connection, Work
from bot.store.wakeups import Topic

DAY = 24 * 3600.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RoleRequest:
    """Somebody's wish for a role; `allowed` None: nobody has decided yet."""

    id: int
    team_id: str
    user_id: str
    role: Role
    app_id: str | None
    asked_at: datetime
    decided_by: str | None = None
    allowed: bool | None = None


class Permits(Database):
    """The store's grants, allow-lists and requests."""

    async def grant(self, team_id: str, grantee: str, role: Role, app_id: str | None, granted_by: str) -> None:
        """Give a role; it replaces what the same grantee had for the same app. Raises `StoreDown`."""
        values = {"role": role.name, "granted_by": granted_by, "granted_at": now()}
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

    async def grants(self, team_id: str) -> list[Grant]:
        """Every grant in a workspace, the oldest first; a role of a newer version is left out."""

        async def work(connection: Connection) -> list[Grant]:
            query = sa.select(grants).where(grants.c.team_id == team_id).order_by(grants.c.granted_at, grants.c.grantee)
            return [_grant(row) for row in await connection.execute(query) if Role.named(row.role)]

        return await self.kept(f"grants {team_id}", work)

    async def allow_in(self, app_id: str, channel_id: str, set_by: str) -> None:
        """Put a channel on an app's allow-list; the first one closes the app everywhere else."""
        values = {"set_by": set_by, "set_at": now()}
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
        insert = self.insert(manager_channels).values(channel_id=channel_id, set_by=set_by, set_at=now())

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

    async def ask_for_role(self, team_id: str, user_id: str, role: Role, app_id: str | None) -> RoleRequest | None:
        """Write down that somebody asks for a role; None if the same question is open already."""
        table = role_requests
        same = (table.c.user_id == user_id) & (table.c.role == role.name) & (table.c.app_id == (app_id or EVERY_APP))
        # an unanswered question may be asked again after a day
        asked_at, at = sa.type_coerce(table.c.asked_at, sa.BigInteger), sa.type_coerce(now(), sa.BigInteger)
        lately = (asked_at > at - span(DAY)) & (asked_at <= at + span(SKEW_SECONDS))
        still_open = same & table.c.decided_at.is_(None) & (table.c.team_id == team_id) & lately
        insert = sa.insert(table).values(
            team_id=team_id, user_id=user_id, role=role.name, app_id=app_id or EVERY_APP, asked_at=now()
        )

        async def work(connection: Connection) -> RoleRequest | None:
            if (await connection.execute(sa.select(table.c.id).where(still_open))).first():
                return None
            return _request((await connection.execute(insert.returning(table))).one())

        return await self.run(work)

    async def decide(self, request_id: int, allowed: bool, decided_by: str) -> tuple[RoleRequest, bool] | None:
        """Answer a request and, when allowed, give the role, in one commit.

        Returns the request and whether this call decided it (another admin may have been first); None if there is none.
        """
        table = role_requests
        update = (
            sa.update(table)
            .where((table.c.id == request_id) & table.c.decided_at.is_(None))
            .values(decided_by=decided_by, decided_at=now(), allowed=allowed)
            .returning(table)
        )

        async def work(connection: Connection) -> tuple[RoleRequest, bool] | None:
            row = (await connection.execute(update)).first()
            if row is None:
                row = (await connection.execute(sa.select(table).where(table.c.id == request_id))).first()
                return None if row is None else (_request(row), False)
            if allowed:
                await self._changed(connection)
                await self._give(connection, row, decided_by)
            return _request(row), True

        return await self._decided(work)

    async def _changed(self, connection: Connection) -> None:
        """Within a transaction that writes: nobody goes by what was read before."""
        self.changed()
        await self.tell_others(connection, Topic.ACCESS)

    async def _decided(self, work: Work[T]) -> T:
        """Run `work`, and wake what looks at what may act from now on, or no more."""
        answer = await self.run(work)
        self.wakeups.ring(Topic.ACCESS)
        return answer

    async def _give(self, connection: Connection, row: sa.Row[Any], granted_by: str) -> None:
        values = {"role": row.role, "granted_by": granted_by, "granted_at": now()}
        insert = self.insert(grants).values(team_id=row.team_id, grantee=row.user_id, app_id=row.app_id, **values)
        # A greater role may have been granted since it was asked for: allowing the wish takes nothing away.
        lesser = grants.c.role.in_([one.name for one in Role.given() if one < Role[row.role]])
        await connection.execute(
            insert.on_conflict_do_update(index_elements=["team_id", "grantee", "app_id"], set_=values, where=lesser)
        )


def _grant(row: sa.Row[Any]) -> Grant:
    app_id = None if row.app_id == EVERY_APP else row.app_id
    return Grant(row.team_id, row.grantee, Role[row.role], app_id, row.granted_by, row.granted_at)


def _request(row: sa.Row[Any]) -> RoleRequest:
    return RoleRequest(
        id=row.id,
        team_id=row.team_id,
        user_id=row.user_id,
        role=Role[row.role],
        app_id=None if row.app_id == EVERY_APP else row.app_id,
        asked_at=row.asked_at,
        decided_by=row.decided_by,
        allowed=row.allowed,
    )
