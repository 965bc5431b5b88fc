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
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from bench.audience import by_user
from bench.http import ClientExchange, ServerExchange, answer
from bench.processes import PATIENCE, ROOT, free_port, settings
from bench.row import TableRow
from bench.sink import UploadSink, seeded
from bench.slack import command

PEOPLE, EACH = 5_000, 20
ROUNDS = 3
# Ours writes large numbers so that people can read them.
HEADLINE = re.compile(f"{PEOPLE * EACH:,} downloads recorded by {PEOPLE:,} people".replace(",", ",?").encode())


class Crowd(UploadSink):
    """The light world, with one heavy answer; `last_byte` and `headline` are when they left and came."""

    heavy = b""
    last_byte = 0.0
    headline: asyncio.Future[float]

    def respond(self, method: str, path: str, body: bytes, exchange: ServerExchange) -> bytes | None:
        """Answer one request."""
        if "/downloads/by-user" in path:
            return self.heavy
        if path == "/api/chat.postMessage":
            if HEADLINE.search(body) and not self.headline.done():
                self.headline.set_result(time.perf_counter())
            return answer(json.dumps({"ok": True, "ts": "1.1", "channel": "D1"}).encode())
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


@dataclass
class Found:
    """What was measured of one way."""

    rounds: list[Round] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


async def rows() -> list[TableRow]:
    """Both ways run at once and are asked in turn."""
    world = Crowd(*await seeded())
    body = by_user(PEOPLE, EACH, datetime(2026, 11, 21, tzinfo=UTC))
    world.heavy = answer(body)
    server = await asyncio.get_running_loop().create_server(lambda: Serving(world), "127.0.0.1", 0)
    port = int(server.sockets[0].getsockname()[1])
    found = {"ours": Found(), "plain": Found()}
    async with _reader("ours", port) as ours, _reader("plain", port) as plain:
        for number in range(ROUNDS + 1):
            for name, reader in (("ours", ours), ("plain", plain)):
                measured = await _round(reader, world, port, f"{name}{number}")
                found[name].memory.append(measured.memory)
                found[name].rounds += [measured] if number else []  # the first warms up, and takes the most memory
    server.close()
    size = len(body) / 2**20
    what = f"{size:.0f} MB by user"
    ways = (found["ours"], found["plain"])
    wait, pause = ([[getattr(round_, name) for round_ in way.rounds] for way in ways] for name in ("wait", "pause"))
    return [
        TableRow(f"{what}: last byte → headline", "ms", *map(median, wait), target=1000, absolute=True),
        TableRow(f"{what}: longest pause of the event loop", "ms", *map(max, pause), target=50, absolute=True),
        TableRow(
            f"{what}: most memory", "MB", *(max(way.memory) for way in ways), target=round(5 * size), absolute=True
        ),
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
async def _reader(mode: str, world: int) -> AsyncIterator[Reader]:
    with TemporaryDirectory(prefix="bench-") as folder:
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.reader", mode),
            cwd=ROOT,
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
