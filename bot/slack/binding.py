"""Fitting what was typed to the parameters of a subcommand: plain words in turn, options by key, apps by name."""

from __future__ import annotations

import inspect
import types
from enum import StrEnum
from typing import Annotated, Any, Union, get_args, get_origin

from bot.domain import choice, periods
from bot.domain.choice import LATEST
from bot.domain.grammar import Option, Words
from bot.domain.model import App
from bot.domain.periods import Period
from bot.errors import BadInput
from bot.language import later, say
from bot.language.verbatim import code
from bot.slack.command import Call, Entry, Parameter, Rest, Target

NEEDS = {
    App: later("`{command}` needs an app."),
    Target: later("`{command}` needs an app or a build."),
}


async def bind(entry: Entry, call: Call, words: Words) -> dict[str, Any]:
    """The arguments of a command from what was typed, apps looked up by name.

    Raises BadInput (with the usage) for what is missing, too much or not understood, and what the look-ups raise.
    """
    _check_keys(entry, words)
    plain = list(words.plain)
    arguments: dict[str, Any] = {}
    for parameter in entry.parameters:
        if parameter.by_key:
            value = await _by_key(call, parameter, words)
        else:
            value = await _in_turn(call, _bare(parameter.kind), plain)
        if value is not None:
            arguments[parameter.name] = value
        elif parameter.required:
            raise BadInput(_missing(entry, parameter), _usage(call, entry))
    if plain:
        words_left = " ".join(plain)[:80]
        raise BadInput(say("I do not know what to do with “{words}”.", words=words_left), _usage(call, entry))
    return arguments


def _check_keys(entry: Entry, words: Words) -> None:
    known = [key for parameter in entry.parameters if parameter.by_key for key in _keys(parameter)]
    for option in words.options:
        if option.key not in known:
            sentence = say("`{command}` has no option `{option}:`.", command=entry.name, option=option.key[:40])
            raise BadInput(sentence, _instead(option.key, known))


def _instead(key: str, known: list[str]) -> str:
    near = choice.closest(key, known)
    if near:
        return say("Did you mean {names}?", names=code(f"{near[0]}:"))
    if known:
        return say("It takes {options}.", options=", ".join(code(f"{one}:") for one in known))
    return say("It takes no options.")


def _keys(parameter: Parameter) -> tuple[str, ...]:
    if get_origin(parameter.kind) is Annotated:
        return tuple(get_args(parameter.kind)[1:])
    if _bare(parameter.kind) is Period:
        return ("since", "until")
    return (parameter.name.rstrip("_"),)


def _bare(kind: Any) -> Any:
    """`X` of `X | None`."""
    if get_origin(kind) in (Union, types.UnionType):
        return next(one for one in get_args(kind) if one is not type(None))
    return kind


def _missing(entry: Entry, parameter: Parameter) -> str:
    kind = _bare(parameter.kind)
    if kind in NEEDS:
        return say(NEEDS[kind], command=entry.name)
    return say("`{command}` needs `{parameter}`.", command=entry.name, parameter=parameter.name)


def _usage(call: Call, entry: Entry) -> str:
    first = next((line for line in entry.usage if line.startswith("/")), None)
    return say("For example: `{line}`", line=first.replace("/applivery", call.house.command, 1)) if first else ""


async def _in_turn(call: Call, kind: Any, plain: list[str]) -> Any:
    if not plain:
        return None
    if kind is App:
        return await call.app(plain.pop(0))
    if kind is Target:
        return await _target(call, plain.pop(0), plain)
    if kind is Rest:
        words, plain[:] = " ".join(plain), []
        return words
    return plain.pop(0)


async def _target(call: Call, first: str, plain: list[str]) -> Target:
    if choice.BUILD_ID.fullmatch(first):
        named = await _app_or_build(call, first)
        if named.app is None or not plain:
            return named
    if first.casefold() == LATEST and not plain:
        return Target(None, LATEST)
    app = await call.app(first)
    return Target(app, plain.pop(0)) if plain else Target(app)


async def _app_or_build(call: Call, some_id: str) -> Target:
    """Apps and builds have ids of one shape: an app's id means its latest build."""
    apps = await call.known_apps()
    app = next((one for one in apps if one.id == some_id.lower()), None)
    if app is None:
        return Target(None, some_id)
    await call.permit(app)
    return Target(app)


async def _by_key(call: Call, parameter: Parameter, words: Words) -> Any:
    keys = _keys(parameter)
    if get_origin(parameter.kind) is Annotated:
        return Words((), tuple(option for option in words.options if option.key in keys))
    given = [option for option in words.options if option.key in keys]
    if any(option.no for option in given):
        key = given[0].key
        raise BadInput(say("`-{key}:` has no meaning here.", key=key), say("Use `{key}:` without the minus.", key=key))
    kind = _bare(parameter.kind)
    if kind is Period:
        return _period(call, given)
    if not given:
        return None
    if len(given) > 1:
        raise BadInput(say("`{key}:` can be given once.", key=given[0].key), say("Leave the others out."))
    if inspect.isclass(kind) and issubclass(kind, StrEnum):
        return _one_of(kind, given[0])
    return given[0].value


def _period(call: Call, given: list[Option]) -> Period | None:
    last = {option.key: option.value for option in given}
    return periods.parse(last.get("since"), last.get("until"), now=call.now, tz=call.asker.tz)


def _one_of(kind: type[StrEnum], option: Option) -> StrEnum:
    try:
        return kind(option.value.casefold())
    except ValueError:
        have = ", ".join(code(f"{option.key}:{one}") for one in kind)
        sentence = say("`{key}:` cannot be “{value}”.", key=option.key, value=option.value[:40])
        raise BadInput(sentence, say("There are: {choices}.", choices=have)) from None
