"""The loop of a job: outages are told once, nothing is given up, and a wake-up ends a rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import pytest

from bot.db import app_polls
from bot.db.database import Database
from bot.db.transaction import Transaction
from bot.db.wakeups import Topic
from bot.exceptions import DatabaseUnavailable, ServiceUnavailable
from bot.workers.loop import LONGEST_BACK_OFF, LONGEST_REST, OutageTracker, forever
from tests.conftest import Environment
from tests.integration.workers.conftest import on_postgresql
from tests.support.postgres import PostgresServer
from tests.support.waiting import PATIENCE, patience

Log = list[Any]


class Job:
    """A job that plays a score: what each step raises or returns; it ends after the last rest."""

    def __init__(self, *score: BaseException | float | None) -> None:
        self.score = list(score)
        self.rests: list[float] = []
        self.over = asyncio.Event()

    async def step(self) -> float | None:
        part = self.score.pop(0)
        if isinstance(part, BaseException):
            raise part
        return part

    async def rest(self, seconds: float) -> None:
        self.rests.append(seconds)
        if not self.score:
            self.over.set()
            await asyncio.Event().wait()

    async def play(self) -> list[float]:
        async with running(self.step, self.rest):
            await asyncio.wait_for(self.over.wait(), PATIENCE)
        return self.rests


@asynccontextmanager
async def running(step: Any, rest: Any) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(forever("job", step, rest))
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def events(log: Log, *levels: str) -> list[str]:
    return [line["event"] for line in log if not levels or line["log_level"] in levels]


async def test_an_outage_is_one_log_line_and_its_end_one(log: Log) -> None:
    down = [DatabaseUnavailable() for _ in range(4)]
    await Job(1.0, *down, 1.0, 1.0, 1.0).play()

    assert events(log) == ["job.away", "job.back"]
    assert log[0]["log_level"] == "warning"
    assert "database" in log[0]["said"]
    assert log[1]["failures"] == 4


async def test_a_second_outage_is_told_again(log: Log) -> None:
    await Job(DatabaseUnavailable(), 1.0, DatabaseUnavailable(), DatabaseUnavailable(), 1.0).play()

    assert events(log) == ["job.away", "job.back", "job.away", "job.back"]
    assert [line["failures"] for line in log if line["event"] == "job.back"] == [1, 2]


async def test_a_job_that_never_failed_says_nothing(log: Log) -> None:
    await Job(1.0, None, 2.0).play()
    assert events(log) == []


@pytest.mark.parametrize(
    "trouble", [DatabaseUnavailable, ServiceUnavailable, RuntimeError, KeyError, asyncio.TimeoutError]
)
async def test_a_step_that_raises_is_repeated(trouble: type[Exception]) -> None:
    job = Job(trouble("x"), trouble("x"), 7.0)
    assert await job.play() == [0.5, 1.0, 7.0]


async def test_a_bug_is_logged_with_its_traceback_once(log: Log) -> None:
    await Job(RuntimeError("odd"), RuntimeError("odd"), RuntimeError("odd"), 1.0).play()

    assert events(log) == ["job.error", "job.away", "job.back"]
    assert log[0]["exc_info"]
    assert log[0]["error"] == "RuntimeError"


async def test_repeats_come_slower_and_slower_up_to_half_a_minute() -> None:
    rests = await Job(*[DatabaseUnavailable() for _ in range(9)]).play()
    assert rests == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, LONGEST_BACK_OFF, LONGEST_BACK_OFF, LONGEST_BACK_OFF]


async def test_after_an_outage_the_first_repeat_is_quick_again() -> None:
    rests = await Job(DatabaseUnavailable(), DatabaseUnavailable(), 3.0, DatabaseUnavailable()).play()
    assert rests == [0.5, 1.0, 3.0, 0.5]


async def test_loop_pause_is_as_requested_up_to_one_minute() -> None:
    assert await Job(0.0, 2.5, 4000.0, None).play() == [0.0, 2.5, LONGEST_REST, LONGEST_REST]


async def test_cancelling_ends_a_job() -> None:
    async with running(Job(None).step, partial(asyncio.sleep)) as task:
        await asyncio.sleep(0)
    assert task.cancelled()


def test_an_outage_counts_what_failed_and_how_long(log: Log) -> None:
    outage = OutageTracker("thing")
    outage.record_success()
    outage.record_failure(ValueError("first"))
    outage.record_failure(ValueError("second"))
    outage.record_success()
    outage.record_success()

    assert [(line["event"], line.get("said"), line.get("failures")) for line in log] == [
        ("thing.away", "first", None),
        ("thing.back", None, 2),
    ]
    assert log[1]["seconds"] >= 0


# ------------------------------------------------------------------ wake-ups


class Counting:
    """A step that wants to be woken only; `until` waits for its n-th run."""

    def __init__(self, during: Callable[[int], Any] = lambda _: None) -> None:
        self.runs = 0
        self._ran = asyncio.Condition()
        self._during = during

    async def step(self) -> None:
        self.runs += 1
        self._during(self.runs)
        async with self._ran:
            self._ran.notify_all()

    async def until(self, runs: int) -> None:
        async with patience(), self._ran:
            await self._ran.wait_for(lambda: self.runs >= runs)


async def test_a_wake_up_ends_a_rest(database: str) -> None:
    store = await Database.open(database)
    job = Counting()
    async with running(job.step, partial(store.wait, Topic.APP_POLLS)):
        await job.until(1)
        await store.run(app_polls.request_poll, None)
        await job.until(2)
    await store.close()


async def test_a_wake_up_for_another_job_does_not(database: str) -> None:
    store = await Database.open(database)
    job, other = Counting(), Counting()
    async with (
        running(job.step, partial(store.wait, Topic.APP_POLLS)),
        running(other.step, partial(store.wait, Topic.OUTBOX)),
    ):
        await job.until(1)
        await other.until(1)
        await store.run(Transaction.notify, Topic.OUTBOX)
        await other.until(2)
        assert job.runs == 1
    await store.close()


async def test_a_wake_up_during_a_step_is_not_lost(database: str) -> None:
    store = await Database.open(database)
    # Nobody rests while the first step runs, so there is nobody to wake yet.
    job = Counting(lambda run: store.wake(Topic.OUTBOX) if run == 1 else None)
    async with running(job.step, partial(store.wait, Topic.OUTBOX)):
        await job.until(2)
    await store.close()


@pytest.mark.postgres
async def test_a_wake_up_reaches_the_other_replicas(postgres_url: str) -> None:
    here, there = await Database.open(postgres_url), await Database.open(postgres_url)
    job = Counting()
    async with running(job.step, partial(there.wait, Topic.APP_POLLS)):
        await job.until(1)
        await here.run(app_polls.request_poll, None)
        await job.until(2)
    await here.close()
    await there.close()


@on_postgresql  # SQLite is a file and does not go away
async def test_a_database_away_for_a_moment_loses_and_repeats_nothing(
    postgres_server: PostgresServer, world: Environment, log: Log
) -> None:
    await world.start(jobs=True, poll_idle_seconds=0.05)
    await world.ask("subscribe courier")
    world.applivery.build(world.courier, version="1.0.0")
    await world.slack.until(lambda: len(world.said()) == 1)

    await asyncio.to_thread(postgres_server.restart)
    world.applivery.build(world.courier, version="2.0.0")

    await world.slack.until(lambda: len(world.said()) == 2)
    await world.stop()
    assert world.said() == ["✅ Courier 1.0.0 (1) for iOS is ready.", "✅ Courier 2.0.0 (1) for iOS is ready."]
    for job in ("watch", "announce"):
        assert events(log).count(f"{job}.away") <= 1, "an outage is one line"
        assert events(log).count(f"{job}.back") <= 1, "and its end one"
