"""Behind a pgbouncer: sessions pooled, as without one; transactions pooled, with PGBOUNCER=transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from bot import settings as bot_settings
from bot.app import running
from bot.db import key_value
from bot.db.connect import DatabaseUrl
from bot.db.database import Database
from bot.db.transaction import Transaction
from bot.exceptions import BotError, StartupError
from tests.conftest import Environment
from tests.e2e.test_cli import a_free_port
from tests.support import pgbouncer
from tests.support.builders import exchange, fill, said
from tests.support.postgres import PostgresServer
from tests.support.sqlalchemy_core import core
from tests.support.waiting import until

pytestmark = [pytest.mark.postgres, pytest.mark.skipif(not pgbouncer.is_here(), reason=pgbouncer.LACKING)]


@pytest.fixture(params=["session", "transaction"])
async def pooled(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, postgres_url: str
) -> AsyncIterator[str]:
    """The address of a database behind a pgbouncer, as the settings make it of DATABASE_URL and PGBOUNCER."""
    async with pgbouncer.pgbouncer(postgres_server, a_free_port(), request.param) as port:
        direct = f"127.0.0.1:{postgres_server.port}/"
        address = postgres_url.replace(direct, f"127.0.0.1:{port}/")
        yield bot_settings.read_database(database_url=address, pgbouncer=request.param).database_url


async def test_pgbouncer_carries_many_transactions_at_once(pooled: str) -> None:
    stores = [await Database.open(pooled) for _ in range(2)]

    async def use(number: int) -> None:
        store = stores[number % 2]
        for turn in range(8):
            await store.run(key_value.set_value, f"note {number}", str(turn))
            assert await store.run(key_value.get_value, f"note {number}") == str(turn)

    await asyncio.gather(*(use(number) for number in range(12)))
    await fill(stores[0], ["C1", "C2"], ["b1", "b2"])
    claims = [claim for store in stores for claim in (await exchange(store)).claims]
    assert sorted(said(claims)) == [("C1", "b1"), ("C2", "b1")]
    for store in stores:
        await store.close()


async def test_pgbouncer_settings_hold_in_each_transaction(pooled: str) -> None:
    store = await Database.open(pooled)

    def read(tx: Transaction) -> Any:
        return core(tx, sa.text("SHOW idle_in_transaction_session_timeout")).scalar()

    assert {await store.run(read) for _ in range(5)} == {"10s"}
    await store.close()


async def test_pgbouncer_changes_reach_the_other_replica(pooled: str) -> None:
    stores = [await Database.open(pooled) for _ in range(2)]
    told: list[str] = []
    own: list[str] = []
    stores[0].notifier.on_slack_change = told.append
    stores[1].notifier.on_slack_change = own.append
    for who in ("U1", "S2", "U1"):
        await stores[1].run(Transaction.notify_slack_change, who)
        await until(lambda who=who: told and told[-1] == who)  # type: ignore[misc]
        told.clear()
    assert own == [], "it knows of its own"
    for store in stores:
        await store.close()


async def test_pgbouncer_two_replicas_announce_each_build_once(world: Environment, pooled: str) -> None:
    world.database = pooled
    await world.start(jobs=True, poll_idle_seconds=0.2, poll_busy_seconds=0.2)
    settings = world.settings(poll_idle_seconds=0.2, poll_busy_seconds=0.2)
    async with running(settings, world.tuning, jobs=True):
        await world.ask("subscribe courier")
        for number in range(1, 7):
            world.applivery.build(world.courier, version=str(number))
        await world.slack.until(lambda: len(world.said()) >= 6)
        await asyncio.sleep(0.5)
        assert len(world.said()) == 6


async def test_pgbouncer_without_the_setting_says_what_is_wrong(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    async with pgbouncer.pgbouncer(postgres_server, a_free_port(), "transaction") as port:
        address = postgres_url.replace(f":{postgres_server.port}/", f":{port}/")
        with capture_logs() as lines:
            with pytest.raises(BotError):
                await use_until_it_fails(address)
        assert {"event": "db.transactions_are_pooled", "fix": "set PGBOUNCER=transaction"}.items() <= next(
            line for line in lines if line["event"] == "db.transactions_are_pooled"
        ).items()


async def use_until_it_fails(address: str) -> None:
    stores = [await Database.open(address) for _ in range(2)]
    try:
        for _ in range(200):
            await asyncio.gather(
                *(store.run(key_value.set_value, f"note {number}", "x") for store in stores for number in range(4))
            )
    finally:
        for store in stores:
            await store.close()


@pytest.mark.parametrize(
    ("query", "threshold"),
    [("", 5), ("?prepare_threshold=0", 0), ("?prepare_threshold=none", None), ("?pgbouncer=transaction", None)],
)
def test_address_says_after_how_many_uses_to_prepare(query: str, threshold: int | None) -> None:
    place = DatabaseUrl.parse(f"postgresql://bot@db1:5432,db2:5433/bot{query}")
    assert place.prepare_threshold == threshold
    assert not {"prepare_threshold", "pgbouncer"} & set(place.url.query)
    assert place.libpq()["host"] == "db1,db2"
    assert place.libpq()["target_session_attrs"] == "read-write"


def test_address_with_a_wrong_threshold_is_refused() -> None:
    with pytest.raises(StartupError, match="prepare_threshold must be a number or none"):
        DatabaseUrl.parse("postgresql://bot@db/bot?prepare_threshold=often")
