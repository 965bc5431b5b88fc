"""`/applivery builds courier` over signed HTTP: how long Slack waits for the acknowledgement, and what it all costs.

Each program acknowledges, asks Applivery, whose answers come in chunks, and answers with the list.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from statistics import quantiles

from bench.processes import QUICK, RunningProcess, load, sink
from bench.rounds import Rounds, in_turn
from bench.row import TableRow
from bench.variants import variants

PEOPLE = 8
COMMANDS = 1000
ROUNDS = 2 if QUICK else 7


@dataclass(frozen=True, slots=True)
class Round:
    """One round: commands a second until the last acknowledgement and until the last answer; the rest milliseconds."""

    acked: float
    finished: float
    p50: float
    p99: float
    cpu: float
    missing: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Of one program, MB."""

    held: float


async def rows() -> list[TableRow]:
    """All programs run at once and are asked in turn; the first round warms up."""
    async with sink() as world, variants(world) as programs:
        rest = Rounds([], {name: [Memory(program.resident())] for name, program in programs.items()})
        found = await in_turn(programs, lambda name, program, number: _round(program, world, f"{name}{number}"), ROUNDS)
        used = Rounds(found.causes, {name: [Memory(program.resident())] for name, program in programs.items()})
    crowd, done = f"{PEOPLE} people", len(found.found["ours"])
    row = found.row
    return [
        row("CPU for a command and its answer", "ms", "cpu", target=2.0),
        row(f"ack p50, {crowd}", "ms", "p50", target=0.7),
        row(f"ack p99, {crowd}", "ms", "p99", target=1.1),
        row(f"commands/s acknowledged, {crowd}", "/s", "acked", target=0.8, better="higher"),
        row(f"commands/s answered, {crowd}", "/s", "finished", target=0.5, better="higher"),
        rest.row("memory at rest", "MB", "held", target=1.55),
        used.row(f"memory after {COMMANDS * (done + 1):,} commands", "MB", "held", target=1.7),
        row(f"commands without a right answer, of {COMMANDS * done:,}", "", "missing", target=0, absolute=True, of=sum),
    ]


async def _round(program: RunningProcess, world: int, run: str) -> Round:
    before = program.cpu()
    said = json.loads(await load(program.port, world, people=PEOPLE, commands=COMMANDS, run=run, answered=True))
    cuts = quantiles(said["acks"], n=100)
    cpu, missing = (program.cpu() - before) / COMMANDS, COMMANDS - said["right"] + said["wrong"]
    rates = COMMANDS / said["acked"], said["right"] / said["finished"]
    return Round(*rates, cuts[49] * 1000, cuts[98] * 1000, cpu * 1000, missing)
