"""24 hours of a busy workspace in fast motion, and what the bot holds before and after: 300 people, 12 apps.

Four hours warm it up. An earlier version lives the same hours at the same time.
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.processes import BEFORE, QUICK, ROOT, RunningProcess
from bench.rounds import Partial
from bench.row import TableRow
from bench.workday import HOUR, Day, workday

WARM_UP, HOURS = (1, 4) if QUICK else (4, 24)
SECONDS = 30.0 if QUICK else 75.0  # after that no further hour begins


@dataclass
class Lived(Partial):
    """MB before and after so many hours, the commands and those not answered once, and what happened."""

    before: float = math.nan
    after: float = math.nan
    hours: int = 0
    typed: int = 0
    wrong: float = math.nan
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def growth(self) -> float:
        """In percent."""
        return (self.after - self.before) / self.before * 100


async def rows() -> list[TableRow]:
    """RSS is what the process holds; PSS counts what it shares with others for its share only."""
    versions = [ROOT, *([BEFORE] if BEFORE else [])]
    ours, *earlier = await asyncio.gather(*map(_live, versions))
    measured = [lived for lived in earlier if not math.isnan(lived.after)]
    held, growth, wrong = next(((lived.after, lived.growth, lived.wrong) for lived in measured), (None, None, None))
    print(f"The hours had {', '.join(f'{times} {what}' for what, times in sorted(ours.counts.items()))}.")
    causes = ours.causes + [f"before: {cause}" for lived in earlier for cause in lived.causes]
    what, why = f"{HOURS} hours in fast motion", "; ".join(causes)

    def row(figure: str, unit: str, value: float, then: float | None, target: float | None = None) -> TableRow:
        return TableRow(f"{what}: {figure}", unit, value, target=target, before=then, incomplete=why)

    return [
        row("memory after them", "MB", ours.after, held),
        row("memory growth after warm-up", "%", ours.growth, growth, 5),
        row(f"not answered once, of {ours.typed:,}", "", ours.wrong, wrong, 0),
    ]


async def _live(root: Path) -> Lived:
    lived = Lived()
    with lived.keeping():
        async with workday(root=root) as day:
            for hour in range(4):  # summaries that come by themselves, at hours of their own
                await day._type(f"downloads app-{hour} every:daily@{9 + 3 * hour:02}:00")
            for _ in range(WARM_UP * HOUR):
                await day.minute()
            lived.before, day.counts = await _held(day.bot), lived.counts
            until = time.monotonic() + SECONDS
            with lived.keeping():
                while lived.hours < HOURS and time.monotonic() < until:
                    for _ in range(HOUR):
                        await day.minute()
                    lived.hours += 1
            lived.after, lived.typed, lived.wrong = await _held(day.bot), day.typed, _wrong(day)
    if lived.hours < HOURS:
        lived.causes.append(f"{lived.hours} of {HOURS} hours")
    return lived


def _wrong(day: Day) -> float:
    return sum(len(came) != 1 for came in day.answers.came.values()) + day.typed - len(day.answers.came)


async def _held(bot: RunningProcess) -> float:
    """MB, when nothing happens. PSS would change with what else runs on this machine and has the same libraries."""
    await asyncio.sleep(2)
    return bot.resident()
