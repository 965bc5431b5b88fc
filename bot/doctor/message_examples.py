"""Generate an example of every message, form and Home tab, in each language, short, long and odd; pure.

`doctor --blocks` validates them with Slack, and the tests with Slack's own types and the sandbox's strict checker.
Examples need no code: each function is called with values of its parameters' types. A type without sample values
fails a test, and has to be added to `samples`.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bot import commands, i18n
from bot.dispatch import home_tab
from bot.dispatch.requests import METADATA
from bot.doctor.samples import MANNERS, TURNED, Sampler
from bot.i18n.locale import LANGUAGES
from bot.slack import views
from bot.slack.blocks import HomeView, Message, Modal

Maker = Callable[..., Any]


class Surface(StrEnum):
    """Where Slack shows an example."""

    MESSAGE = "message"
    MODAL = "modal"
    HOME = "home"


class Example(Struct, frozen=True):
    """The payload for Slack: the blocks of a message, or a whole view; `name` is the function that returns it."""

    name: str
    manner: str
    surface: Surface
    payload: dict[str, Any]

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """Its blocks."""
        return list(self.payload.get("blocks", ()))


def makers() -> dict[str, Maker]:
    """Return every function that returns a message, form or Home tab, by name."""
    found: dict[str, Maker] = {}
    for package in (views, commands):
        for each in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{each.name}")
            found |= {f"{each.name}.{name}": made for name, made in _functions(module, private=package is commands)}
    return found | {f"home_tab.{name}": made for name, made in _functions(home_tab, private=False)}


def _functions(module: Any, *, private: bool) -> Iterator[tuple[str, Maker]]:
    """Yield the functions of a module that return messages or views; the private ones of commands return forms."""
    for name, value in inspect.getmembers(module, inspect.isfunction):
        own = value.__module__ == module.__name__ and not inspect.iscoroutinefunction(value)
        if own and (private or not name.startswith("_")) and _is_shown(value):
            yield name, value


def _is_shown(function: Maker) -> bool:
    return any(kind in str(inspect.signature(function).return_annotation) for kind in ("Message", "Modal", "HomeView"))


@cache
def examples() -> tuple[Example, ...]:
    """Return all examples, without duplicates per function."""
    found: dict[str, Example] = {}
    for language in LANGUAGES:
        with i18n.use_locale(language):
            for name, maker in makers().items():
                for example in _of(name, maker, language):
                    found.setdefault(f"{name} {json.dumps(example.payload)}", example)
    return tuple(found.values())


def _of(name: str, maker: Maker, language: str) -> Iterator[Example]:
    for manner in MANNERS:
        turns, turn = 1, 0
        while turn < turns:
            sampler = Sampler(replace(manner, turn=turn))
            yield from _examples(name, sampler.call(maker), f"{language}, {manner.name}")
            turns, turn = max(turns, sampler.turns if manner in TURNED else 1), turn + 1


def _examples(name: str, made: Any, manner: str) -> Iterator[Example]:
    for reply in made if isinstance(made, tuple) else (made,):
        if isinstance(reply, Message):
            for message in _with_parts(reply):
                yield Example(name, manner, Surface.MESSAGE, {"blocks": message.payload().get("blocks", [])})
        elif isinstance(reply, Modal):
            yield Example(name, manner, Surface.MODAL, _opened(reply).view())
        elif isinstance(reply, HomeView):
            yield Example(name, manner, Surface.HOME, reply.view())


def _opened(form: Modal) -> Modal:
    """Return a form as it is opened, with too long metadata stored in a draft."""
    kept = form.private_metadata.encode()[:METADATA].decode(errors="ignore")
    return replace(form, private_metadata=kept)


def _with_parts(message: Message) -> Iterator[Message]:
    """Yield a message and those that are sent with it or instead of it."""
    others = (message.fallback, message.pointer, *(copy for _, copy in message.copies))
    yield message
    for other in (*message.thread, *others, *(edit for _, _, edit in message.edits)):
        if other is not None:
            yield from _with_parts(other)
