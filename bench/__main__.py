"""Runs every figure, one after the other, and prints one table.

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
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

import bench.figures
from bench.row import Row

Figure = Callable[[], Awaitable[list[Row]]]


def figures() -> dict[str, Figure]:
    """Every figure there is, by the name of its file."""
    names = sorted(found.name for found in pkgutil.iter_modules(bench.figures.__path__))
    return {name: importlib.import_module(f"bench.figures.{name}").rows for name in names}


def main(words: list[str]) -> int:
    """Measure and print; 0 done, 1 a target was missed and `--strict` was said, 2 no such figure."""
    known = figures()
    options = {word for word in words if word.startswith("--")}
    words = [word for word in words if word not in options]
    unknown = [word for word in words if word not in known] + sorted(options - {"--list", "--strict"})
    if unknown or "--list" in options:
        print(f"There are: {', '.join(known)}")
        return 2 if unknown else 0
    console = Console(width=None if sys.stdout.isatty() else 120)
    rows: list[Row] = []
    started = time.monotonic()
    for name in words or known:
        console.print(f"[dim]{name} …[/]")
        rows += asyncio.run(known[name]())
    console.print(_table(rows))
    console.print(f"{_machine()}; {time.monotonic() - started:.0f} s")
    return 1 if "--strict" in options and any(row.met is False for row in rows) else 0


def _table(rows: list[Row]) -> Table:
    table = Table("figure", title="The bot beside a bare Bolt app", title_justify="left")
    for column in ("ours", "bare app", "ratio", "target"):
        table.add_column(column, justify="right")
    table.add_column("")
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f} ×"
        bare = "" if row.bare is None else _number(row.bare, row.unit)
        table.add_row(row.figure, _number(row.ours, row.unit), bare, ratio, _target(row), _verdict(row.met))
    return table


def _number(value: float, unit: str) -> str:
    return f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2}f} {unit}"


def _target(row: Row) -> str:
    if row.target is None:
        return ""
    sign = "≥" if row.better == "higher" else "≤"
    return f"{sign} {row.target:g} ×" if row.by_ratio else f"{sign} {row.target:g} {row.unit}"


def _verdict(met: bool | None) -> str:
    return {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[met]


def _machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    return f"{model}, {os.cpu_count()} CPUs, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
