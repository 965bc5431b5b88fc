"""Stopping and starting, with real processes and real signals."""

from __future__ import annotations

import asyncio
import fcntl
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import psycopg
import pytest
import sqlalchemy as sa

from bot.db import migrate
from bot.db.connect import DatabaseUrl
from bot.db.database import Database
from bot.db.transaction import Transaction
from bot.domain.states import DeliveryState
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.e2e.test_cli import Ended, begun, ended, pointing_at, running
from tests.support.postgres import PostgresServer
from tests.support.sqlalchemy_core import core
from tests.support.waiting import PATIENCE, busyness, patience

Process = asyncio.subprocess.Process
QUICK = {"POLL_BUSY_SECONDS": "0.2", "POLL_IDLE_SECONDS": "0.2"}


async def told_to_stop(process: Process, number: signal.Signals = signal.SIGTERM) -> Ended:
    """Send the signal; it ends within ten seconds, in order."""
    started = time.monotonic()
    process.send_signal(number)
    end = await ended(process)
    assert time.monotonic() - started < 10 * busyness()
    assert end.code == 0, end.err
    assert "Traceback" not in end.err
    assert "unexpected" not in end.err
    return end


async def held(address: str) -> dict[str, int]:
    """How many claims somebody holds on channels, apps and announcements."""
    store = await Database.open_read_only(address)
    questions = {
        "channels": "SELECT count(*) FROM channel_leases WHERE lease_token IS NOT NULL",
        "apps": "SELECT count(*) FROM app_polls WHERE lease_token IS NOT NULL",
        "sending": f"SELECT count(*) FROM outbox WHERE state = '{DeliveryState.SENDING}'",
    }
    found = {}
    for name, question in questions.items():
        found[name] = await store.run(_count, question)
    await store.close()
    return found


def _count(tx: Transaction, question: str) -> int:
    return int(core(tx, sa.text(question)).scalar_one())


async def fired(faults: object) -> None:
    """Wait until a fault was met: whoever hangs tells nobody."""
    async with patience():
        while not faults.fired:  # type: ignore[attr-defined]
            await asyncio.sleep(0.02)


NOTHING = {"channels": 0, "apps": 0, "sending": 0}


async def test_stop_finishes_posts_and_leaves_no_claim(database: str, world: Environment) -> None:
    world.database = database
    async with running(world, **QUICK) as process:
        await world.ask("subscribe courier")
        world.slack.faults.add("chat.postMessage", Fault(latency=1.0))
        world.applivery.build(world.courier, version="1", status="processed")
        await fired(world.slack.faults)
        await told_to_stop(process)
    [said] = world.said()
    assert "1" in said
    assert await held(database) == NOTHING
    async with running(world, **QUICK) as again:
        world.applivery.build(world.courier, version="2", status="processed")
        await world.slack.until(lambda: len(world.said()) >= 2, PATIENCE)
        await told_to_stop(again)
    assert len(world.said()) == 2
    assert world.said()[0] == said


async def test_a_look_that_is_broken_off_leaves_no_claim(database: str, world: Environment) -> None:
    world.database = database
    async with running(world, **QUICK) as process:
        await world.ask("subscribe courier")
        world.applivery.faults.add("GET */builds", Fault(latency=60), times=None)
        await fired(world.applivery.faults)
        await told_to_stop(process)
    assert await held(database) == NOTHING


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_a_person_who_waits_gets_the_answer(world: Environment, number: signal.Signals) -> None:
    async with running(world) as process:
        world.applivery.build(world.courier, version="1", status="processed")
        world.applivery.faults.add("GET /v1/*", Fault(latency=1.0))
        turn = await world.slack.command("/applivery", "builds courier", user=world.ana, channel=world.releases)
        assert turn.acked
        await fired(world.applivery.faults)
        stopping = asyncio.create_task(told_to_stop(process, number))
        assert "Courier" in (await turn.answer()).text
        await stopping
    assert world.slack.sockets == []


@pytest.mark.parametrize("asked", [1, 6])  # four of one person's are worked on at once, others wait in line
async def test_a_person_who_would_wait_too_long_reads_why(world: Environment, asked: int) -> None:
    async with running(world) as process:
        world.applivery.build(world.courier, version="1", status="processed")
        world.applivery.faults.add("GET /v1/*", Fault(latency=60), times=None)
        turns = [
            await world.slack.command("/applivery", "builds courier", user=world.ana, channel=world.releases)
            for _ in range(asked)
        ]
        await fired(world.applivery.faults)
        await told_to_stop(process)
    for turn in turns:
        said = [message.text for message in turn.answers]
        assert any("The bot is restarting, so I couldn't finish this." in text for text in said), said


