"""Builds that were taken back: their cards say so, their links end, and the way back."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from bot.domain.builds import superseded
from bot.domain.model import Build, Recall, Standing
from bot.domain.tickets import TicketState
from bot.store.columns import now
from bot.store.facts import build_of
from bot.store.outbox import Outbox
from bot.store.sql import Rows, as_rows, written
from bot.store.tables import recalls as table
from bot.store.tables import tickets
from bot.store.transactions import Connection
from bot.store.wakeups import Topic


class Recalls(Outbox):
    """The store's recalls."""

    async def recall_build(self, build: Build, reason: str, by: str) -> tuple[Recall, bool]:
        """Take a build back: its unclaimed tickets end and its cards are shown anew, all in one commit.

        Returns the recall that stands now and whether it is new; a first one stays, with its reason.
        """
        insert = self.insert(table).values(
            build_id=build.id, app_id=build.app.id, reason=reason, recalled_by=by, recalled_at=now()
        )
        end = (
            sa.update(tickets)
            .where(tickets.c.build_id == build.id, tickets.c.state == TicketState.OPEN)
            .values(state=TicketState.RECALLED)
        )

        async def work(connection: Connection) -> tuple[Recall, bool]:
            made = (await connection.execute(insert.on_conflict_do_nothing().returning(table))).first()
            self.changed()
            await connection.execute(end)
            if made:
                await self._show_anew(connection, build)
            row = made or (await connection.execute(sa.select(table).where(table.c.build_id == build.id))).one()
            return _recall_of(row), made is not None

        answer = await self.run(work)
        self.wakeups.ring(Topic.TELL)
        return answer

    async def unrecall_build(self, build: Build) -> Recall | None:
        """Give a build free again; its cards are shown anew. None when it was not recalled."""
        delete = sa.delete(table).where(table.c.build_id == build.id).returning(table)

        async def work(connection: Connection) -> Recall | None:
            row = (await connection.execute(delete)).first()
            self.changed()
            if row is None:
                return None
            await self._show_anew(connection, build)
            return _recall_of(row)

        answer = await self.run(work)
        self.wakeups.ring(Topic.TELL)
        return answer

    async def _show_anew(self, connection: Connection, build: Build) -> None:
        """Its cards, and those of the builds that it took the place of: nobody is sent to a recalled one from there."""
        rows = (await self.execute(connection, _LINE, build=build.id, app=build.app.id)).all()
        stand = [Standing(row.channel_id, build_of(row.facts)) for row in reversed(rows) if not row.recalled]
        after = {(one.channel_id, one.build_id): one.by for one in superseded([], stand)}
        moved = [
            {"channel": row.channel_id, "build": row.build_id, "by": by}
            for row in rows
            if (by := after.get((row.channel_id, row.build_id))) != row.superseded_by
            and build.id in (row.build_id, row.superseded_by, by)
        ]
        await self.said(connection, build.app.id, (), {build.id, *(str(one["build"]) for one in moved)})
        if moved:
            await self.execute(connection, _FOLLOWED, rows=as_rows(moved))

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

# What the channels that know the build as ready know of its app, and what has taken the place of each there.
_LINE = written("""
    SELECT a.channel_id, a.build_id, a.superseded_by, b.facts, r.build_id IS NOT NULL AS recalled
    FROM announcements k JOIN announcements a ON a.channel_id = k.channel_id AND a.app_id = :app
    JOIN builds b ON b.build_id = a.build_id
    LEFT JOIN recalls r ON r.build_id = a.build_id
    WHERE k.build_id = :build AND k.event = {event.PROCESSED} AND substr(k.channel_id, 1, 1) NOT IN ('U', 'W')
        AND a.event = {event.PROCESSED} AND a.state IN {said}
        AND b.stage = {stage.READY} AND NOT b.gone
    ORDER BY a.id DESC LIMIT 2000
""")

_FOLLOWED = written(
    """
    UPDATE announcements SET superseded_by = o.by FROM {rows}
    WHERE announcements.channel_id = o.channel AND announcements.build_id = o.build
        AND announcements.event = {event.PROCESSED}
    """,
    Rows("rows", {"channel": "text", "build": "text", "by": "text"}),
)
