"""Who may begin, and when: those who come are acknowledged before those who came are worked on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import count

from bot.slack.room import ALWAYS, CROWDED_SECONDS, MOST, Room

LONG = 2 * CROWDED_SECONDS


class Crowd:
    """So many who want to enter, and stay until the end; `inside` is who got in, in order."""

    def __init__(self, room: Room, people: int) -> None:
        self.inside: list[int] = []
        self._room = room
        self._end = asyncio.Event()
        self.tasks = [asyncio.create_task(self._one(number)) for number in range(people)]

    async def _one(self, number: int) -> None:
        async with self._room.entered():
            self.inside.append(number)
            await self._end.wait()

    async def settle(self) -> list[int]:
        """Let everything happen that can."""
        for _ in range(10 * len(self.tasks)):
            await asyncio.sleep(0)
        return self.inside

    async def end(self) -> list[int]:
        """Let everybody leave."""
        self._end.set()
        await asyncio.wait(self.tasks)
        return self.inside


def clock(turn: Callable[[], float]) -> Callable[[], float]:
    """A clock by which a turn of the event loop takes as long as `turn` says."""
    now = 0.0
    readings: Iterator[int] = count()

    def read() -> float:
        nonlocal now
        now += turn() if next(readings) % 2 else 0.0
        return now

    return read


async def test_while_turns_are_quick_everybody_enters_up_to_the_most() -> None:
    crowd = Crowd(Room(clock=clock(lambda: CROWDED_SECONDS / 2)), MOST + 10)
    assert await crowd.settle() == list(range(MOST))
    assert await crowd.end() == list(range(MOST + 10))


async def test_while_turns_are_long_only_a_few_work_and_the_next_enters_when_one_leaves() -> None:
    crowd = Crowd(Room(clock=clock(lambda: LONG)), 2 * ALWAYS)
    assert await crowd.settle() == list(range(ALWAYS))
    assert await crowd.end() == list(range(2 * ALWAYS))


async def test_when_turns_are_quick_again_the_others_enter() -> None:
    turn = LONG
    crowd = Crowd(Room(clock=clock(lambda: turn)), 3 * ALWAYS)
    assert await crowd.settle() == list(range(ALWAYS))
    turn = 0.0
    assert await crowd.settle() == list(range(3 * ALWAYS))
    await crowd.end()


async def test_who_gives_up_at_the_door_keeps_nobody_out() -> None:
    turn = LONG
    crowd = Crowd(Room(clock=clock(lambda: turn)), 2 * ALWAYS)
    await crowd.settle()
    crowd.tasks[ALWAYS].cancel()
    turn = 0.0
    assert await crowd.settle() == [one for one in range(2 * ALWAYS) if one != ALWAYS]
    await crowd.end()
