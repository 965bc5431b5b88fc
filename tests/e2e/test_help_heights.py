"""Help, the menu and the choices of an error fit on a phone without scrolling."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

import bot.commands
from bot.commands.help import TASKS
from bot.dispatch.registry import HandlerRegistry
from bot.domain.lookup import AmbiguousInput
from bot.exceptions import UserInputError
from bot.i18n import NO_TEXT, Text, use_locale
from bot.slack.blocks import Message
from bot.slack.blocks.paging import paginate
from bot.slack.views import errors
from bot.slack.views import help as help_views
from bot.slack.views.help import TaskHelp
from tests.support.pane import ON_A_PHONE, MessagePane

pytestmark = ON_A_PHONE


COMMANDS = {entry.name: entry for entry in HandlerRegistry.scan(bot.commands).commands()}
LONG_SLUG = "field-notes-enterprise"
OPTIONS = ("os", "branch", "tag", "version", "by", "type", "to")


def help_by_task() -> Message:
    """What an admin sees, whose app has a long name."""
    tasks = [
        TaskHelp(
            task.label,
            [example.replace("courier", LONG_SLUG) for example in task.examples[:2]],
            [COMMANDS[name] for name in task.commands],
        )
        for task in TASKS
    ]
    return help_views.help_by_task(tasks, "/applivery")


def help_of_get() -> Message:
    related = [COMMANDS[name] for name in TASKS[0].commands[1:6]]
    safe = ["get courier", "get courier 2.4.0 os:ios", "get courier #173 type:file"]
    return help_views.help_for(COMMANDS["get"], "/applivery", safe=safe, options=OPTIONS, related=related)


def menu() -> Message:
    items = HandlerRegistry.scan(bot.commands).menu()
    return help_views.menu("/applivery", items, ("Get Field Notes", f"get {LONG_SLUG}"))


def choices(error: UserInputError) -> Message:
    page = paginate(error.choices, 0, errors.CHOICES)
    return errors.choices(error, page, [f"get {typed}" for _, typed in page.items], "get")


def which_app(number: int) -> Message:
    apps = [(f"Application number {app}", f"app-{app}") for app in range(number)]
    return choices(AmbiguousInput(Text("Which app?"), apps, NO_TEXT))


def unknown_option() -> Message:
    every = [f"{key}:" for key in OPTIONS]
    see = ((Text("See examples"), "help get"),)
    return choices(UserInputError(Text("Unknown option `{option}:`.", option="foo"), every=every, commands=see))


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(
    ("message", "most"),
    [
        (help_by_task, 640),
        (help_of_get, 500),
        (menu, 330),
        (partial(which_app, 3), 240),
        (partial(which_app, 25), 640),
        (unknown_option, 240),
    ],
    ids=["help", "help get", "menu", "3 choices", "25 choices", "unknown option"],
)
async def test_help_and_choices_fit_on_a_phone(
    pane: MessagePane, message: Callable[[], Message], most: int, language: str
) -> None:
    with use_locale(language):
        shown = message()
    assert await pane.height(shown, is_private=True) <= most
