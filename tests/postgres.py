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
    """A running server; `fresh` makes a database with the bot's tables, `empty` one without."""

    programs: Path
    data: Path
    port: int
    user: int | None
    changes: dict[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @classmethod
    def start(cls, **changes: str) -> PostgresServer:
        """Make a data directory, start a server on it and wait until it answers; skips the test if it cannot be.

        `changes` are settings of the server that differ from `SETTINGS`.
        """
        programs = _programs()
        if programs is None:
            pytest.skip(MISSING)
        user = _unprivileged_user()
        home = Path(tempfile.mkdtemp(prefix="bot-postgres-"))
        if user is not None:
            os.chown(home, user, -1)
        server = cls(programs, home / "data", _free_port(), user, changes)
        server._call("initdb", "--username=bot", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
        server.come_back()
        try:
            server._administer(sql.SQL("CREATE DATABASE bot_template"))
            migrate(server.url("bot_template"))
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
        """The address of a new database with the bot's tables in it."""
        return self._create(" TEMPLATE bot_template")

    def empty(self) -> str:
        """The address of a new database with nothing in it."""
        return self._create("")

    def drop(self, address: str) -> None:
        """Remove a database, whoever is still connected."""
        name = sql.Identifier(address.rpartition("/")[2])
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

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


def _programs() -> Path | None:
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
    """One server for the whole run. Use it as `from tests.postgres import postgres_server` in a conftest.py."""
    server = PostgresServer.start()
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a database of this test's own, with the bot's tables."""
    address = postgres_server.fresh()
    yield address
    postgres_server.drop(address)
