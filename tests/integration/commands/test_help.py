from __future__ import annotations

import json
import re

import pytest

import bot.commands
from bot.commands.help import TASKS
from bot.dispatch.registry import HandlerRegistry
from bot.domain.model import Role
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.support.handing import ready, seen
from tests.support.seeing import labels, press

REGISTRY = HandlerRegistry.scan(bot.commands)
MENU = REGISTRY.menu()
NAMES = [entry.name for entry in REGISTRY.commands()]


def test_every_command_belongs_to_one_task() -> None:
    assert sorted(name for task in TASKS for name in task.commands) == NAMES
    for task in TASKS:
        assert {example.partition(" ")[0] for example in task.examples} <= set(task.commands)


@pytest.mark.parametrize(
    ("role", "tasks"),
    [
        ("member", ["Get a build", "Announce builds"]),
        ("releaser", ["Get a build", "Announce builds", "Upload and recall"]),
        ("manager", ["Get a build", "Announce builds", "Reports", "Upload and recall"]),
        ("admin", ["Get a build", "Announce builds", "Reports", "Upload and recall", "Admin"]),
    ],
)
async def test_help_shows_only_tasks_of_role_with_own_app(world: Environment, role: str, tasks: list[str]) -> None:
    world.applivery.apps.clear()
    app = world.applivery.app("Field Notes", slug="field-notes")
    world.applivery.build(app, version="7.1.0")
    await world.start()
    await world.ask(f"grant <@{world.bruno.id}|bruno> {role}")
    answer = await world.ask("help", user=world.bruno)
    assert [block["text"]["text"].split("*")[1] for block in answer.blocks[1:]] == tasks
    assert "`get field-notes`" in seen(answer)
    assert "courier" not in seen(answer)
    assert ("subscribe field-notes" in seen(answer)) == (role != "member")
    assert labels(answer) == ["More"] * len(tasks)


async def test_help_of_guest_is_about_apps_they_have(world: Environment) -> None:
    guest = world.slack.user("eva", guest=True)
    world.applivery.app("Secret", slug="aaa-secret")
    await world.start()
    await world.ask(f"grant <@{guest.id}|eva> member app:courier")
    said = seen(await world.ask("help", user=guest))
    assert "get courier" in said
    assert "secret" not in said


async def test_help_works_while_applivery_is_away(world: Environment) -> None:
    await world.start()
    world.applivery.faults.add("GET /v1/*", Fault(status=500), times=None)
    assert "`get courier`" in seen(await world.ask("help"))


async def test_help_get_has_examples_of_own_app_that_run(world: Environment) -> None:
    ready(world, version="9.9.9", number="77", branch="feature/login", os="android", extension="apk")
    await world.start()
    answer = await world.ask("help get", user=world.bruno)
    assert "get courier 9.9.9 os:android" in seen(answer)
    assert "branch:feature/login" in seen(answer)
    pressed = await (await press(world.slack, answer, "get courier 9.9.9 os:android", user=world.bruno)).answer()
    assert "9.9.9" in pressed.text


async def test_help_get_leads_to_related_commands(world: Environment) -> None:
    await world.start()
    answer = await world.ask("help get", user=world.bruno)
    pressed = await (await press(world.slack, answer, "builds", user=world.bruno)).answer()
    assert pressed.text.startswith("builds: ")


@pytest.mark.parametrize("name", NAMES)
async def test_help_every_subcommand_has_examples_and_role(world: Environment, name: str) -> None:
    await world.start()
    answer = await world.ask(f"help {name}", user=world.bruno)
    entry = next(command for command in REGISTRY.commands() if command.name == name)
    said = answer.blocks[0]["text"]["text"]
    assert entry.summary in said
    assert sum(line.startswith("`/applivery") for line in said.splitlines()) == sum(
        line.startswith("/") for line in entry.usage
    )
    assert (f"*{entry.required_role.word}*" in said) == (entry.required_role is not Role.MEMBER)


async def test_an_unknown_topic_gets_the_closest_one(world: Environment) -> None:
    await world.start()
    assert "`builds`" in (await world.ask("help bilds")).text
    assert labels(await world.ask("help zzzzzz")) == ["Show help"]


@pytest.mark.parametrize("typed", ["", "   ", "menu"])
async def test_nothing_typed_opens_the_menu(world: Environment, typed: str) -> None:
    await world.start()
    answer = await world.ask(typed, user=world.bruno)
    permitted = {command.name for command in REGISTRY.commands() if command.required_role is Role.MEMBER}
    assert labels(answer) == ["Get Courier", *(label for label, name in MENU if name in permitted)]
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
    assert "What you can do" in (await world.ask("help")).text
    menu = await world.ask("")
    assert "What you can do" in (await (await press(world.slack, menu, "Help", user=world.ana)).answer()).text
