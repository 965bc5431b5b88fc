"""Bind typed words to the parameters of a subcommand: plain words by position, options by key, apps by name."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any, Union, get_args, get_origin

from bot.dispatch.context import CommandContext
from bot.dispatch.registry import Parameter, RegisteredHandler
from bot.dispatch.targets import AppName, BuildReference, Rest, attach_rest
from bot.domain import build_labels, grammar, lookup, spelling
from bot.domain import platforms as platform_names
from bot.domain.grammar import KeyValue, ParsedText
from bot.domain.lookup import LATEST, AmbiguousInput
from bot.domain.model import App, Build
from bot.domain.timeparse import period
from bot.domain.timeparse.period import Period
from bot.exceptions import Choice, NotFoundByName, UserInputError
from bot.i18n import NO_TEXT, Counted, Text, _, gettext_noop
from bot.slack import typed_text

EVERY_APP = gettext_noop("every app")
_VERSION = re.compile(r"v?\d[\w.+-]*")
_WAYS = (spelling.fold, spelling.bare)
NEEDS = {
    App: gettext_noop("`{command}` needs an app."),
    BuildReference: gettext_noop("`{command}` needs an app or a build."),
}
WHO = gettext_noop("`{command}` needs a person or group. Type @ and pick from Slack's list.")


async def bind(entry: RegisteredHandler, call: CommandContext, words: ParsedText) -> dict[str, Any]:
    """Return the arguments of a command from the typed words, with apps looked up by name.

    Raises UserInputError (with the usage) for missing, superfluous or unknown words, and the errors of look-ups.
    """
    words = await _read_link(entry, call, words)
    if (whole := await _whole_text(entry, call, words)) is not None:
        return {entry.parameters[0].name: Rest(whole)}
    app, words = await _take_app(entry, call, words)
    words = await _take_app_option(call, words)
    target, words = await _take_target(entry, call, app, words)
    _check_keys(entry, words)
    plain = list(words.plain)
    arguments: dict[str, Any] = {}
    for parameter in entry.parameters:
        if parameter.is_option:
            continue
        kind = _strip_optional(parameter.kind)
        if kind is BuildReference and target:
            arguments[parameter.name] = target
        elif kind in (App, AppName) and app:
            arguments[parameter.name] = app if kind is App else AppName(app.id)
        elif kind is App and not parameter.is_required and _are_filters(plain):
            with attach_rest(ParsedText(tuple(plain), words.options)):
                app = arguments[parameter.name] = await call.only_app(None)
        elif (value := await _parse_positional(call, kind, plain, entry)) is not None:
            arguments[parameter.name] = value
        elif parameter.is_required:
            raise UserInputError(_missing_message(entry, parameter), _example(call, entry), commands=_help(entry))
    words = await _join_option_values(call, app, ParsedText(tuple(plain), words.options))
    if words.plain:
        words = await _read_leftover(entry, call, arguments, words)
    for parameter in entry.parameters:
        if parameter.is_option and (value := await _parse_option(call, parameter, words)) is not None:
            arguments[parameter.name] = value
    return arguments


# ------------------------------------------------------------------ links and names of several words


async def _read_link(entry: RegisteredHandler, call: CommandContext, words: ParsedText) -> ParsedText:
    """Return the words with a leading link to Applivery replaced by the app and the build that it names."""
    kind = _first_kind(entry)
    url, _blank, rest = words.text.strip().partition(" ")
    if kind not in (App, BuildReference, AppName) or not url.casefold().startswith(("https://", "http://")):
        return words
    app, build_id, platform = await call.services.link_previews.name_build(url)
    which = "" if kind is not BuildReference else build_id or (f"os:{platform}" if app and platform else "")
    named = " ".join(filter(None, (app, which)))
    return grammar.read(f"{named} {rest}".strip()) if named else words


def _first_kind(entry: RegisteredHandler) -> Any:
    return next((_strip_optional(parameter.kind) for parameter in entry.parameters if not parameter.is_option), None)


async def _take_app(entry: RegisteredHandler, call: CommandContext, words: ParsedText) -> tuple[App | None, ParsedText]:
    """Return the app whose name or label comes first, with any characters, and the remaining words."""
    if not words.text.strip():
        return None, words
    if _first_kind(entry) not in (App, BuildReference, AppName):
        return None, _reparse(words.text)
    apps = await call.known_apps()
    unwrapped = typed_text.strip_formatting(words.text)
    for text in dict.fromkeys(
        (
            words.text,
            unwrapped,
            typed_text.strip_leading_symbol(unwrapped),
            spelling.inside(words.text),
            " ".join(words.plain),
        )
    ):
        if named := lookup.leading(text, apps):
            rest = _reparse(named[1], words.options if text == " ".join(words.plain) else ())
            try:
                return await call.app(named[0]), rest
            except AmbiguousInput as error:
                error.left = rest
                raise
    return await _take_app_inside(entry, call, apps, _reparse(words.text))


async def _take_app_inside(
    entry: RegisteredHandler, call: CommandContext, apps: Sequence[App], words: ParsedText
) -> tuple[App | None, ParsedText]:
    """Return the app that is named after other words (`android courier`), or the only one there is."""
    if any(_strip_optional(parameter.kind) is Rest for parameter in entry.parameters):
        return None, words
    for at in range(1, len(words.plain)):
        named = lookup.leading(" ".join(words.plain[at:]), apps)
        if named:
            rest = replace(words, plain=(*words.plain[:at], *named[1].split()))
            return await call.app(named[0]), rest
    if len(apps) == 1 and not _is_read(words.plain):
        filtered = await _words_to_filters(entry, call, apps[0], words)
        if filtered != words:
            return await call.app(apps[0].id), filtered
    return None, words


def _reparse(text: str, options: Sequence[KeyValue] = ()) -> ParsedText:
    """Parse a text without its formatting; the result keeps `text` as it was typed."""
    read = grammar.closed_up(grammar.read(typed_text.strip_formatting(text)))
    return ParsedText(read.plain, (*options, *read.options), text)


async def _take_app_option(call: CommandContext, words: ParsedText) -> ParsedText:
    """Return the words with the whole name after `app:`, which may contain any characters."""
    before, key, after = _split_at_app_option(words.text)
    named = lookup.leading(after, await call.known_apps()) if key else None
    if not named or not any(option.key == "app" for option in words.options):
        return words
    rest = _reparse(f"{before} {named[1]}")
    return replace(rest, options=(*rest.options, KeyValue("app", named[0])))


def _split_at_app_option(text: str) -> tuple[str, str, str]:
    match = re.search(r"(?<!\S)app[:：]", text, re.IGNORECASE)
    return (text[: match.start()], match[0], text[match.end() :]) if match else (text, "", "")


async def _whole_text(entry: RegisteredHandler, call: CommandContext, words: ParsedText) -> str | None:
    """Return the whole text as one word if it contains an app's name and the command has only one parameter."""
    if [_strip_optional(parameter.kind) for parameter in entry.parameters] != [Rest] or not words.options:
        return None
    names = {way(name) for app in await call.known_apps() for name in (app.name, app.slug) for way in _WAYS}
    parts = (*spelling.starts(words.text), *spelling.ends(words.text))
    return words.text if any(way(part) in names for part, _ in parts for way in _WAYS) else None


