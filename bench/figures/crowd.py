"""500 people's commands at the same moment, each of somebody else who has not been here before.

What they type is mixed, links among it. Slack waits 3 seconds for an acknowledgement; the target leaves two of them
for the way. Each command is to have one right answer.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from bench.processes import BARE, OURS, app, app_in, crowd, program, sink
from bench.row import TableRow

PEOPLE = 500
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Round:
    """One crowd: milliseconds of acknowledgements, seconds until the last answer, and commands without a right one."""

    p50: float
    p99: float
    finished: float = 0.0
    missing: int = 0


async def rows() -> list[TableRow]:
    """All run at once and are asked in turn, so that whatever else the machine does meets all of them."""
    found: dict[str, list[Round]] = {"http": [], "bare": [], "socket": []}
    async with sink() as world, app(OURS, world) as ours, app(BARE, world) as bare, _by_socket(world) as line:
        ports = {"http": ours.port, "bare": bare.port, "socket": line}
        for number in range(ROUNDS + 1):
            for how, port in ports.items():
                measured = await _round(how, port, number)
                found[how] += [measured] if number else []  # the first warms up
    return [*_rows("HTTP", found["http"], found["bare"]), *_rows("Socket Mode", found["socket"])]


def _rows(door: str, ours: list[Round], bare: list[Round] | None = None) -> list[TableRow]:
    p50, p99 = ([[getattr(round_, name) for round_ in way] for way in (ours, bare) if way] for name in ("p50", "p99"))
    who = f"{PEOPLE} people at once, {door}"
    return [
        TableRow(f"{who}: ack p50", "ms", *map(median, p50)),
        TableRow(f"{who}: ack p99", "ms", *map(median, p99), target=1000, absolute=True),
        TableRow(f"{who}: ack p99, worst of {ROUNDS}", "ms", *map(max, p99), target=1000, absolute=True),
        TableRow(f"{who}: until the last answer", "s", median(round_.finished for round_ in ours)),
        TableRow(f"{who}: not answered, of {PEOPLE * ROUNDS}", "", sum(round_.missing for round_ in ours), target=0),
    ]


async def _round(how: str, port: int, number: int) -> Round:
    said = json.loads(await crowd(how, port, people=PEOPLE, first=number * PEOPLE))
    cuts = quantiles(said["acks"], n=100)
    p50, p99 = cuts[49] * 1000, cuts[98] * 1000
    return Round(p50, p99) if how == "bare" else Round(p50, p99, said["finished"], PEOPLE - said["right"])


@asynccontextmanager
async def _by_socket(world: int) -> AsyncIterator[int]:
    """Our bot in Socket Mode; gives the port of what it is connected to."""
    with TemporaryDirectory(prefix="bench-") as folder:
        async with program("bench.line") as line:
            slack = {"SLACK_APP_TOKEN": "xapp-bench", "SLACK_API_URL": f"http://127.0.0.1:{line}/api/"}
            async with app_in(Path(folder), OURS, world, **slack):
                yield line
