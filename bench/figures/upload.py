"""2 GiB from a local source to a local sink: a file beside `curl -F`, and out of Slack while people type commands.

Out of Slack it goes on a loaded machine: eight people type without a pause, and another process keeps a CPU busy.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

from bench.freight import FILE_ID, START
from bench.http import ClientExchange, get
from bench.processes import BEFORE, OURS, QUICK, RunningProcess, app, load, program
from bench.rounds import in_turn, middle, ratio, worst
from bench.row import TableRow
from bench.slack import submission

SIZE = (256 if QUICK else 2048) * 1024**2
GIB = f"{SIZE / 1024**3:g} GiB"
SMALL = 1024 * 1024
ROUNDS = 2 if QUICK else 3
PEOPLE = 8
COMMANDS = 200
QUIET_SECONDS = 5.0 if QUICK else 10.0
PATIENCE = 120.0
MEMORY = 16.0  # MiB


@dataclass(frozen=True, slots=True)
class Sent:
    """MB/s from the first byte of the body to the last, and the most MiB that the process held."""

    speed: float
    held: float


@dataclass(frozen=True, slots=True)
class Carried:
    """MB/s out of Slack, the MiB that the bot grew by at most, and the ms of acknowledgements before and during it."""

    speed: float
    grown: float
    quiet: float
    busy: float


async def rows() -> list[TableRow]:
    """From a file, and from Slack."""
    async with program("bench.freight", SIZE) as world:
        return [*await _from_a_file(world), *await _from_slack(world)]


# ------------------------------------------------------------------ from a file


async def _from_a_file(world: int) -> list[TableRow]:
    """Both programs in turn; the sink measures both, from the first byte of the body to the last."""
    curl = shutil.which("curl")
    with TemporaryDirectory(prefix="bench-") as folder:
        large, small = _file(Path(folder, "large.ipa"), SIZE), _file(Path(folder, "small.ipa"), SMALL)
        least = (await _ours(world, small)).held
        ways = {"ours": _ours, **({"bare": _curl} if curl else {})}
        found = await in_turn(ways, lambda _, send, __: send(world, large), ROUNDS)
    beside = "beside curl" if curl else "(no curl here)"
    target = 0.8 if curl else None
    held = found.values("ours", "held")
    return [
        found.row(f"{GIB} by `upload`, {beside}", "MB/s", "speed", target=target, better="higher"),
        TableRow(
            "memory it needs beyond that for 1 MiB", "MiB", worst(held) - least, target=MEMORY, incomplete=found.words
        ),
    ]


def _file(path: Path, size: int) -> Path:
    """A file of this size that takes no room on the disk."""
    with path.open("wb") as file:
        file.write(START)
        file.truncate(size)
    return path


async def _ours(world: int, file: Path) -> Sent:
    """By the bot's command line."""
    url = f"http://127.0.0.1:{world}"
    hosts = {f"APPLIVERY_{name}_URL": url for name in ("API", "UPLOAD", "DASHBOARD")}
    settings = {**_bare(), **hosts, "APPLIVERY_TOKEN": "bench", "APPLIVERY_ORGANIZATION": "acme"}
    words = [sys.executable, "-m", "bot", "upload", str(file), "--app", "courier"]
    process = await asyncio.create_subprocess_exec(
        *words, env=settings, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    most = 0.0
    taken = asyncio.ensure_future(_taken(world))
    while not taken.done():
        most = max(most, _held(process.pid, "VmHWM"))
        await asyncio.sleep(0.01)
    await process.wait()
    if process.returncode:
        raise RuntimeError(f"the upload ended with {process.returncode}")
    return Sent(await taken, most)


async def _curl(world: int, file: Path) -> Sent:
    """The same by curl."""
    url = f"http://127.0.0.1:{world}/v1/organizations/acme/apps/courier/builds"
    words = ["curl", "--silent", "--show-error", "--fail", "--output", os.devnull, "-F", f"build=@{file}", url]
    process = await asyncio.create_subprocess_exec(*words, env=_bare())
    speed = await _taken(world)
    if await process.wait():
        raise RuntimeError(f"curl ended with {process.returncode}")
    return Sent(speed, math.nan)


async def _taken(world: int) -> float:
    """MB/s of the next upload that the sink has taken."""
    line = await ClientExchange.connect(world)
    async with asyncio.timeout(PATIENCE):
        said = json.loads((await line.ask(get("/taken")))[1])
    line.transport.close()
    return float(said["bytes"]) / float(said["seconds"]) / 1e6


def _held(pid: int, what: str = "VmRSS") -> float:
    """MiB. https://docs.kernel.org/filesystems/proc.html"""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    lines = [line.split()[1] for line in status.splitlines() if line.startswith(f"{what}:")]
    return int(lines[0]) / 1024 if lines else 0.0


def _bare() -> dict[str, str]:
    """Nothing of ours, and no proxy, from outside."""
    ours = ("SLACK_", "APPLIVERY_")
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(ours) and not name.lower().endswith("_proxy")
    }