async def _take_target(
    entry: RegisteredHandler, call: CommandContext, app: App | None, words: ParsedText
) -> tuple[BuildReference | None, ParsedText]:
    """Read the words after the app as a build: all of them, unless other parameters follow."""
    kinds = [_strip_optional(parameter.kind) for parameter in entry.parameters if not parameter.is_option]
    if app is None or BuildReference not in kinds:
        return None, words
    if Rest in kinds:
        return await _split_target(call, app, words)
    if _may_be_label(entry, words):
        which, rest = build_labels.leading(words.text, await call.services.apps.builds(app))
        if which and grammar.read(which).plain != tuple(which.split()):
            left = _reparse(rest)
            return BuildReference(app, which, left), left
    words = await _join_option_values(call, app, words)
    if words.plain and all(map(build_labels.is_filler, words.plain)):
        words = replace(words, plain=(LATEST,) if build_labels.says_newest(words.plain) else ())
    elif not _is_read(words.plain):
        words = await _words_to_filters(entry, call, app, words)
    left = ParsedText((), words.options)
    return BuildReference(app, " ".join(words.plain) or None, left), left


def _is_read(plain: Sequence[str]) -> bool:
    """Return whether these words name a build by their form alone, without comparing them to builds."""
    which = " ".join(plain)
    reading = build_labels.read(which)
    # the name of a branch can contain a number too
    plainly = reading is not None and (not reading.version or _VERSION.fullmatch(reading.version) is not None)
    return not which or plainly or lookup.BUILD_ID.fullmatch(which) is not None


