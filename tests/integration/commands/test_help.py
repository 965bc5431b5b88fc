from __future__ import annotations

import json
import re

import pytest

import bot.commands
from bot.dispatch.registry import HandlerRegistry
from bot.domain.model import Role
from tests.conftest import Environment
from tests.support.seeing import labels, press

REGISTRY = HandlerRegistry.scan(bot.commands)
MENU = REGISTRY.menu()
NAMES = [entry.name for entry in REGISTRY.commands()]


async def test_help_lists_every_subcommand_with_what_it_does(world: Environment) -> None:
    await world.start()
    answer = await world.ask("help", user=world.bruno)
    for entry in REGISTRY.commands():
        assert f"{entry.name}: {entry.summary}" in answer.text
        assert f"`/applivery {entry.name}` — {entry.summary}" in answer.blocks[0]["text"]["text"]


@pytest.mark.parametrize("name", NAMES)
async def test_help_every_subcommand_has_examples_and_role(world: Environment, name: str) -> None:
    await world.start()
    answer = await world.ask(f"help {name}", user=world.bruno)
    entry = next(command for command in REGISTRY.commands() if command.name == name)
    said = answer.blocks[0]["text"]["text"]
    assert entry.summary in said
    assert all(line in said for line in entry.usage)
    assert entry.usage
    assert (entry.required_role.word in said) == (entry.required_role is not Role.MEMBER)


async def test_an_unknown_topic_gets_the_closest_one(world: Environment) -> None:
    await world.start()
    assert "`builds`" in (await world.ask("help bilds")).text
    assert labels(await world.ask("help zzzzzz")) == ["Show help"]


@pytest.mark.parametrize("typed", ["", "   ", "menu"])
async def test_nothing_typed_opens_the_menu(world: Environment, typed: str) -> None:
    await world.start()
    answer = await world.ask(typed, user=world.bruno)
    assert labels(answer) == [label for label, _ in MENU]
    assert answer.ephemeral_to == world.bruno.id


@pytest.mark.parametrize(("label", "typed"), [item for item in MENU if item[1] != "downloads"])
async def test_menu_every_button_does_what_its_command_does(world: Environment, label: str, typed: str) -> None:
    await world.start()
    world.applivery.build(world.courier)
    by_hand = await world.ask(typed)
    if typed == "subscribe":
        await world.ask("unsubscribe")
    menu = await world.ask("")
    pressed = await (await press(world.slack, menu, label, user=world.ana)).answer()
    assert pressed is menu  # takes its place
    assert _without_what_differs(pressed.text) == _without_what_differs(by_hand.text)


def _without_what_differs(text: str) -> str:
    return re.sub(r"https?://\S+|<!date[^>]*>|[\d,]+ of 8,000", "…", text)


async def test_the_menu_s_downloads_opens_its_form(world: Environment) -> None:
    await world.start()
    menu = await world.ask("")
    turn = await press(world.slack, menu, "Downloads", user=world.ana)
    assert (await turn.view()).callback_id == "downloads.v1"


async def test_menu_get_with_several_apps_opens_form(world: Environment) -> None:
    await world.start()
    world.applivery.app("Driver")
    world.applivery.build(world.courier, version="2.4.0")
    menu = await world.ask("")
    turn = await press(world.slack, menu, "Get a build", user=world.ana)
    form = await turn.view()
    await world.slack.submit(form, {"get.app": {"get.app": world.courier.id}}, user=world.ana)
    await world.slack.until(lambda: len(world.slack.ephemerals(world.ana)) == 2)
    assert "2.4.0" in world.slack.ephemerals(world.ana)[1].text


async def test_the_words_follow_the_command_of_these_settings(world: Environment) -> None:
    await world.start(slack_command="/builds")
    turn = await world.slack.command("/builds", "help get", user=world.ana, channel=world.releases)
    said = json.dumps((await turn.answer()).blocks)
    assert "/builds get courier" in said
    assert "/applivery" not in said


async def test_help_and_the_menu_work_over_signed_http(world: Environment) -> None:
    await world.start(slack_app_token=None)
    assert "What I can do" in (await world.ask("help")).text
    menu = await world.ask("")
    assert "What I can do" in (await (await press(world.slack, menu, "Help", user=world.ana)).answer()).text
