"""PostgreSQL only: a pool of connections and a listener for NOTIFY; loaded when the address asks for it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa
from psycopg.rows import namedtuple_row
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.db import download_schema, schema  # noqa: F401 - they put the tables into `metadata`
from bot.db.column_types import metadata
from bot.db.connect import DatabaseUrl
from bot.db.daemon_threads import DaemonThreads
from bot.db.runner import StartOptions, Work
from bot.db.wakeups import CHANNEL, Notifier
from bot.exceptions import DatabaseUnavailable, kind_of
from bot.observability.causes import cause
from bot.observability.logging import LogThrottle, logger

T = TypeVar("T")

log = logger(__name__)

# As for SQLite (runner.py), as SQLAlchemy wraps psycopg's.
OWN_FAULT = (IntegrityError, DataError)
DRIVERS = (DBAPIError, PoolTimeout)

# Deadlock and serialisation failure: PostgreSQL has rolled back, so the transaction can be retried
# (https://www.postgresql.org/docs/current/errcodes-appendix.html).
GO_AGAIN = ("40P01", "40001")
# The error of a write when the server has become a standby.
READ_ONLY = "25006"
# Errors of prepared statements behind a pooler that gives each transaction another server connection.
UNPREPARED = ("26000", "42P05")
TRIES = 4

# Concurrent transactions. All connections stay open: a new one costs as much CPU as ten announcements, and must prepare
# every statement again.
CONNECTIONS = 10

# Transactions of a connection before its plans are discarded for the first time.
PLANNED_ANEW = 32

# Poll interval for notifications of other replicas, where no NOTIFY comes through.
POLL_SECONDS = 2.0

# How long a caller waits for a connection before DatabaseUnavailable.
ROOM_SECONDS = 10.0

# How long a cancelled caller waits for its transaction to end before the connection is given up.
FINISH_SECONDS = 5.0

# https://www.postgresql.org/docs/current/runtime-config-query.html
SESSION = {
    # A frozen replica in the middle of a transaction would otherwise hold its row locks for ever.
    "idle_in_transaction_session_timeout": "10s",
    # Every statement touches a few rows by an index. The outbox grows faster than its statistics, and a planner that
    # assumes an empty table scans it: a third of the speed at 20,000 announcements, and falling.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
    # One generic plan per statement; planning each time took longer than the execution.
    "plan_cache_mode": "force_generic_plan",
}

for _index in [index for table in metadata.tables.values() for index in table.indexes]:
    if _index.dialect_options["sqlite"]["where"] is not None:
        _index.dialect_options["postgresql"]["where"] = _index.dialect_options["sqlite"]["where"]
    if _index.name == "ix_key_value_prefix":
        _index.dialect_options["postgresql"]["ops"] = {"key": "text_pattern_ops"}


def pool(place: DatabaseUrl, *, reading: bool = False) -> PostgresRunner:
    """Return a pool of configured connections to this address, read-only with `reading`; it connects on first use.

    Behind a pgbouncer in transaction mode a connection keeps no settings, so each transaction starts by setting them.
    """
    # hide_parameters: a driver's error must not put typed text into a log (guarantee 1).
    assert place.url
    engine = sa.create_engine(
        place.url,
        hide_parameters=True,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_use_lifo=True,  # fewer connections in use have their statements prepared sooner
        connect_args={"prepare_threshold": place.prepare_threshold},
    )
    if place.is_pooled:
        local = _set("SET LOCAL", SESSION | ({"transaction_read_only": "on"} if reading else {}))
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(local))
    else:
        session = _set("SET", SESSION | ({"default_transaction_read_only": "on"} if reading else {}))
        event.listen(engine, "connect", partial(_prepare, session))
        event.listen(engine, "begin", _plan_anew)
    return PostgresRunner(engine)


def _set(command: str, settings: Mapping[str, str]) -> str:
    return "; ".join(f"{command} {name} = '{value}'" for name, value in settings.items())


def _prepare(statements: str, connection: DBAPIConnection, _record: object) -> None:
    cursor: Any = connection.cursor()
    cursor.execute(statements, prepare=False)  # several statements in one call cannot be prepared
    cursor.close()
    connection.commit()


def _plan_anew(connection: sa.Connection) -> None:
    """Discard plans made for smaller tables, each time a connection's number of transactions doubles.

    Before the server updates its statistics, a table may be a thousand times larger than when the plan was made.
    https://www.postgresql.org/docs/current/sql-discard.html
    """
    begun = connection.info["begun"] = connection.info.get("begun", 0) + 1
    if begun >= PLANNED_ANEW and begun.bit_count() == 1:
        connection.exec_driver_sql("DISCARD PLANS")


def execute_pipeline(connection: sa.Connection, steps: Sequence[tuple[str, Mapping[str, object]]]) -> list[list[Any]]:
    """Send all statements of a transaction before reading the first result; return the rows of each.

    https://www.psycopg.org/psycopg3/docs/advanced/pipeline.html
    """
    if not connection.in_transaction():
        connection.begin()
    driver: Any = connection.connection.driver_connection
    try:
        with driver.pipeline():
            cursors = [driver.cursor(row_factory=namedtuple_row).execute(text, values) for text, values in steps]
        return [cursor.fetchall() if cursor.description else [] for cursor in cursors]
    except psycopg.Error as problem:
        is_gone = connection.dialect.is_disconnect(problem, driver, None)  # type: ignore[arg-type]
        if is_gone:  # as SQLAlchemy does when it executes a statement: the other connections are as old
            connection.invalidate(problem)
            connection.engine.dispose(close=False)
        raise DBAPIError.instance(
            None,
            None,
            problem,
            psycopg.Error,
            hide_parameters=True,
            connection_invalidated=is_gone,
            dialect=connection.dialect,
        ) from problem


class PostgresRunner:
    """Runs each transaction on one of several PostgreSQL connections, in a thread.

    As for SQLite, a transaction switches to a thread and back once. psycopg's coroutines return to the event loop for
    each response of the server: with a busy loop the outbox took a sixth longer.
    """

    errors: tuple[type[Exception], ...] = DRIVERS

    def __init__(self, engine: sa.Engine, *, room_seconds: float = ROOM_SECONDS) -> None:
        self._engine = engine
        self._room_seconds = room_seconds
        self._room = asyncio.Semaphore(CONNECTIONS)
        self._threads = DaemonThreads()
        self._log_throttle = LogThrottle()

    async def run(self, work: Work[T], committed: Callable[[T], None]) -> T:
        """See `Runner`. When the caller is cancelled, a running transaction may finish for a short while."""
        line = _CancelHandle()
        doing = await self._begun(partial(self._tries, work, line))
        doing.add_done_callback(partial(_after, committed))
        try:
            return await asyncio.shield(doing)
        except asyncio.CancelledError:
            await asyncio.wait({doing}, timeout=FINISH_SECONDS)
            if not doing.done():
                line.cut()
            raise

    def start(self, work: Work[T], committed: Callable[[T], None], how: StartOptions) -> asyncio.Future[T]:
        """See `Runner`."""
        return asyncio.create_task(_within(how.seconds, self.run(work, committed)))

    async def _begun(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Begin `work` on a thread as soon as a connection is free.

        Raises `DatabaseUnavailable` when none becomes free in time.
        """
        try:
            async with asyncio.timeout(self._room_seconds):
                await self._room.acquire()
        except TimeoutError:
            raise DatabaseUnavailable from None
        doing = self._threads.do(work)
        doing.add_done_callback(lambda _: self._room.release())
        return doing

    def _tries(self, work: Work[T], line: _CancelHandle) -> T:
        for attempt in range(1, TRIES + 1):
            committing = False
            try:
                with self._engine.connect() as connection, line.to(connection):
                    answer = work(connection)
                    committing = True
                    connection.commit()
                    return answer
            except DRIVERS as problem:
                if _state(problem) in UNPREPARED and self._log_throttle.due("pooling"):
                    log.error("db.transactions_are_pooled", fix="set PGBOUNCER=transaction", cause=cause(problem))
                if _state(problem) == READ_ONLY:
                    self._engine.dispose(close=False)  # it is a standby now: new connections look for the primary
                if not committing and attempt < TRIES and not line.is_cut and _may_go_again(problem, attempt):
                    continue
                if isinstance(problem, OWN_FAULT):
                    raise
                raise DatabaseUnavailable from problem
        raise DatabaseUnavailable

    async def run_raw(self, work: Work[T]) -> T:
        """See `Runner`. When the caller is cancelled, the transaction is rolled back at once."""
        line = _CancelHandle()

        def transact() -> T:
            with self._engine.connect() as connection, line.to(connection), connection.begin():
                return work(connection)

        try:
            return await asyncio.shield(await self._begun(transact))
        except asyncio.CancelledError:
            line.cut()
            raise

    async def close(self) -> None:
        """See `Runner`."""
        await self._threads.do(self._engine.dispose)
        self._threads.close()


