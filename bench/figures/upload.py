"""2 GiB from a local source to a local sink: a file beside `curl -F`, and out of Slack while people type commands."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from bench.freight import FILE_ID, START
from bench.http import ClientExchange, get
from bench.processes import OURS, RunningProcess, app, load, program
from bench.row import TableRow
from bench.slack import submission

SIZE = 2 * 1024**3
SMALL = 1024 * 1024
ROUNDS = 3
PEOPLE = 8
COMMANDS = 200
PATIENCE = 120.0
MEMORY = 32.0  # MiB


async def rows() -> list[TableRow]:
    """From a file, and from Slack."""
    async with program("bench.freight", SIZE) as world:
        return [*await _from_a_file(world), *await _from_slack(world)]


# ------------------------------------------------------------------ from a file


async def _from_a_file(world: int) -> list[TableRow]:
    """Both programs in turn; the sink measures both, from the first byte of the body to the last."""
    with TemporaryDirectory(prefix="bench-") as folder:
        large, small = _file(Path(folder, "large.ipa"), SIZE), _file(Path(folder, "small.ipa"), SMALL)
        _, least = await _ours(world, small)
        speeds: dict[str, list[float]] = {"ours": [], "curl": []}
        most = 0.0
        for number in range(ROUNDS + 1):
            speed, memory = await _ours(world, large)
            most = max(most, memory)
            other = await _curl(world, large)
            if number:  # the first warms up
                speeds["ours"].append(speed)
                speeds["curl"] += [other] if other else []
    curl = median(speeds["curl"]) if speeds["curl"] else None
    beside = "beside `curl -F`" if curl else "(no curl here)"
    return [
        TableRow(
            f"2 GiB by `upload`, {beside}", "MB/s", median(speeds["ours"]), curl,
            target=0.8 if curl else None, better="higher",
        ),
        TableRow("memory it takes more than 1 MiB does", "MiB", most - least, target=MEMORY),
    ]  # fmt: skip


def _file(path: Path, size: int) -> Path:
    """A file of this size that takes no room on the disk."""
    with path.open("wb") as file:
        file.write(START)
        file.truncate(size)
    return path


async def _ours(world: int, file: Path) -> tuple[float, float]:
    """MB/s, and the most memory the process held, in MiB."""
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
    return await taken, most


async def _curl(world: int, file: Path) -> float | None:
    """The same by curl; None when there is none here."""
    curl = shutil.which("curl")
    if curl is None:
        return None
    url = f"http://127.0.0.1:{world}/v1/organizations/acme/apps/courier/builds"
    words = [curl, "--silent", "--show-error", "--fail", "--output", os.devnull, "-F", f"build=@{file}", url]
    process = await asyncio.create_subprocess_exec(*words, env=_bare())
    speed = await _taken(world)
    if await process.wait():
        raise RuntimeError(f"curl ended with {process.returncode}")
    return speed


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
    quiet: list[float] = []
    busy: list[float] = []
    speeds: list[float] = []
    growth: list[float] = []
    async with app(OURS, world) as bot:
        await _acks(bot, world, "warm")
        for number in range(ROUNDS):
            quiet += await _acks(bot, world, f"quiet{number}")
            speed, grown, during = await _carried(bot, world, number)
            speeds.append(speed)
            growth.append(grown)
            busy += during
    return [
        TableRow("2 GiB from Slack to Applivery", "MB/s", median(speeds)),
        TableRow("memory the bot takes meanwhile", "MiB", max(growth), target=MEMORY),
        TableRow("ack p99 while it runs, beside before", "ms", _p99(busy), _p99(quiet), target=2.0),
    ]


async def _acks(bot: RunningProcess, world: int, run: str) -> list[float]:
    said = json.loads(await load(bot.port, world, people=PEOPLE, commands=COMMANDS, run=run, answered=False))
    return [float(ack) for ack in said["acks"]]


async def _carried(bot: RunningProcess, world: int, number: int) -> tuple[float, float, list[float]]:
    """MB/s, MiB that the bot grew by at most, and the acknowledgements that came while it ran."""
    before = most = _held(bot.process.pid)
    taken = asyncio.ensure_future(_taken(world))
    line = await ClientExchange.connect(bot.port)
    await line.ask(submission(FILE_ID, "courier", number))
    acks: list[float] = []
    loading = asyncio.ensure_future(_acks(bot, world, f"busy{number}.0"))
    rounds = 0
    while not taken.done():
        most = max(most, _held(bot.process.pid))
        if loading.done():
            acks += loading.result()
            rounds += 1
            loading = asyncio.ensure_future(_acks(bot, world, f"busy{number}.{rounds}"))
        await asyncio.sleep(0.01)
    last = await loading
    line.transport.close()
    return await taken, most - before, acks or last


def _p99(acks: list[float]) -> float:
    return quantiles(acks, n=100)[98] * 1000
