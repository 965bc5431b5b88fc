"""Stopping a worker in the middle of a step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from bot.db.transaction import Transaction
from sandbox.faults import Fault
from tests.conftest import Environment
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


async def check_due_after_stop(world: Environment, worker: Any, due_in: Callable[[Transaction], float | None]) -> None:
    """Check that what a worker has leased is due at once when it is stopped, at any step and in a request.

    All requests to Applivery take so long from now on that the worker is in the middle of one.
    """
    world.applivery.faults.add("*", Fault(latency=5.0), times=None)
    for turns in range(0, 61, 4):
        assert await stopped_after(turns, worker.step())
        await worker.leases.release()
        assert await world.bot.store.run(due_in) == 0, f"leased, after {turns} turns"
    before = len(world.applivery.faults.fired)
    await stopped_once(lambda: len(world.applivery.faults.fired) > before, worker.step())
    await worker.leases.release()
    assert await world.bot.store.run(due_in) == 0
