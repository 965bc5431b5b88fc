"""From starting the process until it says it is alive and until it takes commands, and the memory it then holds."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.processes import BARE, OURS, QUICK, RunningProcess, app_in, sink
from bench.row import TableRow

STARTS = 3 if QUICK else 7


async def rows() -> list[TableRow]:
    """Both in turn; the first start of each counts for nothing: ours makes its database then."""
    starts: dict[tuple[str, ...], list[tuple[float, float, float]]] = {OURS: [], BARE: []}
    with TemporaryDirectory(prefix="bench-") as folder:
        async with sink() as world:
            for _ in range(STARTS + 1):
                for words in (OURS, BARE):
                    async with app_in(Path(folder), words, world) as running:
                        starts[words].append(_seen(running))
    alive, open_, memory = ([median(column) for column in pair] for pair in _columns(starts))
    return [
        TableRow("start: until it says it is alive", "s", *alive, target=1.6),
        TableRow("start: until it acknowledges a command", "s", *open_, target=1.8),
        TableRow("first start of all, which makes the database", "s", starts[OURS][0][1]),
        TableRow("memory once it acknowledges commands", "MB", *memory, target=1.55),
    ]


def _seen(running: RunningProcess) -> tuple[float, float, float]:
    return running.alive_in, running.open_in, running.resident()


def _columns(starts: dict[tuple[str, ...], list[tuple[float, float, float]]]) -> list[list[tuple[float, ...]]]:
    """For each figure, ours and the bare app's, without the first start."""
    return [[tuple(row[figure] for row in starts[words][1:]) for words in (OURS, BARE)] for figure in range(3)]
