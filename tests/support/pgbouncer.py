"""A real pgbouncer in front of the tests' PostgreSQL. https://www.pgbouncer.org/config.html"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.postgres import PostgresServer
from tests.support.waiting import until

LACKING = "needs pgbouncer: sudo apt-get install pgbouncer"
# Few connections of the server, so that transactions of one client come to different ones.
CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server} user=bot
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 100
server_idle_timeout = 1
"""


def is_here() -> bool:
    """Return whether pgbouncer is installed."""
    return _program() is not None


def _program() -> str | None:
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


@asynccontextmanager
async def pgbouncer(server: PostgresServer, port: int, mode: str) -> AsyncIterator[int]:
    """Run it in front of a server until the block ends; yield its port. It refuses to run as root."""
    program = _program()
    assert program, LACKING
    with TemporaryDirectory(prefix="pgbouncer-") as folder:
        file = Path(folder) / "pgbouncer.ini"
        size = 3 if mode == "transaction" else 30
        file.write_text(CONFIGURATION.format(server=server.port, port=port, mode=mode, size=size))
        Path(folder).chmod(0o755)
        user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
        process = await asyncio.create_subprocess_exec(
            program, "-q", str(file), user=user, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            await until(lambda: _listens(port))
            yield port
        finally:
            process.kill()
            await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
