"""Waiting in tests: for progress, not for a time; and how much longer a promised time may take on a busy machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from sandbox.waiting import LONGEST_SECONDS, STILL_SECONDS, NothingMoves, said

__all__ = ["PATIENCE", "busyness", "patience", "until"]

# For one thing that ends by itself, such as a process: only what hangs takes so long.
PATIENCE = LONGEST_SECONDS / 2


def patience() -> asyncio.Timeout:
    """A block that is broken off, as hanging, after five minutes."""
    return asyncio.timeout(PATIENCE)


async def until(true: Callable[[], object | Awaitable[object]], moves: Callable[[], object] = lambda: None) -> object:
    """Wait until `true()` is, asked a hundred times a second, and return it.

    Raises NothingMoves when for a minute neither that comes nor `moves()` gives something else.
    """
    loop = asyncio.get_running_loop()
    state, since = moves(), loop.time()
    while loop.time() - since < STILL_SECONDS:
        found = true()
        if isinstance(found, Awaitable):
            found = await found
        if found:
            return found
        await asyncio.sleep(0.01)
        if (now := moves()) != state:
            state, since = now, loop.time()
    raise NothingMoves(f"For {STILL_SECONDS:g} s nothing moved, and not: {said(true)}. It stands at {state}.")


def busyness() -> float:
    """How many programs want each core, now or over the last minute; 1.0 on a quiet machine, and at least.

    What is promised within a time is given so many times as long by a test.
    """
    wanted = os.getloadavg()[0]
    stat = Path("/proc/stat")
    if stat.exists():
        [running] = [line for line in stat.read_text().splitlines() if line.startswith("procs_running")]
        wanted = max(wanted, int(running.split()[1]))
    return max(1.0, wanted / (os.cpu_count() or 1))
