"""A database is copied whole to an empty one of either kind, and the copy goes on where the first stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from bot.db import key_value, subscriptions
from bot.db import migrate as db_migrate
from bot.db.connect import DatabaseUrl, connect
from bot.db.copy_database import copy_database
from bot.db.database import Database
from bot.exceptions import BotError, DatabaseNotFound
from bot.system_clock import utc_now
from tests.conftest import Environment
from tests.integration.db.conftest import BOTH
from tests.integration.db.test_migrate import value
from tests.support.builders import subscribe
from tests.support.postgres import PostgresServer
from tests.support.sqlalchemy_core import run_core

MANY = 2500  # rows of one table: more than are copied at once


@pytest.fixture(params=BOTH)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database that is not there yet, or empty."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/target.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    address = server.empty()
    yield address
    server.drop(address)


def fill(connection: sa.Connection) -> None:
    """Put rows into every table there is; texts with all kinds of letters."""
    metadata = sa.MetaData()
    metadata.reflect(connection)
    for name, table in metadata.tables.items():
        if name != "alembic_version":
            count = MANY if name == "key_value" else 3
            connection.execute(table.insert(), [{c.name: value(c, row) for c in table.c} for row in range(count)])


def rows(connection: sa.Connection) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, in the order of their columns."""
    metadata = sa.MetaData()
    metadata.reflect(connection)
    return {
        name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr)
        for name, table in metadata.tables.items()
        if name != "alembic_version"
    }


async def in_database(address: str, work: Any) -> Any:
    runner = connect(DatabaseUrl.parse(address), utc_now)
    try:
        return await run_core(runner, work)
    finally:
        await runner.close()


async def test_every_row_of_every_table_is_copied(address: str, target: str) -> None:
    await in_database(address, fill)
    before = await in_database(address, rows)
    counts = await copy_database(address, target)
    assert counts == {name: len(found) for name, found in before.items()}
    assert sum(counts.values()) > MANY + 3 * 20
    assert await in_database(target, rows) == before
    assert await in_database(address, rows) == before


async def test_new_rows_are_numbered_after_the_copied_ones(address: str, target: str) -> None:
    store = await Database.open(address)
    last = [await subscribe(store, f"C{number}") for number in range(5)][-1]
    await store.close()
    await copy_database(address, target)
    store = await Database.open(target)
    assert (await subscribe(store, "C9")).id == last.id + 1
    assert len(await store.run(subscriptions.list_subscriptions)) == 6
    await store.close()


async def test_a_target_with_rows_is_refused(address: str, target: str) -> None:
    store = await Database.open(target)
    await store.run(key_value.set_value, "note", "mine")
    await store.close()
    with pytest.raises(BotError, match="already has data"):
        await copy_database(address, target)
    store = await Database.open(target)
    assert await store.run(key_value.get_value, "note") == "mine"
    await store.close()


async def test_a_running_bot_is_refused_on_either_side(address: str, target: str) -> None:
    for used, from_, to in ((address, address, target), (target, address, target)):
        store = await Database.open(used)
        with pytest.raises(BotError, match=r"is using the database.*Stop"):
            await copy_database(from_, to)
        await store.close()


async def test_a_copy_that_fails_leaves_nothing(address: str, target: str) -> None:
    def spoil(connection: sa.Connection) -> None:
        connection.execute(sa.text("ALTER TABLE subscriptions RENAME COLUMN query TO other"))

    await in_database(address, spoil)
    with pytest.raises(BotError):
        await copy_database(address, target)
    place = DatabaseUrl.parse(target)
    assert place.file is None or not place.file.exists()
    assert place.file or await in_database(target, rows) == {}


async def test_another_version_is_refused(empty_address: str, target: str) -> None:
    def older(connection: sa.Connection) -> None:
        command.upgrade(db_migrate.alembic_config(connection), "0011")

    await in_database(empty_address, older)
    with pytest.raises(BotError, match="applivery-bot migrate"):
        await copy_database(empty_address, target)


def test_a_missing_source_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(DatabaseNotFound):
        asyncio.run(copy_database(f"sqlite:///{tmp_path}/no.db", f"sqlite:///{tmp_path}/target.db"))
    assert list(tmp_path.iterdir()) == []


def test_a_database_is_not_copied_to_itself(tmp_path: Path) -> None:
    for again in (f"sqlite:///{tmp_path}/bot.db", f"sqlite:///{tmp_path}/../{tmp_path.name}/bot.db"):
        with pytest.raises(BotError, match="same database"):
            asyncio.run(copy_database(f"sqlite:///{tmp_path}/bot.db", again))


@pytest.mark.postgres
async def test_the_bot_goes_on_in_the_copy_and_back(world: Environment, postgres_server: PostgresServer) -> None:
    """From SQLite to PostgreSQL and back, with builds that come while it is copied: each is announced once."""
    empty, back = postgres_server.empty(), f"sqlite:///{world.folder}/back.db"
    await world.start()
    await world.ask("subscribe courier")
    await world.look()
    for number, (source, target) in enumerate(((world.database, empty), (empty, back)), 1):
        under_way = world.applivery.build(world.courier, version=f"{number}.0", status="in_progress")
        await world.look()
        await world.stop()
        world.applivery.move(under_way, "processed")
        world.applivery.build(world.courier, version=f"{number}.1")
        await copy_database(source, target)
        world.database = target
        await world.start()
        await world.look()
        await world.settle()
        assert len(world.said()) == 2 * number
    cards = world.slack.messages(world.releases)
    assert ["superseded" in card.text for card in cards if card.metadata] == [True] * 3 + [False]
    assert (await world.ask("get courier")).text
    await world.stop()
    postgres_server.drop(empty)
