"""Measure database queries of a checkout's bot. `python -m bench.asking CHECKOUT 1=URL 10=URL …`.

Each database is filled with so many times the rows of the past. Each line on stdin starts a round: all queries are run
on every database in turn, and a line of JSON has their cost: `{question: {times: ms}}`. That is CPU time of this
process and of the server for it, since other programs use the machine too.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.db.database import Database
    from bot.db.transaction import Transaction


async def main(databases: dict[str, str]) -> None:
    """Measure rounds until stdin ends."""
    from bench.questions import QUESTIONS  # noqa: PLC0415 - of the checkout that was named

    async with AsyncExitStack() as stack:
        stores = {times: await stack.enter_async_context(_filled(url, int(times))) for times, url in databases.items()}
        print("ready", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            took: dict[str, dict[str, float]] = {question: {} for question in QUESTIONS}
            for times, store in stores.items():
                servers = await store.run(_servers)
                for question, ask in QUESTIONS.items():
                    before = _cpu(servers)
                    await ask(store)
                    took[question][times] = (_cpu(servers) - before) * 1000
            print(json.dumps(took), flush=True)


def _cpu(servers: list[int]) -> float:
    """Return the seconds of CPU of this process and of others. https://docs.kernel.org/scheduler/sched-stats.html."""
    spent = sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in servers)
    return time.process_time() + spent / 1e9


def _servers(tx: Transaction) -> list[int]:
    """Return PostgreSQL's processes for the connections to this database."""
    if tx.dialect == "sqlite":
        return []
    asked = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
    return list(tx._connection.exec_driver_sql(asked).scalars())


@asynccontextmanager
async def _filled(url: str, times: int) -> AsyncIterator[Database]:
    """Open a database with so many times the rows, which no other program uses."""
    from bench.questions import fill  # noqa: PLC0415 - of the checkout that was named
    from bot.db.database import Database  # noqa: PLC0415

    await (await Database.open(url)).close()
    await asyncio.to_thread(fill, url, times)
    store = await Database.open(url)
    try:
        yield store
    finally:
        await store.close()


if __name__ == "__main__":
    sys.path.insert(0, os.path.realpath(sys.argv[1]))
    asyncio.run(main(dict(word.split("=", 1) for word in sys.argv[2:])))
