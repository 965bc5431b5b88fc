"""`/applivery builds courier` over signed HTTP: how long Slack waits for the acknowledgement, and what it all costs.

Each program acknowledges, asks Applivery, whose answers come in chunks, and answers with the list.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from statistics import median, quantiles

from bench.processes import QUICK, RunningProcess, load, sink
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


async def rows() -> list[TableRow]:
    """All programs run at once and are asked in turn; the first round warms up."""
    async with sink() as world, variants(world) as programs:
        rest = {name: program.resident() for name, program in programs.items()}
        found: dict[str, list[Round]] = {name: [] for name in programs}
        for number in range(ROUNDS + 1):
            for name, program in programs.items():
                measured = await _round(program, world, f"{name}{number}")
                found[name] += [measured] if number else []
        used = {name: program.resident() for name, program in programs.items()}
    crowd, after = f"{PEOPLE} people", f"{COMMANDS * (ROUNDS + 1):,}"
    missing = {name: float(sum(round_.missing for round_ in rounds)) for name, rounds in found.items()}
    return [
        _row("CPU for a command and its answer", "ms", _medians(found, "cpu"), 2.0),
        _row(f"ack p50, {crowd}", "ms", _medians(found, "p50"), 0.7),
        _row(f"ack p99, {crowd}", "ms", _medians(found, "p99"), 1.1),
        _row(f"commands/s acknowledged, {crowd}", "/s", _medians(found, "acked"), 0.8, better="higher"),
        _row(f"commands/s answered, {crowd}", "/s", _medians(found, "finished"), 0.5, better="higher"),
        _row("memory at rest", "MB", rest, 1.55),
        _row(f"memory after {after} commands", "MB", used, 1.7),
        _row(f"commands without a right answer, of {COMMANDS * ROUNDS:,}", "", missing, 0, absolute=True),
    ]


def _row(
    figure: str, unit: str, found: dict[str, float], target: float, *, better: str = "lower", absolute: bool = False
) -> TableRow:
    others = {name: value for name, value in found.items() if name not in ("ours", "bare")}
    ours, bare = found["ours"], found["bare"]
    return TableRow(figure, unit, ours, bare, target=target, better=better, others=others, absolute=absolute)


async def _round(program: RunningProcess, world: int, run: str) -> Round:
    before = program.cpu()
    said = json.loads(await load(program.port, world, people=PEOPLE, commands=COMMANDS, run=run, answered=True))
    cuts = quantiles(said["acks"], n=100)
    cpu, missing = (program.cpu() - before) / COMMANDS, COMMANDS - said["right"] + said["wrong"]
    rates = COMMANDS / said["acked"], said["right"] / said["finished"]
    return Round(*rates, cuts[49] * 1000, cuts[98] * 1000, cpu * 1000, missing)


def _medians(found: dict[str, list[Round]], figure: str) -> dict[str, float]:
    return {name: median(getattr(round_, figure) for round_ in rounds) for name, rounds in found.items()}
