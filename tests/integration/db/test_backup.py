"""Backups: whole, made beside a bot that writes, replaced only by a whole one, restored only where no bot runs."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.db import key_value, migrate
from bot.db.backup import back_up, check, restore
from bot.db.connect import DatabaseUrl
from bot.db.database import Database
from bot.exceptions import BotError, DatabaseNotFound
from tests.integration.db.test_sqlite_files import small_disk
from tests.support.postgres import PostgresServer

__all__ = ["small_disk"]


@pytest.fixture(autouse=True)
def _programs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """pg_dump of the server that the tests run, as an operator has it on the PATH."""
    if "address" in request.fixturenames and "postgresql" in request.node.name:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        monkeypatch.setenv("PATH", str(server.programs), prepend=":")


async def remembers(address: str) -> str | None:
    store = await Database.open(address)
    try:
        return await store.run(key_value.get_value, "note")
    finally:
        await store.close()


async def remember(address: str, value: str) -> None:
    store = await Database.open(address)
    await store.run(key_value.set_value, "note", value)
    await store.close()


async def test_backup_beside_a_bot_that_writes_is_whole(address: str, tmp_path: Path) -> None:
    store = await Database.open(address)
    await store.run(key_value.set_value, "note", "one")
    writing = asyncio.create_task(write_on(store))
    for _ in range(3):  # the second and third night replace the first
        made = await asyncio.to_thread(back_up, address, tmp_path / "backup")
    writing.cancel()
    await store.run(key_value.set_value, "note", "two")
    await store.close()
    assert (made.dialect, made.version) == (store.dialect, migrate.HEAD)
    assert check(tmp_path / "backup").size == made.size > 0
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o600
    restore(address, tmp_path / "backup")
    assert await remembers(address) == "one"
    assert not list(tmp_path.glob(".*partial"))


async def write_on(store: Database) -> None:
    number = 0
    while True:
        number += 1
        await store.run(key_value.set_value, f"more {number % 50}", "x" * number)


async def test_restore_refuses_while_a_bot_runs(address: str, tmp_path: Path) -> None:
    store = await Database.open(address)
    back_up(address, tmp_path / "backup")
    with pytest.raises(BotError, match=r"is using the database.*Stop"):
        restore(address, tmp_path / "backup")
    await store.close()
    restore(address, tmp_path / "backup")


async def test_restore_of_a_damaged_database_keeps_it_beside(tmp_path: Path) -> None:
    file = tmp_path / "bot.db"
    address = f"sqlite:///{file}"
    await remember(address, "one")
    back_up(address, tmp_path / "backup.db")
    file.write_bytes(b"\x07" * 5000)
    restore(address, tmp_path / "backup.db")
    assert await remembers(address) == "one"
    assert (tmp_path / "bot.db.replaced").read_bytes() == b"\x07" * 5000


async def test_restore_makes_a_database_where_there_was_none(tmp_path: Path) -> None:
    await remember(f"sqlite:///{tmp_path}/bot.db", "one")
    back_up(f"sqlite:///{tmp_path}/bot.db", tmp_path / "backup.db")
    elsewhere = f"sqlite:///{tmp_path}/elsewhere/bot.db"
    (tmp_path / "elsewhere").mkdir()
    restore(elsewhere, tmp_path / "backup.db")
    assert await remembers(elsewhere) == "one"


async def test_restore_keeps_the_write_ahead_log_that_was_there(tmp_path: Path) -> None:
    """The bot was killed: its last writes stand in the write-ahead log alone."""
    address = f"sqlite:///{tmp_path}/bot.db"
    await remember(address, "one")
    back_up(address, tmp_path / "backup.db")
    with closing(sqlite3.connect(tmp_path / "bot.db", isolation_level=None)) as killed:
        killed.execute("PRAGMA journal_mode = WAL")
        killed.execute("UPDATE key_value SET value = 'two' WHERE key = 'note'")
        for end in ("", "-wal"):
            (tmp_path / f"copy.db{end}").write_bytes((tmp_path / f"bot.db{end}").read_bytes())
    for end in ("", "-wal"):
        (tmp_path / f"copy.db{end}").replace(tmp_path / f"bot.db{end}")
    restore(address, tmp_path / "backup.db")
    assert await remembers(address) == "one"
    assert await remembers(f"sqlite:///{tmp_path}/bot.db.replaced") == "two"


def test_backup_of_a_missing_database_makes_neither(tmp_path: Path) -> None:
    with pytest.raises(DatabaseNotFound, match="There is no database"):
        back_up(f"sqlite:///{tmp_path}/bot.db", tmp_path / "backup.db")
    assert list(tmp_path.iterdir()) == []


async def test_backup_of_a_damaged_database_leaves_the_last_one(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/bot.db"
    await remember(address, "one" * 2000)
    back_up(address, tmp_path / "backup.db")
    before = (tmp_path / "backup.db").read_bytes()
    content = bytearray((tmp_path / "bot.db").read_bytes())
    content[4096 * 3 : 4096 * 6] = bytes(4096 * 3)
    (tmp_path / "bot.db").write_bytes(content)
    with pytest.raises(BotError, match="damaged"):
        back_up(address, tmp_path / "backup.db")
    assert (tmp_path / "backup.db").read_bytes() == before


async def test_backup_to_a_full_disk_leaves_the_last_one(tmp_path: Path, small_disk: Path) -> None:
    address = f"sqlite:///{tmp_path}/bot.db"
    await remember(address, "one")
    last = small_disk / "backup.db"
    last.write_bytes(b"SQLite format 3\x00 and so on")
    with pytest.raises(BotError, match="no room left"):
        back_up(address, last)
    assert [file.name for file in small_disk.iterdir()] == ["backup.db"]


@pytest.mark.parametrize("name", ["bot.db", "bot.db-wal", "link.db", "notes.txt", "folder"])
async def test_backup_never_overwrites_something_else(tmp_path: Path, name: str) -> None:
    store = await Database.open(f"sqlite:///{tmp_path}/bot.db")
    (tmp_path / "link.db").symlink_to(tmp_path / "bot.db")
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / "folder").mkdir()
    with pytest.raises(BotError, match=r"is the database itself|isn't a backup"):
        back_up(f"sqlite:///{tmp_path}/bot.db", tmp_path / name)
    await store.close()
    assert (tmp_path / "notes.txt").read_text() == "notes"


@pytest.fixture
def backup(tmp_path: Path) -> Iterator[Path]:
    address = f"sqlite:///{tmp_path}/bot.db"
    asyncio.run(remember(address, "one"))
    back_up(address, tmp_path / "backup.db")
    yield tmp_path / "backup.db"
    assert asyncio.run(remembers(address)) == "one", "a refused restore changes nothing"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "isn't a backup"),
        (b"hello", "isn't a backup"),
        (b"SQLite format 3\x00", "damaged"),
        (b"SQLite format 3\x00" + bytes(5000), "damaged"),
        (b"PGDMP", r"pg_restore (failed|isn't installed)"),
    ],
)
def test_restore_checks_the_file_first(backup: Path, content: bytes, words: str) -> None:
    backup.write_bytes(content)
    with pytest.raises(BotError, match=words):
        restore(f"sqlite:///{backup.parent}/bot.db", backup)


def test_restore_refuses_half_a_backup(backup: Path) -> None:
    backup.write_bytes(backup.read_bytes()[: backup.stat().st_size // 2])
    with pytest.raises(BotError, match="damaged"):
        restore(f"sqlite:///{backup.parent}/bot.db", backup)


def test_restore_refuses_another_database_of_sqlite(backup: Path) -> None:
    backup.unlink()
    with closing(sqlite3.connect(backup)) as other:
        other.execute("CREATE TABLE notes (words)")
    with pytest.raises(BotError, match="none of the bot's tables"):
        restore(f"sqlite:///{backup.parent}/bot.db", backup)


def test_restore_refuses_a_newer_version(backup: Path) -> None:
    with closing(sqlite3.connect(backup)) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
        newer.commit()
    with pytest.raises(BotError, match="newer version"):
        restore(f"sqlite:///{backup.parent}/bot.db", backup)


def test_restore_refuses_the_other_kind_of_database(backup: Path) -> None:
    with pytest.raises(BotError, match=r"backup of SQLite, and DATABASE_URL names PostgreSQL.*copy-database"):
        restore("postgresql://bot@127.0.0.1:1/bot", backup)


@pytest.mark.postgres
async def test_restore_of_an_older_version_removes_newer_tables(postgres_url: str, tmp_path: Path) -> None:
    import psycopg

    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE drafts RENAME TO drafts_of_later")
        back_up(postgres_url, tmp_path / "backup.dump")
        connection.execute("ALTER TABLE drafts_of_later RENAME TO drafts")
        restore(postgres_url, tmp_path / "backup.dump")
        assert connection.execute("SELECT to_regclass('drafts')").fetchone() == (None,)
        assert connection.execute("SELECT to_regclass('subscriptions') IS NOT NULL").fetchone() == (True,)
    assert DatabaseUrl.parse(postgres_url).dialect == "postgresql"
