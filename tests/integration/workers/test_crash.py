"""kill -9 at any instant: nothing is lost or said twice, the order stays, and every card ends as things stand."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.process import BaseProcess
from typing import Any

import hypothesis
import pytest

from bot.settings import Settings
from sandbox.waiting import NothingMoves
from tests.conftest import Environment, heard
from tests.integration.workers.conftest import on_postgresql
from tests.integration.workers.test_build_poller import subscribed
from tests.integration.workers.test_outbox_dispatcher import LOOK_UP, POST
from tests.support import replica

# Twelve in each run, at other instants each time; fifty with --hypothesis-profile=thorough.
KILLS = 50 if hypothesis.settings().max_examples >= 1000 else 12
BUILDS = 10 * KILLS
LATER = 8  # every so many builds takes a while to be processed: its card is posted first and edited afterwards
TOLD = 25  # every so many has a changelog too long for its card, which goes into the card's thread
EDIT = "chat.update"
WORDS = "courier on:uploaded,processed"


class Story:
    """Builds that keep coming, two channels that hear of them, and bots that die meanwhile."""

    def __init__(self, world: Environment, other: Any, seed: int) -> None:
        self.world = world
        self.channels = (world.releases, other)
        self.chance = random.Random(seed)
        self.made = 0
        self.under_way: list[Any] = []
        self.calls = self.news = 0
        world.slack.listeners.append(self._hear)

    def _hear(self, what: str, about: dict[str, Any]) -> None:
        self.calls += what == "call" and about["method"] in (POST, EDIT)
        self.news += what == "message" and about["channel"] in {channel.id for channel in self.channels}

    def go_on(self, builds: int) -> None:
        """So many builds more, and those that were being processed are ready."""
        finished, self.under_way = self.under_way, []
        for build in finished:
            self.world.applivery.move(build, "processed")
        for _ in range(min(builds, BUILDS - self.made)):
            self.made += 1
            later = self.made % LATER == 0
            build = self.world.applivery.build(
                self.world.courier,
                version=str(self.made),
                status="in_progress" if later else "processed",
                changelog="" if self.made % TOLD else f"What is new in {self.made}. " * 20,
            )
            self.under_way += [build] if later else []

    async def kill(self, process: BaseProcess) -> None:
        """Kill it as one of its first calls reaches Slack, or soon after, or once nothing has come for long."""
        calls = self.calls + self.chance.randint(1, BUILDS // KILLS)
        with suppress(NothingMoves):  # an operator would kill one that hangs, too; the next has to cope
            await self.world.slack.until(lambda: self.calls >= calls, timeout=10)
        await asyncio.sleep(self.chance.choice((0, 0, 0.01, 0.1)))
        process.kill()
        await asyncio.to_thread(process.join)

    def over(self) -> bool:
        """Whether every card and reply stands in both channels, and shows how its build ended."""
        if self.news < len(self.channels) * (BUILDS + BUILDS // TOLD):
            return False
        cards = [self.cards(channel) for channel in self.channels]
        return all(is_old(item.text) for each in cards for item in each[:-1]) and not any(
            wrong_end(item.text) or is_old(item.text) for item in (each[-1] for each in cards)
        )

    def cards(self, channel: Any) -> list[Any]:
        """What stands in a channel, outside of threads."""
        return [
            message for message in self.world.slack.messages(channel) if message.bot_id and "Courier" in message.text
        ]

    def judge(self) -> None:
        """Each build once in each channel, in the order it came; each card in its last state; each thread once."""
        everything = [
            message for channel in self.channels for message in self.world.slack.mailbox.by_channel[channel.id]
        ]
        keys = Counter(
            message.metadata["event_payload"]["key"] for message in everything if message.bot_id and message.metadata
        )
        assert [key for key, count in keys.items() if count > 1] == [], "said twice"
        expected = [str(number) for number in range(1, BUILDS + 1)]
        for channel in self.channels:
            messages = self.cards(channel)
            assert [version_of(heard(message)) for message in messages] == expected, "0 lost, 0 repeated, in order"
            ends = [message.text for message in messages if wrong_end(message.text)]
            assert ends == [], "each card shows how its build ended"
            assert [is_old(message.text) for message in messages] == [True] * (BUILDS - 1) + [False], (
                "all but the newest"
            )
            threads = [
                version_of(heard(message))
                for message in messages
                for _ in self.world.slack.messages(channel, message.ts)
            ]
            assert threads == [str(number) for number in range(TOLD, BUILDS + 1, TOLD)]


def version_of(text: str) -> str:
    """The version a card is about."""
    found = re.search(r"Courier (\d+) ", text)
    return found[1] if found else text


def wrong_end(text: str) -> bool:
    """Whether a card does not say that its build is ready: every one of them has become that."""
    return " is ready" not in text and not is_old(text)


def is_old(text: str) -> bool:
    """Whether a card says that a newer build has taken its build's place."""
    return " was superseded by " in text


