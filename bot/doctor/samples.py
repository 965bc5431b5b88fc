"""Values of any annotated type, short, long or odd: what an example of every message is made of; pure."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any

from msgspec import Struct
from slack_sdk.models.blocks import Option

from bot import domain, exceptions
from bot.domain import grammar
from bot.domain.bisection import RESULT, BisectedBuild, Bisection, BisectionRange, Vote
from bot.domain.model import App, Role
from bot.domain.states import BisectionState, BisectVerdict
from bot.exceptions import BotError, PermissionDenied, UserInputError
from bot.i18n import Text
from bot.slack import blocks
from bot.slack.blocks.paging import PagedItems
from bot.slack.mrkdwn import escape_inline
from bot.slack.views.help import Described, TaskHelp

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PAGE = 10  # items of a page

# Text that means something to Slack, or to the eye: https://docs.slack.dev/messaging/formatting-message-text
ODD_TEXT = "<!channel> &amp; *b* _i_ ~s~ `c` :bug: <https://x.test|y> @here\t\u202e\u200bمرحبا 👩‍👩‍👧 \\ | > \n> \x00"
LONG_TEXT = "Fixes-the-sign-in-on-tablets-&-<phones>-and-*much*-more-than_that. "


class Manner(Struct, frozen=True):
    """How values are made: what a text says, how long a list is, whether optional values and flags are set.

    `turn` counts through the members of vocabularies.
    """

    name: str
    words: str
    length: int
    is_full: bool
    turn: int = 0


SHORT = Manner("short", "Courier", 1, is_full=False)
LONG = Manner("long", LONG_TEXT * 46, 3, is_full=True)
ODD = Manner("odd", ODD_TEXT, 30, is_full=True)
EMPTY = Manner("empty", "", 0, is_full=False)
MANNERS = (SHORT, LONG, ODD, EMPTY)
TURNED = (SHORT, LONG)  # in which every member of each enum appears

# Texts that are no words: by the name of their parameter or field.
_ID = {"id", "app_id", "build_id", "file_id"}
_PERSON = {
    "admins",
    "ask",
    "asker",
    "by",
    "created_by",
    "decided_by",
    "granted_by",
    "grantee",
    "maker",
    "other",
    "reader",
    "recipient",
    "user_id",
}
_CHANNEL = {"channel", "channel_id", "channels", "elsewhere", "left", "target_id"}
_FIXED = {
    "DatabaseHealth.version": "17.2",
    "Health.version": "1.2.3",
    "LastOutage.what": "Applivery",
    "OutboxHealth.paused": "C0RELEASES",
    "dashboard": "https://dashboard.example.com/builds/1",
    "digest": "daily@09:00",
    "icon": "https://icons.example.com/1.png",
    "language": "en",
    "mention": "S0MOBILE",
    "permalink": "https://example.slack.com/archives/C0RELEASES/p1763640000000000",
    "query": 'branch:"release 2" -tag:nightly',
    "quiet": "22:00-08:00",
    "schedule": "fri@17:00",
    "team_id": "T0EXAMPLE",
    "token": "0" * 40,
    "tz": "Europe/Madrid",
    "value": "C0RELEASES/1",
    "url": "https://download.example.com/" + "0" * 40,
}
# Lists of which a caller has at least one.
_NEVER_EMPTY = (
    "subscriptions",
    "builds",
    "apps",
    "groups",
    "people",
    "versions",
    "systems",
    "sources",
    "days",
    "failures",
    "roles",
    "items",
)
# Pages, counted from 0.
_PAGES = ("number", "page", "watched", "own")
# Finished sentences, in which what is from outside is inert already.
_INERT = ("what", "span", "app", "words", "head", "groups", "problem", "kind", "tables")
_OPTIONAL = (typing.Union, types.UnionType)


@cache
def _names() -> dict[str, Any]:
    """Return the types by name: views import some only for the type checker."""
    found: dict[str, Any] = {"Sequence": Sequence, "Mapping": Mapping}
    modules = [importlib.import_module(each.name) for each in pkgutil.walk_packages(domain.__path__, "bot.domain.")]
    for module in (*modules, exceptions, blocks):
        found |= {name: value for name, value in vars(module).items() if inspect.isclass(value)}
    return found


@cache
def hints_of(thing: Any) -> dict[str, Any]:
    """Return the types of a function's parameters and answer, or of a class's fields."""
    return typing.get_type_hints(thing, localns=_names())


@cache
def _parameters(thing: Any) -> tuple[inspect.Parameter, ...]:
    """Return the parameters of a function or class; for a `Struct`, Python reads the types of its fields each time."""
    return tuple(inspect.signature(thing).parameters.values())


class Command(Struct, frozen=True):
    """A command as the help describes it."""

    name: str
    summary: str = "Get a build."
    usage: Sequence[str] = ()
    required_role: Role = Role.MEMBER


@cache
def _inert(words: str) -> str:
    return escape_inline(words, len(words))


class Sampler:
    """Makes values in one manner; `turns` is the most members of a vocabulary it has met."""

    def __init__(self, manner: Manner) -> None:
        self.manner = manner
        self.turns = 1
        self._index = self._depth = 0

    def call(self, function: Callable[..., Any]) -> Any:
        """Call a function with a value for each parameter."""
        hints = hints_of(function)
        wanted = [each.name for each in _parameters(function) if self.manner.is_full or each.default is each.empty]
        return function(**{name: self._argument(hints[name], name) for name in wanted})

    def _argument(self, kind: Any, name: str) -> Any:
        """Return a value for a parameter; a text is a finished one there, neither empty nor live."""
        value = self.value(kind, name)
        return (_inert(value) or SHORT.words) if isinstance(value, str) else value

    def value(self, kind: Any, name: str) -> Any:
        """Return a value of a type, for the parameter or field of this name. Raises TypeError for an unknown type."""
        if make := _MAKERS.get(kind):
            return make(self, name)
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin in _OPTIONAL:
            return self._optional(arguments, name)
        if origin is PagedItems:
            items = self._many(arguments[0], name)[:PAGE]
            return PagedItems(items, int(self.manner.is_full), PAGE, self.manner.is_full, 57)
        if origin is not None:
            return self._container(origin, arguments, name)
        if inspect.isclass(kind):
            return self._instance(kind)
        raise TypeError(f"no example of {kind} for {name}")

    def _optional(self, arguments: tuple[Any, ...], name: str) -> Any:
        given = [each for each in arguments if each is not types.NoneType]
        if len(given) < len(arguments) and not self.manner.is_full:
            return None
        return self.value(given[0], name)

    def _container(self, origin: Any, arguments: tuple[Any, ...], name: str) -> Any:
        if origin is typing.Literal:
            return self._turn(arguments)
        if origin is tuple and Ellipsis not in arguments:
            return tuple(self.value(each, name) for each in arguments)
        if issubclass(origin, Mapping):
            return dict(zip(self._many(arguments[0], "id"), self._many(arguments[1], name), strict=True))
        if issubclass(origin, AbstractSet):
            return frozenset(self._many(arguments[0], name))
        if origin is Callable:
            return lambda *_: self.value(arguments[1], name)
        items = tuple(self._many(arguments[0], name)) or self._at_least(arguments[0], name)
        return items[:PAGE] if name == "typed" else items  # each is typed by a button of the page

    def _at_least(self, kind: Any, name: str) -> tuple[Any, ...]:
        return (self.value(kind, name),) if name in _NEVER_EMPTY else ()

    def _many(self, kind: Any, name: str) -> list[Any]:
        """Return a list in which no two texts, ids or days are alike."""
        before, found = self._index, []
        for number in range(self._length()):
            self._index, self._depth = number, self._depth + 1
            found.append(self.value(kind, name))
            self._depth -= 1
        self._index = before
        return found

    def _length(self) -> int:
        """Lists inside of lists are short."""
        return min(self.manner.length, 2) if self._depth else self.manner.length

    def _instance(self, kind: type) -> Any:
        if issubclass(kind, Enum):
            return self._turn(tuple(kind))
        if issubclass(kind, UserInputError):
            return self._refusal()
        if issubclass(kind, BotError):
            return self._turn(tuple(_made(kind)))
        if not (is_dataclass(kind) or issubclass(kind, Struct)):
            raise TypeError(f"no example of {kind}")
        hints = hints_of(kind)
        wanted = [parameter for parameter in _parameters(kind) if self._is_wanted(parameter)]
        names = {parameter.name: f"{kind.__name__}.{parameter.name}" for parameter in wanted}
        return kind(
            **{name: self.value(hints[name], whole if whole in _FIXED else name) for name, whole in names.items()}
        )

    def _is_wanted(self, parameter: inspect.Parameter) -> bool:
        """A short value leaves out what it may."""
        has_default = parameter.default is not inspect.Parameter.empty
        return self.manner.is_full or not has_default or parameter.name in _NEVER_EMPTY

    def _turn(self, members: Sequence[Any]) -> Any:
        if not self._depth:  # the items of a list differ by themselves
            self.turns = max(self.turns, len(members))
        return members[(self.manner.turn + self._index) % len(members)]

    def _refusal(self) -> UserInputError:
        near = [(f"{self.text('label')}{number}", f"get {number}") for number in range(self.manner.length)]
        return UserInputError(Text("“{typed}” doesn't exist.", typed=self.text("typed")), near=near, commands=near[:3])

    def text(self, name: str) -> str:
        """Return a text for the parameter or field of this name."""
        if name in _ID:
            return f"{self._index + 1:024x}"
        if name in _PERSON:
            return f"U0ANA{self._index}"
        if name in _CHANNEL:
            return f"C0RELEASES{self._index}"
        if name in _FIXED:
            return _FIXED[name]
        words = _inert(self.manner.words) if name in _INERT else self.manner.words
        return f"{self._index}{words}" if self._index else words

    def number(self, name: str) -> int:
        """Return a number."""
        if name in _PAGES:
            return 0
        if name == "place":
            return 1
        return 1234567 + self._index if self.manner.is_full else self._index

    def words(self) -> grammar.ParsedText:
        """Return a command as it was typed."""
        return grammar.parse('courier branch:"release 2" -tag:nightly' if self.manner.is_full else "")

    def bisected(self) -> tuple[BisectedBuild, ...]:
        """Return the builds of a bisect."""
        commits = ("0" * 40, "1" * 40) if self.manner.is_full else ("", "")
        words = self.manner.words
        middle = [BisectedBuild(f"{number:024x}", words, words) for number in range(2, 3 + self.manner.length)]
        repository = "https://github.com/acme/courier"
        first, last = (
            BisectedBuild(f"{number:024x}", words, words, commits[number % 2], repository) for number in (1, 99)
        )
        return (first, *middle, last)

    def bisection(self) -> Bisection:
        """Return a bisect of these builds, one of which was voted on."""
        builds = self.bisected()
        asked = builds[1].id
        state = self.value(BisectionState, "state")
        result = (RESULT,) if state is BisectionState.FOUND else ()
        app = self.value(App, "app")
        votes = (Vote(asked, "U0ANA0", self.value(BisectVerdict, "verdict")),)
        return Bisection(
            7,
            "T0EXAMPLE",
            "C0RELEASES",
            None,
            app,
            "ios",
            builds,
            (asked, *result),
            frozenset(),
            state,
            1,
            "U0ANA0",
            NOON,
            votes,
        )

    def range(self) -> BisectionRange:
        """Return how far a bisect of these builds is."""
        first, *middle, last = (build.id for build in self.bisected())
        untested = tuple(middle[1:]) if self.manner.is_full else ()
        return BisectionRange(first, last, tuple(middle), untested, middle[0])

    def message(self) -> blocks.Message:
        """Return a message to add something to."""
        text = self.text("text") or "Courier"
        return blocks.Message(text, (blocks.section("Courier"),) if self.manner.is_full else ())

    def day(self) -> date:
        """Return a day, another one for each item of a list."""
        return NOON.date() + timedelta(days=self._index)


_MAKERS: dict[Any, Callable[[Sampler, str], Any]] = {
    str: lambda sampler, name: sampler.text(name),
    bool: lambda sampler, name: sampler.manner.is_full,
    int: lambda sampler, name: sampler.number(name),
    float: lambda sampler, name: float(sampler.number(name)),
    bytes: lambda sampler, name: b"",
    datetime: lambda sampler, name: NOON + timedelta(days=sampler.day().toordinal() - NOON.toordinal()),
    date: lambda sampler, name: sampler.day(),
    timedelta: lambda sampler, name: timedelta(minutes=7),
    Text: lambda sampler, name: Text("{words}", words=sampler.text(name)),
    Option: lambda sampler, name: blocks.option(sampler.text(name), "1"),
    Bisection: lambda sampler, name: sampler.bisection(),
    BisectionRange: lambda sampler, name: sampler.range(),
    grammar.ParsedText: lambda sampler, name: sampler.words(),
    Described: lambda sampler, name: Command(sampler.text("name"), usage=tuple(sampler.text("usage").splitlines())),
    TaskHelp: lambda sampler, name: TaskHelp(
        "Get a build", ("get courier",), (Command(sampler.text("name") or "get"),)
    ),
    blocks.Block: lambda sampler, name: blocks.section("Courier"),
    blocks.Message: lambda sampler, name: sampler.message(),
    object: lambda sampler, name: sampler.text(name),
}


def _made(kind: type[BotError]) -> Iterator[BotError]:
    """Yield an error for each look that the kinds of it have: a button to try again, a time, a reference."""
    looks: dict[tuple[bool, bool], BotError] = {}
    for each in _kinds(kind):
        if "__init__" not in vars(each):  # it needs no facts
            looks.setdefault((each.passing, bool(each.until)), each())
    yield from looks.values()
    if issubclass(PermissionDenied, kind):
        yield PermissionDenied(channels=("C0RELEASES",))


def _kinds(kind: type[BotError]) -> Iterator[type[BotError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _kinds(each)