async def _words_to_filters(entry: RegisteredHandler, call: CommandContext, app: App, words: ParsedText) -> ParsedText:
    """Return the words with `branch:main` for `main`, if a recent build has it and the other words are understood."""
    if not _takes(entry, "branch"):
        return words
    builds = await call.services.apps.builds(app)
    if build_labels.named(" ".join(words.plain), builds):
        return words
    found = [_as_filter(word, builds, ("branch", "tag")) for word in words.plain]
    left = tuple(word for word, option in zip(words.plain, found, strict=True) if option is None)
    if len(left) == len(words.plain) or not (_is_read(left) or all(map(build_labels.is_filler, left))):
        return words
    left = () if all(map(build_labels.is_filler, left)) else left
    return ParsedText(left, (*words.options, *(option for option in found if option)), words.text)


def _as_filter(word: str, builds: Sequence[Build], keys: Sequence[str]) -> KeyValue | None:
    """Return the filter for a bare word, if one of the builds passes it."""
    for key in keys:
        option = KeyValue(key, word)
        if any(lookup.fits(build, ParsedText((), (option,))) for build in builds):
            return option
    return None


def _takes(entry: RegisteredHandler, key: str) -> bool:
    return any(key in option_keys(parameter) for parameter in entry.parameters if parameter.is_option)


def _may_be_label(entry: RegisteredHandler, words: ParsedText) -> bool:
    """Return whether the words may be a build's label that was parsed as something else."""
    known = {key for parameter in entry.parameters if parameter.is_option for key in option_keys(parameter)}
    quoted = bool(words.plain) and bool(set('"“”„«»`\\') & set(words.text))
    return (
        quoted
        or any(option.key not in known for option in words.options)
        or bool(set("*_~") & set("".join(words.plain)))
    )


async def _split_target(call: CommandContext, app: App, words: ParsedText) -> tuple[BuildReference, ParsedText]:
    """Return the words that name a build, and the other words unchanged."""
    if not words.plain:
        return BuildReference(app, None, words), words
    builds = await call.services.apps.builds(app)
    for text, options in ((words.text, ()), (" ".join(words.plain), words.options)):
        which, rest = build_labels.split(text, builds)
        if which:
            left = replace(grammar.read(rest), options=(*options, *grammar.read(rest).options))
            return BuildReference(app, which, left), left
    first, *others = words.plain
    if not others and " " not in first:
        return BuildReference(app, first, ParsedText((), words.options)), ParsedText((), words.options)
    return BuildReference(app, None, words), words


def _are_filters(plain: Sequence[str]) -> bool:
    """Return whether all words are platforms, so that none is the name of an app."""
    return bool(plain) and all(_platform(word) or build_labels.is_filler(word) for word in plain)


def _platform(word: str) -> str | None:
    return platform_names.meant(spelling.bare(word))


async def _read_leftover(
    entry: RegisteredHandler, call: CommandContext, arguments: dict[str, Any], words: ParsedText
) -> ParsedText:
    """Return the leftover words as filters: `os:ios` for `ios`, `branch:main` for `main`.

    Raises UserInputError for unknown words.
    """
    named = next((value for value in arguments.values() if isinstance(value, App | str)), None)
    app = await call.app(named) if isinstance(named, str) and named != "*" else named
    builds = await call.services.apps.builds(app) if isinstance(app, App) and _takes(entry, "branch") else []
    found, unknown = [*words.options], []
    for word in words.plain if _takes(entry, "os") else ():
        if platform := _platform(word):
            found.append(KeyValue("os", platform))
        elif option := _as_filter(word, builds, ("branch", "tag", "version")):
            found.append(option)
        elif not build_labels.is_filler(word):
            unknown.append(word)
    if unknown or not _takes(entry, "os"):
        known = [fact for build in builds for facts in lookup.FILTERS.values() for fact in facts(build) if fact]
        raise _unknown_words(replace(words, plain=tuple(unknown) or words.plain), known, entry, call)
    return ParsedText((), tuple(found))


