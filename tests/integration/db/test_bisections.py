"""Bisects in the database: each change once, however many replicas make it at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.db import bisections
from bot.db.database import Database
from bot.db.schema import outbox
from bot.db.transaction import Transaction
from bot.domain.bisection import Bisection, Vote
from bot.domain.model import Actor, Stage
from bot.domain.states import BisectionState, BisectVerdict
from tests.support.builders import build
from tests.support.sqlalchemy_core import core

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def new(count: int = 9) -> Bisection:
    return Bisection.of([build(f"b{n}", Stage.READY) for n in range(count)], Actor("T1", "U1"), "C1", None, NOW)


@pytest.fixture
async def two(postgres_url: str) -> AsyncIterator[tuple[Database, Database]]:
    """Two replicas on one database."""
    async with AsyncExitStack() as stack:
        first = await Database.open(postgres_url, replicas=2)
        stack.push_async_callback(first.close)
        second = await Database.open(postgres_url, replicas=2)
        stack.push_async_callback(second.close)
        yield first, second


def messages(tx: Transaction) -> list[str]:
    """The messages that are to be posted: of each bisect's place one, and its edits."""
    return sorted(set(core(tx, sa.select(outbox.c.card_key)).scalars()))


@pytest.mark.postgres
async def test_two_replicas_start_one_bisect(two: tuple[Database, Database]) -> None:
    found = await asyncio.gather(*(store.run(bisections.start_bisection, new()) for store in two * 3))
    assert [is_new for _, is_new in found].count(True) == 1
    assert len({each.id for each, _ in found}) == 1
    [begun] = {each.id for each, _ in found}
    assert await two[0].run(messages) == [bisections.card_key(begun, 0), bisections.card_key(begun, 1)]


@pytest.mark.postgres
async def test_two_replicas_count_every_vote_and_ask_once(two: tuple[Database, Database]) -> None:
    begun, _ = await two[0].run(bisections.start_bisection, new())
    asked = begun.steps[0]
    votes = [Vote(asked, f"U{n}", BisectVerdict.GOOD if n % 3 else BisectVerdict.BAD) for n in range(10)]
    await asyncio.gather(*(two[n % 2].run(bisections.vote, begun.id, vote) for n, vote in enumerate(votes)))
    after = await two[1].run(bisections.find_bisection, begun.id)
    assert after is not None
    assert (after.tally(asked).good, after.tally(asked).bad) == (6, 4)
    assert after.version == begun.version + len(votes)
    found = await two[0].run(bisections.find_range, after)
    assert found.good == asked
    assert after.steps[-1] == found.ask
    assert len(await two[0].run(messages)) == 1 + len(after.steps)


async def test_bisect_vote_that_is_there_changes_nothing(store: Database) -> None:
    begun, _ = await store.run(bisections.start_bisection, new())
    vote = Vote(begun.steps[0], "U1", BisectVerdict.GOOD)
    first = await store.run(bisections.vote, begun.id, vote)
    again = await store.run(bisections.vote, begun.id, vote)
    assert first is not None
    assert again is not None
    assert (first.is_counted, again.is_counted) == (True, False)
    assert again.bisection.version == first.bisection.version


async def test_bisect_ended_by_a_user_takes_no_vote(store: Database) -> None:
    begun, _ = await store.run(bisections.start_bisection, new())
    await store.run(bisections.stop_bisection, begun.id)
    result = await store.run(bisections.vote, begun.id, Vote(begun.steps[0], "U1", BisectVerdict.GOOD))
    assert result is not None
    assert not result.is_counted
    assert await store.run(bisections.vote, 4711, Vote("b1", "U1", BisectVerdict.GOOD)) is None


async def test_bisect_with_a_result_makes_room_for_another(store: Database) -> None:
    begun, _ = await store.run(bisections.start_bisection, new(3))
    result = await store.run(bisections.vote, begun.id, Vote("b1", "U1", BisectVerdict.BAD))
    assert result is not None
    assert result.bisection.state is BisectionState.FOUND
    _, is_new = await store.run(bisections.start_bisection, new(3))
    assert is_new
    late = await store.run(bisections.vote, begun.id, Vote("b1", "U1", BisectVerdict.GOOD))
    assert late is not None
    assert not late.is_counted, "another one runs by now"


async def test_bisect_expires_only_without_votes(store: Database) -> None:
    begun, _ = await store.run(bisections.start_bisection, new())
    assert await store.run(bisections.expire_bisections, timedelta(hours=1)) == []
    [ended] = await store.run(bisections.expire_bisections, timedelta(seconds=-1))
    assert (ended.id, ended.state) == (begun.id, BisectionState.EXPIRED)
    assert await store.run(bisections.expire_bisections, timedelta(seconds=-1)) == []
