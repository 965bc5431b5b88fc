"""Backups of the database in one file: created while the bot runs, verified, and restored while it is stopped."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from bot.db import migrate, postgres_tools, sqlite_files
from bot.db.connect import DatabaseUrl, SingleProcessLock
from bot.db.dialect_sql import POSTGRESQL, SQLITE
from bot.exceptions import BotError, DatabaseNotFound
from bot.i18n import english

# https://www.sqlite.org/fileformat.html#magic_header_string and the first bytes of pg_dump's custom format
HEADERS = {SQLITE: b"SQLite format 3\x00", POSTGRESQL: b"PGDMP"}
NAMES = {SQLITE: "SQLite", POSTGRESQL: "PostgreSQL"}
REPLACED = ".replaced"  # suffix of the database that a restore replaced


class Backup(Struct, frozen=True):
    """A verified backup file; `version` is its schema version."""

    file: Path
    dialect: str
    version: str
    size: int


def back_up(address: str, file: Path) -> Backup:
    """Write a backup of the database to `file`, replacing an earlier backup only once the new one is verified.

    Raises BotError: there is no database, the file is no backup, the disk is full, pg_dump fails.
    """
    place, file = DatabaseUrl.parse(address), file.expanduser()
    _require_replaceable(place, file)
    with _partial_file(file) as partial:
        if place.dialect == SQLITE:
            _copy_sqlite(place, partial)
        else:
            postgres_tools.dump(place, partial)
        made = check(partial)
        _sync(partial)
        partial.replace(file)
    return Backup(file, made.dialect, made.version, made.size)


def restore(address: str, file: Path) -> Backup:
    """Replace the database with a verified backup. A replaced SQLite file is kept beside it.

    Raises BotError: the backup is incomplete or of a newer version, a bot is using the database.
    """
    place, backup = DatabaseUrl.parse(address), check(file.expanduser())
    if backup.dialect != place.dialect:
        raise BotError(
            english(f"That's a backup of {NAMES[backup.dialect]}, and DATABASE_URL names {NAMES[place.dialect]}."),
            english("Restore it to its own kind, then use `applivery-bot copy-database`."),
        )
    if backup.version > migrate.HEAD:
        raise BotError(
            english("That backup was made by a newer version of this bot."), english("Install that version first.")
        )
    if place.dialect == POSTGRESQL:
        postgres_tools.restore(place, backup.file)
    else:
        _replace_sqlite(place, backup.file)
    return backup


def check(file: Path) -> Backup:
    """Read the whole backup and return its description. Raises BotError when it is damaged, empty or no backup."""
    dialect = _dialect_of(file)
    if dialect is None:
        raise BotError(english(f"{file} isn't a backup."), english("Name a file that `applivery-bot backup` made."))
    version = _sqlite_version(file) if dialect == SQLITE else postgres_tools.version_of(file)
    if not version:
        raise BotError(english(f"{file} has none of the bot's tables."), english("Restore from another backup."))
    return Backup(file, dialect, version, file.stat().st_size)


def _dialect_of(file: Path) -> str | None:
    try:
        with file.open("rb") as content:
            start = content.read(max(map(len, HEADERS.values())))
    except OSError as problem:
        raise BotError(
            english(f"Can't read {file}: {problem.strerror}."), english("Name a file that `applivery-bot backup` made.")
        ) from problem
    return next((dialect for dialect, header in HEADERS.items() if start.startswith(header)), None)


def _require_replaceable(place: DatabaseUrl, file: Path) -> None:
    """Raise BotError unless the file is an earlier backup, or does not exist."""
    beside = [] if place.file is None else [place.file.with_name(place.file.name + end) for end in sqlite_files.BESIDE]
    if any(path.exists() and file.exists() and path.samefile(file) for path in beside):
        raise BotError(english(f"{file} is the database itself."), english("Name another file for the backup."))
    if file.is_dir() or (file.exists() and _dialect_of(file) is None):
        raise BotError(
            english(f"{file} is there already, and isn't a backup."), english("Name another file for the backup.")
        )


@contextmanager
def _partial_file(file: Path) -> Iterator[Path]:
    """Create an empty file beside `file` that only its owner can read; delete it at the end unless it was renamed."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".partial", dir=file.parent)
    except OSError as problem:
        raise _cannot_write(file, problem) from problem
    os.close(descriptor)
    partial = Path(name)
    try:
        yield partial
    except (OSError, sqlite3.Error) as problem:
        raise _cannot_write(file, problem) from problem
    finally:
        partial.unlink(missing_ok=True)


