"""Parse the database's address and configure each connection to it."""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from msgspec import Struct

from bot.db import sqlite_files
from bot.db.dialect_sql import POSTGRESQL, SQLITE
from bot.db.runner import Runner, SqliteRunner
from bot.db.types import micros
from bot.exceptions import StartupError
from bot.i18n import english
from bot.setting_values import POOLING, TRANSACTION_POOLING, database_address

if TYPE_CHECKING:
    from sqlalchemy import URL

APPLICATION = "applivery-bot"

# FULL: what was committed survives a power cut too (https://www.sqlite.org/pragma.html#pragma_synchronous).
SYNCHRONOUS = "FULL"
SQLITE_ADDRESS = "sqlite:///"

# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS; the address can override them.
# Without the TCP ones a server that vanished from the network is noticed after two hours.
LIBPQ_DEFAULTS = {
    "application_name": APPLICATION,
    "connect_timeout": "10",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}


PREPARE_THRESHOLD = "prepare_threshold"  # a parameter of psycopg's, not libpq's

# Of several servers, the one that takes writes: after a failover the old one may be a standby.
WRITABLE = {"target_session_attrs": "read-write"}

IN_MEMORY = "sqlite:///:memory:"  # for tests: not allowed in settings, since a restart would lose all data


_SHOWN = ("host", "hostaddr", "port", "dbname", "user")  # parameters of an address that are not secret


class DatabaseUrl(Struct, frozen=True):
    """Where the database is; `file` is None in memory and on PostgreSQL, `url` on SQLite.

    `prepare_threshold` is psycopg's: uses of a statement before it is prepared, None for never. `is_pooled`: a
    pgbouncer in transaction mode may give each transaction another server connection.
    https://www.psycopg.org/psycopg3/docs/advanced/prepare.html, https://www.pgbouncer.org/features.html
    """

    dialect: str
    file: Path | None = None
    url: URL | None = None
    prepare_threshold: int | None = 5
    is_pooled: bool = False

    @classmethod
    def parse(cls, address: str) -> DatabaseUrl:
        """Parse an address in the format of `DATABASE_URL` (libpq parameters are kept), or `IN_MEMORY`.

        Raises `StartupError` for anything else, without the password that it may contain.
        """
        if address == IN_MEMORY:
            return cls(SQLITE)
        try:
            known = database_address(address)
        except ValueError as wrong:
            raise StartupError(english(f"DATABASE_URL {wrong}.")) from None
        if not known.startswith(SQLITE_ADDRESS):
            return cls._postgresql(known)
        return cls(SQLITE, _file(unquote(known.removeprefix(SQLITE_ADDRESS))))

    @classmethod
    def _postgresql(cls, address: str) -> DatabaseUrl:
        from sqlalchemy import make_url  # noqa: PLC0415 - loaded for PostgreSQL only
        from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

        try:
            url = make_url(address)
        except ArgumentError:
            raise StartupError(
                english("DATABASE_URL is not a database address; an example: sqlite:///bot.db")
            ) from None
        defaults = LIBPQ_DEFAULTS | (WRITABLE if isinstance(url.query.get("host"), tuple) else {})
        missing = {key: value for key, value in defaults.items() if key not in url.query}
        is_pooled = url.query.get(POOLING) == TRANSACTION_POOLING
        threshold = None if is_pooled else _prepare_threshold(url.query.get(PREPARE_THRESHOLD))
        url = url.set(drivername="postgresql+psycopg").difference_update_query((POOLING, PREPARE_THRESHOLD))
        return cls(POSTGRESQL, None, url.update_query_dict(missing), threshold, is_pooled)

    def check_replicas(self, count: int) -> None:
        """Raise StartupError when `count` processes cannot share this database.

        The lock on a file doesn't help: replicas on two machines or in two containers have a file each, and each
        announces every build.
        """
        if count > 1 and self.dialect == SQLITE:
            raise StartupError(
                english(f"REPLICAS is {count}, and SQLite is for one process: set DATABASE_URL to PostgreSQL."),
                english("If there is only one process, set REPLICAS to 1."),
            )

    def libpq(self) -> dict[str, Any]:
        """Return the arguments of psycopg's `connect` for this PostgreSQL database."""
        assert self.url
        _, arguments = self.url.get_dialect()().create_connect_args(self.url)
        return dict(arguments)

    def hidden(self, words: str) -> str:
        """Return a driver's message without the values it repeats from the address, which may contain the password."""
        if self.url is None:
            return words
        for name, value in (*self.url.query.items(), ("password", self.url.password or "")):
            if name not in _SHOWN and value != {**LIBPQ_DEFAULTS, **WRITABLE}.get(name):
                for text in (value,) if isinstance(value, str) else value:
                    words = re.sub(rf"(?<!\w){re.escape(text)}(?!\w)", "…", words) if text else words
        return words

    def __str__(self) -> str:
        if self.url is None:
            return str(self.file or "memory")
        return f"{self.url.host or 'the local server'}/{self.url.database or ''}"


