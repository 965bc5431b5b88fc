"""From starting the process until it says it is alive and until it takes commands, and the memory it then holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.processes import BARE, BEFORE, OURS, QUICK, ROOT, app_in, sink
from bench.rounds import in_turn
from bench.row import TableRow

STARTS = 3 if QUICK else 7


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds until it is alive and until it takes commands, and the MB it then holds."""

    alive: float
    open: float
    held: float


async def rows() -> list[TableRow]:
    """All in turn; the first start of each counts for nothing: ours makes its database then."""
    first: dict[str, float] = {}
    programs = {"ours": (OURS, ROOT), "bare": (BARE, ROOT)} | ({"before": (OURS, BEFORE)} if BEFORE else {})
    with TemporaryDirectory(prefix="bench-") as folder:
        async with sink() as world:

            async def start(name: str, words: tuple[tuple[str, ...], Path], _: int) -> Start:
                home = Path(folder, name)
                home.mkdir(exist_ok=True)
                async with app_in(home, words[0], world, words[1]) as running:
                    first.setdefault(name, running.open_in)
                    return Start(running.alive_in, running.open_in, running.resident())

            found = await in_turn(programs, start, STARTS)
    return [
        found.row("start: until it says it is alive", "s", "alive", target=1.6),
        found.row("start: until it acknowledges a command", "s", "open", target=1.8),
        TableRow("first start of all, which makes the database", "s", first["ours"], before=first.get("before")),
        found.row("memory once it acknowledges commands", "MB", "held", target=1.55),
    ]
