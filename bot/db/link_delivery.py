"""Links that were given: how many to whom, who waits for one, who sent one, and which messages are to expire."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.db.dialect_sql import POSTGRESQL, SKEW_SECONDS, span, written
from bot.db.runner import Connection
from bot.db.schema import awaited, expiries, given_links, recent, sent_builds
from bot.db.serialization import facts_of
from bot.db.session import Database
from bot.db.types import db_now
from bot.db.wakeups import Topic
from bot.domain.model import Build

MINUTE, HOUR = 60.0, 3600.0
FURTHEST_EXPIRY = span(2 * 24 * HOUR)  # a ticket lives a day at most, and Applivery's own links for minutes


@dataclass(frozen=True, slots=True)
class SentBuild:
    """A build that one person sent to another."""

    id: int
    team_id: str
    sender: str
    recipient: str
    app_id: str
    build_id: str


@dataclass(frozen=True, slots=True)
class LinkExpiry:
    """A message to change when its link's time is over, at `ts` in the channel `address`.

    Where `address` is a response_url, it is changed through that. `again` is what its "fresh link" button carries,
    `language` the one the message is written in.
    """

    address: str
    ts: str | None
    app_id: str
    build_id: str
    title: str
    again: str
    language: str


class Handing(Database):
    """The store's links, without their tokens."""

    async def take_link(self, user_id: str, *, per_minute: int, per_hour: int) -> float:
        """Count one link for this person, or say in how many seconds they may have one (0: it was counted).

        The count and the row are one transaction, so that many clicks at once cannot slip through together.
        """

        async def work(connection: Connection) -> float:
            if self.due("given links"):
                await self.execute(connection, _OLD_LINKS, keep=span(HOUR))
            if self.dialect == POSTGRESQL:
                await connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext(:who))"), {"who": user_id})
            row = (
                await self.execute(
                    connection,
                    _WAIT,
                    user=user_id,
                    minute=span(MINUTE),
                    hour=span(HOUR),
                    few=per_minute,
                    many=per_hour,
                    skew=span(SKEW_SECONDS),
                )
            ).one()
            wait = max(min(int(row.minute_wait or 0) / 1e6, MINUTE), min(int(row.hour_wait or 0) / 1e6, HOUR))
            if wait <= 0:
                await connection.execute(_GIVEN, {"user_id": user_id})
            return max(0.0, wait)

        return await self.run(work)

    async def first_time(self, key: str, within_seconds: float) -> bool:
        """True unless the same was done within so many seconds, here or in another process."""

        async def work(connection: Connection) -> bool:
            if self.due("recent"):
                await self.execute(connection, _OLD_RECENT, keep=span(max(60.0, within_seconds)))
            about = {"key": key, "within": span(within_seconds), "skew": span(min(within_seconds, SKEW_SECONDS))}
            return (await self.execute(connection, _FIRST, **about)).first() is not None

        return await self.run(work)

    async def not_done(self, key: str) -> None:
        """What `first_time` let through has come to nothing: the next try is the first again."""

        async def work(connection: Connection) -> None:
            await connection.execute(sa.delete(recent).where(recent.c.key == key))

        await self.run(work)

    # -------------------------------------------------------------- somebody waits for a build

    async def await_build(self, build: Build, team_id: str, user_id: str, channel_id: str | None = None) -> None:
        """Tell this person, who asked in this channel, when the build has ended; its app is watched from now on."""
        about = {"team_id": team_id, "app_id": build.app.id, "facts": facts_of(build), "channel_id": channel_id}
        values = {**about, "asked_at": db_now(), "told": False}
        insert = self.insert(awaited).values(build_id=build.id, user_id=user_id, **values)
        upsert = insert.on_conflict_do_update(index_elements=["build_id", "user_id"], set_=values)

        async def work(connection: Connection) -> None:
            await connection.execute(upsert)
            await self.execute(connection, _FOLLOW, app=build.app.id)
            await self.tell_others(connection, Topic.WATCH)

        await self.run(work)
        self.wakeups.ring(Topic.WATCH)

    async def awaiting(self, app_id: str) -> dict[str, list[str]]:
        """Who waits for which build of an app: user ids by build id."""
        query = sa.select(awaited.c.build_id, awaited.c.user_id).where((awaited.c.app_id == app_id) & ~awaited.c.told)

        async def work(connection: Connection) -> dict[str, list[str]]:
            found: dict[str, list[str]] = {}
            for row in await connection.execute(query.order_by(awaited.c.asked_at)):
                found.setdefault(row.build_id, []).append(row.user_id)
            return found

        return await self.run(work)

    async def asked_in(self, build_id: str, user_id: str) -> str | None:
        """The channel in which this person asked to be told of the build; None for direct messages."""
        query = sa.select(awaited.c.channel_id).where(awaited.c.build_id == build_id, awaited.c.user_id == user_id)

        async def work(connection: Connection) -> str | None:
            found: str | None = (await connection.execute(query)).scalar()
            return found

        return await self.run(work)

    async def stop_awaiting(self, build_id: str, user_id: str | None = None) -> bool:
        """Nobody (or this person not) waits for the build any more; False if that was so already."""
        which = (awaited.c.build_id == build_id) & ~awaited.c.told
        if user_id is not None:
            which &= awaited.c.user_id == user_id

        async def work(connection: Connection) -> bool:
            done = sa.update(awaited).where(which).values(told=True).returning(awaited.c.user_id)
            return (await connection.execute(done)).first() is not None

        return await self.run(work)

    # -------------------------------------------------------------- somebody sent one

    async def send_build(self, team_id: str, sender: str, recipient: str, build: Build) -> SentBuild:
        """Write down that a build was sent to somebody."""
        insert = sa.insert(sent_builds).values(
            team_id=team_id,
            sender=sender,
            recipient=recipient,
            app_id=build.app.id,
            build_id=build.id,
            sent_at=db_now(),
        )

        async def work(connection: Connection) -> SentBuild:
            return _sent((await connection.execute(insert.returning(sent_builds))).one())

        return await self.run(work)

    async def sent(self, number: int) -> SentBuild | None:
        """What was sent under this number."""

        async def work(connection: Connection) -> SentBuild | None:
            row = (await connection.execute(sa.select(sent_builds).where(sent_builds.c.id == number))).first()
            return None if row is None else _sent(row)

        return await self.run(work)

    async def use_sent(self, number: int) -> bool:
        """Its recipient used it; True the first time."""
        which = (sent_builds.c.id == number) & sent_builds.c.used_at.is_(None)
        update = sa.update(sent_builds).where(which).values(used_at=db_now()).returning(sent_builds.c.id)

        async def work(connection: Connection) -> bool:
            return (await connection.execute(update)).first() is not None

        return await self.run(work)

    # -------------------------------------------------------------- messages that expire

    async def expire_at(self, due_at: datetime, expiry: LinkExpiry) -> None:
        """Change this message when its link's time is over (aware)."""
        insert = sa.insert(expiries).values(due_at=due_at, **asdict(expiry))

        async def work(connection: Connection) -> None:
            await connection.execute(insert)
            await self.tell_others(connection, Topic.EXPIRE)

        await self.run(work)
        self.wakeups.ring(Topic.EXPIRE)

    async def stop_expiring(self, ts: str) -> None:
        """Leave the message at `ts` alone when its old time comes: something else stands there now."""

        async def work(connection: Connection) -> None:
            await connection.execute(sa.delete(expiries).where(expiries.c.ts == ts))

        await self.run(work)

    async def take_expired(self, most: int = 20) -> list[LinkExpiry]:
        """Messages whose time is over, each handed out once: a missed edit is a smaller evil than a repeated one."""

        async def work(connection: Connection) -> list[LinkExpiry]:
            return [_expiry(row) for row in await self.execute(connection, _EXPIRED, most=most, far=FURTHEST_EXPIRY)]

        return await self.run(work)

    async def expire_in(self) -> float | None:
        """Seconds until a message is to be changed; None when none is."""

        async def work(connection: Connection) -> float | None:
            wait = (await self.execute(connection, _EXPIRE_IN, far=FURTHEST_EXPIRY)).scalar()
            return None if wait is None else max(0.0, int(wait) / 1e6)

        return await self.run(work)


