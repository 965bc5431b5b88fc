"""Run all figures one after another and print one table.

`python -m bench` runs all, `python -m bench click start` those two; `--list` names them, `--quick` takes few rounds,
`--against PATH` measures the checkout of an earlier version in the same rounds, `--strict` fails when a target was
missed, `--write` writes docs/performance.md. Needs the packages of development; a figure says what else it lacks.
"""

from __future__ import annotations

import asyncio
import importlib
import math
import os
import pkgutil
import platform
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import bench.figures
from bench.row import TableRow

OTHERS = ("floor", "bolt-js")
COLUMNS = ("figure", "bot", "10 ×", "100 ×", "beside", "ratio", "before", *OTHERS, "goal", "")
TITLE = "The bot beside a bare Bolt app, or what the line names"
ROOT = Path(__file__).parents[1]
WRITTEN = ROOT / "docs/performance.md"
PAGE = """\
# Performance

`make bench ARGS=--write` measures all of this again and writes this page; `ARGS="--quick click command"` takes a few
rounds of two figures. All programs of a figure run at once and are asked in turn, so only ratios hold from one
machine to another.

- **bot**: this bot as `run` starts it, on SQLite unless the line says otherwise. **10 ×** and **100 ×**: the same with
  ten and a hundred times as much; the ratio is then that of the last to the first.
- **before**: an earlier version of the bot in the same rounds, and its ratio (`ARGS="--write --against PATH"`, where
  PATH is a checkout of it).
- **beside**: a bare Bolt app that fetches and answers the same, or what the line names. **floor**: aiohttp and one
  SQLite file without a framework. **bolt-js**: the bare app in Slack's JavaScript framework.
- A ratio is the median of those of all rounds, and the goal is one of the ratio where it ends in ×.
- A dash was not measured, and *incomplete* is what was measured until the machine was too slow for the rest.
"""

Figure = Callable[[], Coroutine[Any, Any, list[TableRow]]]


def figures() -> dict[str, Figure]:
    """Return all figures by the name of their file."""
    names = sorted(found.name for found in pkgutil.iter_modules(bench.figures.__path__))
    return {name: importlib.import_module(f"bench.figures.{name}").rows for name in names}


def main(words: list[str]) -> int:
    """Measure and print; 0 done, 1 a figure failed (with `--strict`: or missed its target), 2 there is no such one."""
    words, against = _without_against(words)
    if against and not Path(against, "bot/__main__.py").exists():
        print(f"No checkout of the bot in {against}")
        return 2
    options = {word for word in words if word.startswith("--")}
    if "--quick" in options:
        os.environ["BENCH_QUICK"] = "1"  # set before the figures are imported, which read it
    if against:
        os.environ["BENCH_AGAINST"] = against  # set for the same reason
    known = figures()
    words = [word for word in words if word not in options]
    unknown = [word for word in words if word not in known] + sorted(
        options - {"--list", "--quick", "--strict", "--write"}
    )
    if unknown or "--list" in options:
        print(f"There are: {', '.join(known)}")
        return 2 if unknown else 0
    console = Console(width=None if sys.stdout.isatty() else 180)
    started, load = time.monotonic(), os.getloadavg()[0]
    found = measure(console, {name: known[name] for name in words or known})
    groups = [group for group in found.values() if not isinstance(group, str)]
    rows = [row for group in groups for row in group]
    failed = [f"{name}: {why}" for name, why in found.items() if isinstance(why, str)]
    took = f"{time.monotonic() - started:.0f} s{', few rounds' if '--quick' in options else ''}"
    loads = f"load average {load:.1f} before, {os.getloadavg()[0]:.1f} after"
    versions = f"bot {_commit(ROOT)}" + (f", before {_commit(Path(against))}" if against else "")
    around = [f"{datetime.now(UTC):%Y-%m-%d}; {_machine()}; {versions}; {loads}; {took}.", "", summary(rows, failed)]
    console.print(table(groups))
    console.print("\n".join(around), markup=False)
    if "--write" in options:
        WRITTEN.write_text(page(groups, around) + notes(WRITTEN.read_text(encoding="utf-8")), encoding="utf-8")
    return 1 if failed or ("--strict" in options and any(row.met is False for row in rows)) else 0


def _without_against(words: list[str]) -> tuple[list[str], str | None]:
    """Return the words without `--against PATH` or `--against=PATH`, and the path."""
    for at, word in enumerate(words):
        if word == "--against" and len(words) > at + 1:
            return words[:at] + words[at + 2 :], words[at + 1]
        if word.startswith("--against="):
            return words[:at] + words[at + 1 :], word.partition("=")[2]
    return words, None


