"""Run work that is cancelled in order when the process is signalled to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from bot.cli.signals import ProcessSignalled, signals

_Result = TypeVar("_Result")


def until_done(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Return the result of the work; a signal cancels it and raises ProcessSignalled."""
    told: list[int] = []
    before = {number: signal.getsignal(number) for number in signals()}

    async def whole() -> _Result:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task

        def stop(number: int) -> None:
            told.append(number)
            task.cancel()

        for number in signals():
            loop.add_signal_handler(number, stop, number)
        return await work

    try:
        return asyncio.run(whole())
    except asyncio.CancelledError:
        if told:
            raise ProcessSignalled from None
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
