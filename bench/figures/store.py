"""What the bot asks its database of all the time, with 1 ×, 10 × and 100 × the rows of the past, on both databases.

Every question is asked of all three in turn; the least of its times counts, as what else the machine does only adds. A
line shows the question whose time grows most, and one each that misses the goal.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.processes import QUICK
from bench.questions import QUESTIONS, ROWS, fill
from bench.rounds import Partial
from bench.row import TableRow
from bench.telling import has_postgresql, postgresql
from bot.db.database import Database
from tests.support.postgres import PostgresServer

TIMES = (1, 10, 100)
ROUNDS = 5 if QUICK else 15
SECONDS = 30.0 if QUICK else 60.0  # of one database; after that no round begins
LEAST = 0.25  # ms: below that it is the way to the database's thread and back that is measured
GOAL = 2.0


async def rows() -> list[TableRow]:
    """The questions that grow most, of SQLite and of PostgreSQL."""
    made = await _database("SQLite", None)
    if not has_postgresql():
        return [*made, TableRow(f"{_title('PostgreSQL')}", "ms", float("nan"), incomplete="PostgreSQL is missing")]
    async with postgresql() as server:
        return [*made, *await _database("PostgreSQL", server)]


def _title(name: str) -> str:
    return f"{len(QUESTIONS)} store questions, {ROWS:,} / {ROWS * 10:,} / {ROWS * 100:,} rows a table, {name}"


async def _database(name: str, server: PostgresServer | None) -> list[TableRow]:
    partial = Partial()
    least: dict[str, dict[int, float]] = defaultdict(dict)
    async with AsyncExitStack() as stack:
        with partial.keeping(name):
            stores = {times: await stack.enter_async_context(_filled(times, server)) for times in TIMES}
            until = time.monotonic() + SECONDS
            for number in range(ROUNDS):
                if number > 1 and time.monotonic() > until:
                    partial.causes.append(f"{number} of {ROUNDS} rounds")
                    break
                for question, ask in QUESTIONS.items():
                    for times, store in stores.items():
                        began = time.perf_counter()
                        await ask(store)
                        took = (time.perf_counter() - began) * 1000
                        least[question][times] = min(took, least[question].get(times, took))
    whole = [(question, found) for question, found in least.items() if len(found) == len(TIMES)]
    found = sorted((_row(name, question, took, partial) for question, took in whole), key=_growth, reverse=True)
    shown = [row for number, row in enumerate(found) if not number or _growth(row) > GOAL]
    title = _title(name)
    total = [sum(took[times] for _, took in whole) for times in TIMES] if whole else [float("nan")] * len(TIMES)
    return [TableRow(title, "ms", total[0], grown=tuple(total[1:]), incomplete=partial.words), *shown]


def _row(name: str, question: str, took: dict[int, float], partial: Partial) -> TableRow:
    once, *grown = (took[times] for times in TIMES)
    return TableRow(
        f"{name}: {question}",
        "ms",
        once,
        target=GOAL,
        grown=tuple(grown),
        by_round=max(grown[-1], LEAST) / max(once, LEAST),
        incomplete=partial.words,
    )


def _growth(row: TableRow) -> float:
    return row.ratio or 0.0


@asynccontextmanager
async def _filled(times: int, server: PostgresServer | None) -> AsyncIterator[Database]:
    """A database with so many times the rows; no other program uses it."""
    with TemporaryDirectory(prefix="bench-") as folder:
        url = server.empty() if server else f"sqlite:///{Path(folder, 'bot.db')}"
        await (await Database.open(url)).close()
        await asyncio.to_thread(fill, url, times)
        store = await Database.open(url)
        try:
            yield store
        finally:
            await store.close()