async def _within(seconds: float, doing: Coroutine[Any, Any, T]) -> T:
    """Raise `DatabaseUnavailable` when the block takes longer."""
    try:
        async with asyncio.timeout(seconds):
            return await doing
    except TimeoutError as error:
        raise DatabaseUnavailable from error


def _after(committed: Callable[[T], None], done: asyncio.Future[T]) -> None:
    if not done.cancelled() and done.exception() is None:
        committed(done.result())


class _CancelHandle:
    """The socket of a transaction, to be shut down from outside when the server no longer answers."""

    def __init__(self) -> None:
        self.is_cut = False
        self._connection: Any = None

    @contextmanager
    def to(self, connection: sa.Connection) -> Iterator[None]:
        """Hold this connection during the block. Raises `DatabaseUnavailable` when it was already aborted."""
        if self.is_cut:
            raise DatabaseUnavailable
        self._connection = connection.connection.driver_connection
        try:
            yield
        finally:
            self._connection = None

    def cut(self) -> None:
        """Abort the pending operation with an error."""
        self.is_cut = True
        if connection := self._connection:
            with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as wire:
                wire.shutdown(socket.SHUT_RDWR)


def _may_go_again(problem: Exception, attempt: int) -> bool:
    """Return whether the transaction can be retried: after a deadlock, or with a pooled connection that was closed."""
    if not isinstance(problem, DBAPIError):
        return False
    state = _state(problem)
    return state in GO_AGAIN or (attempt == 1 and (state == READ_ONLY or problem.connection_invalidated))