def measure(console: Console, wanted: dict[str, Figure]) -> dict[str, list[TableRow] | str]:
    """Return the rows of each figure, or why there are none; Ctrl-C ends with the figures measured so far."""
    found: dict[str, list[TableRow] | str] = dict.fromkeys(wanted, "interrupted")
    try:
        for name, figure in wanted.items():
            found[name] = _measured(console, name, figure)
    except KeyboardInterrupt:
        console.print("interrupted")
    return found


def _measured(console: Console, name: str, figure: Figure) -> list[TableRow] | str:
    """Return the rows of a figure, or why there are none, so that the other figures are still measured."""
    console.print(f"[dim]{name} …[/]", end=" ")
    began = time.monotonic()
    try:
        found = asyncio.run(figure())
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - what pytest's fixtures skip is no Exception
        traceback.print_exc()
        return f"{type(error).__name__} {error}".strip()
    console.print(f"[dim]{time.monotonic() - began:.0f} s[/]")
    return found


def summary(rows: list[TableRow], failed: list[str]) -> str:
    """Return how many targets were met, and the names of missed targets, incomplete figures and failed ones."""
    aims = [row for row in rows if row.target is not None]
    met = sum(row.met is True for row in aims)
    lines = [f"{met} of {len(aims)} targets met", *(f"missed: {row.figure}" for row in aims if row.met is False)]
    ended = dict.fromkeys(row.incomplete for row in rows if row.incomplete)
    lines += [f"incomplete: {next(row.figure for row in rows if row.incomplete == why)}: {why}" for why in ended]
    return "\n".join([*lines, *(f"not measured: {name}" for name in failed)])


def table(found: list[list[TableRow]]) -> Table:
    """Return the table of all rows, with a line between figures."""
    table = Table(COLUMNS[0], title=TITLE, title_justify="left")
    for column in COLUMNS[1:]:
        table.add_column(column, justify="right", no_wrap=True)
    for rows in found:
        for row in rows:
            *cells, verdict = cells_of(row)
            coloured = verdict.replace("met", "[green]met[/]").replace("missed", "[red]missed[/]")
            table.add_row(*cells, coloured)
        table.add_section()
    return table


def page(found: list[list[TableRow]], around: list[str]) -> str:
    """Return the table as a page of the documentation, after lines about when and where it was measured."""
    lines = [f"| {' | '.join(COLUMNS)} |", f"|---|{'---:|' * (len(COLUMNS) - 1)}"]
    lines += [f"| {' | '.join(cells_of(row))} |" for rows in found for row in rows]
    said = [f"- {line}" for part in around for line in part.splitlines()]
    return "\n".join([PAGE, *said, "", *lines, ""])


def notes(written: str) -> str:
    """Return the text below the table that was written by hand, from its first heading on, which is kept."""
    _, heading, text = written.partition("\n## ")
    return heading + text


def cells_of(row: TableRow) -> list[str]:
    """Return the cells of a row."""
    beside = "" if row.bare is None else _number(row.bare, row.unit)
    ratio = "" if row.ratio is None else _times(row.ratio)
    before = "" if row.before is None else _number(row.before, row.unit)
    before += "" if row.before_ratio is None else f" ({_times(row.before_ratio)})"
    others = [_number(row.others[name], row.unit) if name in row.others else "" for name in OTHERS]
    grown = [_number(value, row.unit) for value in row.grown] or ["", ""]
    verdict = {True: "met", False: "missed", None: ""}[row.met]
    verdict = ", ".join(filter(None, [verdict, "incomplete" if row.incomplete else ""]))
    return [row.figure, _number(row.ours, row.unit), *grown, beside, ratio, before, *others, _target(row), verdict]


def _times(ratio: float) -> str:
    return "–" if math.isnan(ratio) else f"{ratio:.2f} ×"


def _number(value: float, unit: str) -> str:
    if math.isnan(value):
        return "–"
    digits = 0 if abs(value) >= 100 or not unit else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".rstrip()


def _target(row: TableRow) -> str:
    if row.target is None:
        return ""
    sign = "≥" if row.better == "higher" else "≤"
    return f"{sign} {row.target:g} ×" if row.by_ratio else f"{sign} {row.target:,g} {row.unit}".rstrip()


def _commit(checkout: Path) -> str:
    """Return the commit of a checkout, to reproduce the figures."""
    words = ["git", "-C", str(checkout), "describe", "--always", "--dirty"]
    found = subprocess.run(words, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def _machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    return f"{model}, {os.cpu_count()} CPUs, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
