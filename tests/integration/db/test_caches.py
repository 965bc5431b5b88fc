"""What every command asks for is read from memory, and never an old answer."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from bot.db import access, access_requests
from bot.db.connect import IN_MEMORY
from bot.db.database import Database, recent_reads
from bot.db.transaction import Transaction
from bot.domain.access_requests import RequestDecision
from bot.domain.model import Role
from tests.support.sqlalchemy_core import core


async def test_cache_shows_grant_and_revocation_at_once(store: Database) -> None:
    assert await store.cached(access.list_grants, "T1") == []
    await store.run(access.grant_role, "T1", "U1", Role.RELEASER, None, "U9")
    assert [grant.role for grant in await store.cached(access.list_grants, "T1")] == [Role.RELEASER]
    await store.run(access.revoke_role, "T1", "U1", None)
    assert await store.cached(access.list_grants, "T1") == []
    number = await store.run(access_requests.record_refusal, "T1", "U2", Role.MANAGER, None, "downloads", "C1")
    await store.run(access_requests.submit_request, number)
    await store.run(access_requests.decide_request, number, RequestDecision.ALL, "U9")
    assert [grant.grantee for grant in await store.cached(access.list_grants, "T1")] == ["U2"]


async def test_an_allow_list_is_known_at_once(store: Database) -> None:
    assert await store.cached(access.list_allowed_channels) == {}
    await store.run(access.allow_channel, "app", "C1", "U9")
    assert await store.cached(access.list_allowed_channels) == {"app": frozenset({"C1"})}
    await store.run(access.disallow_channel, "app", "C1")
    assert await store.cached(access.list_allowed_channels) == {}


async def test_workspaces_are_kept_apart(store: Database) -> None:
    await store.run(access.grant_role, "T1", "U1", Role.ADMIN, None, "U9")
    assert len(await store.cached(access.list_grants, "T1")) == 1
    assert await store.cached(access.list_grants, "T2") == []


async def test_cache_readers_beside_writer_leave_no_stale_answer(store: Database) -> None:
    for number in range(20):
        channel = f"C{number}"
        await asyncio.gather(
            store.cached(access.list_allowed_channels),
            store.run(access.allow_channel, "app", channel, "U9"),
            store.cached(access.list_allowed_channels),
        )
        assert channel in (await store.cached(access.list_allowed_channels))["app"]


async def test_cache_cancelled_writer_with_written_row_invalidates(store: Database) -> None:
    await store.cached(access.list_allowed_channels)
    writer = asyncio.create_task(store.run(access.allow_channel, "app", "C1", "U9"))
    await asyncio.sleep(0)
    writer.cancel()
    await asyncio.wait({writer})

    def written(tx: Transaction) -> bool:
        return core(tx, sa.text("SELECT 1 FROM app_channel_allowlist")).first() is not None

    assert ("app" in await store.cached(access.list_allowed_channels)) is await store.run(written)


async def test_a_file_of_our_own_is_read_once() -> None:
    store = await Database.open(IN_MEMORY)
    reads = 0

    def read(_: Transaction, add: int) -> int:
        nonlocal reads
        reads += 1
        return reads + add

    assert [await store.cached(read, 0) for _ in range(3)] == [1, 1, 1]
    assert await store.cached(read, 10) == 12, "other arguments, another answer"
    await store.run(Transaction.invalidate_cache)
    assert await store.cached(read, 0) == 3
    await store.close()


@pytest.mark.postgres
async def test_cache_shows_write_of_other_replica_at_once(postgres_url: str) -> None:
    first, second = await Database.open(postgres_url), await Database.open(postgres_url)
    assert await second.cached(access.list_grants, "T1") == []
    await first.run(access.grant_role, "T1", "U1", Role.RELEASER, None, "U9")
    assert len(await second.cached(access.list_grants, "T1")) == 1
    await asyncio.gather(first.close(), second.close())


@pytest.mark.postgres
async def test_recent_reads_ask_once_until_anything_changes(postgres_url: str) -> None:
    ours, other = await Database.open(postgres_url), await Database.open(postgres_url)
    try:
        with recent_reads():
            first = await ours.cached(access.list_grants, "T1")
            assert await ours.cached(access.list_grants, "T1") is first, "one question"
            await ours.run(access.grant_role, "T1", "U1", Role.RELEASER, None, "U9")
            assert [grant.grantee for grant in await ours.cached(access.list_grants, "T1")] == ["U1"], "ours at once"
            changes = ours.notifier.access_changes
            await other.run(access.revoke_role, "T1", "U1", None)
            async with asyncio.timeout(10):
                while ours.notifier.access_changes == changes:
                    await asyncio.sleep(0.001)
            assert await ours.cached(access.list_grants, "T1") == [], "another process's once it is notified"
        await other.run(access.grant_role, "T1", "U2", Role.RELEASER, None, "U9")
        assert [grant.grantee for grant in await ours.cached(access.list_grants, "T1")] == ["U2"], "for a person: asked"
    finally:
        await ours.close()
        await other.close()
