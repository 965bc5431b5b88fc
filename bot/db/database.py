"""The way in: open a database and bring it up to date, use it by noun, close it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError

from bot.db import migrate as db_migrate
from bot.db import sqlite_files
from bot.db.access_pauses import Withholding
from bot.db.access_requests import Requests
from bot.db.app_polls import Watching
from bot.db.audit import Audit
from bot.db.audit_reports import Ledger
from bot.db.build_watches import Following
from bot.db.builds import Recording
from bot.db.channel_welcome import Welcoming
from bot.db.connect import DatabaseUrl, SingleProcessLock, connect
from bot.db.dialect_sql import POSTGRESQL, SQLITE, written
from bot.db.drafts import Drafts
from bot.db.key_value import Notes
from bot.db.known_builds import Known
from bot.db.link_delivery import Handing
from bot.db.mutes import Holding
from bot.db.nudges import Nudges
from bot.db.outages import Outages
from bot.db.outbox import Telling
from bot.db.recalls import Recalls
from bot.db.runner import Connection, Transactions
from bot.db.scheduled_reports import Digests
from bot.db.subscriptions import Subscriptions
from bot.db.tickets import Tickets
from bot.db.types import db_now
from bot.db.wakeups import Topic
from bot.exceptions import DatabaseUnavailable, StartupError

if TYPE_CHECKING:
    from bot.db.postgres import PgListener


def utc_now() -> datetime:
    """This machine's time, aware and in UTC."""
    return datetime.now(UTC)


class Store(
    Subscriptions,
    Watching,
    Following,
    Recording,
    Telling,
    Holding,
    Recalls,
    Audit,
    Known,
    Ledger,
    Notes,
    Requests,
    Handing,
    Tickets,
    Digests,
    Drafts,
    Nudges,
    Welcoming,
    Outages,
    Withholding,
):
    """Everything the bot remembers.

    Each method is one transaction and raises `DatabaseUnavailable` when that cannot be.
    """

    def __init__(self, transactions: Transactions, place: DatabaseUrl, lock: SingleProcessLock | None) -> None:
        super().__init__(transactions, place.dialect)
        self._place = place
        self._lock = lock
        self._listener: PgListener | None = None

    @classmethod
    async def open(cls, url: str, *, clock: Callable[[], datetime] = utc_now, migrate: bool = True) -> Store:
        """Connect to `sqlite:///bot.db` or `postgresql://…`, creating and migrating the tables.

        `clock` gives aware times and is asked on SQLite only, from a thread; PostgreSQL has its own. With
        `migrate=False` the tables have to be up to date. Raises `StartupError` with the reason: an address or file that
        cannot be used, a second process on a SQLite file, a database of a newer version, a server that refuses.
        """
        place = DatabaseUrl.parse(url)
        lock = SingleProcessLock.take(place.file) if place.file else None
        try:
            if place.file:
                sqlite_files.make_private(place.file)
            store = cls(connect(place, clock), place, lock)
        except BaseException:
            if lock:
                lock.free()
            raise
        try:
            await store._start(migrate)
        except (DBAPIError, OSError, DatabaseUnavailable) as problem:
            await store.close()
            raise _cannot_start(place, problem) from problem
        except BaseException:
            await store.close()
            raise
        return store

    @classmethod
    async def beside(cls, url: str) -> Store:
        """Open what is there to read it only: beside a bot that runs, without its lock, changing and creating nothing.

        Ask for its `version` first. Raises `StartupError` as `open` does, and when there is no database yet.
        """
        place = DatabaseUrl.parse(url)
        if place.file is not None and not place.file.exists():
            raise StartupError(f"There is no database at {place}.", "The first start makes it.")
        store = cls(connect(place, utc_now, reading=True), place, None)
        try:
            await store.version()
            await store._check_whole()
        except StartupError:
            await store.close()
            raise
        except (DBAPIError, OSError) as problem:
            await store.close()
            raise _cannot_start(place, problem) from problem
        return store

    async def version(self) -> str | None:
        """The version of the tables that are there; None when there are none. The driver's errors come as they are."""
        return await self._transactions.run_sync(db_migrate.stands_at)

    def __str__(self) -> str:
        return f"{self.dialect} at {self._place}"

    async def _check_whole(self) -> None:
        if self.dialect == SQLITE:
            await self._transactions.run_sync(sqlite_files.check_whole)

    async def _start(self, migrate: bool) -> None:
        await self._check_whole()
        await self._transactions.run_sync(db_migrate.upgrade if migrate else db_migrate.check)
        if self.dialect == POSTGRESQL:
            from bot.db.postgres import PgListener  # noqa: PLC0415 - see engine.connect

            self._listener = PgListener(self.wakeups, self._place.libpq())
            await self._listener.start()
        else:
            await self.end_looks()  # this is the only process: whoever was looking at an app is dead
            await self.end_digest_leases()

    async def close(self) -> None:
        """Let go of the database; what is under way has ended when its caller has."""
        if self._listener:
            await self._listener.stop()
        await self._transactions.close()
        if self._lock:
            self._lock.free()

    async def ping(self) -> None:
        """Come back if the database takes a write; raises `DatabaseUnavailable` if it does not.

        A standby, a full disk or a missing right is seen by a write alone; one row is written again and again.
        """

        async def work(connection: Connection) -> None:
            await self.execute(connection, _PING)

        await self.run(work)

    async def engine_version(self) -> str:
        """The version of the database itself: `3.40.1`, `16.4`."""
        question = "SHOW server_version" if self.dialect == POSTGRESQL else "SELECT sqlite_version()"

        async def work(connection: Connection) -> str:
            return str((await connection.execute(sa.text(question))).scalar_one()).partition(" ")[0]

        return await self.run(work)

    async def now(self) -> datetime:
        """The time leases and schedules go by, aware UTC: the database's on PostgreSQL, the clock's on SQLite."""

        async def work(connection: Connection) -> datetime:
            value: datetime = (await connection.execute(sa.select(db_now()))).scalar_one()
            return value

        return await self.run(work)

    async def wait(self, topic: Topic, timeout: float | None) -> bool:  # noqa: ASYNC109 - a wait that ends is its point
        """Wait until there is news for this topic, or so many seconds (None: for ever); True if there is news.

        News from before the wait counts, once.
        """
        return await self.wakeups.wait(topic, timeout)

    async def nudge(self, topic: Topic) -> None:
        """Wake who waits for this topic, here and in the other processes."""
        self.wakeups.ring(topic)
        if self.dialect == POSTGRESQL:

            async def work(connection: Connection) -> None:
                await self.tell_others(connection, topic)

            await self.run(work)


