"""A SQLite database as files: private, checked before it is used, and a full disk is told in words."""

from __future__ import annotations

import os
import random
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.db import key_value
from bot.db.database import Database
from bot.exceptions import StartupError
from tests.repository.shell import ROOT


def rights(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


async def filled(file: Path) -> None:
    """A database of some pages, closed."""
    store = await Database.open(f"sqlite:///{file}")
    for number in range(300):
        await store.run(key_value.set_value, f"note {number}", "x" * 300)
    await store.close()


# ------------------------------------------------------------------ rights


@pytest.mark.parametrize("mask", [0o022, 0o000, 0o077])
async def test_sqlite_files_readable_only_by_owner(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        store = await Database.open(f"sqlite:///{tmp_path}/bot.db")
        await store.run(key_value.set_value, "a", "b")
        made = {path.name: rights(path) for path in tmp_path.iterdir()}
        await store.close()
    finally:
        os.umask(before)
    assert set(made) == {"bot.db", "bot.db-wal", "bot.db-shm", "bot.db.lock"}
    assert set(made.values()) == {0o600}


async def test_sqlite_open_removes_rights_of_others(tmp_path: Path) -> None:
    file = tmp_path / "bot.db"
    connection = sqlite3.connect(file)  # as a process that was killed leaves it
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE x (a)")
    connection.commit()
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    store = await Database.open(f"sqlite:///{file}")
    assert {rights(each_path) for each_path in tmp_path.iterdir()} == {0o600}
    await store.close()
    connection.close()


# ------------------------------------------------------------------ damage


def spoil(file: Path, how: str) -> None:
    content = bytearray(file.read_bytes())
    if how == "cut in half":
        content = content[: len(content) // 2]
    elif how == "zeros in the middle":
        content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    elif how == "noise in the middle":
        third = len(content) // 3
        content[third : 2 * third] = random.Random(7).randbytes(third)
    elif how == "its head is gone":
        content[:100] = bytes(100)
    elif how == "text":
        content = bytearray(b"Dear diary, today I was not a database. " * 100)
    file.write_bytes(content)


HOW = ["cut in half", "zeros in the middle", "noise in the middle", "its head is gone", "text"]


@pytest.mark.parametrize("how", HOW)
async def test_a_damaged_database_is_refused_before_it_is_used(tmp_path: Path, how: str) -> None:
    file = tmp_path / "bot.db"
    await filled(file)
    spoil(file, how)
    before = file.read_bytes()
    for open_it in (Database.open, Database.open_read_only):
        with pytest.raises(StartupError, match=r"(?s)damaged.*Restore it from a backup"):
            await open_it(f"sqlite:///{file}")
    assert file.read_bytes() == before, "what may be saved of it is not touched"


async def test_a_whole_database_is_opened(tmp_path: Path) -> None:
    file = tmp_path / "bot.db"
    await filled(file)
    store = await Database.open(f"sqlite:///{file}")
    assert await store.run(key_value.get_value, "note 7") == "x" * 300
    await store.close()


# ------------------------------------------------------------------ a full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("a small disk needs the right to mount one: run the tests as root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("kilobytes", [64, 62, 60, 56, 48, 40, 30, 20, 10])
async def test_a_first_start_on_a_full_disk_is_refused_in_words(small_disk: Path, kilobytes: int) -> None:
    with (small_disk / "fill").open("wb") as fill:
        try:
            fill.write(bytes(kilobytes * 1024))
            fill.flush()
        except OSError:
            pass
    with pytest.raises(StartupError, match=r"(?s)no room left.*Free some space"):
        await Database.open(f"sqlite:///{small_disk}/bot.db")


def test_migrate_says_it_without_a_traceback(small_disk: Path) -> None:
    (small_disk / "fill").write_bytes(bytes(60 * 1024))
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{small_disk}/bot.db", "PYTHONPATH": str(ROOT)}
    needed = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "APPLIVERY_TOKEN": "t"}
    environment |= needed | {"APPLIVERY_ORGANIZATION": "acme"}
    done = subprocess.run(
        [sys.executable, "-m", "bot", "migrate"],
        cwd=small_disk.parent, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "no room left" in done.stderr
    assert "Traceback" not in done.stderr
