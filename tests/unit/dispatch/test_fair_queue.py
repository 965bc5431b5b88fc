from __future__ import annotations

import asyncio

import pytest

from bot.dispatch.fair_queue import FairQueue
from bot.exceptions import Overloaded
from tests.support.waiting import patience


class Work:
    """Requests that go on until they are let go; `begun` is the order in which they began."""

    def __init__(self, turns: FairQueue) -> None:
        self.turns = turns
        self.begun: list[str] = []
        self.most = 0
        self._now = 0
        self._go = asyncio.Event()

    async def one(self, person: str) -> None:
        async with self.turns.enter(person):
            self.begun.append(person)
            self._now += 1
            self.most = max(self.most, self._now)
            await self._go.wait()
            await asyncio.sleep(0)
            self._now -= 1

    async def many(self, *people: str) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(self.one(person)) for person in people]
        await asyncio.sleep(0)
        return tasks

    async def end(self, tasks: list[asyncio.Task[None]]) -> None:
        self._go.set()
        async with patience():
            await asyncio.gather(*tasks)


async def test_the_next_person_begins_before_a_flood_goes_on() -> None:
    work = Work(FairQueue(each=2))
    tasks = await work.many(*["flood"] * 100, "next")
    assert work.begun == ["flood", "flood", "next"]
    await work.end(tasks)
    assert len(work.begun) == 101
    assert work.most == 3


async def test_fair_queue_gives_turns_round_robin() -> None:
    work = Work(FairQueue(each=4, at_once=1))
    tasks = await work.many(*"aaaabbcc")
    await work.end(tasks)
    assert "".join(work.begun) == "aabcabca"


async def test_lines_are_bounded() -> None:
    work = Work(FairQueue(each=1, line=3, lines=5))
    tasks = await work.many(*"aaaabbb")
    assert work.turns.is_full("a")
    assert work.turns.is_full("c"), "all together"
    for person in "ab":
        with pytest.raises(Overloaded):
            await work.one(person)
    await work.end(tasks)
    assert not work.turns.is_full("a")


@pytest.mark.parametrize("called", [False, True])
async def test_fair_queue_cancelled_waiter_takes_no_turn(called: bool) -> None:
    turns = FairQueue(each=1)
    work = Work(turns)
    async with turns.enter("a"):
        waiting, after = await work.many("a", "a")
        if not called:
            waiting.cancel()
            await asyncio.sleep(0)
    if called:
        waiting.cancel()  # it was called just now
    await work.end([after])
    assert work.begun == ["a"]
    await work.end(await work.many("a"))


async def test_a_failure_gives_its_turn_back() -> None:
    turns = FairQueue(each=1, at_once=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="no"):
            async with turns.enter("a"):
                raise ValueError("no")
    async with patience(), turns.enter("b"):
        pass
