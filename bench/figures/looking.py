"""What a look at an app costs, whose builds are all known: once, 10 and 100 times as many builds of one app.

Three bots look at one app each, five times a second, at the same time; nothing is new. A look's cost is the bot's CPU
through the number of lists it asked for.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from statistics import median

from bench.processes import QUICK
from bench.row import TableRow
from bench.telling import CHANNELS, OutboxScenario, scene

BUILDS = 10 if QUICK else 100  # of the first app; the others have 10 and 100 times as many
SECONDS = 5.0
ROUNDS = 3 if QUICK else 7
STEP = 100  # builds that are announced at a time
CADENCE = {"POLL_IDLE_SECONDS": "0.2", "POLL_BUSY_SECONDS": "0.2"}


async def rows() -> list[TableRow]:
    """The CPU of a look at each app."""
    sizes = [BUILDS * times for times in (1, 10, 100)]
    async with AsyncExitStack() as stack:
        scenes = [await stack.enter_async_context(scene(1, **CADENCE)) for _ in sizes]
        await asyncio.gather(*map(_filled, scenes, sizes))
        found = [await asyncio.gather(*map(_look, scenes)) for _ in range(ROUNDS)]
    once, *grown = (median(costs) for costs in zip(*found, strict=True))
    figure = f"CPU a look at an app of {sizes[0]:,} / {sizes[1]:,} / {sizes[2]:,} builds"
    return [TableRow(figure, "ms", once, target=1.1, grown=tuple(grown))]


async def _filled(scene: OutboxScenario, size: int) -> None:
    for known in range(0, size, STEP):
        more = min(STEP, size - known)
        await scene.more(more, 0)
        await scene.heard((known + more) * len(CHANNELS))
    await scene.settled()


async def _look(scene: OutboxScenario) -> float:
    """Milliseconds of CPU for one look."""
    before, asked = scene.bot.cpu(), (await scene.asked())["list"]
    await asyncio.sleep(SECONDS)
    return (scene.bot.cpu() - before) / ((await scene.asked())["list"] - asked) * 1000
