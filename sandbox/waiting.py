"""Waiting for progress: as long as something moves there is reason to wait, however slow the machine is."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable

STILL_SECONDS = 60.0
LONGEST_SECONDS = 600.0


class NothingMoves(TimeoutError):
    """Nothing has changed for so long that nothing will."""


class OutOfTime(TimeoutError):
    """Things still change, but it takes too long: says nothing about how it would have ended."""


async def while_it_moves(
    what: Callable[[], object], over: Awaitable[object], last_change: Callable[[], tuple[float, str]], still: float
) -> object:
    """Wait for `over`, as long as there is a change at least every `still` seconds; return what it gave.

    `last_change` says when there was one, by the clock of the loop, and which. Raises `NothingMoves` or, after ten
    minutes (or `still`, if that is longer), `OutOfTime`; both say what of `what` did not come.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(over)
    started = loop.time()
    end = started + max(LONGEST_SECONDS, still)
    try:
        while True:
            changed, change = last_change()
            left = min(max(changed, started) + still, end) - loop.time()
            done, _ = await asyncio.wait({task}, timeout=max(0.0, left))
            if done:
                return task.result()
            if loop.time() >= end:
                raise OutOfTime(f"After {loop.time() - started:.0f} s not yet: {said(what)}. The last was: {change}.")
            if max(last_change()[0], started) + still <= loop.time():
                raise NothingMoves(f"For {still:g} s nothing moved, and not: {said(what)}. The last was: {change}.")
    finally:
        task.cancel()


def said(what: Callable[[], object]) -> str:
    """A condition in the words of its code."""
    try:
        return " ".join(inspect.getsource(what).split())
    except (OSError, TypeError):
        return repr(what)
