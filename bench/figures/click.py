"""A click on a card's *Get build* until its private reply has arrived, without the two calls of Applivery in between.

16 people click at once, each again when the last answer is there. The two calls (the build, a token) are answered at
once by the sink; what they cost by themselves, asked by the load in the same round with nothing else going on, is
taken off as its median. All that the bot's own HTTP client and its queues add to them so counts as the bot's share,
the bare app's likewise.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from statistics import median, quantiles

from bench.processes import BARE, OURS, RunningProcess, app, clicks, sink
from bench.row import TableRow

PEOPLE = 16
CLICKS = 800
ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Round:
    """One round: the own share of a click and its CPU in milliseconds, and clicks answered a second."""

    p50: float
    p99: float
    rate: float
    cpu: float


async def rows() -> list[TableRow]:
    """Both apps run at once and are clicked in turn, so that whatever else the machine does meets both."""
    async with sink() as world, app(OURS, world) as ours, app(BARE, world) as bare:
        found: dict[str, list[Round]] = {"ours": [], "bare": []}
        for number in range(ROUNDS + 1):
            for name, bot in (("ours", ours), ("bare", bare)):
                measured = await _round(bot, world)
                found[name] += [measured] if number else []  # the first warms up
    crowd = f"{PEOPLE} people"
    return [
        TableRow(f"click → link p50, own share, {crowd}", "ms", *_medians(found, "p50"), target=15, absolute=True),
        TableRow(f"click → link p99, own share, {crowd}", "ms", *_medians(found, "p99"), target=40, absolute=True),
        TableRow(f"clicks/s answered, {crowd}", "/s", *_medians(found, "rate"), better="higher"),
        TableRow("CPU for a click and its link", "ms", *_medians(found, "cpu")),
    ]


async def _round(bot: RunningProcess, world: int) -> Round:
    before = bot.cpu()
    said = json.loads(await clicks(bot.port, world, people=PEOPLE, clicks=CLICKS))
    if said["right"] != CLICKS:
        raise RuntimeError(f"{CLICKS} clicks, and {said['right']} got one right answer with a token of their own")
    cpu = (bot.cpu() - before) / CLICKS
    cuts, calls = quantiles(said["took"], n=100), median(said["calls"])
    return Round((cuts[49] - calls) * 1000, (cuts[98] - calls) * 1000, CLICKS / said["finished"], cpu * 1000)


def _medians(found: dict[str, list[Round]], figure: str) -> list[float]:
    return [median(getattr(round_, figure) for round_ in found[name]) for name in ("ours", "bare")]
