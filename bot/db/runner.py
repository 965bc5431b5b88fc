"""Running a transaction; here on one thread, for SQLite, and in postgresql.py on a pool of connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.db.daemon_threads import DaemonThreads
from bot.exceptions import DatabaseUnavailable

T = TypeVar("T")

# What the statement itself did wrong. Every other error of a driver is the database's state: it is away, read-only
# after a failover, full, without our rights, or it broke the statement off.
OWN_FAULT = (IntegrityError, DataError)
DRIVERS = (DBAPIError, PoolTimeout)


# What is done in one transaction; it may be done more than once, each time in a new one.
Work = Callable[[sa.Connection], T]


class Runner(Protocol):
    """Work in, its answer out, in one transaction; raises `DatabaseUnavailable` when the database cannot do it now."""

    async def run(self, work: Work[T], committed: Callable[[T], None]) -> T:
        """Do `work` in a transaction of its own, then call `committed` with its answer, on the event loop.

        `committed` is called even when the caller was cancelled meanwhile.
        """
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
    waits for the disk a millisecond or more, and sixteen clicks at once would wait for sixty of them in line.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        # the only one; a pool would hand it out and take it back each time
        self._connection: sa.Connection | None = None
        self._thread = DaemonThreads(most=1)
        self._line: list[tuple[Work[Any], Callable[[Any], None], asyncio.Future[Any]]] = []
        self._serving: asyncio.Task[None] | None = None

    async def run(self, work: Work[T], committed: Callable[[T], None]) -> T:
        """See `Runner`. A cancelled caller does not stop a transaction that has begun."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._line.append((work, committed, answer))
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())
        try:
            return await answer
        except OWN_FAULT:
            raise
        except DRIVERS as problem:
            raise DatabaseUnavailable from problem

    async def _serve(self) -> None:
        """Run queued work in one group commit, until the queue is empty."""
        while self._line:
            group = [request for request in self._line if not request[-1].done()]
            self._line = []
            try:
                ends = await self._in_thread(partial(self._together, [work for work, _, _ in group]))
            except BaseException:
                for _, _, answer in group:
                    answer.cancel()
                raise
            for (_, committed, answer), end in zip(group, ends, strict=True):
                if not end.error:
                    committed(end.value)
                if not answer.done():
                    answer.set_exception(end.error) if end.error else answer.set_result(end.value)

    def _together(self, group: list[Work[Any]]) -> list[_WorkResult]:
        """Do several pieces of work in one transaction; each in one of its own when any of them fails."""
        if not group:
            return []
        try:
            return self._transact(lambda connection: [_WorkResult(work(connection)) for work in group])
        except Exception as error:  # noqa: BLE001 - it is raised to the caller
            if len(group) == 1:
                return [_WorkResult(error=error)]
        return [end for work in group for end in self._together([work])]

    async def run_raw(self, work: Work[T]) -> T:
        """See `Runner`."""

        return await self._in_thread(partial(self._transact, work))

    def _transact(self, work: Work[T]) -> T:
        connection = self._connection or self._engine.connect()
        self._connection = None
        try:
            with connection.begin():
                answer = work(connection)
        except BaseException:
            connection.close()  # the pool puts it right
            raise
        self._connection = connection
        return answer

    def _disconnect(self) -> None:
        if self._connection:
            self._connection.close()
        self._engine.dispose()

    async def close(self) -> None:
        """See `Runner`; what is under way ends first."""
        if self._serving:
            await asyncio.wait({self._serving})
        await self._in_thread(self._disconnect)
        self._thread.close()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.shield(self._thread.do(work))


class _WorkResult(NamedTuple):
    """How a piece of work ended."""

    value: Any = None
    error: Exception | None = None