def _cannot_write(file: Path, problem: OSError | sqlite3.Error) -> BotError:
    if sqlite_files.is_full(file) or getattr(problem, "errno", None) in sqlite_files.FULL:
        return BotError(english(f"The disk has no room left for {file}."), english("An earlier backup is still there."))
    reason = getattr(problem, "strerror", None) or problem
    return BotError(english(f"Can't write {file}: {reason}."), english("Name a file in a folder you can write to."))


def _sync(file: Path) -> None:
    """Flush a file to the disk."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---------------------------------------------------------------------- SQLite


def _copy_sqlite(place: DatabaseUrl, partial: Path) -> None:
    """Copy a consistent snapshot of the database while a bot may be writing to it.

    https://www.sqlite.org/backup.html
    """
    if place.file is None or not place.file.exists():
        raise DatabaseNotFound(
            english(f"There is no database at {place}."), english("Set DATABASE_URL to that of the bot.")
        )
    with (
        closing(sqlite3.connect(f"{place.file.as_uri()}?mode=rw", uri=True)) as source,
        closing(sqlite3.connect(partial)) as target,
    ):
        source.execute("PRAGMA busy_timeout = 5000")
        try:
            source.backup(target, pages=-1)
        except sqlite3.DatabaseError as problem:
            if not isinstance(problem, sqlite3.OperationalError):
                raise sqlite_files.damaged(str(problem)) from problem
            raise
        target.execute("PRAGMA journal_mode = DELETE")  # one file, without a write-ahead log beside it


def _sqlite_version(file: Path) -> str | None:
    """Return the schema version of an undamaged file, None without tables. Raises StartupError when it is damaged."""
    try:
        with closing(_open_backup(file)) as backup:
            [found] = backup.execute("PRAGMA integrity_check(1)").fetchone()
            if found != "ok":
                raise _damaged_backup(file, found)
            row = backup.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        return None  # it has no such table
    except sqlite3.Error as problem:
        raise _damaged_backup(file, str(problem)) from problem
    return str(row[0]) if row else None


def _open_backup(file: Path) -> sqlite3.Connection:
    """Open a file that no process writes, and that may be on a read-only disk."""
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro&immutable=1", uri=True)


def _damaged_backup(file: Path, reason: str) -> BotError:
    return BotError(english(f"The backup {file} is damaged: {reason}."), english("Restore from another backup."))


def _replace_sqlite(place: DatabaseUrl, backup: Path) -> None:
    """Replace the database with the backup atomically; the replaced file is kept as `….replaced`.

    The database exists at every moment, or a bot that starts meanwhile would create an empty one.
    """
    assert place.file
    place.file.parent.mkdir(parents=True, exist_ok=True)
    lock = SingleProcessLock.take(place.file)
    try:
        with _partial_file(place.file) as partial:
            with closing(_open_backup(backup)) as source, closing(sqlite3.connect(partial)) as target:
                source.backup(target)
            _sync(partial)
            _keep_replaced(place.file)
            partial.replace(place.file)
    finally:
        lock.free()


def _keep_replaced(file: Path) -> None:
    """Link the database to `….replaced`, with its write-ahead log in it, or beside it when it cannot be read."""
    if not file.exists():
        return
    with suppress(sqlite3.Error), closing(sqlite3.connect(file)) as old:
        old.execute("PRAGMA journal_mode = DELETE")
    for end in sqlite_files.BESIDE:
        old_file = file.with_name(file.name + end)
        kept = file.with_name(file.name + REPLACED + end)
        kept.unlink(missing_ok=True)
        if not old_file.exists():
            continue
        if end:
            old_file.replace(kept)
        else:
            kept.hardlink_to(old_file)
