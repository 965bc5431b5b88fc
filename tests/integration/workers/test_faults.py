"""Trouble in fast motion: whatever Slack, Applivery, database or clock do, each channel hears everything once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.db import app_polls, build_waiters, outbox
from bot.domain.model import App, Build, Stage
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.integration.workers.conftest import on_postgresql, on_sqlite
from tests.integration.workers.test_build_poller import ready, subscribed
from tests.integration.workers.test_outbox_dispatcher import (
    EVERY,
    LOOK_UP,
    POST,
    Log,
    beta,
    events,
    posts,
    record,
    replicas,
    two,
    watched,
)
from tests.support import replica
from tests.support.postgres import PostgresServer
from tests.support.waiting import until

__all__ = ["replicas", "two", "watched"]

EDIT = "chat.update"
DELETE = "chat.delete"


# ------------------------------------------------------------------ Slack: nobody knows whether it was stored


@on_sqlite
@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(Fault(status=429, retry_after=0), id="too fast"),
        pytest.param(Fault(error="ekm_access_denied"), id="refused for an odd reason"),
        pytest.param(Fault(error="not_in_channel"), id="not in the channel"),
        pytest.param(Fault(error="token_revoked"), id="token revoked"),
        pytest.param(Fault(drop=True), id="cut"),
    ],
)
async def test_fault_inconclusive_lookup_repeats_no_message(watched: Environment, trouble: Fault) -> None:
    watched.slack.faults.add(POST, Fault(drop_after=True))
    watched.slack.faults.add(LOOK_UP, trouble, times=3)  # as often as the SDK asks by itself
    await record(watched, "1", "2")
    await watched.settle()
    assert watched.said() == EVERY[:2]
    assert posts(watched) == 2


@on_sqlite
@pytest.mark.parametrize("trouble", [Fault(drop=True), Fault(drop_after=True)], ids=["lost", "stored"])
async def test_a_person_is_told_once_though_the_answer_was_lost(watched: Environment, trouble: Fault) -> None:
    build = watched.applivery.build(watched.courier, version="1", status="in_progress")
    await watched.look()
    app = App(watched.courier.id, "courier", "Courier")
    await watched.bot.store.run(
        build_waiters.add_waiter, Build(build.id, app, Stage.RUNNING), watched.slack.team_id, watched.bruno.id
    )
    watched.applivery.move(build, "processed")
    watched.slack.faults.add(POST, trouble, times=2)  # the channel's, and the person's
    await watched.look()
    await watched.settle()
    assert watched.said() == [ready("1")]
    assert len(watched.slack.messages(watched.slack.dm(watched.bruno))) == 1


@on_sqlite
async def test_fault_timeout_with_stored_message_repeats_nothing(two: Environment) -> None:
    two.tuning = replace(two.tuning, lease_seconds=1.0, slack_seconds=0.3)
    await two.restart()
    two.slack.faults.add(POST, Fault(latency=0.5), times=2)  # nobody waits that long; it is stored all the same
    await record(two, "1", "2")
    await two.settle()
    assert two.said() == two.said(beta(two)) == EVERY[:2]
    assert posts(two) == 4


@on_postgresql
async def test_a_post_that_could_outlive_its_lease_is_not_begun(two: Environment, replicas: Callable[..., Any]) -> None:
    """A slow look-up has taken most of the lease: a slow post after it would come when another has posted."""
    await two.stop()
    first, other = await replicas(2, jobs=False)
    two.slack.faults.add(POST, Fault(drop=True), times=2)
    two.slack.faults.add(LOOK_UP, Fault(latency=0.5), times=2)
    two.bot = first
    await record(two, "1")
    await first.announce.drain()
    two.slack.faults.add(POST, Fault(latency=0.4), times=2)
    await asyncio.gather(two.settle(first), two.settle(other))
    assert two.said() == two.said(beta(two)) == EVERY[:1]
    assert not two.slack.calls_of(DELETE), "nobody had to take anything back"


# ------------------------------------------------------------------ Slack: storms


@pytest.mark.parametrize("seed", range(2))
async def test_fault_storm_loses_repeats_and_leaves_nothing_outdated(two: Environment, seed: int) -> None:
    chance = random.Random(seed)
    for channel in (two.releases, beta(two)):
        await subscribed(two, "courier on:uploaded,processed,failed", channel)
    kinds = [
        Fault(status=429, retry_after=0),
        Fault(status=503, body="upstream connect error"),
        Fault(error="internal_error"),
        Fault(drop=True),
        Fault(drop_after=True),
        Fault(latency=0.05),
    ]
    for method, times in ((POST, 9), (EDIT, 9), (LOOK_UP, 3)):
        for _ in range(times):
            two.slack.faults.add(method, chance.choice(kinds))
    under_way = []
    for number in range(1, 13):
        build = two.applivery.build(two.courier, version=str(number), status="in_progress", branch="x" * number)
        under_way.append(build)
        if number % 4 == 0:
            await two.look()
            for each in under_way[: chance.randint(1, 4)]:
                two.applivery.move(each, "processed")
                under_way.remove(each)
    for each in under_way:
        two.applivery.move(each, "processed")
    await two.look()
    await two.settle()
    for channel in (two.releases, beta(two)):
        messages = two.slack.messages(channel)
        assert [message.metadata["event_payload"]["key"].split(":")[1] for message in messages] == [
            each.id for each in two.applivery.builds
        ], "each once, in order"
        assert [message.text for message in messages if " is ready" not in message.text] == []


@on_sqlite
async def test_fault_429_storm_loses_nothing_and_is_no_outage(two: Environment, log: Log) -> None:
    two.slack.faults.add(POST, Fault(status=429, retry_after=0), times=30)
    await record(two, "1", "2", "3")
    await two.settle()
    assert two.said() == two.said(beta(two)) == EVERY[:3]
    assert not two.slack.calls_of(LOOK_UP), "a refused post is not there, for certain"
    assert not events(log, "slack.away", "announce.error")


# ------------------------------------------------------------------ frozen and late


async def test_a_late_edit_leaves_no_older_words_on_a_card(watched: Environment) -> None:
    """A frozen replica's edit comes after another has shown the card with newer words."""
    watched.tuning = replace(watched.tuning, lease_seconds=0.2, slack_seconds=9.0)
    await watched.restart()
    build = watched.applivery.build(watched.courier, version="1")
    await watched.look()
    (card,) = watched.slack.messages(watched.releases)
    watched.slack.faults.add(EDIT, Fault(latency=2.0))
    watched.applivery.edit(build, {"changelog": "Older words"})
    await watched.bot.store.run(app_polls.request_poll, None)
    await watched.bot.watch.step()
    announce = watched.bot.announce
    await announce.step()
    await asyncio.sleep(await watched.bot.store.run(outbox.delivery_due_in) or 0)  # until the lease has lapsed
    watched.applivery.edit(build, {"changelog": "Newer words"})
    await watched.bot.store.run(app_polls.request_poll, None)
    await watched.bot.watch.step()

    async def newer() -> bool:
        await announce.step()
        return "Newer words" in str(card.blocks)

    await until(newer)
    await watched.slack.until(lambda: "Older words" in str(card.blocks))  # the late one
    await watched.settle()
    assert "Newer words" in str(card.blocks)


