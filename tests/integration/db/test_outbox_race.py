"""Who writes to a channel while others do, or while it is claimed: nothing is lost, forgotten or out of order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from bot.db import outbox, outbox_enqueue
from bot.db.database import Database
from bot.db.dialect_sql import POSTGRESQL, SQLITE
from bot.db.outbox_types import DeliveryResult, OutboxBatch
from bot.db.transaction import Transaction
from bot.domain.model import BuildEvent, BuildTransition, NewDelivery, Stage
from bot.domain.states import ResultKind
from tests.support.builders import build, fill, look, said, take
from tests.support.waiting import PATIENCE, patience, until


class Held:
    """A transaction that has done its work and ends when it is let go."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.go = threading.Event()

    def wait(self) -> None:
        self.done.set()
        assert self.go.wait(PATIENCE)


def _enqueue(tx: Transaction, builds: Sequence[str], channels: Sequence[str], held: Held | None = None) -> int:
    new = [NewDelivery(channel, name, BuildEvent.PROCESSED) for name in builds for channel in channels]
    made = outbox_enqueue.enqueue(tx, "app", new)
    if held:
        held.wait()
    return made


def _exchange(tx: Transaction, held: Held | None = None) -> OutboxBatch:
    batch = outbox.commit_results_and_claim(tx, (), 10, lease_seconds=60, pace_seconds=0)
    if held:
        held.wait()
    return batch


async def known(store: Database, builds: Sequence[str]) -> None:
    """These builds are recorded, and nothing is said of them yet."""
    await look(store, [BuildTransition(build(name, Stage.READY), None) for name in builds])


@asynccontextmanager
async def beginning(held: Held, work: asyncio.Task[object]) -> AsyncIterator[None]:
    """While the block lasts, the transaction is open, its work done."""
    try:
        await until(held.done.is_set)
        yield
    finally:
        held.go.set()
        await work


@pytest.fixture
async def postgres(store: Database) -> Database:
    if store.dialect != POSTGRESQL:
        pytest.skip("SQLite takes one transaction after the other")
    await fill(store, ["C1", "C2"], ["b1"])
    return store


async def test_enqueue_in_progress_delays_the_claim(postgres: Database) -> None:
    held = Held()
    first = asyncio.create_task(postgres.run(_enqueue, ["b2"], ["C1"], held))
    async with beginning(held, first), patience():
        assert said(await take(postgres)) == [("C2", "b1")]
    assert said(await take(postgres)) == [("C1", "b1")]


async def test_enqueue_while_channel_closes_is_not_lost(store: Database) -> None:
    """A channel with nothing left is closed; what is written at that moment opens it again."""
    await fill(store, ["C1"], ["b1"])
    await known(store, ["b2"])
    [claim] = await take(store)
    posted = DeliveryResult.of(claim, ResultKind.POSTED, ts="1.1")
    await store.run(outbox.commit_results_and_claim, [posted], 0, lease_seconds=60, pace_seconds=0)
    if store.dialect == SQLITE:
        both = await asyncio.gather(store.run(_exchange), store.run(_enqueue, ["b2"], ["C1"]))
        assert both[0].claims == ()
    else:
        held = Held()
        closing = asyncio.create_task(store.run(_exchange, held))
        await until(held.done.is_set)
        writing = asyncio.create_task(store.run(_enqueue, ["b2"], ["C1"]))
        await asyncio.wait((writing,), timeout=0.2)
        assert not writing.done(), "the channel's row is locked, so it is known to be closed before it is opened"
        held.go.set()
        await asyncio.gather(closing, writing)
    assert await store.run(outbox.delivery_due_in) == 0
    assert said(await take(store)) == [("C1", "b2")]


async def test_enqueues_beside_dispatcher_lose_nothing(store: Database) -> None:
    channels = ["C1", "C2", "C3"]
    await fill(store, channels, ["b0"])
    names = [[f"b{writer}-{number}" for number in range(6)] for writer in range(6)]
    await known(store, [name for builds in names for name in builds])

    async def write(builds: Sequence[str]) -> None:
        for name in builds:
            await store.run(_enqueue, [name], channels)

    heard: list[tuple[str, str]] = []
    done: list[DeliveryResult] = []
    writing = asyncio.gather(*(write(builds) for builds in names))
    async with patience():
        while len(heard) < len(channels) * 37:
            batch = await store.run(outbox.commit_results_and_claim, done, 10, lease_seconds=60, pace_seconds=0)
            heard += said(batch.claims)
            done = [
                DeliveryResult.of(claim, ResultKind.POSTED, ts=f"1.{claim.announcement.id}") for claim in batch.claims
            ]
            await asyncio.sleep(0.005 if not done else 0)
    await writing
    for channel in channels:
        builds = [name for where, name in heard if where == channel]
        assert len(set(builds)) == len(builds) == 37
        for written in names:
            assert [name for name in builds if name in written] == written