async def _join_option_values(call: CommandContext, app: App | None, words: ParsedText) -> ParsedText:
    """Return the words with an unquoted value of several words joined, if a build has exactly that value."""
    if (
        not words.plain
        or app is None
        or list(words.plain) != [word for option in words.options for word in option.more]
    ):
        return words
    builds = await call.services.apps.builds(app)
    longer = tuple(KeyValue(option.key, " ".join((option.value, *option.more)), option.no) for option in words.options)
    known = all(
        lookup.is_had(option, builds) for option, short in zip(longer, words.options, strict=True) if short.more
    )
    return ParsedText((), longer) if known else words


def _unknown_words(
    words: ParsedText, known: Sequence[str], entry: RegisteredHandler, call: CommandContext
) -> UserInputError:
    """Return the error for unknown words, which may be misspelt, or belong to the value before them."""
    unknown = " ".join(words.plain)
    sentence = Counted("Unknown word “{words}”.", "Unknown words “{words}”.", len(words.plain), words=unknown[:80])
    option = next(
        (candidate for candidate in words.options if candidate.more and set(candidate.more) <= set(words.plain)), None
    )
    if option is None:
        near = lookup.closest(words.plain[0], [*platform_names.NAMES, *known] if _takes(entry, "os") else [])
        step = None if near else _example(call, entry)
        return UserInputError(sentence, step, near=near, replaces=words.plain[0], commands=() if near else _help(entry))
    typed = " ".join((option.value, *option.more))
    longer = grammar.readable(ParsedText((), (KeyValue(option.key, typed, option.no),)))
    return UserInputError(sentence, near=[longer], replaces=f"{'-' * option.no}{option.key}:{typed}")


# ------------------------------------------------------------------ options


def _check_keys(entry: RegisteredHandler, words: ParsedText) -> None:
    known = [key for parameter in entry.parameters if parameter.is_option for key in option_keys(parameter)]
    for option in words.options:
        if option.key not in known:
            raise UserInputError(
                Text("Unknown option `{option}:`.", option=option.key[:40]),
                None if known else Text("`{command}` takes no options.", command=entry.name),
                near=[f"{key}:" for key in lookup.closest(option.key, known)],
                every=[f"{key}:" for key in known],
                replaces=f"{option.key}:",
                commands=_help(entry),
            )


def option_keys(parameter: Parameter) -> tuple[str, ...]:
    """Return the keys by which an option is written: `os` of `os:ios`."""
    if get_origin(parameter.kind) is Annotated:
        return tuple(get_args(parameter.kind)[1:])
    if _strip_optional(parameter.kind) is Period:
        return ("since", "until")
    return (parameter.name.rstrip("_"),)


def syntax(entry: RegisteredHandler) -> str:
    """Return what may follow a subcommand: `<who> [app] [build] [os:…]`."""
    return " ".join(part for parameter in entry.parameters for part in _placeholders(parameter))


def _placeholders(parameter: Parameter) -> list[str]:
    if parameter.is_option:
        return [f"[{key}:…]" for key in option_keys(parameter)]
    name, kind = parameter.name.rstrip("_"), _strip_optional(parameter.kind)
    if kind is BuildReference:
        return ["[app]", "[build]"]
    if kind is Rest:
        name += " …"
    return [f"<{name}>" if parameter.is_required else f"[{name}]"]


def _strip_optional(kind: Any) -> Any:
    """`X` of `X | None`."""
    if get_origin(kind) in (Union, types.UnionType):
        return next(arg for arg in get_args(kind) if arg is not type(None))
    return kind


def _missing_message(entry: RegisteredHandler, parameter: Parameter) -> Text:
    kind = _strip_optional(parameter.kind)
    if kind in NEEDS:
        return Text(NEEDS[kind], command=entry.name)
    if parameter.name == "who":
        return Text(WHO, command=entry.name)
    return Text("`{command}` needs `{parameter}`.", command=entry.name, parameter=parameter.name)


def _example(call: CommandContext, entry: RegisteredHandler) -> Text:
    first = next((line for line in entry.usage if line.startswith("/")), None)
    return Text("Example: `{line}`", line=first.replace("/applivery", call.services.command, 1)) if first else NO_TEXT


def _help(entry: RegisteredHandler) -> tuple[Choice, ...]:
    return ((Text("See examples"), f"help {entry.name}"),)


