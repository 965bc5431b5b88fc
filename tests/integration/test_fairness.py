"""What one person floods, or one neighbour that is dead, does not delay the others."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from statistics import median
from typing import Any

import pytest

from bot.dispatch.fair_queue import LINE
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.support.waiting import busyness

FLOOD = 600  # some five seconds of work, on a machine that has nothing else to do
BUSY = 0.3  # seconds that a busy machine may take beyond; the flood below takes several times as long
ROUNDS = 7
NEVER = Fault(latency=60)


async def took(world: Environment, text: str, person: Any) -> float:
    """The seconds until a command is answered."""
    started = time.monotonic()
    turn = await world.slack.command("/applivery", text, user=person, channel=world.releases)
    assert turn.acked
    assert turn.ack_seconds < 3 * busyness()
    await turn.answer()
    return time.monotonic() - started


async def flood(world: Environment, text: str, person: Any, count: int) -> list[asyncio.Task[Any]]:
    """Many commands of one person, all sent by now; their acknowledgements and answers come later."""
    send = world.slack.command
    tasks = [asyncio.create_task(send("/applivery", text, user=person, channel=world.releases)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


# over HTTP each takes a connection, of which there is a ceiling
@pytest.mark.parametrize(
    ("mode", "count"), [({}, FLOOD), ({"slack_app_token": None}, 2 * LINE)], ids=["socket", "http"]
)
async def test_the_next_is_answered_before_the_flood(world: Environment, mode: dict[str, Any], count: int) -> None:
    world.tuning = replace(world.tuning, slack_seconds=15.0)  # the fake Slack is busy in this very process
    await world.start(**mode)
    await asyncio.gather(took(world, "help", world.ana), took(world, "help", world.bruno))
    before = len(world.slack.responses.uses)
    tasks = await flood(world, "help", world.bruno, count)
    turn = await world.slack.command("/applivery", "whoami", user=world.ana, channel=world.releases)
    seen = len(world.slack.responses.uses)
    await turn.answer()
    assert len(world.slack.responses.uses) - seen <= 20, "no more than a few of the flood go first"
    assert len(world.slack.responses.uses) - before < count
    turns = await asyncio.gather(*tasks)
    for each_turn in turns:
        assert each_turn.acked, each_turn.error
        said = await each_turn.answer()
        assert "What you can do" in said.text or "Too many requests" in said.text


async def test_under_a_flood_others_wait_twice_as_long_at_most(world: Environment) -> None:
    """Between the acknowledged flood's own requests: medians, since the machine does other things, too."""
    await world.start()
    await took(world, "help", world.ana)
    quiet = median([await took(world, "whoami", world.ana) for _ in range(ROUNDS)])
    flooded, first = [], []
    for _ in range(ROUNDS):
        turns = await asyncio.gather(*await flood(world, "help", world.bruno, LINE))
        seen = len(world.slack.responses.uses)
        flooded.append(await took(world, "whoami", world.ana))
        first.append(len(world.slack.responses.uses) - seen - 1)
        await asyncio.gather(*(turn.answer() for turn in turns))
    assert median(first) <= 20 * busyness(), "answers of the flood that went first"
    assert median(flooded) <= 2 * quiet + BUSY * busyness()


@pytest.mark.parametrize("typed", ["whoami", "help", "subscriptions", "grant list"])
async def test_fairness_dead_applivery_delays_no_other_command(world: Environment, typed: str) -> None:
    world.tuning = replace(world.tuning, applivery_seconds=30.0, slack_seconds=15.0)
    await world.start()
    await took(world, typed, world.ana)
    quiet = median([await took(world, typed, world.ana) for _ in range(ROUNDS)])
    world.applivery.faults.add("*", NEVER, times=None)
    people = [world.slack.user(f"p{number}") for number in range(70)]
    waiting = [asyncio.create_task(took(world, "get courier", user)) for user in people]
    await world.slack.until(lambda: world.applivery.requests)
    dead = median([await took(world, typed, world.ana) for _ in range(ROUNDS)])
    assert not any(task.done() for task in waiting)
    assert dead <= 2 * quiet + BUSY * busyness()
    assert max(await asyncio.gather(*waiting)) < 10 * busyness()
