"""Runs every figure, one after the other, and prints one table of all.

`python -m bench` runs all, `python -m bench click start` those two; `--list` names them, `--quick` takes few rounds,
`--strict` fails when a target was missed, `--write` writes docs/performance.md.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import pkgutil
import platform
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

import bench.figures
from bench.row import TableRow

OTHERS = ("floor", "bolt-js")
COLUMNS = ("figure", "bot", "10 ×", "100 ×", "beside", "ratio", *OTHERS, "goal", "")
TITLE = "The bot beside a bare Bolt app, or what the line names"
WRITTEN = Path(__file__).parents[1] / "docs/performance.md"
PAGE = """\
# Performance

`make bench ARGS=--write` measures all of this again and writes this page; `ARGS="--quick click command"` takes a few
rounds of two figures. All programs of a figure run at once and are asked in turn, so only ratios hold from one
machine to another.

- **bot**: this bot as `run` starts it, on SQLite unless the line says otherwise. **10 ×** and **100 ×**: the same with
  ten and a hundred times as much; the ratio is then that of the last to the first.
- **beside**: a bare Bolt app that fetches and answers the same, or what the line names. **floor**: aiohttp and one
  SQLite file without a framework. **bolt-js**: the bare app in Slack's JavaScript framework.
- The goal is one of the ratio where it ends in ×.
"""

Figure = Callable[[], Awaitable[list[TableRow]]]


def figures() -> dict[str, Figure]:
    """Every figure there is, by the name of its file."""
    names = sorted(found.name for found in pkgutil.iter_modules(bench.figures.__path__))
    return {name: importlib.import_module(f"bench.figures.{name}").rows for name in names}


def main(words: list[str]) -> int:
    """Measure and print; 0 done, 1 a figure failed (with `--strict`: or missed its target), 2 there is no such one."""
    options = {word for word in words if word.startswith("--")}
    if "--quick" in options:
        os.environ["BENCH_QUICK"] = "1"  # read by the figures, which are imported now
    known = figures()
    words = [word for word in words if word not in options]
    unknown = [word for word in words if word not in known] + sorted(
        options - {"--list", "--quick", "--strict", "--write"}
    )
    if unknown or "--list" in options:
        print(f"There are: {', '.join(known)}")
        return 2 if unknown else 0
    console = Console(width=None if sys.stdout.isatty() else 160)
    started, load = time.monotonic(), os.getloadavg()[0]
    found = {name: _measured(console, name, known[name]) for name in words or known}
    rows = [row for group in found.values() for row in group or ()]
    failed = [name for name, value in found.items() if value is None]
    groups = [group for group in found.values() if group]
    took = f"{time.monotonic() - started:.0f} s{', few rounds' if '--quick' in options else ''}"
    loads = f"load average {load:.1f} before, {os.getloadavg()[0]:.1f} after"
    around = [f"{datetime.now(UTC):%Y-%m-%d}; {_machine()}; {loads}; {took}.", "", summary(rows, failed)]
    console.print(table(groups))
    console.print("\n".join(around), markup=False)
    if "--write" in options:
        WRITTEN.write_text(page(groups, around), encoding="utf-8")
    return 1 if failed or ("--strict" in options and any(row.met is False for row in rows)) else 0


def _measured(console: Console, name: str, figure: Figure) -> list[TableRow] | None:
    """The rows of a figure; None when it failed: the others are measured all the same."""
    console.print(f"[dim]{name} …[/]", end=" ")
    began = time.monotonic()
    try:
        found = asyncio.run(figure())
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 - what pytest's fixtures skip is no Exception
        traceback.print_exc()
        return None
    console.print(f"[dim]{time.monotonic() - began:.0f} s[/]")
    return found


def summary(rows: list[TableRow], failed: list[str]) -> str:
    """How many targets were met, and each that was not by name; each figure that could not be measured."""
    aims = [row for row in rows if row.met is not None]
    missed = [row.figure for row in aims if not row.met]
    lines = [f"{len(aims) - len(missed)} of {len(aims)} targets met", *(f"missed: {name}" for name in missed)]
    return "\n".join([*lines, *(f"not measured: {name}" for name in failed)])


def table(found: list[list[TableRow]]) -> Table:
    """All rows, a line between one figure's and the next one's."""
    table = Table(COLUMNS[0], title=TITLE, title_justify="left")
    for column in COLUMNS[1:]:
        table.add_column(column, justify="right", no_wrap=True)
    for rows in found:
        for row in rows:
            *cells, verdict = cells_of(row)
            table.add_row(*cells, {"met": "[green]met[/]", "missed": "[red]missed[/]"}.get(verdict, verdict))
        table.add_section()
    return table


def page(found: list[list[TableRow]], around: list[str]) -> str:
    """The same as a page of the documentation, after lines on when and where it was measured."""
    lines = [f"| {' | '.join(COLUMNS)} |", f"|---|{'---:|' * (len(COLUMNS) - 1)}"]
    lines += [f"| {' | '.join(cells_of(row))} |" for rows in found for row in rows]
    return "\n".join([PAGE, *around, "", *lines, ""])


def cells_of(row: TableRow) -> list[str]:
    """What the table says of a row, a cell for each column."""
    beside = "" if row.bare is None else _number(row.bare, row.unit)
    ratio = "" if row.ratio is None else f"{row.ratio:.2f} ×"
    others = [_number(row.others[name], row.unit) if name in row.others else "" for name in OTHERS]
    grown = [_number(value, row.unit) for value in row.grown] or ["", ""]
    verdict = {True: "met", False: "missed", None: ""}[row.met]
    return [row.figure, _number(row.ours, row.unit), *grown, beside, ratio, *others, _target(row), verdict]


def _number(value: float, unit: str) -> str:
    digits = 0 if abs(value) >= 100 or not unit else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".rstrip()


def _target(row: TableRow) -> str:
    if row.target is None:
        return ""
    sign = "≥" if row.better == "higher" else "≤"
    return f"{sign} {row.target:g} ×" if row.by_ratio else f"{sign} {row.target:,g} {row.unit}".rstrip()


def _machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    return f"{model}, {os.cpu_count()} CPUs, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
