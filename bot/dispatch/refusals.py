"""Describe a refused request: the command to run again, and the words that may name its app."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import get_args

from bot.dispatch.registry import HandlerKind, HandlerRegistry
from bot.dispatch.targets import BuildReference
from bot.domain import grammar
from bot.domain.model import App
from bot.slack.button_values import BuildValue

RUN = "run.v1"  # the button whose value is a typed command


def is_about_app(registry: HandlerRegistry, asked: tuple[str, str] | None) -> bool:
    """Return whether the command that a button runs is about an app even if none is named."""
    verb = asked[1].partition(" ")[0] if asked and asked[0] == RUN else ""
    entry = registry.get(HandlerKind.COMMAND, verb)
    parameters = entry.parameters if entry else ()
    kinds = {kind for parameter in parameters for kind in (parameter.kind, *get_args(parameter.kind))}
    return not kinds.isdisjoint({App, BuildReference}) or verb == "subscribe"


def candidate_names(asked: tuple[str, str] | None, form: Mapping[str, str]) -> Iterator[str]:
    """Return the words that may name the app, the likeliest first."""
    yield from (value for key, value in form.items() if key.endswith(".app"))
    if asked is None:
        return
    if asked[0] == RUN:
        words = grammar.parse(asked[1])
        yield from words.values("app")
        yield from words.plain[1:2]
        return
    yield asked[1]
    yield BuildValue.parse(asked[1]).app_id
    yield asked[1].partition(" ")[0]


def format_command(asked: tuple[str, str] | None, form: Mapping[str, str]) -> str:
    """Return the refused request as a command."""
    if asked and asked[0] == RUN:
        return asked[1]
    if asked:
        return asked[0].partition(".")[0]
    return next((key.partition(".")[0] for key in form), "")
