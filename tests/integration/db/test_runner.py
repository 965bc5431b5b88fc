"""All or nothing, outages in our words, and what a database cannot hold."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest
import sqlalchemy as sa

from bot.db import app_polls, audit, builds, database_info, key_value, seen_events, subscriptions
from bot.db.connect import IN_MEMORY, DatabaseUrl
from bot.db.database import Database
from bot.db.dialect_sql import written
from bot.db.postgres import CONNECTIONS, PostgresRunner
from bot.db.runner import StartOptions
from bot.db.transaction import Transaction
from bot.domain.audit import AuditAction, AuditEntry
from bot.domain.model import BuildEvent, BuildTransition, NewDelivery, Stage
from bot.exceptions import DatabaseUnavailable
from tests.support.builders import build, fill, look, subscribe, take
from tests.support.postgres import PostgresServer
from tests.support.sqlalchemy_core import core
from tests.support.waiting import PATIENCE, busyness, until

INTEGRITY = (sqlite3.IntegrityError, sa.exc.IntegrityError)


async def test_a_failure_half_way_leaves_nothing(store: Database) -> None:
    await subscribe(store)
    news = build("b1", Stage.READY)
    nowhere = NewDelivery(None, "b1", BuildEvent.FAILED)  # type: ignore[arg-type]
    good = NewDelivery("C1", "b1", BuildEvent.PROCESSED)
    with pytest.raises(INTEGRITY):
        await look(store, [BuildTransition(news, None)], [good, nowhere])
    assert await store.run(builds.list_known, "app", ["b1"]) == {}
    assert await take(store) == []
    assert await store.run(app_polls.claim_due_apps, 1, 60, only_due=False) == []  # the lease has not ended either


async def test_runner_cancelled_caller_harms_no_transaction(store: Database) -> None:
    for delay in (0, 0.0005, 0.001, 0.002):
        task = asyncio.create_task(store.run(key_value.set_value, "note", str(delay)))
        await asyncio.sleep(delay)
        task.cancel()
        await asyncio.wait({task})
    await store.run(key_value.set_value, "last", "word")
    assert await store.run(key_value.get_value, "last") == "word"


@pytest.mark.postgres
async def test_runner_cancelled_caller_abandons_endless_transaction(postgres_url: str) -> None:
    store = await Database.open(postgres_url)
    failed: list[BaseException] = []

    def work(tx: Transaction) -> None:
        try:
            core(tx, sa.text("SELECT pg_sleep(60)"))
        except BaseException as error:
            failed.append(error)
            raise

    task = asyncio.create_task(store.run(work))
    await asyncio.sleep(0.2)
    async with asyncio.timeout(15 * busyness()):
        task.cancel()
        await asyncio.wait({task})
        await store.run(key_value.set_value, "last", "word")
        while not failed:
            await asyncio.sleep(0.05)
        await store.close()
    assert task.cancelled()


@pytest.mark.postgres
async def test_runner_no_free_connection_raises_database_unavailable(postgres_url: str) -> None:
    pool = PostgresRunner(sa.create_engine(DatabaseUrl.parse(postgres_url).url), room_seconds=0.2)

    committed: list[object] = []

    def work(connection: sa.Connection) -> None:
        connection.execute(sa.text("SELECT pg_sleep(2)"))

    def quick(connection: sa.Connection) -> int:
        return int(connection.execute(sa.text("SELECT 1")).scalar_one())

    long = [asyncio.create_task(pool.run(work, committed.append)) for _ in range(CONNECTIONS)]
    await asyncio.sleep(0)
    with pytest.raises(DatabaseUnavailable):
        await pool.run(quick, committed.append)
    await asyncio.gather(*long)
    assert await pool.run(quick, committed.append) == 1
    assert committed == [*[None] * CONNECTIONS, 1]
    await pool.close()


@pytest.mark.postgres
async def test_runner_connections_are_made_once(postgres_url: str) -> None:
    store = await Database.open(postgres_url)

    def work(tx: Transaction) -> int:
        core(tx, sa.text("SELECT pg_sleep(0.1)"))
        return int(core(tx, sa.text("SELECT pg_backend_pid()")).scalar_one())

    async def at_once() -> set[int]:
        return set(await asyncio.gather(*(store.run(work) for _ in range(CONNECTIONS))))

    first = await at_once()
    assert await at_once() == first
    await store.close()


HANGS = """
import asyncio, sys
from bot.db.daemon_threads import DaemonThreads

async def main():
    asyncio.get_running_loop().call_later(0.1, sys.exit, 3)
    await DaemonThreads().do(__import__("threading").Event().wait)

