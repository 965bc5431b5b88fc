"""News wakes who waits for it, in this process and in others."""

from __future__ import annotations

import asyncio
import time

import psycopg
import pytest

from bot.db import app_polls
from bot.db.database import Database
from bot.db.transaction import Transaction
from bot.db.wakeups import Topic
from bot.domain.model import BuildEvent, BuildTransition, NewDelivery, Stage
from tests.support.builders import build, fill, look, subscribe


async def quiet(*stores: Database) -> None:
    """Hear what has been rung so far."""
    for store in stores:
        for topic in (Topic.APP_POLLS, Topic.OUTBOX):
            await store.wait(topic, 0.05)


async def test_a_wait_without_news_ends_when_it_was_to(store: Database) -> None:
    start = time.monotonic()
    assert not await store.wait(Topic.OUTBOX, 0.05)
    assert 0.04 < time.monotonic() - start < 5


async def test_news_from_before_the_wait_counts_once(store: Database) -> None:
    await store.run(Transaction.notify, Topic.OUTBOX)
    await store.run(Transaction.notify, Topic.OUTBOX)
    assert await store.wait(Topic.OUTBOX, 5)
    assert not await store.wait(Topic.OUTBOX, 0)
    assert not await store.wait(Topic.APP_POLLS, 0)


async def test_wakeup_of_poller_by_subscription_and_dispatcher_by_news(store: Database) -> None:
    waiting = asyncio.create_task(store.wait(Topic.APP_POLLS, 5))
    await subscribe(store)
    assert await waiting
    await store.run(app_polls.request_poll, None)
    assert await store.wait(Topic.APP_POLLS, 5)
    await look(store)
    assert not await store.wait(Topic.OUTBOX, 0)
    change = BuildTransition(build("b1", Stage.READY), None)
    await look(store, [change], [NewDelivery("C1", "b1", BuildEvent.PROCESSED)])
    assert await store.wait(Topic.OUTBOX, 5)


@pytest.mark.postgres
async def test_notify_wakes_another_replica(postgres_url: str) -> None:
    first, second = await Database.open(postgres_url), await Database.open(postgres_url)
    await subscribe(first)
    assert await second.wait(Topic.APP_POLLS, 5)
    await fill(first, ["C1"], ["b1"])
    assert await second.wait(Topic.OUTBOX, 5)
    await quiet(first, second)
    await second.run(Transaction.notify, Topic.OUTBOX)
    assert await first.wait(Topic.OUTBOX, 5)
    assert not await first.wait(Topic.APP_POLLS, 0)
    await asyncio.gather(first.close(), second.close())


@pytest.mark.postgres
async def test_a_replica_is_not_woken_twice_by_its_own_news(postgres_url: str) -> None:
    store = await Database.open(postgres_url)
    await quiet(store)
    await store.run(Transaction.notify, Topic.OUTBOX)
    assert await store.wait(Topic.OUTBOX, 5)
    assert not await store.wait(Topic.OUTBOX, 0.2)
    await store.close()


@pytest.mark.postgres
async def test_wakeup_after_cut_listener_wakes_all_for_missed_news(postgres_url: str) -> None:
    store, other = await Database.open(postgres_url), await Database.open(postgres_url)
    await quiet(store, other)
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND query LIKE 'LISTEN%%'"
    with psycopg.connect(postgres_url, autocommit=True) as session:
        assert session.execute(cut, [postgres_url.rpartition("/")[2]]).rowcount == 2
    assert await store.wait(Topic.OUTBOX, 10)
    assert await store.wait(Topic.APP_POLLS, 10)
    assert await other.wait(Topic.APP_POLLS, 10)
    await quiet(store, other)
    await other.run(Transaction.notify, Topic.APP_POLLS)
    assert await store.wait(Topic.APP_POLLS, 10)
    await asyncio.gather(store.close(), other.close())
