"""A private channel that gets another id goes on as before: cards, buttons, posts under way, at every replica."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import replace
from typing import Any

import pytest

from bot.app import RunningBot, running
from bot.db import access, app_polls, mutes, subscriptions
from bot.slack.scopes import EVENTS
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.integration.workers.conftest import on_postgresql, on_sqlite
from tests.support.handing import directs, ready, rested, seen
from tests.support.seeing import labels, press
from tests.support.waiting import patience

POST = "chat.postMessage"


@pytest.fixture
def world(database: str, world: Environment) -> Environment:
    world.database = database
    world.releases = world.slack.channel("secret", private=True, members=(world.ana, world.bruno))
    world.slack.subscribed = set(EVENTS)
    return world


async def announced(world: Environment, version: str = "2.4.0", **changes: Any) -> None:
    """The channel has a subscription and a card."""
    await world.start(**changes)
    await world.ask("subscribe courier")
    await world.look()
    ready(world, version=version)
    await world.look()
    assert len(world.said()) == 1


def posts(world: Environment, channel_id: str) -> list[Any]:
    return [call for call in world.slack.calls_of(POST) if call.args["channel"] == channel_id]


async def test_cards_and_announcements_go_on_in_a_moved_channel(world: Environment) -> None:
    await announced(world)
    old = world.releases.id
    turn = await world.slack.convert(world.releases)
    assert turn
    assert turn.acked
    ready(world, version="2.5.0", number="174")
    await world.look()
    first, second = world.slack.messages(world.releases)
    assert "2.5.0" in second.text
    assert "2.5.0" in seen(first), "the superseded card leads to the newer build"
    assert len(posts(world, old)) == 1
    assert directs(world, world.ana) == []


async def test_old_buttons_work_in_a_moved_channel(world: Environment) -> None:
    await announced(world)
    world.releases.refusal = "restricted_action"
    ready(world, version="2.5.0", number="174")
    await world.look()
    (notice,) = directs(world, world.ana)
    (card,) = world.slack.messages(world.releases)
    await world.slack.convert(world.releases)
    world.releases.refusal = ""
    await press(world.slack, card, labels(card)[0], user=world.bruno)
    await rested(world)
    assert world.slack.ephemerals(world.bruno, world.releases)
    await press(world.slack, notice, labels(notice)[0], user=world.ana)  # its value names the former id
    await rested(world)
    (subscription,) = await world.bot.store.run(subscriptions.list_subscriptions)
    assert (subscription.channel_id, subscription.paused) == (world.releases.id, None)


async def test_a_post_that_met_the_former_id_is_not_lost(world: Environment) -> None:
    world.tuning = replace(world.tuning, slack_seconds=10.0, lease_seconds=20.0)
    await announced(world)
    world.slack.faults.add(POST, Fault(latency=1.5))  # longer than it takes to record the event
    ready(world, version="2.5.0", number="174")
    looking = asyncio.create_task(world.look())
    async with patience():
        while not world.slack.faults.fired:  # Slack works on it
            await asyncio.sleep(0.01)
    await world.slack.convert(world.releases)
    await looking
    await world.settle()
    assert [call.answer["error"] for call in world.slack.calls_of(POST) if not call.answer["ok"]] == [
        "channel_not_found"
    ]
    assert len(world.said()) == 2
    assert directs(world, world.ana) == [], "the owner has nothing to do"
    assert await world.bot.store.run(mutes.list_paused_channels) == {}


async def test_an_event_after_the_refusal_resumes_the_channel(world: Environment) -> None:
    await announced(world)
    old = world.releases.id
    await world.slack.convert(world.releases, tell=False)
    ready(world, version="2.5.0", number="174")
    await world.look()
    assert await world.bot.store.run(mutes.list_paused_channels) == {old: "channel_not_found"}
    await world.slack.event({"type": "channel_id_changed", "old_channel_id": old, "new_channel_id": world.releases.id})
    await world.bot.pausing.step()
    await world.settle()
    assert len(world.said()) == 2
    assert await world.bot.store.run(mutes.list_paused_channels) == {}
    world.releases.refusal = "restricted_action"
    ready(world, version="2.6.0", number="175")
    await world.look()
    assert len(directs(world, world.ana)) == 2, "that trouble is over: a new one is told"


async def test_a_channel_whose_event_was_missed_is_found(world: Environment) -> None:
    await announced(world)
    await world.stop()
    other = world.slack.channel("other", private=True, members=(world.ana,))
    await world.slack.convert(world.releases, tell=False)
    await world.start()
    ready(world, version="2.5.0", number="174")
    await world.look()
    assert len(world.said()) == 1
    for _ in range(2):
        await world.bot.pausing.step()
        await world.settle()
    assert len(world.said()) == 2
    assert world.slack.messages(other) == []
    assert await world.bot.store.run(mutes.list_paused_channels) == {}


@on_sqlite
async def test_a_channel_that_is_gone_is_looked_for_once(world: Environment) -> None:
    await announced(world)
    world.releases.members.remove(world.slack.bot_user_id)
    ready(world, version="2.5.0", number="174")
    await world.look()
    for _ in range(3):
        world.bot.pausing._next_checks = {}
        await world.bot.pausing.step()
    assert len(world.slack.calls_of("users.conversations")) == 1


@on_sqlite
async def test_an_event_that_was_missed_is_said_in_words(world: Environment) -> None:
    await announced(world)
    await world.slack.convert(world.releases, tell=False)
    ready(world, version="2.5.0", number="174")
    await world.look()
    (notice,) = directs(world, world.ana)
    assert "subscribe there again" in seen(notice)


async def test_lists_tied_to_a_channel_move_with_it(world: Environment) -> None:
    await announced(world)
    await world.ask(f"grant <#{world.releases.id}> app:courier")
    await world.slack.convert(world.releases)
    lists = await world.bot.store.cached(access.list_allowed_channels)
    assert lists == {world.courier.id: frozenset({world.releases.id})}
    ready(world, version="2.5.0", number="174")
    await world.look()
    assert len(world.said()) == 2


@on_sqlite
async def test_an_event_that_cannot_be_recorded_comes_again(world: Environment) -> None:
    await announced(world)
    old = world.releases.id
    with closing(sqlite3.connect(world.folder / "bot.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        turn = await world.slack.convert(world.releases)
        assert turn
        assert not turn.acked, "so Slack delivers it again"
    event = {"type": "channel_id_changed", "old_channel_id": old, "new_channel_id": world.releases.id}
    assert (await world.slack.event(event)).acked
    (subscription,) = await world.bot.store.run(subscriptions.list_subscriptions)
    assert subscription.channel_id == world.releases.id


@pytest.mark.parametrize(
    "about",
    [{}, {"old_channel_id": None, "new_channel_id": "C2"}, {"old_channel_id": {"id": "C1"}, "new_channel_id": 7}],
)
@on_sqlite
async def test_an_odd_move_changes_nothing(world: Environment, about: dict[str, Any]) -> None:
    await announced(world)
    assert (await world.slack.event({"type": "channel_id_changed", **about})).acked
    (subscription,) = await world.bot.store.run(subscriptions.list_subscriptions)
    assert subscription.channel_id == world.releases.id


@asynccontextmanager
async def another(world: Environment) -> AsyncIterator[RunningBot]:
    """A second replica, which Slack talks to no more than to the first."""
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(running(world.settings(), world.tuning, jobs=False))


@on_postgresql
async def test_every_replica_follows_a_moved_channel(world: Environment) -> None:
    await announced(world)
    async with another(world) as other:
        old = world.releases.id
        await world.slack.convert(world.releases)  # one of them hears of it
        async with patience():
            for bot in (world.bot, other):
                await bot.pausing.step()
                assert bot.slack_client.moved == {old: world.releases.id}
        ready(world, version="2.5.0", number="174")
        await world.bot.store.run(app_polls.request_poll, None)
        for bot in (other, world.bot):
            await bot.watch.step()
            await world.settle(bot)
    assert len(world.said()) == 2
