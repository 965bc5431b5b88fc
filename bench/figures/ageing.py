"""CPU time per simulated hour of a workspace after 10, 100 and 1,000 hours.

Three bots of these ages run the same days side by side, an hour of each in turn, so that other load on the machine
affects all of them. An hour is one step of the fake clock, with a share of the events of a busy day; a round is a whole
day, so that it includes daily work. Before the rounds they run a day in the same way, but without scrapes of their
metrics; the earlier days are copies of its rows in the database. Each app has a full page of builds from the start: the
cost of a longer page is measured in `looking`.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

from bench.past import repeat
from bench.processes import BEFORE, QUICK, ROOT
from bench.rounds import in_turn, middle, ratio
from bench.row import TableRow
from bench.workday import BEGAN, DAY, HOUR, Day, workday

AGES = (10, 100, 1_000)
LIVED = 25  # hours, after which all data that is kept for a day exists
PAGE = 100
SECONDS = 60.0 if QUICK else 120.0  # for all hours before the rounds
ROUNDS_SECONDS = 20.0 if QUICK else 120.0
BUSY = 0.1
A_DAY = 24
ROUNDS = 2 if QUICK else 3
APPS = 4
AGEING = {what: times for what, times in DAY.items() if what != "scrapes"}


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of CPU per hour of the youngest, the middle and the oldest bot."""

    young: float
    older: float
    oldest: float


async def rows() -> list[TableRow]:
    """Return the CPU time of an hour at each age, and its growth."""
    versions = {"ours": ROOT} | ({"before": BEFORE} if BEFORE else {})
    async with AsyncExitStack() as stack:
        days = {
            name: [await stack.enter_async_context(workday(APPS, root, history=PAGE)) for _ in AGES]
            for name, root in versions.items()
        }
        until = time.monotonic() + SECONDS
        ages = await asyncio.gather(*(_age(bots, until) for bots in days.values()))
        found = await in_turn(days, _day, ROUNDS, seconds=ROUNDS_SECONDS)
    found.causes += [f"{age:,} of {wanted:,} hours" for age, wanted in zip(ages[0], AGES, strict=True) if age < wanted]
    young, older, oldest = (found.values("ours", figure) for figure in Cost.__slots__)
    before, old_before = found.values("before", "young"), found.values("before", "oldest")
    return [
        TableRow(
            f"CPU per pretended hour after {' / '.join(f'{age:,}' for age in ages[0])} hours",
            "ms",
            middle(young),
            target=1.03,
            grown=(middle(older), middle(oldest)),
            by_round=ratio(oldest, young),
            before=middle(before) if before else None,
            before_ratio=ratio(old_before, before),
            incomplete=found.words,
        )
    ]


async def _age(bots: list[Day], until: float) -> list[int]:
    """Bring each bot to its age in hours; return the ages that were reached in time."""
    return await asyncio.gather(*(_live(bot, hours, until) for bot, hours in zip(bots, AGES, strict=True)))


async def _live(day: Day, hours: int, until: float) -> int:
    day.happens = AGEING
    lived = min(hours, LIVED)
    for hour in range(lived):
        if time.monotonic() > until:
            return hour
        await day.minute(HOUR, BUSY)
    await asyncio.to_thread(repeat, day.file, BEGAN, timedelta(hours=lived), hours // lived - 1, running=True)
    return hours


async def _day(_name: str, bots: list[Day], number: int) -> Cost:
    """Run the same day for each; before the first round only an hour of it."""
    hours = A_DAY if number else 1
    before = [bot.bot.cpu() for bot in bots]
    for bot in bots:
        bot.dice, bot.happens = random.Random(number), DAY
    for _ in range(hours):
        for bot in bots:
            await bot.minute(HOUR, BUSY)
    return Cost(*((bot.bot.cpu() - used) / hours * 1000 for bot, used in zip(bots, before, strict=True)))
