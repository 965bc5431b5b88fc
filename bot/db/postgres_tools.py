"""Run pg_dump and pg_restore for a database address.

The address is passed in a connection service file that only this user can read: other users see the arguments of a
process. https://www.postgresql.org/docs/current/libpq-pgservice.html
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from bot.db import download_schema, schema  # noqa: F401 - they put the tables into `metadata`
from bot.db.column_types import metadata
from bot.db.connect import APPLICATION, DatabaseUrl
from bot.db.database import cannot_use
from bot.exceptions import BotError
from bot.i18n import english

DEBIAN = "/usr/lib/postgresql"  # its programs by version; those on the PATH are Debian's wrappers
GONE_SECONDS = 5.0  # until the sessions of a replica that was just stopped have ended
_SERVICE = "--dbname=service=bot"
_TABLE = re.compile(r"^\d+; \d+ \d+ TABLE (\S+) (\S+) ", re.MULTILINE)


def dump(place: DatabaseUrl, file: Path) -> None:
    """Write all tables of the bot's schema as of one moment. Raises BotError when pg_dump is missing or fails.

    https://www.postgresql.org/docs/current/app-pgdump.html
    """
    ours = (f"--table={name}" for name in ("alembic_version", *metadata.tables))
    with _service(place) as environment:
        _run(
            "pg_dump", "--format=custom", "--no-owner", *ours, f"--file={file}", _SERVICE, place=place, env=environment
        )


def version_of(file: Path) -> str | None:
    """Read a whole dump and return its schema version; None without the bot's tables."""
    _run("pg_restore", "--file=/dev/null", str(file))
    script = _run("pg_restore", "--data-only", "--table=alembic_version", "--file=-", str(file))
    found = re.search(r"^COPY \S*alembic_version .*\n(\w+)$", script, re.MULTILINE)
    return found[1] if found else None


def restore(place: DatabaseUrl, file: Path) -> None:
    """Replace the tables with those of a dump: all of them or none. Raises BotError while a bot uses the database.

    https://www.postgresql.org/docs/current/app-pgrestore.html
    """
    require_unused(place)
    with _service(place) as environment:
        options = ("--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error")
        _run("pg_restore", *options, _SERVICE, str(file), place=place, env=environment)
    _drop_newer_tables(place, file)


def require_unused(place: DatabaseUrl) -> None:
    """Raise BotError while a replica is connected to this database.

    PostgreSQL ends a session some time after its client, so this waits for a replica that was just stopped.
    """
    until = time.monotonic() + GONE_SECONDS
    while _sessions(place):
        if time.monotonic() < until:
            time.sleep(0.1)
            continue
        raise BotError(english(f"A bot is using the database at {place}."), english("Stop every replica first."))


def _sessions(place: DatabaseUrl) -> int:
    try:
        assert place.url
        with _connected(place) as connection:
            return int(connection.execute(_SESSIONS, {"name": place.url.query.get("application_name")}).scalar_one())
    except sa.exc.DBAPIError as problem:
        raise cannot_use(place, problem) from problem


_SESSIONS = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = :name"
)


@contextmanager
def _connected(place: DatabaseUrl) -> Iterator[sa.Connection]:
    """Begin a transaction under an application name that no replica has."""
    assert place.url
    engine = sa.create_engine(place.url.update_query_dict({"application_name": f"{APPLICATION}-tools"}))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _drop_newer_tables(place: DatabaseUrl, file: Path) -> None:
    """Drop the bot's tables that an older dump does not contain; a migration creates them again."""
    dumped = {name for _, name in _TABLE.findall(_run("pg_restore", "--list", str(file)))}
    with _connected(place) as connection:
        metadata.drop_all(connection, [table for table in metadata.tables.values() if table.name not in dumped])


@contextmanager
def _service(place: DatabaseUrl) -> Iterator[dict[str, str]]:
    """Write a service file for this address; yield the environment that names it."""
    with tempfile.TemporaryDirectory(prefix="applivery-bot-") as folder:
        file = Path(folder) / "pg_service.conf"
        lines = [f"{key}={value}" for key, value in place.libpq().items() if key != "context" and value is not None]
        file.touch(mode=0o600)
        file.write_text("\n".join(["[bot]", *lines, ""]))
        yield {**os.environ, "PGSERVICEFILE": str(file)}


def _run(program: str, *arguments: str, place: DatabaseUrl | None = None, env: dict[str, str] | None = None) -> str:
    """Run a program and return its stdout. Raises BotError with the first line of its error message."""
    done = subprocess.run(  # noqa: S603 - no shell
        [_program(program), *arguments],
        env={**(env or os.environ), "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[0]
        raise BotError(
            english(f"{program} failed: {place.hidden(reason) if place else reason}"),
            english("Nothing was changed."),
        )
    return done.stdout


def _program(name: str) -> str:
    versions = sorted(Path(DEBIAN).glob(f"*/bin/{name}"), key=lambda path: int(re.sub(r"\D", "", path.parts[4]) or 0))
    if found := shutil.which(name) or (str(versions[-1]) if versions else None):
        return found
    raise BotError(
        english(f"{name} isn't installed here."),
        english("Install PostgreSQL's client programs, or run it where they are (docs/operations.md)."),
    )
