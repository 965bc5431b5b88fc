"""What only PostgreSQL needs: a pool of connections, and hearing NOTIFY; loaded when the address says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa
import structlog
from sqlalchemy import URL, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.errors import StoreDown
from bot.store.columns import metadata
from bot.store.transactions import AWAY, Here, Work, straight
from bot.store.wakeups import CHANNEL, Wakeups

T = TypeVar("T")

log = structlog.get_logger(__name__)

# Deadlock and serialisation failure: PostgreSQL has rolled the loser back, so it may simply go again
# (https://www.postgresql.org/docs/current/errcodes-appendix.html).
GO_AGAIN = ("40P01", "40001")
TRIES = 4

# How long a cancelled caller waits for its transaction to end before the connection is given up.
FINISH_SECONDS = 5.0

# https://www.postgresql.org/docs/current/runtime-config-query.html
SESSION = {
    # A frozen replica in the middle of a transaction would otherwise hold its row locks for ever.
    "idle_in_transaction_session_timeout": "10s",
    # Every statement of ours touches a few rows by an index. The outbox grows faster than its statistics, and a planner
    # that believes in an empty table reads it whole: a third of the speed at 20,000 announcements, and falling.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}

for _index in [index for table in metadata.tables.values() for index in table.indexes]:
    if _index.dialect_options["sqlite"]["where"] is not None:
        _index.dialect_options["postgresql"]["where"] = _index.dialect_options["sqlite"]["where"]


def pool(url: URL, *, reading: bool = False) -> Pool:
    """A pool of prepared connections to this address, which may be for `reading` only; none is made yet."""
    # hide_parameters: a driver's error must not carry what people typed into a log (design promise 1).
    engine = create_async_engine(url, hide_parameters=True, pool_size=5, max_overflow=5, pool_timeout=10)
    event.listen(engine.sync_engine, "connect", _prepare)
    if reading:
        event.listen(engine.sync_engine, "connect", _prepare_to_read)
    return Pool(engine)


def _prepare(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("; ".join(f"SET {name} = '{value}'" for name, value in SESSION.items()))
    cursor.close()
    connection.commit()


def _prepare_to_read(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("SET default_transaction_read_only = on")
    cursor.close()
    connection.commit()


class Pool:
    """PostgreSQL: several connections, each transaction on one of them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def run(self, work: Work[T]) -> T:
        """See `Transactions`. A cancelled caller lets a transaction that has begun end, if it does so soon."""
        task = asyncio.ensure_future(self._tries(work))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait({task}, timeout=FINISH_SECONDS)
            if not task.cancel() and not task.cancelled():
                task.exception()  # nobody is left to hear it
            raise

    async def _tries(self, work: Work[T]) -> T:
        for attempt in range(1, TRIES + 1):
            committing = False
            try:
                async with self._engine.connect() as connection:
                    # in one go: crossing to SQLAlchemy's side for each statement takes a fifth longer
                    answer = await connection.run_sync(partial(_straight_on, work))
                    committing = True
                    await connection.commit()
                    return answer
            except (*AWAY, DBAPIError) as problem:
                if not committing and attempt < TRIES and _may_go_again(problem, attempt):
                    continue
                if isinstance(problem, AWAY) or problem.connection_invalidated:
                    raise StoreDown from problem
                raise
        raise StoreDown

    async def run_sync(self, work: Callable[[sa.Connection], T]) -> T:
        """See `Transactions`."""
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        """See `Transactions`."""
        await self._engine.dispose()


def _straight_on(work: Work[T], connection: sa.Connection) -> T:
    return straight(work(Here(connection)))


def _may_go_again(problem: Exception, attempt: int) -> bool:
    """Whether nothing was done and going again may help: a lost deadlock, or a pooled connection found dead."""
    if not isinstance(problem, DBAPIError):
        return False
    if getattr(problem.orig, "sqlstate", None) in GO_AGAIN:
        return True
    return problem.connection_invalidated and attempt == 1


class Listener:
    """A connection of its own that hears what other processes say; it comes back by itself when it is cut."""

    def __init__(self, wakeups: Wakeups, connect_arguments: Mapping[str, Any]) -> None:
        self._wakeups = wakeups
        self._arguments = connect_arguments
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen from now on; raises ConnectionError, in the driver's words, if that is not possible at first."""
        try:
            connection = await self._listen()
        except psycopg.Error as problem:
            raise ConnectionError(str(problem)) from problem
        self._task = asyncio.create_task(self._run(connection), name="store listener")

    async def stop(self) -> None:
        """Stop listening and close the connection."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _listen(self) -> psycopg.AsyncConnection:
        connection = await psycopg.AsyncConnection.connect(**{**self._arguments, "autocommit": True})
        try:
            await connection.execute(f"LISTEN {CHANNEL}")
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _run(self, connection: psycopg.AsyncConnection) -> None:
        while True:
            try:
                async for notify in connection.notifies():
                    self._wakeups.hear(notify.payload)
            except psycopg.Error as problem:
                log.warning("the database's wake-ups are cut off", problem=str(problem).strip())
            finally:
                await connection.close()
            connection = await self._return()
            log.info("the database's wake-ups are back")
            self._wakeups.ring_all()

    async def _return(self) -> psycopg.AsyncConnection:
        pause = 0.2
        while True:
            with suppress(psycopg.Error, OSError):
                return await self._listen()
            await asyncio.sleep(pause)
            pause = min(pause * 2, 10.0)
