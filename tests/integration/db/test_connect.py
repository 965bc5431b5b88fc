"""Opening a database: addresses, the lock, migrations, and the words when it cannot be."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from bot.db import connect, database_info, key_value, schema, subscriptions
from bot.db import migrate as db_migrate
from bot.db.connect import IN_MEMORY
from bot.db.database import Database, migrate
from bot.db.runner import StartOptions
from bot.db.transaction import Transaction
from bot.exceptions import StartupError
from tests.conftest import WITH_POWER_CUTS
from tests.support.builders import subscribe
from tests.support.postgres import PostgresServer
from tests.support.sqlalchemy_core import core, run_core
from tests.support.waiting import PATIENCE

T = TypeVar("T")


async def test_connect_stored_subscription_survives_restart(address: str) -> None:
    first = await Database.open(address)
    made = await subscribe(first)
    await first.close()
    second = await Database.open(address)
    assert await second.run(subscriptions.list_subscriptions) == [made]
    await second.close()


@pytest.mark.postgres
async def test_connect_statements_can_be_prepared_at_once(postgres_url: str) -> None:
    store = await Database.open(f"{postgres_url}?prepare_threshold=0")
    await store.run(database_info.ping)
    await store.close()


async def test_an_empty_database_gets_its_tables_at_the_first_start(empty_address: str) -> None:
    store = await Database.open(empty_address)
    assert await store.run(subscriptions.list_subscriptions) == []
    await store.close()


async def test_migrating_twice_changes_nothing(empty_address: str) -> None:
    for _ in range(2):
        await asyncio.to_thread(migrate, empty_address)
    store = await Database.open(empty_address)
    assert await store.version() == db_migrate.HEAD
    await store.run(database_info.ping)
    await store.close()


@pytest.mark.postgres
async def test_connect_replicas_on_empty_database_all_start(postgres_server: PostgresServer) -> None:
    address = postgres_server.empty()
    stores = await asyncio.gather(*(Database.open(address) for _ in range(5)))
    await asyncio.gather(*(store.close() for store in stores))
    postgres_server.drop(address)


async def test_the_migrations_make_exactly_the_tables_the_program_uses(store: Database) -> None:
    def differences(connection: sa.Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, schema.metadata))

    assert await run_core(store._runner, differences) == []


def test_the_newest_migration_is_the_one_a_start_asks_for() -> None:
    assert ScriptDirectory.from_config(db_migrate.alembic_config()).get_heads() == [db_migrate.HEAD]


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(address: str) -> None:
    await (await Database.open(address)).close()
    _change(address, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StartupError, match="newer version"):
        await Database.open(address)
    _change(address, f"UPDATE alembic_version SET version_num = '{db_migrate.HEAD}'")
    await (await Database.open(address)).close()


def _change(address: str, statement: str) -> None:
    if address.startswith("sqlite"):
        connection = sqlite3.connect(address.removeprefix("sqlite:///"))
        connection.execute(statement)
        connection.commit()
        connection.close()
    else:
        with psycopg.connect(address, autocommit=True) as session:
            session.execute(statement)


# ------------------------------------------------------------------ one process on SQLite

HOLD = """
import asyncio, sys
from bot.db.database import Database
from bot.db.transaction import Transaction
async def main():
    await Database.open(sys.argv[1])
    print("open", flush=True)
    sys.stdin.read()
asyncio.run(main())
"""


async def test_a_second_process_on_a_sqlite_file_is_refused_with_words(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/bot.db"
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD, address, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"open\n"
    with pytest.raises(StartupError, match=rf"(?s)process \(id {holder.pid}\) is using .*bot\.db.*PostgreSQL"):
        await Database.open(address)
    holder.kill()
    await holder.wait()
    # The kernel gave the lock back; no leftover file is in the way.
    await (await Database.open(address)).close()


async def test_a_second_store_in_the_same_process_is_refused_too(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/bot.db"
    store = await Database.open(address)
    with pytest.raises(StartupError):
        await Database.open(address)
    await store.close()
    await (await Database.open(address)).close()


@pytest.fixture
def power_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite waits for the disk, as the product wants it."""
    monkeypatch.setattr(connect, "SYNCHRONOUS", WITH_POWER_CUTS)


