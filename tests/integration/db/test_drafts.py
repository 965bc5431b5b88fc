"""What somebody typed is kept for a week, whatever it is, and then gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from bot.db import drafts as stored_drafts
from bot.db.connect import IN_MEMORY
from bot.db.database import Database
from bot.db.schema import drafts
from bot.db.transaction import Transaction
from tests.support.sqlalchemy_core import core


async def test_a_draft_is_found_by_its_key_alone(store: Database) -> None:
    words = "😀" * 5000 + '\n"quoted" \\ back'
    key = await store.run(stored_drafts.save_draft, words)
    assert await store.run(stored_drafts.get_draft, key) == words
    assert await store.run(stored_drafts.save_draft, words) != key
    assert await store.run(stored_drafts.get_draft, "another") is None


async def test_a_draft_is_kept_for_a_week_and_then_purged() -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    store = await Database.open(IN_MEMORY, clock=lambda: now[0])
    key = await store.run(stored_drafts.save_draft, "reason")
    now[0] += timedelta(days=6, hours=23)
    assert await store.run(stored_drafts.get_draft, key) == "reason"
    now[0] += timedelta(hours=2)
    assert await store.run(stored_drafts.get_draft, key) is None
    await store.run(stored_drafts.purge_drafts)

    def count(tx: Transaction) -> int:
        return int(core(tx, sa.select(sa.func.count()).select_from(drafts)).scalar_one())

    assert await store.run(count) == 0
    await store.close()
