"""24 hours of a busy workspace in fast motion, and what the bot holds before and after: 300 people, 12 apps.

Four hours warm it up.
"""

from __future__ import annotations

import asyncio
import math
import time

from bench.processes import QUICK, RunningProcess
from bench.rounds import Partial
from bench.row import TableRow
from bench.workday import HOUR, Day, workday

WARM_UP, HOURS = (1, 4) if QUICK else (4, 24)
SECONDS = 30.0 if QUICK else 75.0  # after that no further hour begins


async def rows() -> list[TableRow]:
    """RSS is what the process holds; PSS counts what it shares with others for its share only."""
    partial = Partial()
    before = after = wrong = math.nan
    typed = hours = 0
    with partial.keeping():
        async with workday() as day:
            for hour in range(4):  # summaries that come by themselves, at hours of their own
                await day._type(f"downloads app-{hour} every:daily@{9 + 3 * hour:02}:00")
            for _ in range(WARM_UP * HOUR):
                await day.minute()
            before, day.counts = await _held(day.bot), {}
            until = time.monotonic() + SECONDS
            with partial.keeping():
                while hours < HOURS and time.monotonic() < until:
                    for _ in range(HOUR):
                        await day.minute()
                    hours += 1
            after, typed, wrong = await _held(day.bot), day.typed, _wrong(day)
            happened = ", ".join(f"{times} {what}" for what, times in sorted(day.counts.items()))
            print(f"The hours had {happened}.")
    if hours < HOURS:
        partial.causes.append(f"{hours} of {HOURS} hours")
    what, why = f"{HOURS} hours in fast motion", partial.words
    growth = (after - before) / before * 100
    return [
        TableRow(f"{what}: memory after them", "MB", after, incomplete=why),
        TableRow(f"{what}: memory growth after warm-up", "%", growth, target=5, incomplete=why),
        TableRow(f"{what}: not answered once, of {typed:,}", "", wrong, target=0, incomplete=why),
    ]


def _wrong(day: Day) -> float:
    return sum(len(came) != 1 for came in day.answers.came.values()) + day.typed - len(day.answers.came)


async def _held(bot: RunningProcess) -> float:
    """MB, when nothing happens. PSS would change with what else runs on this machine and has the same libraries."""
    await asyncio.sleep(2)
    return bot.resident()
