"""What it costs to watch while nothing happens, and how long a processed build takes from the doorbell to its card.

50 apps with 1000 builds that are known, two channels, and the cadence without settings. Applivery's calls are
set beside one call per build and interval, which is what asking for each build would take.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from statistics import quantiles

from bench.row import TableRow
from bench.telling import CHANNELS, OutboxScenario, scene

APPS = 50
BUILDS = 20  # in each app
MINUTE = 60.0  # between two looks at an app
RINGS = 200


@dataclass(frozen=True, slots=True)
class Quiet:
    """A bot with nothing to say: the share of a core it uses in percent, and its calls of Applivery an hour."""

    cpu: float
    calls: float


async def rows() -> list[TableRow]:
    """On SQLite, which most will use; then ten times as many builds in ten times as many apps.

    The allowance of requests an hour is lifted for the latter: within it they would be looked at less often.
    """
    async with scene(APPS, **_CADENCE) as new_scene:
        told = await _filled(new_scene, APPS)
        async with scene(APPS * 10, **_CADENCE | {"APPLIVERY_REQUESTS_PER_HOUR": "100000000"}) as many:
            await _filled(many, APPS * 10)
            # at the same time, as each has its own CPU seconds counted
            quiet, busy = await asyncio.gather(_quiet(new_scene), _quiet(many))
        took = await _rings(new_scene, told)
    builds = APPS * BUILDS
    return [
        TableRow("idle CPU, 1000 builds watched over 50 apps", "%", quiet.cpu, target=3),
        TableRow("idle CPU, 10,000 builds over 500 apps", "%", busy.cpu),
        TableRow("calls of Applivery an hour, 1000 builds", "/h", quiet.calls, target=builds * 3600 / MINUTE / 10),
        TableRow("calls of Applivery an hour, 10,000 builds", "/h", busy.calls),
        TableRow("doorbell → card p50", "ms", quantiles(took, n=100)[49] * 1000),
        TableRow("doorbell → card p99", "ms", quantiles(took, n=100)[98] * 1000, target=1000),
    ]


_CADENCE = {"APPLIVERY_REQUESTS_PER_HOUR": "8000", "POLL_IDLE_SECONDS": "60", "POLL_BUSY_SECONDS": "5"}


async def _filled(scene: OutboxScenario, apps: int) -> int:
    """Every app has its builds and the channels know them; gives how many messages that took."""
    posts = BUILDS * apps * len(CHANNELS)
    await scene.more(BUILDS)
    await scene.ring()
    await scene.heard(posts)
    return posts


async def _quiet(scene: OutboxScenario) -> Quiet:
    await scene.settled()
    before, asked = scene.bot.cpu(), await scene.asked()
    await asyncio.sleep(MINUTE * 1.2)  # every app is looked at once, some twice
    after = await scene.asked()
    seconds = MINUTE * 1.2
    calls = sum(after.values()) - sum(asked.values())
    return Quiet((scene.bot.cpu() - before) / seconds * 100, calls * 3600 / seconds)


async def _rings(scene: OutboxScenario, told: int) -> list[float]:
    """The seconds from each ring of the doorbell until both channels have the card."""
    took = []
    for number in range(RINGS):
        app = number % APPS
        await scene.more(1, app)
        began = asyncio.get_running_loop().time()
        await scene.ring(app)
        told += len(CHANNELS)
        await scene.heard(told)
        took.append(asyncio.get_running_loop().time() - began)
    return took
