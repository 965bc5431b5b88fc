"""A real PostgreSQL for tests: started from Debian's programs on a free port of this machine, gone at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from bot.db.database import migrate

MISSING = "PostgreSQL's server programs (initdb, pg_ctl) are missing; on Debian: apt-get install postgresql"

# The data is thrown away, so nothing has to survive a power cut.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
}


@dataclass
class PostgresServer:
    """A running server; `fresh` gives a database with the bot's tables, `empty` one without.

    Making a database takes PostgreSQL a hundred times longer than emptying one, so `drop` keeps what was left whole.
    """

    programs: Path
    data: Path
    port: int
    user: int | None
    changes: dict[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _spare: list[str] = field(default_factory=list)
    _whole: str = ""

    @classmethod
    def start(cls, **changes: str) -> PostgresServer:
        """Make a data directory, start a server on it and wait until it answers; skips the test if it cannot be.

        `changes` are settings of the server that differ from `SETTINGS`.
        """
        programs = server_programs()
        if programs is None:
            pytest.skip(MISSING)
        user = _unprivileged_user()
        home = Path(tempfile.mkdtemp(prefix="bot-postgres-"))
        if user is not None:
            os.chown(home, user, -1)
        server = cls(programs, home / "data", _free_port(), user, changes)
        server._call("initdb", "--username=bot", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
        for more in (True, True, False):
            try:
                server.come_back()
                break
            except RuntimeError:  # another program has taken the port meanwhile
                if not more:
                    raise
                server.port = _free_port()
        try:
            server._administer(sql.SQL("CREATE DATABASE bot_template"))
            migrate(server.url("bot_template"))
            with psycopg.connect(server.url("bot_template"), autocommit=True) as connection:
                server._whole = _shape(connection)
        except BaseException:
            server.stop()  # nobody else knows of it yet
            raise
        return server

    def stop(self) -> None:
        """Stop the server at once and remove its data."""
        self._call("pg_ctl", "--wait", "--mode=immediate", "stop")
        shutil.rmtree(self.data.parent, ignore_errors=True)

    def restart(self) -> None:
        """An outage of a moment: every connection is cut, what was committed is still there."""
        self._call("pg_ctl", "--wait", "--mode=fast", f"--log={self.data.parent / 'log'}", "restart")

    def go_away(self) -> None:
        """Stop the server, cutting every connection; what was committed is kept for `come_back`."""
        self._call("pg_ctl", "--wait", "--mode=fast", "stop")

    def come_back(self) -> None:
        """Start the server that went away, on its port, as it was."""
        self._call("pg_ctl", "--wait", f"--log={self.data.parent / 'log'}", f"--options={self._options()}", "start")

    def _options(self) -> str:
        settings = " ".join(f"-c {name}='{value}'" for name, value in {**SETTINGS, **self.changes}.items())
        return f"-p {self.port} {settings}"

    def fresh(self) -> str:
        """The address of a database with the bot's tables in it, as after the first start."""
        return self._spare.pop() if self._spare else self._create(" TEMPLATE bot_template")

    def empty(self) -> str:
        """The address of a new database with nothing in it."""
        return self._create("")

    def drop(self, address: str) -> None:
        """Empty a database for the next `fresh`, or remove it if more than its rows differs; cuts all connections."""
        name = address.rpartition("/")[2]
        try:
            with psycopg.connect(address, autocommit=True) as connection:
                connection.execute(_CUT, [name])
                whole = _shape(connection) == self._whole
                if whole:
                    connection.execute(_EMPTY)
        except psycopg.Error:  # it is gone, takes no connection or has settings of its own that forbid this
            whole = False
        if whole:
            self._spare.append(address)
        else:
            self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def url(self, database: str) -> str:
        """The address of a database of this server."""
        return f"postgresql://bot@127.0.0.1:{self.port}/{database}"

    def _create(self, template: str) -> str:
        name = f"test_{next(self._numbers)}"
        self._administer(sql.SQL("CREATE DATABASE {}" + template).format(sql.Identifier(name)))
        return self.url(name)

    def _administer(self, statement: sql.Composable) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _call(self, program: str, *arguments: str) -> None:
        # PostgreSQL refuses to run as root, so tests that do (in CI) hand it to somebody else.
        done = subprocess.run(
            [self.programs / program, f"--pgdata={self.data}", *arguments],
            user=self.user,
            extra_groups=None if self.user is None else [],
            cwd=self.data.parent,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": str(self.data.parent)},
            stdin=subprocess.DEVNULL,
            # pg_ctl's server inherits these: a pipe would stay open as long as it runs.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=120,
        )
        if done.returncode:
            log = self.data.parent / "log"
            raise RuntimeError(f"{program} failed: {log.read_text() if log.exists() else 'it left no log'}")


# Everything but rows: tables, columns, keys, indexes, sequences, functions, triggers, and what is set for the database.
# A copy of a database has the transaction numbers of its template, and each change of a definition writes a newer one;
# to write all definitions out takes ten times as long.
_CATALOGUES = (
    "pg_class", "pg_attribute", "pg_attrdef", "pg_constraint", "pg_index", "pg_proc", "pg_trigger", "pg_namespace",
)  # fmt: skip
_SHAPE = f"""
    SELECT concat_ws(' ',
        (SELECT version_num FROM alembic_version),
        {"".join(f"(SELECT concat(count(*), '/', max(xmin::text::bigint)) FROM {name})," for name in _CATALOGUES)}
        (SELECT string_agg(setconfig::text, ' ') FROM pg_db_role_setting
            WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())),
        (SELECT coalesce(datacl::text, '') || datconnlimit || datallowconn FROM pg_database
            WHERE datname = current_database())
    )
"""

_CUT = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"

_EMPTY = """
    DO $$
    DECLARE one record;
    BEGIN
        SET LOCAL session_replication_role = replica;  -- in any order, whatever refers to what
        FOR one IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            AND relname <> 'alembic_version' LOOP
            EXECUTE format('DELETE FROM public.%I', one.relname);
        END LOOP;
        FOR one IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S' LOOP
            PERFORM setval(format('public.%I', one.relname)::regclass, 1, false);
        END LOOP;
    END $$
"""


def _shape(connection: psycopg.Connection[tuple[str]]) -> str:
    """A fingerprint of everything but the rows."""
    row = connection.execute(_SHAPE).fetchone()
    assert row
    return row[0]


def server_programs() -> Path | None:
    """The directory of initdb: Debian keeps it out of the PATH, one directory per version."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = shutil.which("initdb") or (debian[-1] if debian else None)
    return Path(found).resolve().parent if found else None


def _unprivileged_user() -> int | None:
    """Who runs the server when we are root: `postgres`, which comes with Debian's package, or else `nobody`."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    pytest.skip("PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody` to run it as")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for all tests of a worker: `tests/conftest.py` alone imports it, another conftest gets a second."""
    server = PostgresServer.start()
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a database of this test's own, with the bot's tables."""
    address = postgres_server.fresh()
    yield address
    postgres_server.drop(address)
