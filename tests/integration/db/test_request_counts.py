"""How many requests each replica has made: shared, kept over restarts, forgotten after an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.db import key_value, request_counts
from bot.db.connect import IN_MEMORY
from bot.db.database import Database
from bot.db.transaction import Transaction

PREFIX = request_counts.PREFIXES["people"]


def exchange_people(tx: Transaction, replica: str, made: int) -> list[tuple[float, int]]:
    return request_counts.exchange_counts(tx, replica, {"people": made})["people"]


async def test_request_counts_are_kept_by_priority(store: Database) -> None:
    await store.run(request_counts.exchange_counts, "one", {"people": 1, "polling": 2, "routine": 3})
    others = await store.run(request_counts.exchange_counts, "two", {})
    assert {lane: [count for _, count in made] for lane, made in others.items()} == {
        "people": [1],
        "polling": [2],
        "routine": [3],
    }


async def test_replicas_learn_the_requests_of_the_others(store: Database) -> None:
    exchange = exchange_people
    assert await store.run(exchange, "one", 5) == []
    assert sum(count for _, count in await store.run(exchange, "two", 2)) == 5
    assert sum(count for _, count in await store.run(exchange, "one", 1)) == 2
    assert sum(count for _, count in await store.run(exchange, "two", 0)) == 6
    assert sum(count for _, count in await store.run(exchange, "three", 0)) == 8


async def test_counts_are_forgotten_after_an_hour() -> None:
    now = [datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)]
    store = await Database.open(IN_MEMORY, clock=lambda: now[0])
    exchange = exchange_people
    await store.run(exchange, "one", 5)
    now[0] += timedelta(minutes=10)
    await store.run(exchange, "one", 3)
    assert sorted(await store.run(exchange, "two", 0)) == [(0.0, 3), (570.0, 5)]
    now[0] += timedelta(minutes=51)
    assert [count for _, count in await store.run(exchange, "two", 0)] == [3]
    now[0] += timedelta(hours=1)
    assert await store.run(exchange, "two", 0) == []
    assert await store.run(key_value.scan_values, PREFIX) == {}
    await store.close()


async def test_counts_of_a_clock_that_was_ahead_do_not_count() -> None:
    now = [datetime(2026, 1, 2, tzinfo=UTC)]
    store = await Database.open(IN_MEMORY, clock=lambda: now[0])
    await store.run(exchange_people, "one", 5)
    now[0] -= timedelta(days=1)
    assert await store.run(exchange_people, "two", 0) == []
    await store.close()


async def test_a_count_that_cannot_be_read_is_none(store: Database) -> None:
    for number, value in enumerate(("", "[]", '{"a": 1}', '{"1": "x"}', "null")):
        await store.run(key_value.set_value, f"{PREFIX}{number}", value)
    assert await store.run(exchange_people, "one", 1) == []
