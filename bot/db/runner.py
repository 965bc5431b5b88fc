"""Running a transaction; here on one thread, for SQLite, and in postgresql.py on a pool of connections."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar

from bot.db.daemon_threads import DaemonThread
from bot.exceptions import DatabaseUnavailable

T = TypeVar("T")

# What the statement itself did wrong. Every other error of a driver is the database's state: it is away, read-only
# after a failover, full, without our rights, or it broke the statement off.
OWN_FAULT = (sqlite3.IntegrityError, sqlite3.DataError)
_NORMAL = 1  # of SQLite's `synchronous`


# What is done in one transaction, on a connection: the driver's for SQLite, SQLAlchemy's for PostgreSQL. It may be done
# more than once, each time in a new one.
Work = Callable[[Any], T]


class StartOptions(NamedTuple):
    """How work is begun: the seconds it may take, and whether on SQLite its commit waits for the disk.

    Unless `synced`, a power cut may undo it, unlike the end of the process; not once a later `run` has returned. So
    that is for what means nothing without what that one writes.
    """

    seconds: float
    synced: bool = True


class Runner(Protocol):
    """Work in, its answer out, in one transaction; raises `DatabaseUnavailable` when the database cannot do it now.

    `errors` are the driver's, which `run_raw` raises as they are.
    """

    errors: tuple[type[Exception], ...]

    async def run(self, work: Work[T], committed: Callable[[T], None]) -> T:
        """Do `work` in a transaction of its own, then call `committed` with its answer, on the event loop.

        `committed` is called even when the caller was cancelled meanwhile.
        """
        ...

    def start(self, work: Work[T], committed: Callable[[T], None], how: StartOptions) -> asyncio.Future[T]:
        """Begin at once what `run` does; the future raises DatabaseUnavailable when it takes too long."""
        ...

    async def run_raw(self, work: Work[T]) -> T:
        """Do `work` once; the driver's errors come as they are. For Alembic and checks of the file."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class SqliteRunner:
    """SQLite: one connection, on a thread of its own that takes one transaction after the other.

    A transaction crosses to the thread and back once. A driver that crosses for each step (aiosqlite: some twenty
    times for what the outbox does in one go) took four times as long, and longer still beside a busy event loop.

    What has come while the disk was busy with the last commit shares the next one, in the order it came: a commit
    waits for the disk a millisecond or more, and sixteen clicks at once would wait for sixty of them in line. The
    thread takes it by itself, since a busy event loop would let the disk wait.
    """

    errors: tuple[type[Exception], ...] = (sqlite3.Error,)

    def __init__(self, open_connection: Callable[[], sqlite3.Connection], *, begin: str = "BEGIN IMMEDIATE") -> None:
        self._open = open_connection
        self._begin = begin
        self._connection: sqlite3.Connection | None = None
        self._thread = DaemonThread()
        self._queue: deque[_QueuedWork] = deque()
        self._is_called = False

    async def run(self, work: Work[T], committed: Callable[[T], None]) -> T:
        """See `Runner`. A cancelled caller does not stop a transaction that has begun."""
        return await self._enqueue(work, committed)

    def start(self, work: Work[T], committed: Callable[[T], None], how: StartOptions) -> asyncio.Future[T]:
        """See `Runner`."""
        answer = self._enqueue(work, committed, synced=how.synced)
        limit = asyncio.get_running_loop().call_later(how.seconds, _give_up, answer)
        answer.add_done_callback(lambda _: limit.cancel())
        return answer

    def _enqueue(self, work: Work[T], committed: Callable[[T], None], *, synced: bool = True) -> asyncio.Future[T]:
        """Queue work and wake the thread; it begins when the event loop lets it, with what is queued until then."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._queue.append((work, committed, synced, answer))
        if not self._is_called:
            self._call_thread(loop)
        return answer

    def _call_thread(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_called = True
        self._thread.call(partial(self._serve, loop))

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run what is queued now in one group commit, on the thread."""
        self._is_called = False  # before the queue is read: what comes after that calls again
        group: list[_QueuedWork] = []
        while self._queue:  # which only this thread shortens
            queued = self._queue.popleft()
            if not queued[-1].done():
                group.append(queued)
        if not group:
            return
        try:
            synced = any(synced for _, _, synced, _ in group)
            ends = self._together([work for work, *_ in group], synced=synced)
        except BaseException as error:  # noqa: BLE001 - it is raised to the callers
            ends = [_WorkResult(error=error)] * len(group)
        with suppress(RuntimeError):  # the loop is closed, so nobody waits any more
            loop.call_soon_threadsafe(_tell_callers, group, ends)

    def _together(self, group: list[Work[Any]], *, synced: bool) -> list[_WorkResult]:
        """Do several pieces of work in one transaction; each in one of its own when any of them fails."""
        try:
            return self._transact(lambda connection: [_WorkResult(work(connection)) for work in group], synced=synced)
        except Exception as error:  # noqa: BLE001 - it is raised to the caller
            if len(group) == 1:
                return [_WorkResult(error=error)]
        return [end for work in group for end in self._together([work], synced=synced)]

    async def run_raw(self, work: Work[T]) -> T:
        """See `Runner`."""
        return await self._in_thread(partial(self._transact, work))

    def _transact(self, work: Work[T], *, synced: bool = True) -> T:
        connection = self._connection or self._open()
        self._connection = None
        with nullcontext() if synced else _unsynced(connection):
            try:
                connection.execute(self._begin)
                answer = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                self._connection = _rolled_back(connection)
                raise
        self._connection = connection
        return answer

    def _disconnect(self) -> None:
        if self._connection:
            self._connection.close()

    async def close(self) -> None:
        """See `Runner`; what is under way ends first."""
        self._call_thread(asyncio.get_running_loop())
        await self._in_thread(self._disconnect)
        self._thread.close()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.shield(self._thread.do(work))