async def test_sqlite_keeps_what_was_committed_through_a_power_cut(tmp_path: Path, power_cuts: None) -> None:
    store = await Database.open(f"sqlite:///{tmp_path}/bot.db")

    def pragmas(connection: sa.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "busy_timeout")
        return [connection.execute(sa.text(f"PRAGMA {name}")).scalar() for name in names]

    assert await run_core(store._runner, pragmas) == ["wal", 2, 5000]
    await store.close()


async def test_sqlite_unsynced_commit_does_not_wait_for_disk(tmp_path: Path, power_cuts: None) -> None:
    store = await Database.open(f"sqlite:///{tmp_path}/bot.db")

    def level(tx: Transaction) -> int:
        return int(core(tx, sa.text("PRAGMA synchronous")).scalar_one())

    def fail(tx: Transaction) -> None:
        core(tx, sa.text("INSERT INTO key_value (key) VALUES (NULL)"))

    def unsynced(work: Callable[[Transaction], T]) -> asyncio.Future[T]:
        return store.start(StartOptions(PATIENCE, synced=False), work)

    assert (await unsynced(level), await store.run(level)) == (1, 2)
    together = await asyncio.gather(unsynced(level), store.run(level), unsynced(level))
    assert set(together) == {2}
    with pytest.raises(sqlite3.IntegrityError):
        await unsynced(fail)
    assert await store.run(level) == 2
    await store.close()


async def test_a_database_in_memory_is_one_database() -> None:
    store, other = await Database.open(IN_MEMORY), await Database.open(IN_MEMORY)
    await asyncio.gather(*(store.run(key_value.set_value, f"note {n}", str(n)) for n in range(20)))
    assert await store.run(key_value.get_value, "note 7") == "7"
    assert await other.run(key_value.get_value, "note 7") is None
    await asyncio.gather(store.close(), other.close())


# ------------------------------------------------------------------ words when it cannot be


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("mysql://bot:secret@db/bot", "sqlite:/// or postgresql://"),
        ("bot.db", "n't a database address; write sqlite:///bot.db"),
        ("sqlite://bot.db", "needs sqlite:/// and then the file; write sqlite:///bot.db"),
        ("sqlite:///", "lost at a restart"),
        ("sqlite:////tmp", "is a folder"),
        ("sqlite:///nowhere/bot.db", "four slashes: DATABASE_URL=sqlite:////nowhere/bot.db"),
        ("postgresql://bot:secret@db:port/bot", "host or port can't be read"),
        ("sqlite:////nowhere/at/all/bot.db", "cannot be opened"),
        ("postgresql://bot:secret@127.0.0.1:1/bot", "127.0.0.1/bot cannot be used"),
    ],
)
async def test_connect_bad_address_refused_without_its_password(address: str, words: str) -> None:
    """The error does not repeat the password of the address."""
    with pytest.raises(StartupError, match=words) as refusal:
        await Database.open(address)
    assert "secret" not in str(refusal.value)


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bot.db").write_text("Dear diary, today I was not a database. " * 100)
    with pytest.raises(StartupError, match="not a database"):
        await Database.open(f"sqlite:///{tmp_path}/bot.db")


@pytest.mark.postgres
async def test_libpq_parameters_of_the_address_are_kept(postgres_url: str) -> None:
    store = await Database.open(f"{postgres_url}?application_name=release-bot&options=-csearch_path%3Dpublic")

    def settings(connection: sa.Connection) -> list[object]:
        names = ("application_name", "search_path", "idle_in_transaction_session_timeout")
        return [connection.execute(sa.text(f"SHOW {name}")).scalar() for name in names]

    assert await run_core(store._runner, settings) == ["release-bot", "public", "10s"]
    await store.close()


async def test_closing_leaves_no_thread_and_no_task_behind(address: str) -> None:
    tasks = asyncio.all_tasks()
    store = await Database.open(address)
    await store.run(database_info.ping)
    await store.close()
    assert asyncio.all_tasks() == tasks
    for thread in threading.enumerate():
        if thread.name.startswith("store"):
            thread.join(5)
            assert not thread.is_alive()
