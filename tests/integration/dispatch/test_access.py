"""Refused is refused everywhere: guests, other organisations' people, bots and people who left, at every door."""

from __future__ import annotations

from typing import Any

import pytest

from bot.db import subscriptions
from bot.domain.outcomes import RequestOutcome
from sandbox.slack import FakeView
from tests.conftest import Environment
from tests.support.seeing import old_card, press

NOBODY: dict[str, tuple[dict[str, Any], str]] = {
    "guest": ({"guest": True}, "Guests can only use apps"),
    "stranger": ({"team_id": "T0ELSEWHERE"}, "People from another organisation"),
    "stranger who is an admin at home": ({"team_id": "T0ELSEWHERE", "admin": True}, "another organisation"),
    "bot": ({"bot": True}, "Only members of this workspace"),
    "gone": ({"deleted": True}, "Only members of this workspace"),
}
everybody = pytest.mark.parametrize("who", NOBODY)


async def become(world: Environment, who: str) -> str:
    """Let Bruno be one of them, as the bot sees it from its next start on; returns how he is refused."""
    changes, words = NOBODY[who]
    for name, value in changes.items():
        setattr(world.bruno, name, value)
    await world.restart()
    return words


def untouched(world: Environment, since: int) -> bool:
    """Whether Applivery was asked nothing since then."""
    return len(world.applivery.requests) == since


@everybody
@pytest.mark.parametrize(
    "typed", ["get courier", "", "help", "subscribe courier", "no such thing", "downloads courier"]
)
async def test_a_command_is_refused(world: Environment, who: str, typed: str) -> None:
    await world.start()
    words = await become(world, who)
    answer = await world.ask(typed, user=world.bruno)
    assert words in answer.text
    assert answer.ephemeral_to == world.bruno.id
    assert untouched(world, 0)
    assert "`get`" not in answer.text


@everybody
@pytest.mark.parametrize("action", ["get.v1", "fresh.v1", "status.v1", "unsubscribe.v1", "run.v1#0"])
async def test_a_button_is_refused(world: Environment, who: str, action: str) -> None:
    await world.start()
    build = world.applivery.build(world.courier)
    await world.ask("subscribe courier")
    [saved] = await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id)
    values = {"unsubscribe.v1": str(saved.id), "run.v1#0": "get courier"}
    card = old_card(world.slack, world.releases, action, values.get(action, f"{world.courier.id}/{build.id}"))
    words = await become(world, who)
    asked = len(world.applivery.requests)
    answer = await (await press(world.slack, card, "Old", user=world.bruno)).answer()
    assert words in answer.text
    assert untouched(world, asked)
    assert not world.applivery.minted
    assert len(await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id)) == 1


async def form_of(world: Environment) -> FakeView:
    """The form, opened while Bruno was still welcome."""
    world.applivery.app("Driver")
    await world.start()
    world.applivery.build(world.courier)
    turn = await world.slack.command("/applivery", "get", user=world.bruno, channel=world.releases)
    view: FakeView = await turn.view()
    return view


@everybody
async def test_a_form_is_refused(world: Environment, who: str) -> None:
    form = await form_of(world)
    words = await become(world, who)
    asked = len(world.applivery.requests)
    turn = await world.slack.submit(form, {"get.app": {"get.app": world.courier.id}}, user=world.bruno)
    assert words in str(turn.errors)
    await world.slack.until(lambda: world.slack.ephemerals(world.bruno))
    assert words in world.slack.ephemerals(world.bruno)[0].text
    assert untouched(world, asked)
    assert not world.applivery.minted


@everybody
async def test_a_typeahead_shows_nothing(world: Environment, who: str) -> None:
    form = await form_of(world)
    assert len(await world.slack.options(form, "get.app", "", user=world.bruno)) == 2
    await become(world, who)
    asked = len(world.applivery.requests)
    assert await world.slack.options(form, "get.app", "", user=world.bruno) == []
    assert await world.slack.options(form, "get.build", "", user=world.bruno) == []
    assert untouched(world, asked)


@pytest.mark.parametrize("who", ["guest", "stranger"])
async def test_access_refused_over_http_too(world: Environment, who: str) -> None:
    changes, words = NOBODY[who]
    for name, value in changes.items():
        setattr(world.bruno, name, value)
    await world.start(slack_app_token=None)
    assert words in (await world.ask("get courier", user=world.bruno)).text


async def test_a_refusal_is_counted(world: Environment) -> None:
    world.bruno.guest = True
    await world.start()
    await world.ask("get courier", user=world.bruno)
    await world.bot.dispatcher.drain(5)
    counted = [
        sample.value
        for metric in world.bot.metrics.registry.collect()
        for sample in metric.samples
        if sample.name == "applivery_bot_requests_total" and sample.labels["outcome"] == RequestOutcome.DENIED
    ]
    assert counted == [1]


async def test_when_slack_cannot_say_who_it_is_they_are_refused(world: Environment) -> None:
    world.slack.scopes -= {"users:read"}
    await world.start()
    answer = await world.ask("get courier")
    assert "can't check who you are" in answer.text
    assert "users:read" in answer.text
    assert untouched(world, 0)
