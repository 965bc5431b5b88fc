"""`/applivery builds courier` over signed HTTP: commands a second, and how long Slack waits for the acknowledgement."""

from __future__ import annotations

import json
from dataclasses import dataclass
from statistics import median, quantiles

from bench.processes import BARE, OURS, RunningProcess, app, load, sink
from bench.row import TableRow

PEOPLE = 8
COMMANDS = 1000
ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Round:
    """One round: commands a second until the last acknowledgement and until the last answer; the rest milliseconds."""

    acked: float
    finished: float
    p50: float
    p99: float
    cpu: float


async def rows() -> list[TableRow]:
    """Both apps run at once and are asked in turn, so that whatever else the machine does meets both."""
    async with sink() as world, app(OURS, world) as ours, app(BARE, world) as bare:
        found: dict[str, list[Round]] = {"ours": [], "bare": []}
        for number in range(ROUNDS + 1):
            for name, bot in (("ours", ours), ("bare", bare)):
                measured = await _round(bot, world, f"{name}{number}", answered=name == "ours")
                found[name] += [measured] if number else []  # the first warms up
        used = [ours.resident(), bare.resident()]
    crowd = f"{PEOPLE} people"
    return [
        TableRow(f"commands/s acknowledged, {crowd}", "/s", *_medians(found, "acked"), target=0.8, better="higher"),
        TableRow(f"commands/s answered, {crowd}", "/s", *_medians(found, "finished"), target=0.8, better="higher"),
        TableRow(f"ack p50, {crowd}", "ms", *_medians(found, "p50")),
        TableRow(f"ack p99, {crowd}", "ms", *_medians(found, "p99"), target=1.15),
        TableRow("CPU for a command and its answer", "ms", *_medians(found, "cpu")),
        TableRow("memory after the load", "MB", *used, target=1.6),
    ]


async def _round(bot: RunningProcess, world: int, run: str, *, answered: bool) -> Round:
    before = bot.cpu()
    said = json.loads(await load(bot.port, world, people=PEOPLE, commands=COMMANDS, run=run, answered=answered))
    if answered and (said["right"], said["wrong"]) != (COMMANDS, 0):
        raise RuntimeError(f"{COMMANDS} commands, {said['right']} answers, and {said['wrong']} wrong ones")
    cuts = quantiles(said["acks"], n=100)
    cpu = (bot.cpu() - before) / COMMANDS
    return Round(COMMANDS / said["acked"], COMMANDS / said["finished"], cuts[49] * 1000, cuts[98] * 1000, cpu * 1000)


def _medians(found: dict[str, list[Round]], figure: str) -> list[float]:
    return [median(getattr(round_, figure) for round_ in found[name]) for name in ("ours", "bare")]
