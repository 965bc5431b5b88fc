"""500 people's commands at the same moment, each of somebody else who has not been here before.

What they type is mixed, links among it. Slack waits 3 seconds for an acknowledgement; the target leaves two of them
for the way. Each command is to have one right answer.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

from bench.processes import BARE, BEFORE, OURS, QUICK, ROOT, app, app_in, crowd, program, sink
from bench.rounds import Rounds, in_turn, worst
from bench.row import TableRow

PEOPLE = 500
ROUNDS = 2 if QUICK else 5


@dataclass(frozen=True, slots=True)
class Round:
    """One crowd: milliseconds of acknowledgements, seconds until the last answer, and commands without a right one."""

    p50: float
    p99: float
    finished: float = 0.0
    missing: int = 0


async def rows() -> list[TableRow]:
    """All run at once and are asked in turn, so that whatever else the machine does meets all of them."""
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(sink())
        ports = {"ours": (await stack.enter_async_context(app(OURS, world))).port}
        ports["bare"] = (await stack.enter_async_context(app(BARE, world))).port
        ports["socket"] = await stack.enter_async_context(_by_socket(world, ROOT))
        if BEFORE:
            ports["before"] = (await stack.enter_async_context(app(OURS, world, BEFORE))).port
            ports["socket before"] = await stack.enter_async_context(_by_socket(world, BEFORE))
        found = await in_turn(ports, _round, ROUNDS)
    http = {name: rounds for name, rounds in found.found.items() if not name.startswith("socket")}
    sockets = {"ours": "socket", "before": "socket before"}
    socket = {name: found.found[port] for name, port in sockets.items() if port in ports}
    return [
        *_rows("HTTP", Rounds(found.causes, http)),
        *_rows("Socket Mode", Rounds(found.causes, socket)),
    ]


def _rows(door: str, found: Rounds[Round]) -> list[TableRow]:
    row, who, done = found.row, f"{PEOPLE} people at once, {door}", len(found.found["ours"])
    return [
        row(f"{who}: ack p50", "ms", "p50"),
        row(f"{who}: ack p99", "ms", "p99", target=1000, absolute=True),
        row(f"{who}: ack p99, worst of {done}", "ms", "p99", target=1000, absolute=True, of=worst),
        replace(row(f"{who}: until the last answer", "s", "finished"), bare=None, by_round=None),
        replace(row(f"{who}: not answered, of {PEOPLE * done}", "", "missing", target=0, of=sum), bare=None),
    ]


async def _round(how: str, port: int, number: int) -> Round:
    words = {"ours": "http", "before": "http", "socket before": "socket"}.get(how, how)
    said = json.loads(await crowd(words, port, people=PEOPLE, first=number * PEOPLE))
    cuts = quantiles(said["acks"], n=100)
    p50, p99 = cuts[49] * 1000, cuts[98] * 1000
    return Round(p50, p99) if how == "bare" else Round(p50, p99, said["finished"], PEOPLE - said["right"])


@asynccontextmanager
async def _by_socket(world: int, root: Path) -> AsyncIterator[int]:
    """The bot of this checkout in Socket Mode; gives the port of what it is connected to."""
    with TemporaryDirectory(prefix="bench-") as folder:
        async with program("bench.line") as line:
            slack = {"SLACK_APP_TOKEN": "xapp-bench", "SLACK_API_URL": f"http://127.0.0.1:{line}/api/"}
            async with app_in(Path(folder), OURS, world, root, **slack):
                yield line
