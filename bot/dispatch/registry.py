"""Register and find the handlers of subcommands, buttons, modals, typeaheads and shortcuts."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import types
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache, partial
from typing import Any, NamedTuple, TypeVar, get_type_hints

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.model import Role
from bot.slack.manifest import Shortcut

Handler = Callable[..., Awaitable[Any]]
Mark = TypeVar("Mark", bound=Handler)


class HandlerKind(Enum):
    """The kind of request that a handler is for."""

    COMMAND = "command"
    BUTTON = "button"
    FORM = "form"
    OPTIONS = "options"
    SHORTCUT = "shortcut"


class Parameter(NamedTuple):
    """A parameter of a command: a plain word by its position, or an option by its key."""

    name: str
    kind: Any
    is_option: bool
    is_required: bool


class MenuItem(NamedTuple):
    """A button of the menu; `label` and the other label for direct messages are message ids."""

    position: int
    label: str
    label_in_dm: str = ""


class RegisteredHandler(Struct, frozen=True):
    """One registered handler with the role it needs."""

    kind: HandlerKind
    name: str
    required_role: Role
    run: Handler
    summary: str = ""
    usage: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    is_once: bool = False
    is_about_build: bool = False
    is_for_link: bool = False
    replaces_message: bool = False
    menu: MenuItem | None = None
    title: str = ""
    takes_files: Callable[[Sequence[str]], bool] | None = None  # whether a shortcut accepts files of these names
    command: str = ""  # for a shortcut: the command that does the same
    is_global: bool = False  # for a shortcut: it has no message
    act: str = ""  # what requires the role, in a refusal: "see downloads"; a message id


def command(
    *, need: Role, name: str | None = None, menu: MenuItem | None = None, act: str = ""
) -> Callable[[Mark], Mark]:
    """Register a function as the subcommand of its name; its docstring is the help, its annotations the parameters.

    `menu` is its button in the menu that the slash command alone opens. `act` completes "Only managers can …" (a
    message id); other handlers of the module use that of the first command unless they have their own.
    """

    def mark(run: Mark) -> Mark:
        lines = [line.strip() for line in (inspect.getdoc(run) or "").splitlines()]
        return _register(
            run,
            RegisteredHandler(
                kind=HandlerKind.COMMAND,
                name=name or run.__name__,
                required_role=need,
                run=run,
                summary=lines[0] if lines else "",
                usage=tuple(line for line in lines[1:] if line),
                parameters=_read_parameters(run),
                menu=menu,
                act=act,
            ),
        )

    return mark


def button(
    name: str,
    *,
    need: Role,
    once: bool = False,
    about_build: bool = False,
    for_link: bool = False,
    replaces_message: bool = False,
    act: str = "",
) -> Callable[[Mark], Mark]:
    """Register `async def f(call, value) -> Reply` as the handler of a button; `name` has a version: `get.v1`.

    With `once` a double click runs it once. With `about_build` the value names the build of the message, which message
    shortcuts then use. With `for_link` a link is reserved when the click arrives, and is in `call.reserved_link`. With
    `replaces_message` the reply replaces the clicked message if only one user sees it: an ephemeral or direct message.
    """
    entry = partial(
        RegisteredHandler,
        HandlerKind.BUTTON,
        name,
        need,
        is_once=once,
        is_about_build=about_build,
        is_for_link=for_link,
        replaces_message=replaces_message,
        act=act,
    )
    return lambda run: _register(run, entry(run))


def form(name: str, *, need: Role, act: str = "") -> Callable[[Mark], Mark]:
    """Register `async def f(call, typed: dict[str, str]) -> Reply` as the handler of a submitted form."""
    return lambda run: _register(run, RegisteredHandler(HandlerKind.FORM, name, need, run, act=act))


def options(name: str, *, need: Role) -> Callable[[Mark], Mark]:
    """Register `async def f(call, typed: str, chosen: dict[str, str]) -> list[Option]` for a typeahead."""
    return lambda run: _register(run, RegisteredHandler(HandlerKind.OPTIONS, name, need, run))


def shortcut(
    name: str,
    *,
    need: Role,
    title: str,
    description: str,
    command: str = "",
    takes_files: Callable[[Sequence[str]], bool] | None = None,
    is_global: bool = False,
) -> Callable[[Mark], Mark]:
    """Register `async def f(call, value: str | None) -> Reply` as a message shortcut; `value` is the message's build.

    Slack shows `title` and `description`, which are part of the app manifest. It also runs for files that are posted
    to the bot with the `command`, or without one if it `takes_files` of these names. A shortcut that `is_global` has no
    message, channel or `value`: https://docs.slack.dev/interactivity/implementing-shortcuts
    """
    entry = partial(RegisteredHandler, HandlerKind.SHORTCUT, name, need, title=title, summary=description)
    return lambda run: _register(run, entry(run, command=command, takes_files=takes_files, is_global=is_global))


def _register(run: Mark, entry: RegisteredHandler) -> Mark:
    run.__dict__.setdefault("entries", []).append(entry)
    return run


def _read_parameters(run: Handler) -> tuple[Parameter, ...]:
    hints = get_type_hints(run, include_extras=True)
    return tuple(
        Parameter(
            name,
            hints[name],
            is_option=parameter.kind is inspect.Parameter.KEYWORD_ONLY,
            is_required=parameter.default is inspect.Parameter.empty,
        )
        for name, parameter in list(inspect.signature(run).parameters.items())[1:]
    )


@cache
def _read_package(package: types.ModuleType) -> tuple[RegisteredHandler, ...]:
    """Return all handlers in the modules of a package; cached, as they do not change while the process runs."""
    return tuple(
        entry
        for found_module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
        for entry in _read_module(importlib.import_module(found_module.name))
    )


def _read_module(module: types.ModuleType) -> list[RegisteredHandler]:
    found: list[RegisteredHandler] = [
        entry
        for value in vars(module).values()
        if isinstance(value, types.FunctionType) and value.__module__ == module.__name__
        for entry in value.__dict__.get("entries", ())
    ]
    act = next((entry.act for entry in found if entry.kind is HandlerKind.COMMAND and entry.act), "")
    return [replace(entry, act=entry.act or act if entry.required_role > Role.MEMBER else "") for entry in found]


@dataclass(frozen=True)
class HandlerRegistry:
    """All handlers by kind and name."""

    entries: dict[tuple[HandlerKind, str], RegisteredHandler] = field(default_factory=dict)

    @classmethod
    def scan(cls, package: types.ModuleType) -> HandlerRegistry:
        """Return the registry of all handlers in the modules of a package. Raises ValueError for a duplicate name."""
        registry = cls()
        for entry in _read_package(package):
            registry.add(entry)
        return registry

    def add(self, entry: RegisteredHandler) -> None:
        """Register a handler."""
        key = (entry.kind, entry.name)
        if key in self.entries:
            raise ValueError(f"two handlers for the {entry.kind.value} “{entry.name}”")
        self.entries[key] = entry

    def get(self, kind: HandlerKind, name: str) -> RegisteredHandler | None:
        """Return the handler of this kind and name."""
        return self.entries.get((kind, name))

    def build_button_names(self) -> frozenset[str]:
        """Return the names of the buttons whose value is the build that their message is about."""
        return frozenset(entry.name for entry in self.entries.values() if entry.is_about_build)

    def commands(self) -> list[RegisteredHandler]:
        """Return all subcommands, by name."""
        return sorted(
            (entry for entry in self.entries.values() if entry.kind is HandlerKind.COMMAND),
            key=lambda entry: entry.name,
        )

    def menu(self, *, in_dm: bool = False) -> list[tuple[str, str]]:
        """Return the buttons of the menu in order: the label, a message id, and the subcommand."""
        items = sorted((entry.menu, entry.name) for entry in self.commands() if entry.menu)
        return [(item.label_in_dm if in_dm and item.label_in_dm else item.label, name) for item, name in items]

    def file_shortcut(self, typed: RegisteredHandler | None, files: Sequence[str]) -> RegisteredHandler | None:
        """Return the shortcut for files posted with a command or without one; None if no shortcut accepts them."""
        for entry in self.entries.values():
            if entry.takes_files and (entry.command == typed.name if typed else entry.takes_files(files)):
                return entry
        return None

    def shortcuts(self) -> list[Shortcut]:
        """Return the shortcuts for the app manifest, by title."""
        found = [entry for entry in self.entries.values() if entry.kind is HandlerKind.SHORTCUT]
        return sorted(Shortcut(entry.title, entry.name, entry.summary, entry.is_global) for entry in found)
