"""The cost of a poll of an app without new builds, for an app with 20, 1,000 and 10,000 builds.

The bots poll one app each, five times per second, at the same time: first nothing changes, then each list differs in
fields that no card shows, so that all of it is compared. For that the smallest app has 100 builds, a full page. The
cost is the bot's CPU time divided by the number of polls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bench.processes import BEFORE, QUICK, ROOT
from bench.rounds import Partial, middle, ratio
from bench.row import TableRow
from bench.telling import CHANNELS, OutboxScenario, scene

SIZES = (20, 100, 1_000, 10_000)
SAME, CHANGED = (20, 1_000, 10_000), (100, 1_000, 10_000)
LISTED = 60  # at most: what the newest page shows; the rest is known and no longer listed there
SECONDS = 3.0 if QUICK else 5.0
ROUNDS = 2 if QUICK else 5
CADENCE = {"POLL_IDLE_SECONDS": "0.2", "POLL_BUSY_SECONDS": "0.2"}
Costs = dict[str, list[list[float]]]  # by version, for each round the milliseconds of a look by size


@dataclass(frozen=True, slots=True)
class Watched:
    """A bot of some version that polls one app."""

    version: str
    size: int
    scenario: OutboxScenario


async def rows() -> list[TableRow]:
    """Return the CPU time of a poll of each app."""
    versions = {"ours": ROOT} | ({"before": BEFORE} if BEFORE else {})
    partial = Partial()
    same: Costs = {name: [] for name in versions}
    changed: Costs = {name: [] for name in versions}
    async with AsyncExitStack() as stack:
        with partial.keeping():
            watched = [
                Watched(name, size, await stack.enter_async_context(scene(1, CADENCE, root=root)))
                for name, root in versions.items()
                for size in SIZES
            ]
            await asyncio.gather(*(_filled(bot.scenario, bot.size) for bot in watched))
            for found, stirred in ((same, False), (changed, True)):
                await asyncio.gather(*(bot.scenario.stir(stirred) for bot in watched))
                for _ in range(ROUNDS):
                    costs = await asyncio.gather(*(_look(bot.scenario) for bot in watched))
                    for name in versions:
                        mine = zip(watched, costs, strict=True)
                        found[name].append([cost for bot, cost in mine if bot.version == name])
    return [
        _row("CPU a look at an app of {} builds", SAME, same, partial),
        _row("CPU a look at a changed list of {}", CHANGED, changed, partial),
    ]


def _row(title: str, sizes: Sequence[int], found: Costs, partial: Partial) -> TableRow:
    columns = [SIZES.index(size) for size in sizes]
    ours = [[costs[at] for costs in found["ours"]] for at in columns]
    before = [[costs[at] for costs in found.get("before", [])] for at in columns]
    once, *grown = map(middle, ours)
    return TableRow(
        title.format(" / ".join(f"{size:,}" for size in sizes)),
        "ms",
        once,
        target=1.1,
        grown=tuple(grown),
        by_round=ratio(ours[-1], ours[0]),
        before=middle(before[0]) if before[0] else None,
        before_ratio=ratio(before[1], before[0]),
        incomplete=partial.words,
    )


async def _filled(scenario: OutboxScenario, size: int) -> None:
    listed = min(size, LISTED)
    await scenario.more(listed, 0)
    await scenario.heard(listed * len(CHANNELS))
    await scenario.settled()
    if size > listed:
        await scenario.age(size)


async def _look(scenario: OutboxScenario) -> float:
    """Return the milliseconds of CPU of one poll."""
    before, asked = scenario.bot.cpu(), (await scenario.asked())["list"]
    await asyncio.sleep(SECONDS)
    return (scenario.bot.cpu() - before) / max(1, (await scenario.asked())["list"] - asked) * 1000
