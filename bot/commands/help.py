"""`help` and the menu: commands by task, with examples that use the user's own apps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from msgspec import Struct

from bot.commands.whoami import WHO
from bot.dispatch.arguments import option_keys
from bot.dispatch.context import CommandContext
from bot.dispatch.registry import HandlerKind, MenuItem, RegisteredHandler, command
from bot.domain import grammar, lookup, spelling
from bot.domain.model import App, Build, Role
from bot.exceptions import BotError, UserInputError
from bot.i18n import Text, _, gettext_noop
from bot.slack.blocks import Message
from bot.slack.views import help as help_views
from bot.slack.views.help import TaskHelp

T = TypeVar("T")
EXAMPLES = 2  # per task
SECONDS = 2.0  # for Applivery; without its answer the examples use an app called Courier
BUTTONS = 3
# Commands that change and send nothing, so that their examples can be buttons
SAFE = frozenset(
    {"get", "builds", "status", "news", "files", "downloads", "forecast", "subscriptions", "audit", "help", "whoami"}
)


class Task(Struct, frozen=True):
    """A task of users: its label, the commands for it, the likeliest first, and examples."""

    label: str
    commands: tuple[str, ...]
    examples: tuple[str, ...]


TASKS = (
    Task(
        gettext_noop("Get a build"),
        ("get", "builds", "status", "watch", "news", "files", "bisect", "whoami", "menu", "help"),
        ("get courier", "builds courier"),
    ),
    Task(
        gettext_noop("Announce builds"),
        ("subscribe", "subscriptions", "unsubscribe", "mute", "unmute"),
        ("subscribe courier", "mute 4h", "subscriptions"),
    ),
    Task(
        gettext_noop("Reports"),
        ("downloads", "goal", "forecast"),
        ("downloads courier since:7d", "downloads courier every:monday@09:00"),
    ),
    Task(
        gettext_noop("Upload and recall"),
        ("upload", "attach", "recall", "unrecall"),
        ("upload courier", 'recall courier 2.4.0 "crash on login"'),
    ),
    Task(
        gettext_noop("Admin"),
        ("grant", "revoke", "audit", "forget"),
        ("grant @bruno releaser", "audit since:7d"),
    ),
)


@command(need=Role.MEMBER, menu=MenuItem(7, gettext_noop("Help")))
async def help(call: CommandContext, topic: str | None = None) -> Message:  # noqa: A001  the word people type
    """Show what you can do, or get help for one command.

    /applivery help
    /applivery help get
    """
    if topic is None:
        return await _by_task(call)
    entry = call.registry.get(HandlerKind.COMMAND, spelling.bare(topic).removeprefix("/"))
    if entry is None:
        raise UserInputError(
            Text("Unknown command “{command}”.", command=topic[:60]),
            near=lookup.closest(topic, [command.name for command in _permitted(call)]),
            replaces=topic,
            commands=((Text("Show help"), "help"),),
        )
    app, build = await _own(call)
    usage = [_with_own(line, app, build) for line in entry.usage]
    examples = [line.partition(" ")[2] for line in usage if line.startswith("/")]
    may = entry.required_role <= call.asker.highest
    safe = [example for example in examples if "@" not in example and "every:" not in example and "to:" not in example]
    return help_views.help_for(
        entry,
        call.typed_root,
        usage=usage,
        safe=safe[:BUTTONS] if may and entry.name in SAFE else (),
        options=[key for parameter in entry.parameters if parameter.is_option for key in option_keys(parameter)],
        related=_related(call, entry),
    )


async def _by_task(call: CommandContext) -> Message:
    """Return the tasks for which the user may run a command."""
    app, build = await _own(call)
    permitted = {entry.name: entry for entry in _permitted(call)}
    tasks = []
    for task in TASKS:
        commands = [permitted[name] for name in task.commands if name in permitted]
        examples = [example for example in task.examples if example.partition(" ")[0] in permitted]
        if commands and examples:
            own = [_with_own(example, app, build) for example in examples[:EXAMPLES]]
            tasks.append(TaskHelp(task.label, own, commands))
    note = _(WHO[call.asker.outsider]) if call.asker.outsider else ""
    return help_views.help_by_task(tasks, call.typed_root, note)


def _permitted(call: CommandContext) -> list[RegisteredHandler]:
    """Return the commands that the user may run for at least one app."""
    return [entry for entry in call.registry.commands() if entry.required_role <= call.asker.highest]


def _related(call: CommandContext, entry: RegisteredHandler) -> Sequence[RegisteredHandler]:
    names = next((task.commands for task in TASKS if entry.name in task.commands), ())
    permitted = {command.name: command for command in _permitted(call)}
    left_out = {entry.name, "help", "menu"}
    return [permitted[name] for name in names if name in permitted and name not in left_out]


async def _own(call: CommandContext) -> tuple[App | None, Build | None]:
    """Return the app the user got a build of last, or their first app, and its newest build, if known in time."""
    app = await _in_time(call, lambda: _usual_app(call))
    builds = await _in_time(call, lambda: call.services.apps.builds(app, limit=1)) if app else None
    return app, builds[0] if builds else None


async def _in_time(call: CommandContext, ask: Callable[[], Awaitable[T]]) -> T | None:
    """Return Applivery's answer; None if there is none within `SECONDS`, or was none a short while ago."""
    if call.services.apps.is_slow:
        return None
    try:
        async with asyncio.timeout(SECONDS):
            return await ask()
    except TimeoutError:
        call.services.apps.note_slow()
    except BotError:
        pass
    return None


async def _usual_app(call: CommandContext) -> App | None:
    apps = sorted(await call.apps(), key=lambda app: app.name.casefold())
    last = await call.services.links.last_app_id(call.asker)
    return next((app for app in apps if app.id == last), apps[0] if apps else None)


def _with_own(example: str, app: App | None, build: Build | None) -> str:
    """Return an example with an app of the user, and a version, number and branch of its builds."""
    if app is None:
        return example
    values = {"courier": app.slug or app.id}
    if build:
        quoted = {"2.4.0": build.version, "release/*": build.origin.branch or "", "ios": build.platform}
        values |= {word: grammar.readable(grammar.ParsedText((value,))) for word, value in quoted.items() if value}
        values |= {"#173": f"#{build.number}"} if build.number else {}
        values |= {"65f0c1d2e3a4b5c6d7e8f901": build.id}
    words = example.split(" ")
    return " ".join(":".join(values.get(part, part) for part in word.split(":")) for word in words)


@command(need=Role.MEMBER)
async def menu(call: CommandContext) -> Message:
    """Open a menu of the most common tasks.

    /applivery
    """
    permitted = {entry.name for entry in _permitted(call)}
    items = [item for item in call.registry.menu(in_dm=call.is_in_dm) if item[1] in permitted]
    app = await _in_time(call, lambda: _usual_app(call))
    first = (_("Get {build}", build=app.name), f"get {app.slug or app.id}") if app else None
    return help_views.menu(call.typed_root, items, first)
