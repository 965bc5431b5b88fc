"""Run transactions: the interface, and SQLite's runner with one thread (PostgreSQL's is in postgres.py)."""

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

# Errors of the statement itself. Every other error of a driver is the database's state: unavailable, read-only after a
# failover, full, without permission, or it cancelled the statement.
OWN_FAULT = (sqlite3.IntegrityError, sqlite3.DataError)
_NORMAL = 1  # value of SQLite's `synchronous`


# The function to run in a transaction, with a connection: the driver's for SQLite, SQLAlchemy's for PostgreSQL. It may
# be called more than once, each time in a new transaction.
Work = Callable[[Any], T]


class StartOptions(NamedTuple):
    """Options of `start`: the timeout in seconds, and whether on SQLite the commit waits for the disk.

    Unless `synced`, a power cut (not the end of the process) may undo the commit until a later `run` has returned. Use
    that only for data that is meaningless without the data of that later transaction.
    """

    seconds: float
    synced: bool = True


class Runner(Protocol):
    """Runs functions in transactions; raises `DatabaseUnavailable` when the database cannot do it now.

    `errors` are the driver's exceptions, which `run_raw` raises unchanged.
    """

    errors: tuple[type[Exception], ...]

    async def run(self, work: Work[T], committed: Callable[[T], None]) -> T:
        """Run `work` in a new transaction, then call `committed` with its result, on the event loop.

        `committed` is called even if the caller was cancelled meanwhile.
        """
        ...

    def start(self, work: Work[T], committed: Callable[[T], None], how: StartOptions) -> asyncio.Future[T]:
        """Start what `run` does at once; the future raises DatabaseUnavailable after the timeout."""
        ...

    async def run_raw(self, work: Work[T]) -> T:
        """Run `work` once and raise the driver's errors unchanged. For Alembic and checks of the file."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class SqliteRunner:
    """Runs SQLite transactions in order, on one connection in its own thread.

    A transaction switches to the thread and back once. A driver that switches for each statement (aiosqlite: some
    twenty times for one step of the outbox) took four times as long, and longer still with a busy event loop.

    Work that is queued during a commit shares the next commit, in order: a commit waits for the disk a millisecond or
    more, and sixteen concurrent clicks would wait for sixty commits in a row. The thread takes the queue itself, since
    a busy event loop would leave the disk idle.
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
        """See `Runner`. Cancelling the caller does not stop a running transaction."""
        return await self._enqueue(work, committed)

    def start(self, work: Work[T], committed: Callable[[T], None], how: StartOptions) -> asyncio.Future[T]:
        """See `Runner`."""
        answer = self._enqueue(work, committed, synced=how.synced)
        limit = asyncio.get_running_loop().call_later(how.seconds, _give_up, answer)
        answer.add_done_callback(lambda _: limit.cancel())
        return answer

    def _enqueue(self, work: Work[T], committed: Callable[[T], None], *, synced: bool = True) -> asyncio.Future[T]:
        """Queue work and wake the thread, which takes everything queued until it starts."""
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
        """Run the queued work in one group commit, on the thread."""
        self._is_called = False  # before reading the queue: work queued after that calls again
        group: list[_QueuedWork] = []
        while self._queue:  # only this thread removes from it
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
        with suppress(RuntimeError):  # the loop is closed, so no caller waits
            loop.call_soon_threadsafe(_tell_callers, group, ends)

    def _together(self, group: list[Work[Any]], *, synced: bool) -> list[_WorkResult]:
        """Run several functions in one transaction; each in its own transaction if any of them fails."""
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
        """See `Runner`; running work ends first."""
        self._call_thread(asyncio.get_running_loop())
        await self._in_thread(self._disconnect)
        self._thread.close()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.shield(self._thread.do(work))


def _rolled_back(connection: sqlite3.Connection) -> sqlite3.Connection | None:
    """Roll back; return the connection, None if it is not usable any more."""
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    except sqlite3.Error:
        with suppress(sqlite3.Error):
            connection.close()
        return None
    return connection


class _WorkResult(NamedTuple):
    """The result of one queued function."""

    value: Any = None
    error: BaseException | None = None


# with the callback after the commit, whether the commit waits for the disk, and the caller's future
_QueuedWork = tuple[Work[Any], Callable[[Any], None], bool, asyncio.Future[Any]]


@contextmanager
def _unsynced(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit without waiting for the disk within the block; the next commit that waits includes it.

    https://www.sqlite.org/pragma.html#pragma_synchronous: a power cut may lose the end of the write-ahead log.
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
    """Return the error for the caller: DatabaseUnavailable, unless the statement itself is wrong."""
    if not isinstance(error, sqlite3.Error) or isinstance(error, OWN_FAULT):
        return error
    unavailable = DatabaseUnavailable()
    unavailable.__cause__ = error
    return unavailable


def _give_up(answer: asyncio.Future[Any]) -> None:
    if not answer.done():
        answer.set_exception(DatabaseUnavailable())
