"""Runs every figure, one after the other, and prints one table of all.

`python -m bench` runs all, `python -m bench ack start` those two; `--list` names them, `--strict` fails when a target
was missed.
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
from pathlib import Path

from rich.console import Console
from rich.table import Table

import bench.figures
from bench.row import TableRow

Figure = Callable[[], Awaitable[list[TableRow]]]


def figures() -> dict[str, Figure]:
    """Every figure there is, by the name of its file."""
    names = sorted(found.name for found in pkgutil.iter_modules(bench.figures.__path__))
    return {name: importlib.import_module(f"bench.figures.{name}").rows for name in names}


def main(words: list[str]) -> int:
    """Measure and print; 0 done, 1 a figure failed (with `--strict`: or missed its target), 2 there is no such one."""
    known = figures()
    options = {word for word in words if word.startswith("--")}
    words = [word for word in words if word not in options]
    unknown = [word for word in words if word not in known] + sorted(options - {"--list", "--strict"})
    if unknown or "--list" in options:
        print(f"There are: {', '.join(known)}")
        return 2 if unknown else 0
    console = Console(width=None if sys.stdout.isatty() else 120)
    started = time.monotonic()
    found = {name: _measured(console, name, known[name]) for name in words or known}
    rows = [row for group in found.values() for row in group or ()]
    failed = [name for name, value in found.items() if value is None]
    console.print(table([group for group in found.values() if group]))
    console.print(f"{_machine()}; {time.monotonic() - started:.0f} s")
    console.print(summary(rows, failed), markup=False)
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
    table = Table("figure", title="The bot beside a bare Bolt app, or what the line names", title_justify="left")
    for column in ("ours", "beside it", "ratio", "target"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for rows in found:
        for row in rows:
            ratio = "" if row.ratio is None else f"{row.ratio:.2f} ×"
            beside = "" if row.bare is None else _number(row.bare, row.unit)
            table.add_row(row.figure, _number(row.ours, row.unit), beside, ratio, _target(row), _verdict(row.met))
        table.add_section()
    return table


def _number(value: float, unit: str) -> str:
    digits = 0 if abs(value) >= 100 or not unit else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".rstrip()


def _target(row: TableRow) -> str:
    if row.target is None:
        return ""
    sign = "≥" if row.better == "higher" else "≤"
    return f"{sign} {row.target:g} ×" if row.by_ratio else f"{sign} {row.target:,g} {row.unit}".rstrip()


def _verdict(met: bool | None) -> str:
    return {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[met]


def _machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    return f"{model}, {os.cpu_count()} CPUs, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
