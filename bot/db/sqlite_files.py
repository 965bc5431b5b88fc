"""Files of a SQLite database: readable by their owner alone, undamaged, on a disk with free space."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
from pathlib import Path

from bot.exceptions import StartupError
from bot.i18n import english
from bot.observability.logging import logger

log = logger(__name__)

LEAST_FREE = 64 * 1024  # bytes; the initial size of a write-ahead log
FULL = (errno.ENOSPC, errno.EDQUOT)
BESIDE = ("", "-wal", "-shm", "-journal")


def make_private(file: Path) -> None:
    """Restrict the database file (created if missing) and SQLite's files beside it to their owner.

    SQLite gives those files the permissions of the database file. https://www.sqlite.org/wal.html#the_wal_file
    Raises StartupError when the file cannot be created.
    """
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as problem:
        raise cannot_open(file, problem) from problem
    for path in (file.with_name(file.name + end) for end in BESIDE):
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            _take_rights_away(path)


def _take_rights_away(file: Path) -> None:
    try:
        file.chmod(0o600)
    except OSError as problem:  # another user owns it
        log.warning("store.readable_by_others", file=file.name, reason=problem.strerror)


def check_whole(connection: sqlite3.Connection) -> None:
    """Raise StartupError when the file is damaged, which would otherwise break a query later.

    https://www.sqlite.org/pragma.html#pragma_quick_check
    """
    try:
        found = [word for (word,) in connection.execute("PRAGMA quick_check(1)")]
    except sqlite3.OperationalError:
        raise  # it cannot be read at the moment
    except sqlite3.DatabaseError as problem:
        found = [str(problem)]
    if found != ["ok"]:
        raise damaged(str(found[0] if found else "no answer"))


def damaged(reason: str) -> StartupError:
    """Return the error for a damaged file."""
    return StartupError(
        english(f"The database file is damaged: {' '.join(reason.split())[:200]}."),
        english("Restore it from a backup, or move it away to start with an empty one (docs/operations.md)."),
    )


def cannot_open(file: Path, problem: OSError) -> StartupError:
    """Return the error for a file that can be neither created nor written."""
    if problem.errno in FULL:
        return no_room(file)
    return StartupError(
        english(f"The database file cannot be opened: {file}: {problem.strerror}."),
        english("Name a file in a directory that exists and may be written to, in DATABASE_URL."),
    )


def is_full(file: Path) -> bool:
    """Return whether the file's disk is full; SQLite often only reports that a write failed."""
    try:
        return shutil.disk_usage(file.parent).free < LEAST_FREE
    except OSError:
        return False


def no_room(file: Path) -> StartupError:
    """Return the error for a full disk."""
    return StartupError(
        english(f"The disk has no room left for the database {file}."),
        english("Free some space there, then start again."),
    )