def _state(problem: Exception) -> str | None:
    state: str | None = getattr(getattr(problem, "orig", None), "sqlstate", None)
    return state


async def _end(task: asyncio.Task[None] | None) -> None:
    """Cancel a task, if there is one, and wait for its end."""
    if task:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class PgListener:
    """A connection that listens for the NOTIFYs of other processes; it reconnects when it is interrupted."""

    def __init__(self, notifier: Notifier, connect_arguments: Mapping[str, Any]) -> None:
        self._notifier = notifier
        self._arguments = connect_arguments
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start listening. Raises ConnectionError with the driver's message if the first connection fails."""
        try:
            connection = await self._listen()
        except psycopg.Error as problem:
            raise ConnectionError(str(problem)) from problem
        self._task = asyncio.create_task(self._run(connection), name="store listener")

    async def stop(self) -> None:
        """Stop listening and close the connection."""
        await _end(self._task)
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
                    self._notifier.receive(notify.payload)
            except psycopg.Error as problem:
                log.warning("db.wakeups_away", problem=kind_of(problem), cause=cause(problem))
            finally:
                await connection.close()
            connection = await self._return()
            log.info("db.wakeups_back")
            self._notifier.notify_all()

    async def _return(self) -> psycopg.AsyncConnection:
        pause = 0.2
        while True:
            with suppress(psycopg.Error, OSError):
                return await self._listen()
            await asyncio.sleep(pause)
            pause = min(pause * 2, 10.0)


class PgPoller:
    """Replaces `PgListener` behind a pgbouncer in transaction mode, through which no NOTIFY comes.

    Workers are woken at short intervals; the replica that receives a change in Slack writes it to a table.
    """

    def __init__(self, notifier: Notifier, changes: Callable[[], Awaitable[Mapping[str, str]]]) -> None:
        self._notifier = notifier
        self._changes = changes
        self._known: Mapping[str, str] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start polling."""
        self._task = asyncio.create_task(self._run(), name="store poller")

    async def stop(self) -> None:
        """Stop polling."""
        await _end(self._task)
        self._task = None

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            self._notifier.notify_all()
            with suppress(DatabaseUnavailable):  # the workers report the outage
                await self._tell_changes()

    async def _tell_changes(self) -> None:
        """Notify of the Slack changes that other replicas have written since the last poll."""
        found = await self._changes()
        for who, change in found.items():
            if change != self._known.get(who) and not change.endswith(self._notifier.sender):
                self._notifier.tell_change(who)
        self._known = found
