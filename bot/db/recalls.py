"""Builds that were taken back: their cards say so, their links end, and the way back."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from bot.db.dialect_sql import written
from bot.db.runner import Connection
from bot.db.schema import recalls as table
from bot.db.schema import tickets
from bot.db.supersession import Superseding
from bot.db.types import db_now
from bot.db.wakeups import Topic
from bot.domain.model import Build, Recall
from bot.domain.tickets import TicketState


class Recalls(Superseding):
    """The store's recalls."""

    async def recall_build(self, build: Build, reason: str, by: str) -> tuple[Recall, bool]:
        """Take a build back: its unclaimed tickets end and its cards are shown anew, all in one commit.

        Returns the recall that stands now and whether it is new; a first one stays, with its reason.
        """
        insert = self.insert(table).values(
            build_id=build.id, app_id=build.app.id, reason=reason, recalled_by=by, recalled_at=db_now()
        )
        end = (
            sa.update(tickets)
            .where(tickets.c.build_id == build.id, tickets.c.state.in_((TicketState.OPEN, TicketState.CLAIMED)))
            .values(state=TicketState.RECALLED)
        )

        async def work(connection: Connection) -> tuple[Recall, bool]:
            made = (await connection.execute(insert.on_conflict_do_nothing().returning(table))).first()
            self.changed()
            await self.tell_others(connection, Topic.ACCESS)
            await connection.execute(end)
            if made:
                await self.said_in_place(connection, build.app.id, {build.id})
            row = made or (await connection.execute(sa.select(table).where(table.c.build_id == build.id))).one()
            return _recall_of(row), made is not None

        answer = await self.run(work)
        self.wakeups.ring(Topic.TELL)
        self.wakeups.ring(Topic.ACCESS)
        return answer

    async def unrecall_build(self, build: Build) -> Recall | None:
        """Give a build free again; its cards are shown anew. None when it was not recalled."""
        delete = sa.delete(table).where(table.c.build_id == build.id).returning(table)

        async def work(connection: Connection) -> Recall | None:
            row = (await connection.execute(delete)).first()
            self.changed()
            await self.tell_others(connection, Topic.ACCESS)
            if row is None:
                return None
            await self.said_in_place(connection, build.app.id, {build.id})
            return _recall_of(row)

        answer = await self.run(work)
        self.wakeups.ring(Topic.TELL)
        self.wakeups.ring(Topic.ACCESS)
        return answer

    async def cards_with(self, build_id: str) -> int:
        """How many messages in channels show this build, posted already or about to be."""

        async def work(connection: Connection) -> int:
            return int((await self.execute(connection, _CARDS, build=build_id)).scalar_one())

        return await self.run(work)

    async def recalls(self) -> dict[str, Recall]:
        """Every recall that stands, by build id."""

        async def work(connection: Connection) -> dict[str, Recall]:
            return {row.build_id: _recall_of(row) for row in await connection.execute(sa.select(table))}

        return await self.kept("recalls", work)


def _recall_of(row: sa.Row[Any]) -> Recall:
    return Recall(row.build_id, row.app_id, row.reason, row.recalled_by, row.recalled_at)


_CARDS = written("""
    SELECT count(*) FROM (
        SELECT DISTINCT channel_id, card FROM announcements
        WHERE build_id = :build AND state IN {shown} AND fact = ''
            AND event IN {card_events} AND substr(channel_id, 1, 1) NOT IN ('U', 'W')
    ) AS c
""")
