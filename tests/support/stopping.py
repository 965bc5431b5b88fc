"""Stopping a worker in the middle of a step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from tests.support.waiting import until


async def stopped_after(turns: int, working: Coroutine[Any, Any, Any]) -> bool:
    """Begin work and cancel it after so many turns of the event loop; return whether that was before its end."""
    task = asyncio.create_task(working)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,))
    if not task.cancelled():
        await task
    return task.cancelled()


async def stopped_once(true: Callable[[], object], working: Coroutine[Any, Any, Any]) -> None:
    """Begin work and cancel it as soon as this is true, which must be before its end."""
    task = asyncio.create_task(working)
    await until(true)
    task.cancel()
    await asyncio.wait((task,))
    assert task.cancelled()