asyncio.run(main())
"""


def test_a_thread_that_hangs_keeps_no_process_from_ending() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGS], check=False, timeout=20, capture_output=True)
    assert ended.returncode == 3, ended.stderr.decode()


async def test_transactions_wait_in_line_instead_of_failing(store: Database) -> None:
    assert all(await asyncio.gather(*(store.run(seen_events.record_event, f"Ev{n}") for n in range(100))))


async def test_runner_waiting_transaction_raises_runtime_error() -> None:
    store = await Database.open(IN_MEMORY)

    async def work(_tx: Transaction) -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="waits for nothing"):
        await store.run(work)
    await store.run(database_info.ping)
    await store.close()


async def test_runner_failed_call_does_not_affect_concurrent_calls(store: Database) -> None:
    def half(tx: Transaction) -> None:
        core(tx, sa.text("INSERT INTO key_value (key, value) VALUES ('half', 'x')"))
        core(tx, sa.text("INSERT INTO key_value (key, value) VALUES ('half', 'again')"))

    before = [store.run(key_value.set_value, f"before{n}", "x") for n in range(5)]
    after = [store.run(key_value.set_value, f"after{n}", "x") for n in range(5)]
    ends = await asyncio.gather(*before, store.run(half), *after, return_exceptions=True)
    assert [type(end).__name__ for end in ends if end] == ["IntegrityError"]
    assert await store.run(key_value.get_value, "half") is None
    assert [await store.run(key_value.get_value, f"{when}{n}") for when in ("before", "after") for n in range(5)] == [
        "x"
    ] * 10


async def test_runner_simultaneous_calls_share_commit_on_sqlite() -> None:
    store = await Database.open(IN_MEMORY)
    statements: list[str] = []
    store._runner._connection.set_trace_callback(statements.append)  # type: ignore[attr-defined]
    free = threading.Event()
    busy = store.start(StartOptions(PATIENCE), lambda _: free.wait(PATIENCE))
    calls = [asyncio.create_task(store.run(key_value.set_value, f"note{n}", "x")) for n in range(50)]
    await asyncio.sleep(0)
    free.set()
    await asyncio.gather(busy, *calls)
    assert statements.count("COMMIT") <= 2
    await store.close()


async def test_runner_started_call_needs_no_waiter(store: Database) -> None:
    started = store.start(StartOptions(PATIENCE), key_value.set_value, "note", "started")
    assert await store.run(key_value.get_value, "note") in (None, "started")  # PostgreSQL has a connection for each
    await until(started.done)
    assert await store.run(key_value.get_value, "note") == "started"


async def test_runner_started_call_fails_as_one_that_is_waited_for(store: Database) -> None:
    def fail(tx: Transaction) -> None:
        core(tx, sa.text("INSERT INTO key_value (key) VALUES (NULL)"))

    with pytest.raises(INTEGRITY):
        await store.start(StartOptions(PATIENCE), fail)


async def test_runner_started_call_gives_up_in_time(store: Database) -> None:
    held, free = threading.Event(), threading.Event()

    def hold(_: Transaction) -> None:
        held.set()
        free.wait(PATIENCE)

    holding = [asyncio.create_task(store.run(hold)) for _ in range(CONNECTIONS)]
    await until(held.is_set)
    with pytest.raises(DatabaseUnavailable):
        await store.start(StartOptions(0.05), key_value.set_value, "note", "late")
    free.set()
    await asyncio.gather(*holding)
    assert await store.run(key_value.get_value, "note") is None, "nobody waits for it, so it is not begun"


async def test_runner_queued_call_completes_on_close() -> None:
    store = await Database.open(IN_MEMORY)
    first = asyncio.create_task(store.run(key_value.set_value, "first", "x"))
    await asyncio.sleep(0)
    second = asyncio.create_task(store.run(seen_events.record_event, "Ev1"))
    await asyncio.sleep(0)
    await store.close()
    assert (await first, await second) == (None, True)


async def test_driver_errors_are_store_down_and_carry_no_values(store: Database) -> None:
    def work(tx: Transaction) -> None:
        error = "SELECT nothing_like_it(:x)" if store.dialect == "sqlite" else "SELECT pg_sleep(9), CAST(:x AS text)"
        if store.dialect == "postgresql":
            core(tx, sa.text("SET LOCAL statement_timeout = 10"))
        core(tx, sa.text(error), x="what somebody typed")

    with pytest.raises(DatabaseUnavailable) as down:
        await store.run(work)
    assert "what somebody typed" not in f"{down.value} {down.value.__cause__}"
    await store.run(database_info.ping)


ADD = written("INSERT INTO key_value (key, value) VALUES (:key, :value) RETURNING key")


async def test_runner_statements_together_answer_in_their_order(store: Database) -> None:
    def work(tx: Transaction) -> list[list[str]]:
        steps = [(ADD, {"key": name, "value": "1"}) for name in ("a", "b")]
        return [[row.key for row in rows] for rows in tx.execute_all(steps)]

    assert await store.run(work) == [["a"], ["b"]]
    assert await store.run(key_value.scan_values, "") == {"a": "1", "b": "1"}


async def test_runner_statements_together_fail_together(store: Database) -> None:
    typed = [(ADD, {"key": "a", "value": "what somebody typed"})]
    with pytest.raises(INTEGRITY) as failure:
        await store.run(Transaction.execute_all, typed * 2)
    assert "what somebody typed" not in str(failure.value)
    assert await store.run(key_value.get_value, "a") is None


@pytest.mark.postgres
async def test_runner_outage_is_database_unavailable_and_recovers(postgres_server: PostgresServer) -> None:
    address = postgres_server.fresh()
    store = await Database.open(address)
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as session:
        name = address.rpartition("/")[2]
        session.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        session.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        with pytest.raises(DatabaseUnavailable):
            await store.run(database_info.ping)
        session.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    await store.run(database_info.ping)
    await store.close()
    postgres_server.drop(address)


@pytest.mark.postgres
async def test_a_restart_of_the_server_between_two_calls_is_not_felt(postgres_url: str, postgres_server) -> None:
    store = await Database.open(postgres_url)
    await fill(store, ["C1"], ["b1"])
    await asyncio.to_thread(postgres_server.restart)
    assert [claim.announcement.build.id for claim in await take(store)] == ["b1"]
    await store.close()


@pytest.mark.postgres
async def test_the_loser_of_a_deadlock_goes_again(postgres_url: str) -> None:
    store = await Database.open(postgres_url)
    await store.run(key_value.set_value, "a", "0")
    await store.run(key_value.set_value, "b", "0")
    hold = sa.text("SELECT pg_advisory_xact_lock_shared(7, ascii(:first))")
    held = sa.text("SELECT count(DISTINCT objid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7")
    tries = []

    async def cross(first: str, second: str) -> None:
        def work(tx: Transaction) -> None:
            tries.append(first)
            raise_it = sa.text("UPDATE key_value SET value = value || :first WHERE key = :key")
            core(tx, raise_it, first=first, key=first)
            core(tx, hold, first=first)
            while tries.count(first) == 1 and core(tx, held).scalar_one() < 2:
                core(tx, sa.text("SELECT pg_sleep(0.01)"))
            core(tx, raise_it, first=first, key=second)

        await store.run(work)

    await asyncio.gather(cross("a", "b"), cross("b", "a"))
    assert len(tries) >= 3, "one of them at least; on a busy machine they may meet again"
    assert (
        sorted(await store.run(key_value.get_value, "a") or "")
        == sorted(await store.run(key_value.get_value, "b") or "")
        == ["0", "a", "b"]
    )
    await store.close()


# ------------------------------------------------------------------ what goes in comes out

ENTRY = AuditEntry(datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), "T1", "U1", AuditAction.GET, "ok")


async def test_times_come_back_to_the_microsecond_and_in_utc(store: Database) -> None:
    madrid = timezone(timedelta(hours=1))
    await store.run(audit.add_entry, AuditEntry(ENTRY.at.astimezone(madrid), "T1", "U1", AuditAction.GET, "ok"))
    [entry] = await store.run(audit.list_entries)
    assert entry == ENTRY
    assert entry.at.tzinfo is UTC


async def test_a_time_without_a_zone_is_refused(store: Database) -> None:
    with pytest.raises(Exception, match="time zone"):
        await store.run(audit.add_entry, AuditEntry(datetime(2026, 1, 2), "T1", "U1", AuditAction.GET, "ok"))  # noqa: DTZ001


async def test_text_a_database_cannot_hold_does_not_stop_us(store: Database) -> None:
    await store.run(key_value.set_value, "nul\x00", "half a \ud83d pair\x00")
    assert await store.run(key_value.get_value, "nul") == "half a ? pair"
    subscription = await store.run(
        subscriptions.add_subscription, "T1", "C1", "app", "A\x00pp", [], "branch:\x00main", "U1"
    )
    assert (subscription.app_name, subscription.query) == ("App", "branch:main")
    changed = BuildTransition(build("b1", Stage.READY, changelog="NUL \x00 and ’quotes’ 'quotes' :colon"), None)
    await look(store, [changed], [NewDelivery("C1", "b1", BuildEvent.PROCESSED)])
    [claim] = await take(store)
    assert claim.announcement.build == changed.build


async def test_the_time_is_the_clocks_on_sqlite() -> None:
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    store = await Database.open(IN_MEMORY, clock=lambda: moment)
    assert await store.run(database_info.current_time) == moment
    await store.close()


@pytest.mark.postgres
async def test_the_time_is_the_servers_on_postgresql(postgres_url: str) -> None:
    store = await Database.open(postgres_url, clock=lambda: datetime(2030, 1, 1, tzinfo=UTC))
    assert abs(await store.run(database_info.current_time) - datetime.now(UTC)) < timedelta(seconds=5)
    await store.close()
