"""Invited to a channel, the bot says once what it can do there; on each database."""

from __future__ import annotations

from typing import Any

import pytest

from bot.db import channel_welcome, mutes, outbox, subscriptions
from bot.slack.scopes import EVENTS
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.integration.workers.conftest import on_postgresql, on_sqlite
from tests.integration.workers.test_outbox_dispatcher import POST
from tests.support.handing import ready, rested, seen
from tests.support.seeing import labels, press

HEAD = "*Builds from Applivery, in this channel.*"


async def invited(world: Environment, place: Any = None) -> None:
    """Let the bot in, and let it say what it has to."""
    await world.slack.invite(place or world.general, world.bruno)
    await rested(world)
    await world.settle()


def heard(world: Environment, place: Any = None) -> list[str]:
    """What a channel heard from the bot, in full."""
    return [message.text for message in world.slack.messages(place or world.general) if message.bot_id]


async def test_welcome_has_two_lines_and_three_buttons(world: Environment) -> None:
    world.slack.subscribed = set(EVENTS)
    await world.start()
    await invited(world)
    (message,) = world.slack.messages(world.general)
    assert message.text.startswith(HEAD)
    assert message.text.count("\n") == 1
    assert labels(message) == ["Subscribe", "Get a build", "Help"]
    assert world.bruno.id not in f"{message.text}{message.blocks}", "whoever invited it is not called"


@pytest.mark.parametrize("private", [False, True])
async def test_welcome_posted_once_per_channel_for_ever(world: Environment, private: bool) -> None:
    place = world.slack.channel("lab", private=private, bot_is_member=False, members=(world.ana, world.bruno))
    await world.start()
    await invited(world, place)
    for _ in range(2):
        await world.slack.remove(place, world.ana)
        await world.restart()
        await invited(world, place)
    assert len(heard(world, place)) == 1
    await invited(world)
    assert len(heard(world)) == 1, "another channel"


@on_sqlite
async def test_an_event_that_is_delivered_again_says_nothing_again(world: Environment) -> None:
    await world.start()
    world.general.members.append(world.slack.bot_user_id)
    event = {"type": "member_joined_channel", "channel": world.general.id, "user": world.slack.bot_user_id}
    await world.slack.event(event, retries=2, event_id="Ev1")
    await world.slack.event(event, event_id="Ev2")
    await rested(world)
    await world.settle()
    assert len(heard(world)) == 1


@on_postgresql
async def test_two_replicas_that_hear_of_it_say_it_once(world: Environment) -> None:
    await world.start()
    service = world.bot
    world._running, first = None, world._running
    await world.start()
    world.slack.workspace.channels[world.general.id].members.append(world.slack.bot_user_id)
    for bot in (service, world.bot):
        await bot.store.run(channel_welcome.enqueue_welcome, world.general.id)
    for bot in (service, world.bot):
        await world.settle(bot)
    assert len(heard(world)) == 1
    assert first
    await first.aclose()


async def test_welcome_crash_after_post_does_not_repeat_it(world: Environment) -> None:
    await world.start()
    world.slack.faults.add(POST, Fault(drop_after=True))
    await world.slack.invite(world.general, world.bruno)
    await rested(world)
    await world.bot.announce.drain()
    await world.restart()
    await world.settle()
    assert len(heard(world)) == 1
    assert (await world.bot.store.run(outbox.get_backlog)).count == 0


async def test_welcome_not_posted_to_subscribed_channel_with_news(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    await world.look()
    await world.slack.remove(world.releases, world.ana)
    ready(world)
    await world.look()
    await invited(world, world.releases)
    await world.bot.pausing.step()
    await world.settle()
    (said,) = heard(world, world.releases)
    assert "Courier 2.4.0" in said
    await world.ask("unsubscribe courier")
    await world.slack.remove(world.releases, world.ana)
    await invited(world, world.releases)
    assert len(heard(world, world.releases)) == 1, "there they know"


async def test_welcome_of_removed_bot_posted_after_next_invitation(world: Environment) -> None:
    await world.start()
    await world.slack.invite(world.general, world.bruno)
    await rested(world)
    await world.slack.remove(world.general, world.bruno)
    await world.settle()
    assert heard(world) == []
    assert await world.bot.store.run(mutes.list_paused_channels) == {}, "nobody looks again and again whether it may"
    await invited(world)
    assert len(heard(world)) == 1


@on_sqlite
async def test_welcome_is_in_language_of_channels(world: Environment) -> None:
    await world.start(language="es")
    await invited(world)
    assert heard(world)[0].startswith("*Compilaciones de Applivery, en este canal.*")
    assert labels(world.slack.messages(world.general)[0]) == ["Suscribir", "Obtener una compilación", "Ayuda"]


@on_sqlite
async def test_welcome_button_opens_form_and_subscribes_channel(world: Environment) -> None:
    """The form opens even when there is a single app."""
    ready(world)
    await world.start()
    await invited(world)
    (message,) = world.slack.messages(world.general)
    form = await (await press(world.slack, message, "Subscribe", user=world.ana)).view()
    assert form.title == "Subscribe this channel"
    await world.slack.submit(form, user=world.ana)
    await rested(world)
    (subscription,) = await world.bot.store.run(subscriptions.list_subscriptions)
    assert (subscription.channel_id, subscription.app_name) == (world.general.id, "Courier")


@on_sqlite
async def test_welcome_button_refuses_non_releaser_and_offers_request(world: Environment) -> None:
    await world.start()
    await invited(world)
    (message,) = world.slack.messages(world.general)
    turn = await press(world.slack, message, "Subscribe", user=world.bruno)
    answer = await turn.answer()
    assert "Only releasers can" in seen(answer)
    assert labels(answer) == ["Request access"]
    assert heard(world) == [message.text], "the channel hears nothing of that"


@on_sqlite
async def test_an_app_that_belongs_to_other_channels_is_not_offered(world: Environment) -> None:
    world.applivery.app("Driver")
    await world.start()
    await world.ask(f"grant <#{world.releases.id}|releases> app:courier")
    await invited(world)
    (message,) = world.slack.messages(world.general)
    form = await (await press(world.slack, message, "Subscribe", user=world.ana)).view()
    assert "Courier" not in str(form.payload)
    offered = await world.slack.options(form, "subscribe.app", "", user=world.ana)
    assert [option["text"]["text"] for option in offered] == ["Every app", "Driver"]


@on_sqlite
async def test_while_the_database_is_away_an_invitation_does_no_harm(world: Environment) -> None:
    from tests.support.everything import away

    await world.start()
    with away(world, "outbox"):
        await world.slack.invite(world.general, world.bruno)
        await rested(world)
    await world.settle()
    assert heard(world) == []