def migrate(url: str) -> None:
    """Bring the database at this address up to date and let go of it; raises `StartupError` like `Store.open`."""

    async def open_and_close() -> None:
        store = await Store.open(url)
        await store.close()

    asyncio.run(open_and_close())


def _damaged(problem: Exception) -> bool:
    """Whether SQLite says that the file is no whole database, and not that it cannot be read or written just now."""
    return isinstance(problem, DatabaseError) and not isinstance(problem, OperationalError)


def _cannot_start(place: DatabaseUrl, problem: Exception) -> StartupError:
    # The driver's first line says who refused what; SQLAlchemy wraps the driver's error and adds its own address.
    if isinstance(problem, DatabaseUnavailable):
        problem = problem.__cause__ if isinstance(problem.__cause__, Exception) else problem
    if place.file and sqlite_files.is_full(place.file):
        return sqlite_files.no_room(place.file)
    if place.file and _damaged(problem):
        return sqlite_files.damaged(str(getattr(problem, "orig", problem)))
    reason = str(getattr(problem, "orig", None) or problem).strip().partition("\n")[0]
    return StartupError(
        f"The database at {place} cannot be used: {place.hidden(reason)}", "Check DATABASE_URL and the server."
    )


# One more than before: writing what stands there would be no write.
_PING = written("""
    INSERT INTO notes (key, value) VALUES ('ping', '1')
    ON CONFLICT (key) DO UPDATE SET value = CAST((CAST(notes.value AS bigint) + 1) % 1000000 AS text)
""")
