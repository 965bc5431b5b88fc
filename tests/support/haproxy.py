"""A real load balancer in front of two replicas: it asks each for its readiness, and repeats nothing.

https://docs.haproxy.org/2.6/configuration.html (option httpchk, retries)
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.support.waiting import until

LACKING = "needs haproxy: sudo apt-get install haproxy"
# Readiness is asked for every 100 ms, and one answer decides: a replica that says no gets no more requests.
CONFIGURATION = """
global
    maxconn 256
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    timeout check 5s
    retries 0
    http-reuse always
frontend public
    bind 127.0.0.1:{port}
    default_backend replicas
backend replicas
    balance roundrobin
    option httpchk GET /readyz
    http-response set-header X-Replica %s
    default-server check inter 100ms fall 1 rise 1
{servers}
"""


def is_here() -> bool:
    """Return whether haproxy is installed; Debian has it in a folder that is not on everybody's PATH."""
    return _program() is not None


def _program() -> str | None:
    return shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")


@asynccontextmanager
async def haproxy(folder: Path, port: int, replicas: Sequence[int]) -> AsyncIterator[str]:
    """Run it in front of these ports of this machine until the block ends; yield its address.

    X-Replica of an answer has the port that it came from.
    """
    servers = "\n".join(f"    server {replica} 127.0.0.1:{replica}" for replica in replicas)
    file = folder / "haproxy.cfg"
    file.write_text(CONFIGURATION.format(port=port, servers=servers))
    program = _program()
    assert program, LACKING
    process = await asyncio.create_subprocess_exec(program, "-q", "-db", "-f", str(file))
    try:
        await until(lambda: _answers(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


async def _answers(port: int) -> bool:
    """Return whether a replica is taken for ready."""
    try:
        async with aiohttp.request("GET", f"http://127.0.0.1:{port}/healthz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