# ------------------------------------------------------------------ from Slack


async def _from_slack(world: int) -> list[TableRow]:
    """The running bot carries a file while eight people type; their acknowledgements before and during it."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_busy_machine())
        bots = {"ours": await stack.enter_async_context(app(OURS, world))}
        if BEFORE:
            bots["before"] = await stack.enter_async_context(app(OURS, world, BEFORE))
        found = await in_turn(bots, lambda name, bot, number: _carried(bot, world, f"{name}{number}"), ROUNDS)
    row = found.row
    quiet, busy = found.values("ours", "quiet"), found.values("ours", "busy")
    old_quiet, old_busy = found.values("before", "quiet"), found.values("before", "busy")
    return [
        row(f"{GIB} from Slack to Applivery, on a loaded machine", "MB/s", "speed", better="higher"),
        row("memory the bot needs meanwhile", "MiB", "grown", target=MEMORY, absolute=True, of=worst),
        TableRow(
            "ack p99 while it runs, beside the time before it",
            "ms",
            middle(busy),
            middle(quiet),
            target=2.0,
            by_round=ratio(busy, quiet),
            before=middle(old_busy) if old_busy else None,
            before_ratio=ratio(old_busy, old_quiet),
            incomplete=found.words,
        ),
    ]


@asynccontextmanager
async def _busy_machine() -> AsyncIterator[None]:
    """Another process that never waits."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "while True: pass")
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def _typed(bot: RunningProcess, world: int, run: str, go_on: Callable[[], bool]) -> list[float]:
    """The acknowledgements of people who type without a pause while they may; none of the load in which that ended."""
    loads: list[list[float]] = []
    while not loads or go_on():
        part = f"{run}.{len(loads)}"
        said = await load(bot.port, world, people=PEOPLE, commands=COMMANDS, run=part, answered=False)
        loads.append(json.loads(said)["acks"])
    return [ack for acks in loads[:-1] or loads for ack in acks]


async def _carried(bot: RunningProcess, world: int, run: str) -> Carried:
    # as long as during it: what was typed first would have no earlier command to wait for
    until = time.monotonic() + QUIET_SECONDS
    quiet = await _typed(bot, world, f"quiet{run}", lambda: time.monotonic() < until)
    before = most = _held(bot.process.pid)
    taken = asyncio.ensure_future(_taken(world))
    line = await ClientExchange.connect(bot.port)
    await line.ask(submission(FILE_ID, "courier", run))
    typing = asyncio.ensure_future(_typed(bot, world, f"busy{run}", lambda: not taken.done()))
    while not taken.done():
        most = max(most, _held(bot.process.pid))
        await asyncio.sleep(0.01)
    busy = await typing
    line.transport.close()
    return Carried(await taken, most - before, _p99(quiet), _p99(busy))


def _p99(acks: list[float]) -> float:
    return quantiles(acks, n=100)[98] * 1000
