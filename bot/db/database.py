"""The public class of this package: open a database and migrate it, run functions in transactions, close it."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, TypeVar, cast

from bot.db import app_polls, goals, scheduled_reports, slack_changes, sqlite_files
from bot.db import migrate as db_migrate
from bot.db.connect import DatabaseUrl, SingleProcessLock, connect
from bot.db.dialect_sql import POSTGRESQL, SQLITE
from bot.db.runner import Runner, StartOptions, Work
from bot.db.transaction import SharedState, Transaction
from bot.db.wakeups import Notifier, Topic
from bot.exceptions import DatabaseNotFound, DatabaseUnavailable, StartupError
from bot.i18n import english
from bot.system_clock import utc_now

if TYPE_CHECKING:
    from bot.db.postgres import PgListener, PgPoller


T = TypeVar("T")
P = ParamSpec("P")


# Other processes notify of their writes; this limits the age of a cached result if notifications are lost.
RECENT_SECONDS = 1.0
_RECENT_READS: ContextVar[bool] = ContextVar("recent_reads", default=False)


@contextmanager
def recent_reads() -> Iterator[None]:
    """Let `cached` return results of the last second within the block, for work that no user waits for.

    A change in this process invalidates them at once, a change in another process once its notification arrives.
    """
    token = _RECENT_READS.set(True)
    try:
        yield
    finally:
        _RECENT_READS.reset(token)


class _CachedAnswer(NamedTuple):
    """A result, when it was queried (`time.monotonic()`), and the number of changes known then."""

    version: tuple[int, int]
    at: float
    answer: Any


class Database:
    """A database. `run` calls a function of this package in its own transaction.

    `dialect` is `sqlite` or `postgresql`; `notifier` wakes waiting workers.
    """

    def __init__(
        self,
        runner: Runner,
        place: DatabaseUrl,
        lock: SingleProcessLock | None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.dialect = place.dialect
        self.notifier = Notifier()
        self._runner = runner
        self._shared = SharedState(place.dialect, self.notifier.sender, clock, is_pooled=place.is_pooled)
        self._cache: dict[object, _CachedAnswer] = {}
        self._place = place
        self._lock = lock
        self._listener: PgListener | PgPoller | None = None

    @classmethod
    async def open(cls, url: str, *, clock: Callable[[], datetime] = utc_now, replicas: int = 1) -> Database:
        """Connect to `sqlite:///bot.db` or `postgresql://…`, and create or migrate the tables.

        `replicas` is the number of processes that share it. `clock` returns aware times and is called from a thread, on
        SQLite only; PostgreSQL has its own. Raises `StartupError` with the reason: an address or file that cannot be
        used, a second process on a SQLite file, several `replicas` on SQLite, a database of a newer version, a server
        that refuses.
        """
        place = DatabaseUrl.parse(url)
        place.check_replicas(replicas)
        lock = SingleProcessLock.take(place.file) if place.file else None
        try:
            if place.file:
                sqlite_files.make_private(place.file)
            store = cls(connect(place, clock), place, lock, clock)
        except BaseException:
            if lock:
                lock.free()
            raise
        faults: tuple[type[Exception], ...] = (*store._runner.errors, OSError, DatabaseUnavailable)
        try:
            await store._start()
        except faults as problem:
            await store.close()
            raise cannot_use(place, problem) from problem
        except BaseException:
            await store.close()
            raise
        return store

    @classmethod
    async def open_read_only(cls, url: str, *, replicas: int = 1) -> Database:
        """Open an existing database read-only, without the lock: a bot may be using it.

        Check its `version` first. Raises `StartupError` as `open` does, and when there is no database yet.
        """
        place = DatabaseUrl.parse(url)
        place.check_replicas(replicas)
        if place.file is not None and not place.file.exists():
            raise DatabaseNotFound(english(f"There is no database at {place}."), english("The first start makes it."))
        store = cls(connect(place, utc_now, reading=True), place, None)
        faults: tuple[type[Exception], ...] = (*store._runner.errors, OSError)
        try:
            await store.version()
            await store._check_whole()
        except StartupError:
            await store.close()
            raise
        except faults as problem:
            await store.close()
            raise cannot_use(place, problem) from problem
        return store

    async def version(self) -> str | None:
        """Return the schema version, None without tables. Raises the driver's errors."""
        return await self._runner.run_raw(db_migrate.stands_at)

    def __str__(self) -> str:
        return f"{self.dialect} at {self._place}"

    async def _check_whole(self) -> None:
        if self.dialect == SQLITE:
            await self._runner.run_raw(sqlite_files.check_whole)

    async def _start(self) -> None:
        await self._check_whole()
        await self._runner.run_raw(db_migrate.upgrade)
        if self.dialect == POSTGRESQL:
            from bot.db.postgres import PgListener, PgPoller  # noqa: PLC0415 - loaded for PostgreSQL only

            if self._place.is_pooled:
                self._listener = PgPoller(self.notifier, partial(self.run, slack_changes.list_changes))
            else:
                self._listener = PgListener(self.notifier, self._place.libpq())
            await self._listener.start()
        else:
            # this is the only process: leases that are left belong to a process that has ended
            await self.run(app_polls.release_poll_leases)
            await self.run(scheduled_reports.release_report_leases)
            await self.run(goals.release_goal_leases)

    async def close(self) -> None:
        """Close the database, after all transactions have ended."""
        if self._listener:
            await self._listener.stop()
        await self._runner.close()
        if self._lock:
            self._lock.free()

    async def run(self, function: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `function` with a new transaction and these arguments, and return its result.

        It is called on the database's thread, and perhaps more than once, each time in a new transaction; waiters are
        notified after the commit. Raises `DatabaseUnavailable`.
        """
        return await self._runner.run(*self._prepared(function, args, kwargs))

    def start(
        self,
        how: StartOptions,
        function: Callable[Concatenate[Transaction, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> asyncio.Future[T]:
        """Start what `run` does at once, without waiting for a task to be scheduled.

        The future raises `DatabaseUnavailable` also when it takes longer than `how.seconds`.
        """
        return self._runner.start(*self._prepared(function, args, kwargs), how)

    def _prepared(
        self, function: Callable[..., T], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[Work[T], Callable[[T], None]]:
        """Return the function to call in a transaction, and the one to call after its commit."""
        topics: set[Topic] = set()

        def work(connection: Any) -> T:
            nonlocal topics
            tx = Transaction(connection, self._shared)
            answer = function(tx, *args, **kwargs)
            if isinstance(answer, Coroutine):
                answer.close()
                raise RuntimeError("a transaction waits for nothing but its own statements")  # noqa: TRY004 - no wrong value
            topics = tx.topics
            return answer

        def notify(_: T) -> None:
            for topic in topics:
                self.notifier.notify(topic)

        return work, notify

    async def cached(
        self, function: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do what `run` does, or return the last result if no transaction has called `invalidate_cache` since.

        For the few rows that every command reads. On PostgreSQL, where other processes write too, each call queries,
        except within `recent_reads`. The arguments must be hashable.
        """
        key = (function, args, *kwargs.items())
        known = self._cache.get(key)
        # from before the query: a write during the query makes its result stale
        version, now = (self._shared.writes, self.notifier.access_changes), time.monotonic()
        if known is None or known.version != version or not self._is_recent(known, now):
            known = self._cache[key] = _CachedAnswer(version, now, await self.run(function, *args, **kwargs))
        return cast("T", known.answer)

    def _is_recent(self, known: _CachedAnswer, now: float) -> bool:
        if self.dialect == SQLITE:
            return True
        return _RECENT_READS.get() and not self._place.is_pooled and now - known.at < RECENT_SECONDS

    async def wait(self, topic: Topic, timeout: float | None) -> bool:  # noqa: ASYNC109 - a wait that ends is its point
        """Wait for a notification of this topic, at most `timeout` seconds (None: forever); return whether one came.

        A notification from before the wait counts once.
        """
        return await self.notifier.wait(topic, timeout)

    def wake(self, topic: Topic) -> None:
        """Wake the waiter for this topic in this process at once: for events that no transaction records."""
        self.notifier.notify(topic)


def migrate(url: str, *, replicas: int = 1) -> None:
    """Migrate the database at this address and close it; raises `StartupError` like `Database.open`."""

    async def open_and_close() -> None:
        store = await Database.open(url, replicas=replicas)
        await store.close()

    asyncio.run(open_and_close())


def _damaged(problem: Exception) -> bool:
    """Return whether SQLite reports a damaged file, not one that is only inaccessible at the moment."""
    return isinstance(problem, sqlite3.DatabaseError) and not isinstance(problem, sqlite3.OperationalError)


def cannot_use(place: DatabaseUrl, problem: Exception) -> StartupError:
    """Return the error for a database that cannot be used, without the password."""
    # The first line of the driver's error has the cause; SQLAlchemy wraps that error and appends a link.
    if isinstance(problem, DatabaseUnavailable):
        problem = problem.__cause__ if isinstance(problem.__cause__, Exception) else problem
    if place.file and sqlite_files.is_full(place.file):
        return sqlite_files.no_room(place.file)
    if place.file and _damaged(problem):
        return sqlite_files.damaged(str(problem))
    reason = str(getattr(problem, "orig", None) or problem).strip().partition("\n")[0]
    return StartupError(
        english(f"The database at {place} cannot be used: {place.hidden(reason)}"),
        english("Check DATABASE_URL and the server."),
    )