@on_postgresql
async def test_a_replica_that_is_frozen_and_continued_repeats_nothing(two: Environment) -> None:
    await two.stop()
    two.tuning = replace(two.tuning, lease_seconds=0.8, slack_seconds=0.7, watch_lease_seconds=1.0)
    two.slack.faults.add(POST, Fault(latency=0.01), times=None)  # so that it is frozen with posts under way
    settings = two.settings(slack_app_token=None, poll_idle_seconds=0.05)
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown when it fails
    chance = random.Random(seed)
    running = [replica.start(settings, two.tuning) for _ in range(2)]
    try:
        for number in range(1, 81):
            two.applivery.build(two.courier, version=str(number))
            if number % 10 == 0:
                await two.slack.until(lambda number=number: len(two.said()) > number - 8)
                await asyncio.sleep(chance.random() * 0.1)
                frozen = running[number // 10 % 2]
                os.kill(frozen.pid, signal.SIGSTOP)
                await asyncio.sleep(1.2)  # longer than its leases
                os.kill(frozen.pid, signal.SIGCONT)
        await two.slack.until(lambda: two.said() == two.said(beta(two)) == EVERY[:80])
    finally:
        for first in running:
            first.kill()
            await asyncio.to_thread(first.join)
    assert two.said() == two.said(beta(two)) == EVERY[:80]


# ------------------------------------------------------------------ the database away


@asynccontextmanager
async def away(world: Environment, server: PostgresServer | None) -> AsyncIterator[None]:
    """The database is gone: PostgreSQL stopped, or a SQLite file locked by another program."""
    if server:
        await asyncio.to_thread(server.go_away)
        yield
        await asyncio.to_thread(server.come_back)
        return
    other = sqlite3.connect(world.database.removeprefix("sqlite:///"), isolation_level=None, timeout=30)
    other.execute("BEGIN EXCLUSIVE")
    yield
    other.execute("ROLLBACK")
    other.close()


async def test_fault_database_away_is_one_outage_and_all_arrives_once(
    two: Environment, request: pytest.FixtureRequest, log: Log
) -> None:
    server = None if two.database.startswith("sqlite") else request.getfixturevalue("postgres_server")
    await two.restart(jobs=True)
    two.applivery.build(two.courier, version="1")
    await two.slack.until(lambda: two.said() == two.said(beta(two)) == EVERY[:1])
    async with away(two, server):
        for number in range(2, 6):
            two.applivery.build(two.courier, version=str(number))
        await asyncio.sleep(6)  # longer than SQLite waits for a lock
    await two.slack.until(lambda: two.said() == two.said(beta(two)) == EVERY[:5])
    await two.stop()
    assert two.said() == two.said(beta(two)) == EVERY[:5]
    told = events(log, "watch.away", "watch.back", "announce.away", "announce.back", "announce.error")
    assert [text for text in told if text.startswith("watch")] in ([], ["watch.away", "watch.back"])
    assert [text for text in told if text.startswith("announce")] in ([], ["announce.away", "announce.back"])
    assert told, "nobody has noticed"


# ------------------------------------------------------------------ the clock


class Clock:
    """A machine's clock that is set wrong and right again."""

    def __init__(self) -> None:
        self.off = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.off


@on_sqlite
@pytest.mark.parametrize("hours", [1, -1])
async def test_a_clock_that_jumps_an_hour_delays_and_repeats_nothing(two: Environment, hours: int) -> None:
    clock = Clock()
    two.tuning = replace(two.tuning, clock=clock, pace_seconds=0.1)
    await two.restart(jobs=True)
    two.slack.faults.add(POST, Fault(latency=0.03), times=None)  # so that posts are under way when it jumps
    number = 0
    for jump in (hours, -hours):
        for _ in range(2):
            number += 1
            two.applivery.build(two.courier, version=str(number))
            two.slack.faults.add(POST, Fault(drop_after=True))
            await two.slack.until(lambda number=number: len(two.said()) >= number - 1)
            clock.off += timedelta(hours=jump / 2)
    await two.slack.until(lambda: two.said() == two.said(beta(two)) == EVERY[:number])


@on_sqlite
async def test_a_message_is_found_though_the_clock_was_set_right_since(watched: Environment) -> None:
    clock = Clock()
    clock.off = timedelta(hours=1)
    watched.tuning = replace(watched.tuning, clock=clock)
    await watched.restart()
    watched.slack.faults.add(POST, Fault(drop_after=True))
    await record(watched, "1")
    await watched.bot.announce.drain()
    clock.off = timedelta()
    await watched.settle()
    assert watched.said() == EVERY[:1]
    assert posts(watched) == 1


# ------------------------------------------------------------------ Applivery away


@on_sqlite
async def test_fault_applivery_away_is_one_outage_and_all_arrives_once(two: Environment, log: Log) -> None:
    clock = Clock()
    two.tuning = replace(two.tuning, clock=clock)
    await two.restart()
    build = two.applivery.build(two.courier, version="1", status="in_progress")
    await two.look()
    two.applivery.faults.add("GET *", Fault(status=503), times=None)
    two.applivery.move(build, "processed")
    for number in range(2, 5):
        two.applivery.build(two.courier, version=str(number))
        clock.off += timedelta(minutes=3)
        await two.bot.watch.step()
        await two.bot.announce.drain()
    assert two.said() == []

    two.applivery.faults.clear()
    clock.off += timedelta(minutes=5)
    await two.bot.watch.step()  # its time has come, nobody had to ring
    await two.bot.announce.drain()
    assert two.said() == two.said(beta(two)) == EVERY[:4]
    assert events(log, "applivery.away", "applivery.back", "watch.app.away") == ["applivery.away", "applivery.back"]