def _prepare_threshold(written: object) -> int | None:
    """Return psycopg's parameter from an address. Raises StartupError unless it is a number or `none`."""
    if written is None:
        return 5
    word = str(written).lower()
    if word in ("none", ""):
        return None
    if not word.isdecimal():
        raise StartupError(english(f"DATABASE_URL's {PREPARE_THRESHOLD} must be a number or none."))
    return int(word)


def _file(name: str) -> Path:
    """Return the file of this name, which need not exist yet. Raises `StartupError` for an impossible path."""
    try:
        file = Path(name).expanduser().resolve()
        is_folder = file.is_dir()
    except (OSError, RuntimeError):  # too long, in a loop of links, or with a `~` of a user without a home
        raise StartupError(
            english("DATABASE_URL names no file that can be found."), english("Write its whole path.")
        ) from None
    if is_folder:
        raise StartupError(
            english(f"{file} is a folder, and no file for a database."), english("Name a file in it, in DATABASE_URL.")
        )
    if not Path(name).expanduser().is_absolute() and not file.parent.is_dir():
        raise StartupError(
            english(f"There is no folder {file.parent} for the database."),
            english(f"If you mean the file /{name}, write four slashes: DATABASE_URL=sqlite:////{name}"),
        )
    return file


def connect(place: DatabaseUrl, clock: Callable[[], datetime], *, reading: bool = False) -> Runner:
    """Return a runner whose connections are configured for their database; it connects on first use.

    With `reading` it is read-only, creates nothing, and does not block processes that write.
    """
    if place.dialect == POSTGRESQL:
        from bot.db.postgres import pool  # noqa: PLC0415 - half a second and 15 MB that SQLite does not need

        return pool(place, reading=reading)
    if reading:
        return SqliteRunner(partial(_open_to_read, place, clock), begin="BEGIN")
    return SqliteRunner(partial(_open, place, clock))


# One connection: SQLite allows one writer at a time anyway, and so transactions queue in order instead of failing with
# "database is locked". A database in memory exists per connection, too.
def _open(place: DatabaseUrl, clock: Callable[[], datetime]) -> sqlite3.Connection:
    prepared = ("busy_timeout = 5000", "journal_mode = WAL", f"synchronous = {SYNCHRONOUS}")
    return _prepared(sqlite3.connect(place.file or ":memory:", **_OPTIONS), clock, *prepared)


def _open_to_read(place: DatabaseUrl, clock: Callable[[], datetime]) -> sqlite3.Connection:
    """Open a SQLite file for reading while another process may write to it.

    `mode=rw` creates no file; the write-ahead log needs more than `mode=ro` (https://www.sqlite.org/wal.html#readonly).
    """
    if place.file is None:
        raise sqlite3.OperationalError("a database in memory has no second reader")
    connection = sqlite3.connect(f"{place.file.as_uri()}?mode=rw", uri=True, **_OPTIONS)
    return _prepared(connection, clock, "busy_timeout = 5000", "query_only = ON")


# None: the driver starts no transactions of its own; the runner executes BEGIN IMMEDIATE
# (https://docs.python.org/3/library/sqlite3.html#sqlite3.Connection.isolation_level).
_OPTIONS: dict[str, Any] = {"isolation_level": None, "check_same_thread": False}


def _prepared(connection: sqlite3.Connection, clock: Callable[[], datetime], *pragmas: str) -> sqlite3.Connection:
    try:
        connection.create_function("bot_now", 0, lambda: micros(clock()))
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


class SingleProcessLock:
    """The lock file next to a SQLite database, which only one process at a time may use."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, file: Path) -> SingleProcessLock:
        """Take the lock of this database file. Raises `StartupError` if it is taken."""
        path = file.with_name(file.name + ".lock")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise sqlite_files.cannot_open(path, problem) from problem
        try:
            # The kernel releases it with the process, so a leftover file does not block.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            owner = os.read(descriptor, 20).decode(errors="replace").strip()
            os.close(descriptor)
            raise StartupError(
                english(f"Another process{f' (id {owner})' if owner else ''} is using the database {file}."),
                english("Stop it first. To run on several machines, set DATABASE_URL to a PostgreSQL server."),
            ) from problem
        with suppress(OSError):  # only for the message of a second process; a full disk is reported by the database
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(descriptor)

    def free(self) -> None:
        """Release the lock; the file stays, since removing it would race with the next process."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def fresh_token() -> str:
    """Return a unique lease token."""
    return uuid.uuid4().hex
