"""A row of the table: the bot's figure, that of the bare app or another program, and the target."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TableRow:
    """`ours` and `bare` in `unit`; the ratio ours/bare has to be at least or at most `target`, as `better` says.

    A figure with nothing to stand beside has `bare` None, and its target is then in `unit` too; so is that of an
    `absolute` one, whose ratio is only shown. Without a target all of it is only shown. `others` are further
    programs of the same round, `before` an earlier version of the bot among them. `grown` is the same at 10 and 100
    times as much; the target is then that of the ratio of the last to `ours`. `by_round` is the median of the ratios of
    the rounds, which is the ratio where it is known: what else the machine did in a round met both. What could not be
    measured is not a number, and `incomplete` says what ended the measurement early.
    """

    figure: str
    unit: str
    ours: float
    bare: float | None = None
    target: float | None = None
    better: str = "lower"  # or "higher"
    absolute: bool = False
    others: dict[str, float] = field(default_factory=dict)
    grown: tuple[float, ...] = ()
    by_round: float | None = None
    before: float | None = None
    before_ratio: float | None = None
    incomplete: str = ""

    @property
    def ratio(self) -> float | None:
        """Return the ratio ours/bare, or that of 100 times the data to once."""
        if self.by_round is not None:
            return self.by_round
        if self.grown:
            return self.grown[-1] / self.ours if self.ours else None
        return self.ours / self.bare if self.bare else None

    @property
    def by_ratio(self) -> bool:
        """Return whether the target is for the ratio."""
        return (self.bare is not None or bool(self.grown)) and not self.absolute

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None when there is none, and when it could not be measured."""
        if self.target is None:
            return None
        have = self.ratio if self.by_ratio and self.ratio is not None else self.ours
        if math.isnan(have):
            return None
        return have >= self.target if self.better == "higher" else have <= self.target
