"""A channel that refuses messages: one message to its maker, tries that come later and later, and an end by a post."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.db import app_polls, subscriptions
from bot.domain.model import BuildEvent
from bot.exceptions import ChannelUnavailable
from bot.slack.errors import _CHANNEL
from bot.workers.channel_monitor import _record_refusal
from tests.conftest import Environment
from tests.integration.workers.conftest import on_postgresql, on_sqlite
from tests.support.handing import directs, ready

REFUSALS = sorted(_CHANNEL.split())
DOCUMENTED = ("not_in_channel", "channel_not_found", "is_archived", "restricted_action", "msg_too_long")


async def begun(world: Environment, *, first: float = 5.0) -> None:
    await world.start()
    world.bot.pausing._first = first
    await world.ask("subscribe courier")
    await world.look()


async def built(world: Environment, *versions: str) -> None:
    for version in versions:
        ready(world, version=version)
    await world.look()


def posts(world: Environment, place: Any) -> list[Any]:
    return [
        call for call in world.slack.calls if call.method == "chat.postMessage" and call.args["channel"] == place.id
    ]


async def tried(world: Environment, times: int) -> list[float]:
    """Try a paused channel again and again, without the waiting; gives the pauses it would have made."""
    pauses = []
    for _ in range(times):
        world.bot.pausing._next_checks = {
            key: (0.0, pause) for key, (_, pause) in world.bot.pausing._next_checks.items()
        }
        await world.bot.pausing.step()
        await world.bot.announce.drain()
        pauses += [pause for _, pause in world.bot.pausing._next_checks.values()]
    return pauses


@on_sqlite
@pytest.mark.parametrize("code", REFUSALS)
async def test_a_maker_is_told_once_for_a_trouble(world: Environment, code: str) -> None:
    await told_once(world, code)


@on_postgresql
async def test_a_maker_is_told_once_on_postgresql_too(world: Environment) -> None:
    await told_once(world, "not_in_channel")


async def told_once(world: Environment, code: str) -> None:
    """The trouble of a channel that Slack refuses posts to with this code, from the first post to a restart."""
    await begun(world)
    world.releases.refusal = code  # and conversations.info goes on saying is_member: true
    await built(world, "1", "2", "3")
    pauses = await tried(world, 9)
    await built(world, "4")
    await world.restart()
    await world.bot.pausing.step()
    await tried(world, 2)
    [told] = directs(world, world.ana)
    assert told.text.startswith("⚠️ *Courier is paused in <#")
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300], "the back-off is kept, whatever Slack says of the channel"
    [subscription] = await world.bot.store.run(subscriptions.list_subscriptions)
    assert subscription.paused == code


async def test_a_trouble_ends_with_a_post_that_worked(world: Environment) -> None:
    await begun(world)
    world.releases.refusal = "not_in_channel"
    await built(world, "1", "2")
    await tried(world, 3)
    world.releases.refusal = ""
    assert (await world.bot.store.run(subscriptions.list_subscriptions))[0].paused, (
        "that nothing refuses is not known yet"
    )
    world.bot.pausing.check_now(world.releases.id)
    await world.bot.pausing.step()
    await world.settle()
    assert all(any(version in said for said in world.said()) for version in ("1", "2"))
    assert (await world.bot.store.run(subscriptions.list_subscriptions))[0].paused is None
    assert len(directs(world, world.ana)) == 1
    world.releases.refusal = "not_in_channel"
    await built(world, "3")
    assert len(directs(world, world.ana)) == 2, "a new trouble is told again"


async def test_a_quiet_channel_is_no_new_trouble(world: Environment) -> None:
    await begun(world)
    world.releases.refusal = "not_in_channel"
    await built(world, "1")
    await world.ask("unsubscribe courier")  # nothing is held there any more
    await world.ask("subscribe courier")
    await world.look()
    for version in ("2", "3", "4"):
        await tried(world, 2)
        await built(world, version)
    assert len(directs(world, world.ana)) == 1


async def test_one_refusal_is_not_followed_by_many(world: Environment) -> None:
    await begun(world)
    world.releases.refusal = "restricted_action"
    await built(world, *map(str, range(12)))
    assert len(posts(world, world.releases)) == 1
    await tried(world, 4)
    assert len(posts(world, world.releases)) == 5, "each try is one message"
    world.releases.refusal = ""
    await tried_in_vain_no_more(world)
    assert len(world.said()) >= 1


async def tried_in_vain_no_more(world: Environment) -> None:
    world.bot.pausing.check_now(world.releases.id)
    await world.bot.pausing.step()
    await world.settle()
    assert (await world.bot.store.run(subscriptions.list_subscriptions))[0].paused is None


async def test_a_message_of_its_own_fault_pauses_nothing(world: Environment) -> None:
    await begun(world)
    world.releases.refusal = "msg_too_long"
    await built(world, "1", "2")
    assert directs(world, world.ana) == []
    assert (await world.bot.store.run(subscriptions.list_subscriptions))[0].paused is None
    assert len(posts(world, world.releases)) == 4, "each is tried once, and once as plain text"


async def test_by_itself_it_tells_once_in_many_seconds(world: Environment, log: list[Any]) -> None:
    await world.start(jobs=True)
    world.bot.pausing._first = 0.05
    await world.ask("subscribe courier")
    await world.look()
    world.releases.refusal = "not_in_channel"
    ready(world)
    await world.bot.store.run(app_polls.request_poll, None)
    await world.slack.until(lambda: len(posts(world, world.releases)) > 4)
    await asyncio.sleep(0)
    assert len(directs(world, world.ana)) == 1
    assert len([line for line in log if line["event"] == "pausing.channel_refused"]) == 1


async def test_refusal_seen_in_the_database_is_not_reported_again(world: Environment, log: list[Any]) -> None:
    """Between a refusal and its message the monitor may look, and a retry may be refused."""
    await begun(world)
    await world.bot.store.run(_record_refusal, world.releases.id, "not_in_channel")
    await world.bot.pausing.step()
    await world.bot.pausing.on_refusal(world.releases.id, ChannelUnavailable(code="not_in_channel"))
    assert [line for line in log if line["event"] == "pausing.channel_refused"] == []
    assert directs(world, world.ana) == []


async def test_two_makers_are_told_once_each(world: Environment) -> None:
    await begun(world)
    world.bruno.admin = True
    world.releases.refusal = "not_in_channel"
    await built(world, "1")
    await world.bot.pausing.on_refusal(world.releases.id, ChannelUnavailable(code="not_in_channel"))
    world.applivery.app("Parcel", slug="parcel")
    store = world.bot.store
    await store.run(
        subscriptions.add_subscription,
        "T",
        world.releases.id,
        "parcel",
        "Parcel",
        [BuildEvent.PROCESSED],
        "",
        world.bruno.id,
    )
    for _ in range(3):
        await world.bot.pausing.on_refusal(world.releases.id, ChannelUnavailable(code="not_in_channel"))
    assert (len(directs(world, world.ana)), len(directs(world, world.bruno))) == (1, 1)
