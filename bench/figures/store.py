"""The cost of frequent database queries with 1, 10 and 100 times the rows of the past, on both databases.

Every query is run on all three sizes in turn; the least CPU time counts, as other load only adds to it. The rows show
the query that grows most, and each that misses the target or did so before.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from math import nan
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.processes import BEFORE, QUICK, ROOT
from bench.questions import QUESTIONS, ROWS
from bench.rounds import Partial
from bench.row import TableRow
from bench.telling import has_postgresql, postgresql
from tests.support.postgres import PostgresServer

TIMES = ("1", "10", "100")
ROUNDS = 10 if QUICK else 20
SECONDS = 30.0 if QUICK else 60.0  # of one database; after that no round begins
PATIENCE = 120.0
LEAST = 0.25  # ms: below that, the measured time is that of switching to the database's thread
GOAL = 2.0
Least = dict[str, dict[str, float]]  # by question and times, ms


async def rows() -> list[TableRow]:
    """The questions that grow most, of SQLite and of PostgreSQL."""
    made = await _database("SQLite", None)
    if not has_postgresql():
        return [*made, TableRow(f"{_title('PostgreSQL')}", "ms", nan, incomplete="PostgreSQL is missing")]
    async with postgresql() as server:
        return [*made, *await _database("PostgreSQL", server)]


def _title(name: str) -> str:
    return f"CPU, {len(QUESTIONS)} store questions, {ROWS:,} / {ROWS * 10:,} / {ROWS * 100:,} rows a table, {name}"


async def _database(name: str, server: PostgresServer | None) -> list[TableRow]:
    partial = Partial()
    least: dict[str, Least] = {version: defaultdict(dict) for version in ("ours", "before")}
    async with AsyncExitStack() as stack:
        with partial.keeping(name):
            versions = {"ours": await stack.enter_async_context(_asking(ROOT, server))}
            if BEFORE:
                with partial.keeping("before"):  # one that has not all that is asked costs none of ours
                    versions["before"] = await stack.enter_async_context(_asking(BEFORE, server))
            until = time.monotonic() + SECONDS
            for number in range(ROUNDS):
                if number > 1 and time.monotonic() > until:
                    partial.causes.append(f"{number} of {ROUNDS} rounds")
                    break
                for version, process in versions.items():
                    for question, took in (await _round(process)).items():
                        known = least[version][question]
                        known.update({times: min(ms, known.get(times, ms)) for times, ms in took.items()})
    return _rows(name, least["ours"], least["before"], partial)


def _rows(name: str, ours: Least, before: Least, partial: Partial) -> list[TableRow]:
    found = [_row(f"{name}: {question}", took, before.get(question), partial) for question, took in ours.items()]
    found.sort(key=_growth, reverse=True)
    shown = [row for number, row in enumerate(found) if not number or max(_growth(row), row.before_ratio or 0) > GOAL]
    everything, formerly = _total(ours), _total(before) if before else None
    return [_row(_title(name), everything, formerly, partial, target=None), *shown]


def _total(least: Least) -> dict[str, float]:
    return {times: sum(took[times] for took in least.values()) if least else nan for times in TIMES}


def _row(
    figure: str, took: dict[str, float], before: dict[str, float] | None, partial: Partial, target: float | None = GOAL
) -> TableRow:
    once, *grown = (took[times] for times in TIMES)
    return TableRow(
        figure,
        "ms",
        once,
        target=target,
        grown=tuple(grown),
        by_round=_ratio(took),
        before=before[TIMES[0]] if before else None,
        before_ratio=_ratio(before) if before else None,
        incomplete=partial.words,
    )


def _ratio(took: dict[str, float]) -> float:
    return max(took[TIMES[-1]], LEAST) / max(took[TIMES[0]], LEAST)


def _growth(row: TableRow) -> float:
    return row.ratio or 0.0


async def _round(process: asyncio.subprocess.Process) -> Least:
    """What one round of all questions took."""
    assert process.stdin
    process.stdin.write(b"\n")
    found: Least = json.loads(await _said(process))
    return found


async def _said(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout
    async with asyncio.timeout(PATIENCE):
        line = await process.stdout.readline()
    if not line:
        raise RuntimeError("bench.asking has ended")
    return line


@asynccontextmanager
async def _asking(checkout: Path, server: PostgresServer | None) -> AsyncIterator[asyncio.subprocess.Process]:
    """The program that asks, with the bot of a checkout, and databases of its own."""
    with TemporaryDirectory(prefix="bench-") as folder:
        urls = [f"{times}={server.empty() if server else f'sqlite:///{folder}/{times}.db'}" for times in TIMES]
        words = ("-m", "bench.asking", str(checkout), *urls)
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, *words, cwd=ROOT, limit=2**20, stdin=pipe, stdout=pipe
        )
        try:
            await _said(process)
            yield process
        finally:
            assert process.stdin
            process.stdin.close()
            async with asyncio.timeout(PATIENCE):
                await process.wait()