@pytest.fixture
async def story(world: Environment) -> Story:
    """#releases and #beta hear of Courier, and no bot runs."""
    await world.start()
    other = world.slack.channel("beta", members=(world.ana,))
    await subscribed(world, WORDS)
    await subscribed(world, WORDS, other)
    await world.look()
    await world.stop()
    world.tuning = replace(world.tuning, lease_seconds=0.9, slack_seconds=0.8, watch_lease_seconds=1.5)
    world.applivery.rate_per_hour = 1_000_000  # many lives of a bot that asks ten times a second, in one hour
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown when it fails
    return Story(world, other, seed)


def quick(world: Environment) -> Settings:
    """A bot that starts as quickly as can be: commands would come over HTTP, and nobody types any."""
    return world.settings(slack_app_token=None, poll_idle_seconds=0.1, poll_busy_seconds=0.1)


@contextmanager
def bots(world: Environment) -> Iterator[list[BaseProcess]]:
    """The bots that run; whatever happens, none is left."""
    running: list[BaseProcess] = []
    try:
        yield running
    finally:
        for process in running:
            process.kill()
            process.join()


async def test_crash_kills_lose_repeat_and_reorder_nothing(story: Story) -> None:
    world = story.world
    with bots(world) as running:
        for _ in range(KILLS):
            running.append(replica.start(quick(world), world.tuning))
            story.go_on(BUILDS // KILLS)
            await story.kill(running.pop())
        running.append(replica.start(quick(world), world.tuning))
        story.go_on(0)
        with suppress(NothingMoves):  # what is missing then, the judge says
            await world.slack.until(story.over)
    story.judge()
    assert len(world.slack.calls_of(LOOK_UP)) >= KILLS // 5, "few kills hit a post under way: this proves little"


async def test_crash_of_limited_app_loses_and_repeats_nothing(story: Story) -> None:
    """Slack lets the app read a channel seldom, 15 objects at once: what is unsure waits until it has been read."""
    world = story.world
    world.slack.history_seconds = 1.5
    with bots(world) as running:
        for _ in range(KILLS // 5):
            running.append(replica.start(quick(world), world.tuning))
            story.go_on(BUILDS // KILLS)
            await story.kill(running.pop())
        running.append(replica.start(quick(world), world.tuning))
        story.go_on(BUILDS)
        story.go_on(0)
        with suppress(NothingMoves):  # what is missing then, the judge says
            await world.slack.until(story.over)
    story.judge()
    assert any(call.status == 429 for call in world.slack.calls_of(LOOK_UP)), "the limit was never met"


@on_postgresql
async def test_crash_alternating_replicas_goes_unnoticed(story: Story) -> None:
    """One replica after the other is killed."""
    world = story.world
    with bots(world) as running:
        running += [replica.start(quick(world), world.tuning) for _ in range(2)]
        for _ in range(KILLS):
            story.go_on(BUILDS // KILLS)
            await story.kill(running[0])
            running.append(replica.start(quick(world), world.tuning))
            running.pop(0)
        story.go_on(0)
        with suppress(NothingMoves):  # what is missing then, the judge says
            await world.slack.until(story.over)
    story.judge()
    assert len(world.slack.calls_of(LOOK_UP)) >= KILLS // 5, "few kills hit a post under way: this proves little"
