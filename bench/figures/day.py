"""24 hours of a busy workspace in fast motion, and what the bot holds before and after: 300 people, 12 apps.

Four hours warm it up.
"""

from __future__ import annotations

import asyncio

from bench.processes import RunningProcess
from bench.row import TableRow
from bench.workday import HOUR, workday

WARM_UP, HOURS = 4, 24


async def rows() -> list[TableRow]:
    """RSS is what the process holds; PSS counts what it shares with others for its share only."""
    async with workday() as day:
        for hour in range(4):  # summaries that come by themselves, at hours of their own
            await day._type(f"downloads app-{hour} every:daily@{9 + 3 * hour:02}:00")
        for _ in range(WARM_UP * HOUR):
            await day.minute()
        before, day.counts, typed, cards = await _held(day.bot), {}, day.typed, day.cards
        for _ in range(HOURS * HOUR):
            await day.minute()
        after = await _held(day.bot)
        wrong = sum(len(came) != 1 for came in day.answers.came.values())
    happened = ", ".join(f"{times} {what}" for what, times in sorted(day.counts.items()))
    print(f"The day had {happened}; {day.typed - typed} requests of people and {day.cards - cards} cards.")
    return [
        TableRow("a day in fast motion: memory after it", "MB", after),
        TableRow("a day in fast motion: memory growth after warm-up", "%", (after - before) / before * 100, target=5),
        TableRow(f"a day in fast motion: not answered once, of {day.typed}", "", wrong, target=0),
    ]


async def _held(bot: RunningProcess) -> float:
    """MB, when nothing happens. PSS would change with what else runs on this machine and has the same libraries."""
    await asyncio.sleep(2)
    return bot.resident()