async def test_killed_replica_delays_the_next_build_by_15_s_at_most(world: Environment, postgres_url: str) -> None:
    """It is killed while it waits for Applivery, with the app's lease."""
    world.database = postgres_url
    async with running(world, **QUICK) as first:
        await world.ask("subscribe courier")
        world.applivery.faults.add("GET */builds", Fault(latency=60), times=2)
        await fired(world.applivery.faults)
        async with running(world, **QUICK):
            first.kill()
            await first.wait()
            world.applivery.faults.clear()
            killed = time.monotonic()
            world.applivery.build(world.courier, version="1", status="processed")
            await world.slack.until(world.said, PATIENCE)
            assert time.monotonic() - killed < 15 * busyness()


# ------------------------------------------------------------------ starting


@asynccontextmanager
async def two(world: Environment, address: str) -> AsyncIterator[tuple[Process, Process]]:
    """Two replicas that begin at the same moment; killed in the end if they are still there."""
    settings = pointing_at(world, DATABASE_URL=address)
    first, second = await asyncio.gather(*(begun(world.folder, "run", **settings) for _ in range(2)))
    try:
        yield first, second
    finally:
        for process in (first, second):
            if process.returncode is None:
                process.kill()
                await process.wait()


async def started(process: Process) -> None:
    assert process.stderr
    seen = b""
    async with patience():
        while b"service.started" not in (line := await process.stderr.readline()):
            assert line, seen.decode()
            seen += line


def at_version(address: str, version: str) -> None:
    """Make the tables of an earlier version."""
    from alembic import command

    engine = sa.create_engine(DatabaseUrl.parse(address).url)
    with engine.begin() as connection:
        command.upgrade(migrate.alembic_config(connection), version)
    engine.dispose()


@pytest.mark.postgres
@pytest.mark.parametrize("version", [None, "0001"])
async def test_start_of_two_replicas_migrates_once_and_both_run(
    world: Environment, postgres_server: PostgresServer, version: str | None
) -> None:
    address = postgres_server.empty()
    if version:
        at_version(address, version)
    async with two(world, address) as replicas:
        await asyncio.gather(*map(started, replicas))
        await asyncio.gather(*map(told_to_stop, replicas))
    store = await Database.open_read_only(address)
    assert await store.version() == migrate.HEAD
    await store.close()
    postgres_server.drop(address)


@pytest.mark.postgres
async def test_stop_ends_process_waiting_for_other_migration(
    world: Environment, postgres_server: PostgresServer
) -> None:
    address = postgres_server.empty()
    with psycopg.connect(address) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (migrate._LOCK,))
        process = await begun(world.folder, "run", **pointing_at(world, DATABASE_URL=address))
        async with patience():
            while not other.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchone():
                await asyncio.sleep(0.05)
        await told_to_stop(process)
    postgres_server.drop(address)


# ------------------------------------------------------------------ the order


def refused(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) != 0


def free(world: Environment) -> bool:
    """Whether another process could have the database."""
    with (world.folder / "bot.db.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


async def test_stop_closes_in_reverse_order_of_opening(world: Environment) -> None:
    """The clock, then the two ways in, then the answers under way, and the database when nobody needs it any more."""
    bot = await world.start(jobs=True)
    port, asked = bot.web.port, len(world.applivery.requests)
    world.applivery.faults.add("GET */apps*", Fault(latency=1.0), times=None)
    turn = await world.slack.command("/applivery", "builds courier", user=world.ana, channel=world.releases)
    await world.applivery.until(lambda: len(world.applivery.requests) > asked)
    seen: dict[str, float] = {}
    looks: dict[str, Callable[[], object]] = {
        "clock": lambda: all(job.done() for job in bot.running),
        "HTTP": lambda: refused(port),
        "Slack's lines": lambda: not world.slack.sockets,
        "answers": lambda: turn.answers,
        "database": lambda: free(world),
    }
    assert not any(look() for look in looks.values())
    started = time.monotonic()
    stopping = asyncio.create_task(world.stop())
    while not stopping.done():
        seen |= {name: time.monotonic() for name, look in looks.items() if name not in seen and look()}
        await asyncio.sleep(0.001)
    await stopping
    seen |= {name: time.monotonic() for name, look in looks.items() if name not in seen and look()}
    assert sorted(seen, key=seen.__getitem__) == list(looks)
    assert time.monotonic() - started < 10 * busyness()
