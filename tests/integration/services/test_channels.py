"""What happens to channels in Slack: the bot hears of it, once, and what waited for a channel comes at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.db import app_polls, subscriptions
from bot.slack.scopes import EVENTS
from sandbox.slack import FakeSlack
from tests.conftest import Environment
from tests.support.handing import ready, rested
from tests.support.waiting import busyness, patience


@pytest.fixture(params=["socket", "http"])
def way(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Both ways in."""
    return {} if request.param == "socket" else {"slack_app_token": None}


async def held_back(world: Environment, private: bool, **changes: Any) -> Any:
    """A channel with a card that could not be posted: the bot was put out, or the channel away."""
    world.slack.subscribed = set(EVENTS)
    place = world.slack.channel("hidden", private=True, members=(world.ana,)) if private else world.releases
    await world.start(jobs=True, **changes)
    await world.ask("subscribe courier", channel=place)
    await world.look()
    return place


async def paused(world: Environment, place: Any) -> None:
    """Wait until the bot knows that it cannot speak there, and has looked once."""
    ready(world)
    await world.bot.store.run(app_polls.request_poll, None)
    await world.slack.until(lambda: place.id in world.bot.pausing._paused)
    await world.bot.pausing.step()
    assert place.id in world.bot.pausing._next_checks, "it looked in vain, and will wait before it does again"


@pytest.mark.parametrize("private", [False, True])
async def test_channel_back_gets_held_messages_at_once(world: Environment, private: bool, way: dict[str, Any]) -> None:
    place = await held_back(world, private, **way)
    await world.slack.archive(place, world.ana)
    await paused(world, place)
    assert world.said(place) == []
    await world.slack.unarchive(place, world.ana)
    # far sooner than the next look would have come
    await world.slack.until(lambda: world.said(place), timeout=4 * busyness())
    assert "Courier 2.4.0" in world.said(place)[0]
    async with patience():  # the post that worked is what ends it
        while (await world.bot.store.run(subscriptions.list_subscriptions, place.id))[0].paused:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("private", [False, True])
async def test_an_invitation_is_heard_at_once(world: Environment, private: bool) -> None:
    place = await held_back(world, private)
    await world.slack.remove(place, world.ana)
    await paused(world, place)
    await world.slack.invite(place, world.ana)
    await world.slack.until(lambda: world.said(place), timeout=4 * busyness())


async def test_each_kind_of_event_makes_it_look_and_once_only(world: Environment) -> None:
    await world.start()
    looks: list[str] = []
    world.bot.dispatcher._on_channel_change = looks.append
    slack, place = world.slack, world.releases
    hidden = slack.channel("hidden", private=True, members=(world.ana,))
    for channel in (place, hidden):
        turns = [
            await slack.rename(channel, f"{channel.name}-2"),
            await slack.archive(channel, world.ana),
            await slack.unarchive(channel, world.ana),
            await slack.remove(channel, world.ana),
            await slack.invite(channel, world.ana),
        ]
        await rested(world)
        assert all(turn and turn.acked for turn in turns)
        assert looks == [channel.id] * len(turns)
        looks.clear()
    event = {"type": "channel_unarchive", "channel": place.id, "user": world.ana.id}
    await slack.event(event, retries=2, event_id="Ev1")
    await slack.event(event, event_id="Ev1")
    await rested(world)
    assert looks == [place.id]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "member_joined_channel", "user": "UANA", "channel": "C1"},
        {"type": "member_joined_channel", "channel": "C1"},
        {"type": "channel_archive"},
        {"type": "channel_rename", "channel": {"name": "x"}},
        {"type": "channel_created", "channel": {"id": "C1"}},
        {"type": "reaction_added", "user": "UANA"},
    ],
)
async def test_channel_unrelated_event_acknowledged_and_ignored(world: Environment, event: dict[str, Any]) -> None:
    await world.start()
    looks: list[str] = []
    world.bot.dispatcher._on_channel_change = looks.append
    turn = await world.slack.event(event)
    await rested(world)
    assert turn.acked
    assert looks == []
    assert every_post(world) == []


def every_post(world: Environment) -> list[str]:
    """What the bot said to anybody."""
    return [call.method for call in world.slack.calls if call.method.startswith("chat.")]


async def test_while_the_database_is_away_it_looks_rather_than_not(world: Environment) -> None:
    await world.start()
    looks: list[str] = []
    world.bot.dispatcher._on_channel_change = looks.append
    from tests.support.everything import away

    with away(world, "seen_events"):
        await world.slack.archive(world.releases, world.ana)
        await rested(world)
    assert looks == [world.releases.id]
    assert every_post(world) == []


# ------------------------------------------------------------------ the fake Slack


async def test_slack_sends_only_what_an_app_subscribed_to_and_may_see(world: Environment) -> None:
    await world.start()
    slack: FakeSlack = world.slack
    hidden = slack.channel("hidden", private=True, bot_is_member=False, members=(world.ana,))
    assert await slack.archive(hidden, world.ana) is None, "it does not know that channel"
    slack.scopes = slack.scopes - {"channels:read"}
    assert await slack.archive(world.releases, world.ana) is None
    slack.scopes = slack.scopes | {"channels:read"}
    slack.subscribed = {"app_mention"}
    turn = await slack.unarchive(world.releases, world.ana)
    assert turn
    assert not turn.acked


async def test_slack_refuses_what_cannot_be(world: Environment) -> None:
    slack, place = world.slack, world.releases
    for deed, word in (
        (slack.unarchive(place, world.ana), "not_archived"),
        (slack.invite(place, world.ana), "already_in_channel"),
        (slack.remove(world.general, world.ana), "not_in_channel"),
        (slack.rename(place, "general"), "name_taken"),
        (slack.rename(slack.dm(world.ana), "x"), "channel_not_found"),
    ):
        with pytest.raises(ValueError, match=word):
            await deed
    place.archived = True
    for deed, word in (
        (slack.archive(place, world.ana), "already_archived"),
        (slack.rename(place, "x"), "is_archived"),
    ):
        with pytest.raises(ValueError, match=word):
            await deed
