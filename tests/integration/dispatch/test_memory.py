"""What is left in memory of requests that are answered: nothing that grows with who asked."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter

from tests.conftest import Environment

PEOPLE = 8


def finished_tasks() -> Counter[str]:
    """How many tasks are over and still held by something: each holds its whole request."""
    gc.collect()
    tasks = [each for each in gc.get_objects() if isinstance(each, asyncio.Task) and each.done()]
    return Counter(getattr(task.get_coro(), "__qualname__", "") for task in tasks)


async def test_answered_requests_leave_no_tasks(world: Environment) -> None:
    await world.start()
    world.applivery.build(world.courier, version="2.4.0", number="1")
    before = finished_tasks()  # of other tests in this process
    for number in range(PEOPLE):
        user = world.slack.user(f"user{number}", email=f"user{number}@acme.test")
        world.releases.members.append(user.id)
        assert "2.4.0" in (await world.ask("get courier", user=user)).text
    left = finished_tasks() - before
    assert {name: count for name, count in left.items() if count >= PEOPLE} == {}
