"""A press whose browser has gone ends by itself."""

from __future__ import annotations

import asyncio
import gc
import io

import pytest

from bot.exceptions import BotError
from bot.web.single_flight import SingleFlight


async def test_single_flight_failure_after_browser_left_is_no_error(log: io.StringIO) -> None:
    ends = asyncio.Event()

    async def work() -> None:
        await ends.wait()
        raise BotError

    presses: SingleFlight[None] = SingleFlight()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await presses.last("a button", work)
    ends.set()
    for _ in range(5):  # until the work and its callback have run
        await asyncio.sleep(0)
    assert not presses._pending
    gc.collect()
    assert "never retrieved" not in log.getvalue()