def _rolled_back(connection: sqlite3.Connection) -> sqlite3.Connection | None:
    """End what was begun; returns the connection, None when it is of no use any more."""
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    except sqlite3.Error:
        with suppress(sqlite3.Error):
            connection.close()
        return None
    return connection


class _WorkResult(NamedTuple):
    """How a piece of work ended."""

    value: Any = None
    error: BaseException | None = None


# with what is called after its commit, whether that waits for the disk, and where its caller waits
_QueuedWork = tuple[Work[Any], Callable[[Any], None], bool, asyncio.Future[Any]]


@contextmanager
def _unsynced(connection: sqlite3.Connection) -> Iterator[None]:
    """Let a commit in the block not wait for the disk; the next one that does takes it along.

    https://www.sqlite.org/pragma.html#pragma_synchronous: of the write-ahead log a power cut takes the end.
    """
    (usual,) = connection.execute("PRAGMA synchronous").fetchone()
    connection.execute(f"PRAGMA synchronous = {min(usual, _NORMAL)}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA synchronous = {usual}")


def _tell_callers(group: Sequence[_QueuedWork], ends: Sequence[_WorkResult]) -> None:
    for (_, committed, _, answer), end in zip(group, ends, strict=True):
        if not end.error:
            committed(end.value)
        if not answer.done():
            answer.set_exception(_told(end.error)) if end.error else answer.set_result(end.value)


def _told(error: BaseException) -> BaseException:
    """Return what the caller is told: that the database is unavailable, unless the statement itself is wrong."""
    if not isinstance(error, sqlite3.Error) or isinstance(error, OWN_FAULT):
        return error
    unavailable = DatabaseUnavailable()
    unavailable.__cause__ = error
    return unavailable


def _give_up(answer: asyncio.Future[Any]) -> None:
    if not answer.done():
        answer.set_exception(DatabaseUnavailable())
