"""What an hour of a workspace costs after 10 hours, after 100 and after 1,000: CPU per pretended hour.

Three bots of these ages live the same days, in turn. An hour is one step of the fake clock, with a share of what a busy
day has in it; a round is a whole day, so that what is done once a day is in each. Until then they age in longer steps.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bench.processes import QUICK
from bench.rounds import in_turn, middle, ratio
from bench.row import TableRow
from bench.workday import HOUR, Day, workday

AGES = (10, 50, 100) if QUICK else (10, 100, 1_000)
SECONDS = 30.0 if QUICK else 100.0  # for all hours before the rounds
BUSY = 0.1
STEP = 5  # hours at once, until the rounds begin
A_DAY = 24
ROUNDS = 2 if QUICK else 5
APPS = 4
NAMES = ("ours", "older", "oldest")


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of CPU for an hour."""

    cpu: float


async def rows() -> list[TableRow]:
    """The CPU of an hour at each age, and its growth until the last."""
    async with AsyncExitStack() as stack:
        days = {name: await stack.enter_async_context(workday(APPS)) for name in NAMES}
        until = time.monotonic() + SECONDS
        ages = await asyncio.gather(*(_age(day, hours, until) for day, hours in zip(days.values(), AGES, strict=True)))
        found = await in_turn(days, _day, ROUNDS)
    found.causes += [f"{age:,} of {wanted:,} hours" for age, wanted in zip(ages, AGES, strict=True) if age < wanted]
    young, older, oldest = (found.values(name, "cpu") for name in NAMES)
    return [
        TableRow(
            f"CPU per pretended hour after {' / '.join(f'{age:,}' for age in ages)} hours",
            "ms",
            middle(young),
            target=1.03,
            grown=(middle(older), middle(oldest)),
            by_round=ratio(oldest, young),
            incomplete=found.words,
        )
    ]


async def _age(day: Day, hours: int, until: float) -> int:
    """Let so many hours pass; gives how many did in time."""
    for hour in range(0, hours, STEP):
        if time.monotonic() > until:
            return hour
        await day.minute(HOUR * STEP, BUSY)
    return hours


async def _day(_name: str, day: Day, number: int) -> Cost:
    day.dice = random.Random(number)  # the same day for each of them
    before = day.bot.cpu()
    for _ in range(A_DAY):
        await day.minute(HOUR, BUSY)
    return Cost((day.bot.cpu() - before) / A_DAY * 1000)
