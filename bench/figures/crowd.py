"""500 people's commands at the same moment over signed HTTP, each of somebody else who has not been here before.

What they type is mixed, links among it. Slack waits 3 seconds for an acknowledgement; the target leaves two of them
for the way. Each command is to have one right answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from statistics import median, quantiles

from bench.processes import BARE, OURS, Running, app, crowd, sink
from bench.row import Row

PEOPLE = 500
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Round:
    """One crowd: milliseconds of acknowledgements, seconds until the last answer, and commands without a right one."""

    p50: float
    p99: float
    finished: float = 0.0
    missing: int = 0


async def rows() -> list[Row]:
    """Both apps run at once and are asked in turn, so that whatever else the machine does meets both."""
    async with sink() as world, app(OURS, world) as ours, app(BARE, world) as bare:
        found: dict[str, list[Round]] = {"ours": [], "bare": []}
        for number in range(ROUNDS + 1):
            for name, one in (("ours", ours), ("bare", bare)):
                measured = await _round(one, number, answered=name == "ours")
                found[name] += [measured] if number else []  # the first warms up
    who = f"{PEOPLE} people at once"
    p50, p99 = ([[getattr(one, name) for one in found[way]] for way in ("ours", "bare")] for name in ("p50", "p99"))
    rounds = found["ours"]
    return [
        Row(f"{who}: ack p50", "ms", *map(median, p50)),
        Row(f"{who}: ack p99", "ms", *map(median, p99), target=1000, absolute=True),
        Row(f"{who}: ack p99 of the worst of {ROUNDS}", "ms", *map(max, p99), target=1000, absolute=True),
        Row(f"{who}: until the last has the answer", "s", median(one.finished for one in rounds)),
        Row(f"{who}: without a right answer, of {PEOPLE * ROUNDS}", "", sum(one.missing for one in rounds), target=0),
    ]


async def _round(one: Running, number: int, *, answered: bool) -> Round:
    said = json.loads(await crowd(one.port, people=PEOPLE, first=number * PEOPLE, answered=answered))
    cuts = quantiles(said["acks"], n=100)
    p50, p99 = cuts[49] * 1000, cuts[98] * 1000
    return Round(p50, p99, said["finished"], PEOPLE - said["right"]) if answered else Round(p50, p99)
