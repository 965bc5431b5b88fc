"""The cost of polling while nothing happens, and the time from the webhook call to the card of a processed build.

50 apps with 1,000 known builds, two channels, and the default intervals; also ten times as many apps and builds. The
number of requests to Applivery is compared with one request per build and interval.
"""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import quantiles

from bench.processes import BEFORE, QUICK
from bench.rounds import Partial
from bench.row import TableRow
from bench.telling import CHANNELS, OutboxScenario, scene

APPS = 50
BUILDS = 20  # in each app
MINUTE = 60.0  # between two polls of an app
LOOKING = 20.0 if QUICK else MINUTE * 1.2  # every app is polled once, some twice
RINGS, RINGING = 150, 15.0 if QUICK else 30.0  # at most so many, for so many seconds
_CADENCE = {"POLL_IDLE_SECONDS": "60", "POLL_BUSY_SECONDS": "5"}
# With the default hourly budget many apps would be polled less often.
_UNLIMITED = {"APPLIVERY_REQUESTS_PER_HOUR": "100000000"}


@dataclass(frozen=True, slots=True)
class Quiet:
    """A bot without new builds: its share of a core in percent, and its requests to Applivery per hour."""

    cpu: float = math.nan
    calls: float = math.nan


async def rows() -> list[TableRow]:
    """On SQLite, which most will use; all bots at the same time, as each has its own CPU seconds counted."""
    partial = Partial()
    quiet: dict[str, Quiet] = {}
    took: dict[str, list[float]] = {"few": [], "before": []}
    async with AsyncExitStack() as stack:
        with partial.keeping():
            allowed = _CADENCE | {"APPLIVERY_REQUESTS_PER_HOUR": "8000"}
            few = await stack.enter_async_context(scene(APPS, allowed, builds=BUILDS))
            scenes = {"few": few}
            many = scene(APPS * 10, _CADENCE | _UNLIMITED, builds=BUILDS)
            scenes["many"] = await stack.enter_async_context(many)
            if BEFORE:
                scenes["before"] = await stack.enter_async_context(scene(APPS, allowed, root=BEFORE, builds=BUILDS))
            quiet = dict(zip(scenes, await asyncio.gather(*map(_quiet, scenes.values())), strict=True))
            await _rings({name: scenes[name] for name in scenes if name != "many"}, took)
    few_, many_, before = (quiet.get(name, Quiet()) for name in ("few", "many", "before"))
    builds = APPS * BUILDS
    one_by_one = builds * 3600 / MINUTE
    old = "before" in quiet

    def row(figure: str, unit: str, value: float, then: float = math.nan, target: float | None = None) -> TableRow:
        earlier = None if math.isnan(then) else then
        return TableRow(figure, unit, value, target=target, before=earlier, incomplete=partial.words)

    (p50, p99), (old_p50, old_p99) = _cuts(took["few"]), _cuts(took["before"] if old else [])
    return [
        row(f"idle CPU, {builds:,} builds watched over {APPS} apps", "%", few_.cpu, before.cpu, 3),
        row(f"idle CPU, {builds * 10:,} builds over {APPS * 10} apps", "%", many_.cpu),
        row(f"calls of Applivery an hour, {builds:,} builds", "/h", few_.calls, before.calls, one_by_one / 10),
        row(f"calls of Applivery an hour, {builds * 10:,} builds", "/h", many_.calls),
        row("webhook → card p50", "ms", p50, old_p50),
        row("webhook → card p99", "ms", p99, old_p99, 1000),
    ]


def _cuts(took: list[float]) -> tuple[float, float]:
    if len(took) < 2:
        return math.nan, math.nan
    cuts = quantiles(took, n=100, method="inclusive")
    return cuts[49] * 1000, cuts[98] * 1000


async def _quiet(scenario: OutboxScenario) -> Quiet:
    await scenario.settled()
    before, asked, began = scenario.bot.cpu(), await scenario.asked(), time.monotonic()
    await asyncio.sleep(LOOKING)
    cpu, after = scenario.bot.cpu(), await scenario.asked()
    seconds = time.monotonic() - began
    calls = sum(after.values()) - sum(asked.values())
    return Quiet((cpu - before) / seconds * 100, calls * 3600 / seconds)


async def _rings(scenes: dict[str, OutboxScenario], took: dict[str, list[float]]) -> None:
    """Add the seconds from each webhook call until both channels have the card, in turn."""
    until = time.monotonic() + RINGING
    for number in range(RINGS):
        for name, scenario in scenes.items():
            await scenario.more(1, number % APPS)
            began = time.monotonic()
            await scenario.ring(number % APPS)
            await scenario.heard((number + 1) * len(CHANNELS))
            took[name].append(time.monotonic() - began)
        if time.monotonic() > until:
            return
