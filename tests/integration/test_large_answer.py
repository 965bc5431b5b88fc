"""An answer of a hundred thousand downloads: told soon, while others are answered, in little memory."""

from __future__ import annotations

import asyncio
import gc
import json
import time
import tracemalloc
from dataclasses import replace

import pytest

from bot.applivery import parse
from bot.domain.downloads import DownloadAggregator
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.integration.commands.test_downloads import private

PEOPLE, EACH = 5_000, 20
ROWS = "GET */downloads/by-user"


def answer() -> str:
    """About thirty megabytes: enough to see whether it is ever held or worked on as a whole."""
    network = {"ip": "203.0.113.9", "city": "Markerville", "latitude": 71.2345678, "visitor": "vis-marker-0001"}
    downloads = [
        {
            "id": f"{number:024x}",
            "from": "store",
            "build": {"id": "b" * 24, "os": "ios", "versionName": f"2.{number % 7}.0"},
            "device": {"model": "iPhone 15", "type": "phone"},
            "os": {"name": "iOS", "version": "17.5"},
            "networkInfo": network,
            "createdAt": f"2026-11-{number + 1:02d}T10:00:00.000Z",
        }
        for number in range(EACH)
    ]
    said = json.dumps(downloads)
    rows = (
        f'{{"total":{EACH},"member":{{"type":"employee","email":"p{n}@acme.test","firstName":"P{n}"}},"downloads":{said}}}'
        for n in range(PEOPLE)
    )
    return f'{{"status":true,"data":[{",".join(rows)}]}}'


async def heart(pauses: list[float]) -> None:
    """Beat, and write down how long this process worked between two beats: a busy machine makes nobody fail."""
    worked = time.thread_time()
    while True:
        await asyncio.sleep(0.002)
        now = time.thread_time()
        pauses.append(now - worked)
        worked = now


@pytest.mark.usefixtures("as_in_a_bot")
async def test_large_answer_streams_without_blocking_and_is_correct(world: Environment) -> None:
    world.tuning = replace(world.tuning, applivery_seconds=60.0)  # the fake side is what takes its time here
    await world.start()
    body = answer()
    world.applivery.build(world.courier, version="2.6.0")
    world.applivery.faults.add(ROWS, Fault(body=body), times=None)
    await world.ask("downloads courier")  # once, so that everything is loaded
    pauses: list[float] = []
    beating = asyncio.create_task(heart(pauses))
    asked = asyncio.create_task(world.ask("downloads courier"))
    others = 0
    while not asked.done():
        assert "You're" in (await world.ask("whoami", user=world.bruno)).text
        others += 1
    beating.cancel()
    assert "100,000 downloads · 5,000 people." in asked.result().text
    assert "On the newest version (2.6.0): 0 of 5,000 people (0%)" in asked.result().text
    assert others >= 2, "somebody else was answered meanwhile"
    assert max(pauses) < 0.4, "the fake side works in this loop too: it is its sending that is seen here"
    assert "Markerville" not in json.dumps([message.saved() for message in private(world, world.ana)[1]])


@pytest.fixture
def as_in_a_bot() -> None:
    """What thousands of other tests have left is no garbage to look through here: `bot run` has none of it."""
    gc.collect()
    gc.freeze()


@pytest.mark.usefixtures("as_in_a_bot")
def test_large_answer_no_piece_blocks_the_loop() -> None:
    body, tally, longest = answer().encode(), DownloadAggregator("Europe/Madrid"), 0.0
    reader = parse.member_downloads_as_they_come(tally)
    for at in range(0, len(body), 256 * 1024):  # the most that comes at once
        worked = time.thread_time()
        reader.feed(body[at : at + 256 * 1024])
        longest = max(longest, time.thread_time() - worked)
    worked = time.thread_time()
    summary = reader.finish().summary()
    longest = max(longest, time.thread_time() - worked)
    assert (summary.recorded, len(summary.people)) == (PEOPLE * EACH, PEOPLE)
    assert longest < 0.05


def test_large_answer_takes_a_fraction_of_its_size_in_memory() -> None:
    body = answer().encode()
    reader = parse.member_downloads_as_they_come(Forgets())
    tracemalloc.start()
    for at in range(0, len(body), 100_000):
        reader.feed(body[at : at + 100_000])
    reader.finish()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < len(body) / 20


class Forgets:
    """Takes rows and keeps none."""

    def add(self, row: object) -> None:
        """Take the next row."""