def _sent(row: sa.Row[Any]) -> SentBuild:
    return SentBuild(row.id, row.team_id, row.sender, row.recipient, row.app_id, row.build_id)


def _expiry(row: sa.Row[Any]) -> LinkExpiry:
    return LinkExpiry(row.address, row.ts, row.app_id, row.build_id, row.title, row.again, row.language)


# Made once: to put a statement together takes longer than to run it.
_GIVEN = sa.insert(given_links).values(user_id=sa.bindparam("user_id"), at=db_now())
_OLD_LINKS = written("DELETE FROM given_links WHERE at <= {now} - :keep OR at > {now} + :keep")

# When the few-th last link of the minute leaves it, and the same for the hour.
_WAIT = written("""
    SELECT
        (SELECT g.at + :minute - {now} FROM given_links g
            WHERE g.user_id = :user AND g.at > {now} - :minute AND g.at <= {now} + :skew
            ORDER BY g.at DESC LIMIT 1 OFFSET :few - 1) AS minute_wait,
        (SELECT g.at + :hour - {now} FROM given_links g
            WHERE g.user_id = :user AND g.at > {now} - :hour AND g.at <= {now} + :skew
            ORDER BY g.at DESC LIMIT 1 OFFSET :many - 1) AS hour_wait
""")

_OLD_RECENT = written("DELETE FROM recent WHERE at <= {now} - :keep OR at > {now} + :keep")

_FIRST = written("""
    INSERT INTO recent (key, at) VALUES (:key, {now})
    ON CONFLICT (key) DO UPDATE SET at = excluded.at
        WHERE recent.at <= excluded.at - :within OR recent.at > excluded.at + :skew
    RETURNING key
""")

_FOLLOW = written("""
    INSERT INTO apps (app_id, next_at, lease_until, rung, baseline_done, baseline_since, failures)
    VALUES (:app, {now}, 0, false, false, NULL, 0)
    ON CONFLICT (app_id) DO UPDATE SET next_at = excluded.next_at, rung = true
""")

_EXPIRED = written("""
    DELETE FROM expiries WHERE id IN (
        SELECT id FROM expiries WHERE due_at <= {now} OR due_at > {now} + :far ORDER BY due_at LIMIT :most {skip_locked}
    )
    RETURNING address, ts, app_id, build_id, title, again, language
""")

_EXPIRE_IN = written("SELECT min(CASE WHEN due_at > {now} + :far THEN 0 ELSE due_at - {now} END) FROM expiries")
