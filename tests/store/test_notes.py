"""Events that were seen, and notes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from bot.db.connect import IN_MEMORY
from bot.db.database import Store


async def test_an_event_is_new_once_whoever_asks(store: Store) -> None:
    answers = await asyncio.gather(*(store.seen_event("Ev1") for _ in range(5)))
    assert sorted(answers) == [False, False, False, False, True]
    assert await store.seen_event("Ev2")


async def test_an_event_is_remembered_for_a_day() -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    store = await Store.open(IN_MEMORY, clock=lambda: now[0])
    assert await store.seen_event("Ev1")
    now[0] += timedelta(hours=23)
    assert not await store.seen_event("Ev1")
    now[0] += timedelta(hours=2)
    assert await store.seen_event("Ev1")
    await store.close()


async def test_a_note_is_the_last_one_written(store: Store) -> None:
    assert await store.recall("outage") is None
    await store.remember("outage", "since noon")
    await store.remember("outage", "over")
    assert await store.recall("outage") == "over"


async def test_notes_are_found_by_how_their_names_begin_and_taken_away_one_by_one(store: Store) -> None:
    for key in ("a_b 1", "a_b 2", "axb 3", "other"):
        await store.remember(key, f"of {key}")
    assert await store.notes_under("a_b ") == {"a_b 1": "of a_b 1", "a_b 2": "of a_b 2"}
    await store.forget_note("a_b 1")
    await store.forget_note("never there")
    assert await store.notes_under("a") == {"a_b 2": "of a_b 2", "axb 3": "of axb 3"}
