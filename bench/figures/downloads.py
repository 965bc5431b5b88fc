"""A by-user answer of 5,000 people × 20 downloads: from its last byte until the headline is posted, and what it costs.

The world is served here, so one clock sees both ends. While the answer is read, other commands are answered. The plain
way beside it reads the whole body and loops over `json.loads` of it, in the same run, in turn.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.audience import by_user
from bench.http import ClientExchange, ServerExchange, chunked
from bench.processes import BEFORE, PATIENCE, QUICK, ROOT, free_port, settings
from bench.rounds import in_turn, worst
from bench.row import TableRow
from bench.sink import UploadSink, seeded
from bench.slack import command

PEOPLE, EACH = 5_000, 20
ROUNDS = 2 if QUICK else 3


def headline(downloads: int, people: int) -> re.Pattern[bytes]:
    """What the bot says of so many downloads in JSON: with separators, and its dot as UTF-8 or as an escape."""
    numbers = [f"{number:,}".replace(",", ",?") for number in (downloads, people)]
    return re.compile(f"{numbers[0]} downloads.{{1,12}}{numbers[1]} people".encode())


HEADLINE = headline(PEOPLE * EACH, PEOPLE)


class Crowd(UploadSink):
    """The light world, with one heavy answer; `last_byte` and `headline` are when they left and came."""

    heavy = b""
    last_byte = 0.0
    headline: asyncio.Future[float]

    def respond(self, method: str, path: str, body: bytes, exchange: ServerExchange) -> bytes | None:
        """Answer one request."""
        if "/downloads/by-user" in path:
            return self.heavy
        if path == "/api/chat.postMessage" and HEADLINE.search(body) and not self.headline.done():
            self.headline.set_result(time.perf_counter())
        return super().respond(method, path, body, exchange)


class Serving(ServerExchange):
    """Tells when the last byte of what it had to hold back has left."""

    def __init__(self, world: Crowd) -> None:
        super().__init__(world.respond)
        self._world = world

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hold back nothing that the other side can take."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=0)

    def resume_writing(self) -> None:
        """All of it is with the kernel now."""
        self._world.last_byte = time.perf_counter()


@dataclass(frozen=True, slots=True)
class Round:
    """What was measured of one way, once: milliseconds and megabytes."""

    wait: float
    pause: float
    memory: float


async def rows() -> list[TableRow]:
    """All of them run at once and are asked in turn."""
    world = Crowd(*await seeded())
    body = by_user(PEOPLE, EACH, datetime(2026, 11, 21, tzinfo=UTC))
    world.heavy = chunked(body)
    server = await asyncio.get_running_loop().create_server(lambda: Serving(world), "127.0.0.1", 0)
    port = int(server.sockets[0].getsockname()[1])

    async def measure(name: str, reader: Reader, number: int) -> Round:
        return await _round(reader, world, port, f"{name}{number}")

    async with AsyncExitStack() as stack:
        readers = {"ours": await stack.enter_async_context(_reader("ours", port))}
        readers["bare"] = await stack.enter_async_context(_reader("plain", port))
        if BEFORE:
            readers["before"] = await stack.enter_async_context(_reader("ours", port, BEFORE))
        found = await in_turn(readers, measure, ROUNDS)
    server.close()
    size = len(body) / 2**20
    what, row = f"{size:.0f} MB by user", found.row
    most = round(5 * size)
    return [
        row(f"{what}: last byte → headline", "ms", "wait", target=1000, absolute=True),
        row(f"{what}: longest pause of the event loop", "ms", "pause", target=50, absolute=True, of=worst),
        row(f"{what}: most memory", "MB", "memory", target=most, absolute=True, of=worst),
    ]


@dataclass
class Reader:
    """A started reader."""

    port: int
    process: asyncio.subprocess.Process

    async def say(self, word: str) -> Any:
        """Tell it something; gives what it says."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{word}\n".encode())
        async with asyncio.timeout(PATIENCE):
            said = await self.process.stdout.readline()
        return json.loads(said) if said.startswith(b"{") else None


@asynccontextmanager
async def _reader(mode: str, world: int, root: Path = ROOT) -> AsyncIterator[Reader]:
    with TemporaryDirectory(prefix="bench-") as folder:
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.reader", mode),
            cwd=root,
            env={**settings(Path(folder), port, world), "ACCESS_DEFAULT_ROLE": "manager"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            await _open(port, world)
            yield Reader(port, process)
        finally:
            assert process.stdin
            process.stdin.close()
            await process.wait()


async def _round(reader: Reader, world: Crowd, world_port: int, run: str) -> Round:
    line = await ClientExchange.connect(reader.port)
    world.headline = asyncio.get_running_loop().create_future()
    await reader.say("mark")
    others = asyncio.create_task(_others(reader.port, world_port, run))
    await line.ask(command(0, 0, f"big{run}", world_port, "downloads courier"))
    async with asyncio.timeout(60):
        came = await world.headline
    others.cancel()
    await asyncio.gather(others, return_exceptions=True)
    said = await reader.say("report")
    await asyncio.sleep(3)  # a thread's messages follow, a second apart
    return Round((came - world.last_byte) * 1000, said["pause"], said["memory"])


async def _others(port: int, world_port: int, run: str) -> None:
    """Somebody else, who goes on typing."""
    line = await ClientExchange.connect(port)
    for number in range(10_000):
        await line.ask(command(number, 1, f"other{run}", world_port))
        await asyncio.sleep(0.05)


async def _open(port: int, world_port: int) -> None:
    """Wait until commands are taken."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                line = await ClientExchange.connect(port)
                status, _ = await line.ask(command(0, 0, f"first{port}", world_port))
                line.transport.close()
            except OSError:
                status = 0
            if status == 200:
                return
            await asyncio.sleep(0.05)