async def _parse_positional(call: CommandContext, kind: Any, plain: list[str], entry: RegisteredHandler) -> Any:
    if not plain:
        return None
    if kind is App:
        return await call.app(plain.pop(0))
    if kind is BuildReference:
        return await _parse_target(
            call, plain, alone=all(_strip_optional(parameter.kind) is not Rest for parameter in entry.parameters)
        )
    if kind is AppName and (every := _take_every_app(plain)):
        return every
    if kind is Rest:
        words, plain[:] = " ".join(plain), []
        return words
    return plain.pop(0)


def _take_every_app(plain: list[str]) -> AppName | None:
    """Replace `every app`, the name in lists, by `*`."""
    for words, rest in spelling.starts(" ".join(plain)):
        if spelling.bare(words) in (EVERY_APP, spelling.bare(_(EVERY_APP))):
            plain[:] = rest.split()
            return AppName("*")
    return None


async def _parse_target(call: CommandContext, plain: list[str], *, alone: bool) -> BuildReference:
    """Return the build in the next words, or in all of them if no other parameter follows (`alone`)."""
    first = plain[0]
    if lookup.BUILD_ID.fullmatch(first):
        named = await _resolve_id(call, first)
        if named.app is None or len(plain) == 1:
            del plain[0]
            return named
    if spelling.bare(" ".join(plain)) == LATEST:
        plain.clear()
        return BuildReference(None, LATEST)
    try:
        app = await call.app(first)
    except NotFoundByName as error:
        return await _parse_build_without_app(call, plain, error)
    del plain[0]
    which = plain[: None if alone else 1]
    del plain[: len(which)]
    return BuildReference(app, " ".join(which) or None)


async def _parse_build_without_app(call: CommandContext, plain: list[str], error: NotFoundByName) -> BuildReference:
    """Return a build named without its app. Raises `error`, about the app's name, if it can't name a build."""
    typed = " ".join(plain)
    apps = await call.known_apps()
    only = apps[0] if len(apps) == 1 else None
    if build_labels.read(typed) or (only and build_labels.named(typed, await call.services.apps.builds(only))):
        plain.clear()
        return BuildReference(None, typed)
    if len(plain) > 1:
        await call.app(typed)
    raise error


async def _resolve_id(call: CommandContext, some_id: str) -> BuildReference:
    """Return the build of an id; ids of apps look the same, and mean the latest build."""
    apps = await call.known_apps()
    app = next((candidate for candidate in apps if candidate.id == some_id.lower()), None)
    if app is None:
        return BuildReference(None, some_id)
    await call.authorize_app(app)
    return BuildReference(app)


async def _parse_option(call: CommandContext, parameter: Parameter, words: ParsedText) -> Any:
    keys = option_keys(parameter)
    if get_origin(parameter.kind) is Annotated:
        return ParsedText((), tuple(option for option in words.options if option.key in keys))
    given = [option for option in words.options if option.key in keys]
    if any(option.no for option in given):
        key = given[0].key
        raise UserInputError(
            Text("`-{key}:` doesn't work here.", key=key),
            near=[f"{key}:{given[0].value}"],
            replaces=f"-{key}:{given[0].value}",
        )
    kind = _strip_optional(parameter.kind)
    if kind is Period:
        return _parse_period(call, given)
    if not given:
        return None
    if len(given) > 1:
        key = given[0].key
        every = [grammar.readable(ParsedText((), (KeyValue(key, option.value),))) for option in given]
        raise UserInputError(Text("Use `{key}:` only once.", key=key), every=every, replaces=f"{key}:*")
    if inspect.isclass(kind) and issubclass(kind, StrEnum):
        return _parse_choice(kind, given[0])
    return given[0].value


def _parse_period(call: CommandContext, given: list[KeyValue]) -> Period | None:
    last = {option.key: option.value for option in given}
    return period.parse(last.get("since"), last.get("until"), now=call.now, tz=call.asker.tz)


def _parse_choice(kind: type[StrEnum], option: KeyValue) -> StrEnum:
    try:
        return kind(spelling.bare(option.value))
    except ValueError:
        raise UserInputError(
            Text("`{key}:` can't be “{value}”.", key=option.key, value=option.value[:40]),
            every=[f"{option.key}:{member}" for member in kind],
            replaces=f"{option.key}:{option.value}",
        ) from None
