"""The time from a click on *Get build* until its private reply: for 16 people, another meanwhile, and one alone.

The sink answers both calls of Applivery at once. 16 people click concurrently, each again after the last reply.
Meanwhile one person clicks at fixed times, so that a pause of the program counts in full.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from statistics import quantiles

from bench.processes import QUICK, RunningProcess, clicks, sink
from bench.rounds import in_turn
from bench.row import TableRow
from bench.variants import variants

PEOPLE = 16
CLICKS, VISITS, ALONE = 800, 400, 100
ROUNDS = 2 if QUICK else 7


@dataclass(frozen=True, slots=True)
class Round:
    """One round: milliseconds of a click and of its CPU, clicks answered a second, and what was not answered."""

    p50: float
    p99: float
    rate: float
    cpu: float
    beside_p50: float
    beside_p99: float
    alone_p50: float
    alone_cpu: float
    missing: int


async def rows() -> list[TableRow]:
    """All programs run at once and are clicked in turn; the first round warms up."""
    async with sink() as world, variants(world) as programs:
        found = await in_turn(programs, lambda _, program, __: _round(program, world), ROUNDS)
    crowd, beside = f"{PEOPLE} people", f"one person beside {PEOPLE}"
    row = found.row
    return [
        row(f"CPU for a click and its link, {crowd}", "ms", "cpu", target=1.4),
        row("CPU for a click and its link, one person", "ms", "alone_cpu"),
        row(f"click → link p50, {crowd}", "ms", "p50", target=1.5),
        row(f"click → link p99, {crowd}", "ms", "p99", target=1.5),
        row(f"click → link p50, {beside}", "ms", "beside_p50", target=1.5),
        row(f"click → link p99, {beside}", "ms", "beside_p99", target=1.5),
        row("click → link p50, one person, beside the floor", "ms", "alone_p50", than="floor", target=2.0),
        row(f"clicks/s answered, {crowd}", "/s", "rate", better="higher", target=0.67),
        row("clicks without a right link", "", "missing", target=0, absolute=True, of=sum),
    ]


async def _round(program: RunningProcess, world: int) -> Round:
    start = program.cpu()
    many = json.loads(await clicks(program.port, world, people=PEOPLE, clicks=CLICKS, visits=VISITS))
    middle = program.cpu()
    alone = json.loads(await clicks(program.port, world, people=1, clicks=ALONE))
    p50, p99 = _cuts(many["took"])
    return Round(
        p50,
        p99,
        len(many["took"]) / many["finished"],
        (middle - start) / (CLICKS + len(many["visited"])) * 1000,
        *_cuts(many["visited"]),
        _cuts(alone["took"])[0],
        (program.cpu() - middle) / ALONE * 1000,
        CLICKS + len(many["visited"]) + ALONE - many["right"] - alone["right"],
    )


def _cuts(took: list[float]) -> tuple[float, float]:
    """The median and the 99th of a hundred, in milliseconds; of fewer than two values nothing is said."""
    if len(took) < 2:
        return float("nan"), float("nan")
    cuts = quantiles(took, n=100, method="inclusive")
    return cuts[49] * 1000, cuts[98] * 1000
