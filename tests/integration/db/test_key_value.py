"""Events that were seen, and notes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from bot.db import key_value, seen_events
from bot.db.connect import IN_MEMORY
from bot.db.database import Database


async def test_event_is_new_once_among_concurrent_callers(store: Database) -> None:
    answers = await asyncio.gather(*(store.run(seen_events.record_event, "Ev1") for _ in range(5)))
    assert sorted(answers) == [False, False, False, False, True]
    assert await store.run(seen_events.record_event, "Ev2")


async def test_an_event_is_remembered_for_a_day() -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    store = await Database.open(IN_MEMORY, clock=lambda: now[0])
    assert await store.run(seen_events.record_event, "Ev1")
    now[0] += timedelta(hours=23)
    assert not await store.run(seen_events.record_event, "Ev1")
    now[0] += timedelta(hours=2)
    assert await store.run(seen_events.record_event, "Ev1")
    await store.close()


async def test_a_note_is_the_last_one_written(store: Database) -> None:
    assert await store.run(key_value.get_value, "outage") is None
    await store.run(key_value.set_value, "outage", "since noon")
    await store.run(key_value.set_value, "outage", "over")
    assert await store.run(key_value.get_value, "outage") == "over"


async def test_key_value_found_by_prefix_and_removed_one_by_one(store: Database) -> None:
    for key in ("a_b 1", "a_b 2", "axb 3", "other"):
        await store.run(key_value.set_value, key, f"of {key}")
    assert await store.run(key_value.scan_values, "a_b ") == {"a_b 1": "of a_b 1", "a_b 2": "of a_b 2"}
    await store.run(key_value.delete_value, "a_b 1")
    await store.run(key_value.delete_value, "never there")
    assert await store.run(key_value.scan_values, "a") == {"a_b 2": "of a_b 2", "axb 3": "of axb 3"}
