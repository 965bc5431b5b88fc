"""Rounds of a figure: all programs are alive at once and asked in turn, and what was measured is kept whatever happens.

Machines are shared: other load in a round affects every program of that round. So a ratio is the median of the ratios
of the rounds, and a round that cannot be finished ends the figure with the rounds before it.
"""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Generic, TypeVar, cast

from bench.processes import QUICK
from bench.row import TableRow

SECONDS = 20.0 if QUICK else 60.0  # of one figure; after that no round begins
P = TypeVar("P")
T = TypeVar("T")


class Unfinished(Exception):
    """A measurement took too long; `measured` is the result of the finished part."""

    def __init__(self, measured: object, why: str) -> None:
        super().__init__(why)
        self.measured = measured


def middle(values: Sequence[float]) -> float:
    """Return the median; NaN without values."""
    return median(values) if values else math.nan


def worst(values: Sequence[float]) -> float:
    """Return the largest value; NaN without values."""
    return max(values, default=math.nan)


@dataclass
class Partial:
    """What ended a measurement early; what was measured until then is printed all the same."""

    causes: list[str] = field(default_factory=list)

    @contextmanager
    def keeping(self, what: str = "") -> Iterator[None]:
        """Record an error raised in the context, to keep the measurements before it."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is, the rest is printed
            if not isinstance(error, Unfinished):
                traceback.print_exc()
            self.causes.append(f"{what}{': ' if what else ''}{type(error).__name__} {error}".strip()[:120])

    @property
    def words(self) -> str:
        """Return the causes for the table; empty if everything was measured."""
        return "; ".join(self.causes)


@dataclass
class Rounds(Partial, Generic[T]):
    """What was measured of each program, round by round."""

    found: dict[str, list[T]] = field(default_factory=dict)

    def values(self, program: str, figure: str) -> list[float]:
        """One figure of a program in each round."""
        return [float(getattr(measured, figure)) for measured in self.found.get(program, ())]

    def row(
        self,
        title: str,
        unit: str,
        figure: str,
        *,
        than: str = "bare",
        target: float | None = None,
        better: str = "lower",
        absolute: bool = False,
        of: Callable[[Sequence[float]], float] = middle,
    ) -> TableRow:
        """The line of one figure: `of` all rounds (the median unless another is named), and its ratio by round."""
        ours, bare = self.values("ours", figure), self.values(than, figure)
        before = self.values("before", figure)
        shown = {name: of(self.values(name, figure)) for name in self.found if name not in ("ours", "before", than)}
        return TableRow(
            title,
            unit,
            of(ours),
            of(bare) if bare else None,
            target,
            better,
            absolute,
            shown,
            by_round=ratio(ours, bare) if of is middle else None,
            before=of(before) if before else None,
            before_ratio=ratio(before, bare) if of is middle else None,
            incomplete=self.words,
        )


async def in_turn(
    programs: Mapping[str, P],
    measure: Callable[[str, P, int], Awaitable[T]],
    count: int,
    *,
    seconds: float = SECONDS,
) -> Rounds[T]:
    """Measure every program in each of `count` rounds, after one that warms up; no round begins after `seconds`.

    A program that cannot be measured is asked no more; when it is ours, the figure ends.
    """
    rounds: Rounds[T] = Rounds(found={name: [] for name in programs})
    alive = dict(programs)
    began = time.monotonic()
    for number in range(count + 1):
        if number > 1 and time.monotonic() - began > seconds:
            rounds.causes.append(f"{number - 1} of {count} rounds")
            break
        for name, program in list(alive.items()):
            alive.pop(name)
            with rounds.keeping(f"{name}, round {number}"):
                try:
                    measured = await measure(name, program, number)
                except Unfinished as part:
                    rounds.found[name].append(cast("T", part.measured))
                    raise
                rounds.found[name] += [measured] if number else []
                alive[name] = program
        if "ours" not in alive:
            break
    return rounds


def ratio(ours: Sequence[float], other: Sequence[float]) -> float | None:
    """The median of the ratios of the rounds; None when there is none with something to stand beside."""
    pairs = [mine / theirs for mine, theirs in zip(ours, other, strict=False) if theirs]
    return median(pairs) if pairs else None
