"""One question for many who ask at once, and what becomes of it when all of them have gone."""

from __future__ import annotations

import asyncio
import gc
import io

import pytest

from bot.domain.grammar import ParsedText
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.support.handing import ready
from tests.support.waiting import patience


@pytest.mark.parametrize("target", ["GET */apps", "GET */builds"])
async def test_app_directory_request_failing_without_waiters_no_error(
    world: Environment, log: io.StringIO, target: str
) -> None:
    await world.start()
    ready(world)
    catalogue = world.bot.dispatcher.services.apps
    [app] = await catalogue.apps()
    world.applivery.faults.add(target, Fault(latency=0.1, status=403), times=None)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await (catalogue.apps(fresh=True) if "apps" in target else catalogue.builds(app, ParsedText()))
    async with patience():
        while not world.applivery.faults.fired or world.applivery.requests[-1].status is None:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    await world.stop()
    del catalogue, world.bot
    gc.collect()
    assert "never retrieved" not in log.getvalue()
