"""Two replicas, of which one cannot reach Applivery: the other does not call its outage over."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bot.db import database_info, outages
from bot.domain.health import AttemptHistory
from bot.exceptions import ServiceUnavailable
from bot.workers.poll_outages import OutageNotifier
from tests.conftest import Environment
from tests.support.handing import directs


def notifier(world: Environment, checks: dict[str, Any]) -> OutageNotifier:
    async def polling() -> dict[str, Any]:
        return {"ok": checks["ok"]}

    people = world.bot.dispatcher.services.access
    return OutageNotifier(
        store=world.bot.store,
        slack_client=world.bot.slack_client,
        people=people,
        polling=polling,
        attempts=checks["tries"],
    )


@pytest.mark.postgres
async def test_another_replica_does_not_end_an_outage(world: Environment, postgres_url: str) -> None:
    world.database = postgres_url
    await world.start()
    cut_off = {
        "ok": False,
        "tries": AttemptHistory(3, ServiceUnavailable(why="connection refused"), time.monotonic(), time.monotonic()),
    }
    well: dict[str, Any] = {"ok": True, "tries": AttemptHistory()}
    new_notifier, other = notifier(world, cut_off), notifier(world, well)
    for _ in range(6):
        await new_notifier.step()
        await other.step()
    await world.bot.announce.drain()
    [told] = directs(world, world.ana)
    assert "connection refused" in told.text
    cut_off |= {"ok": True}
    cut_off["tries"].worked(time.monotonic())
    for _ in range(4):
        await new_notifier.step()
    await world.bot.announce.drain()
    assert len(directs(world, world.ana)) == 2


async def test_outage_intermittent_failures_are_one_outage(world: Environment) -> None:
    await world.start()
    checks: dict[str, Any] = {"ok": False, "tries": AttemptHistory()}
    new_notifier = notifier(world, checks)
    for _ in range(10):
        checks["ok"] = False
        checks["tries"].failed(ServiceUnavailable(), time.monotonic())
        checks["tries"].worked_at = time.monotonic()
        await new_notifier.step()
        checks["ok"] = True
        checks["tries"].worked(time.monotonic())
        await new_notifier.step()
        await new_notifier.step()
        await world.bot.announce.drain()
    assert len(directs(world, world.ana)) == 1


async def test_a_hiccup_at_the_start_is_no_outage(world: Environment) -> None:
    await world.start()
    checks: dict[str, Any] = {"ok": False, "tries": AttemptHistory(1, ServiceUnavailable(), time.monotonic())}
    await notifier(world, checks).step()
    assert await world.bot.store.run(outages.get_outage) is None
    checks["tries"].failures = 3
    await notifier(world, checks).step()
    assert await world.bot.store.run(outages.get_outage)


async def test_polls_that_hang_are_an_outage(world: Environment) -> None:
    await world.start()
    checks: dict[str, Any] = {"ok": False, "tries": AttemptHistory(worked_at=time.monotonic() - 90)}
    new_notifier = notifier(world, checks)
    await new_notifier.step()
    assert await world.bot.store.run(outages.get_outage) is None, "late, and nobody knows why"
    checks["tries"].waiting_since = time.monotonic() - 30
    await new_notifier.step()
    found = await world.bot.store.run(outages.get_outage)
    assert found
    assert (found.kind, found.cause) == ("AppliveryDown", "no answer in time")
    now = (await world.bot.store.run(database_info.current_time)).timestamp()
    assert 80 < now - found.began < 120, "it began with the last success"
