"""Parse a typed goal: `courier 2.4.1 90% of @qa by friday`, in any sensible order."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from bot.domain import grammar
from bot.domain.timeparse import deadline
from bot.exceptions import UserInputError
from bot.i18n import Text

_PERCENT = re.compile(r"(\d{1,3})%", re.ASCII)
_PERCENT_TYPED = re.compile(r"(\d)(?:[.,]0+)?\s*(?:[%％٪]|per ?cent\b|por ciento\b)", re.IGNORECASE)
_ODD_PERCENT = re.compile(r"[-+]?\d+(?:[.,]\d+)?%", re.ASCII)
_NAMED = re.compile(r"#[^\W\d]")
_THIS_CHANNEL = re.compile(r"\b(?:of|in)\s+(?:this channel|here)\b", re.IGNORECASE)
_COUNT = re.compile(r"\d{1,4}", re.ASCII)
_ALL = frozenset({"everyone", "everybody", "all"})
_PEOPLE = frozenset({"people", "person", "persons", "members", "users", "testers", "colleagues"})
_GROUPS = frozenset({"team", "group", "channel"})
_BY = frozenset({"by", "until", "till", "before"})
_LINKS = frozenset(
    {"of", "in", "from", "the", "for", "to", "on", "at", "reach", "with", "have", "get", "has", "should"}
)


class GoalSentence(Struct, frozen=True):
    """The typed parts of a goal; empty or 0 if missing. The share is `percent` or `people`."""

    what: str = ""
    percent: int = 0
    people: int = 0
    place: str = ""
    when: str = ""

    @property
    def has_share(self) -> bool:
        """Return whether a share was typed."""
        return bool(self.percent or self.people)


def parse(text: str, *, of: str = "", by: str = "", share: str = "") -> GoalSentence:
    """Return the parts of a sentence and of the options `of:`, `by:` and `share:`.

    Raises UserInputError for an invalid share.
    """
    words = [*_words(text), *_words(share)]
    percent, people, words = _take_share(words)
    place, at, words = _take_place(words)
    place = of or place
    when, words = _take_time(words, at, typed=by)
    what = " ".join(_without_links(words))
    if share and not (percent or people):
        raise _no_share(share)
    return GoalSentence(what, percent, people, place, when)


def _words(text: str) -> tuple[str, ...]:
    """Return the words of a text, with a percentage or a mention as one word."""
    typed = grammar.read(_THIS_CHANNEL.sub("of @here", _PERCENT_TYPED.sub(r"\1%", text))).plain
    return tuple(word.rstrip(",") or word for word in typed)


def _take_share(words: Sequence[str]) -> tuple[int, int, list[str]]:
    """Return the percentage or the number of people, and the remaining words."""
    for at, word in enumerate(words):
        following = words[at + 1].casefold() if at + 1 < len(words) else ""
        if match := _PERCENT.fullmatch(word):
            if not 1 <= int(match[1]) <= 100:
                raise _no_share(word)
            return int(match[1]), 0, _cut(words, at, 1)
        if _COUNT.fullmatch(word) and following in _PEOPLE:
            if not int(word):
                raise _no_share(word)
            return 0, int(word), _cut(words, at, 2)
        if _ODD_PERCENT.fullmatch(word):
            raise _no_share(word)
        if word.casefold() in _ALL and following != "builds":
            return 100, 0, _cut(words, at, 1)
    return 0, 0, list(words)


def _cut(words: Sequence[str], at: int, length: int) -> list[str]:
    """Return the words without some and their prepositions, but keep an `of` or `in` that introduces what follows."""
    before, after = list(words[:at]), list(words[at + length :])
    while before and before[-1].casefold() in _LINKS:
        before.pop()
    while len(after) > 1 and after[0].casefold() in _LINKS | _PEOPLE and after[0].casefold() not in ("of", "in"):
        after.pop(0)
    return [*before, *after]


def _take_place(words: Sequence[str]) -> tuple[str, int, list[str]]:
    """Return the group or channel, its position, and the remaining words.

    A bare word counts as one after the last `of`.
    """
    marked = [at for at, word in enumerate(words) if word.startswith(("<!", "<@", "<#", "@")) or _NAMED.match(word)]
    linked = [at + 1 for at, word in enumerate(words[:-1]) if word.casefold() == "of"]
    if not marked and not linked:
        return "", len(words), list(words)
    at = marked[0] if marked else linked[-1]
    before, after = list(words[:at]), list(words[at + 1 :])
    while before and before[-1].casefold() in _LINKS | _PEOPLE | _GROUPS:
        before.pop()
    if after and after[0].casefold() in _GROUPS:  # `the @qa team`
        after.pop(0)
    return words[at], len(before), [*before, *after]


def _take_time(words: Sequence[str], at: int, *, typed: str) -> tuple[str, list[str]]:
    """Return the deadline and the remaining words; after the group, at position `at`, it needs no `by`."""
    for number, word in enumerate(words):
        if word.casefold() in _BY:
            when, others = deadline.split(" ".join(words[number + 1 :]))
            if not when:
                return " ".join([*words[number + 1 :], typed]).strip(), list(words[:number])
            return f"{when} {typed}".strip(), [*words[:number], *others.split()]
    at = min(at, len(words) - 1) if typed and words else at  # `by:friday 18:00`
    when, others = deadline.split(" ".join(words[at:]))
    if typed or when:
        return f"{typed} {when}".strip(), [*words[:at], *others.split()]
    return "", list(words)


def _without_links(words: Sequence[str]) -> list[str]:
    found = list(words)
    while found and found[0].casefold() in _LINKS:
        found.pop(0)
    while found and found[-1].casefold() in _LINKS | _PEOPLE:
        found.pop()
    return found


def _no_share(typed: str) -> UserInputError:
    return UserInputError(
        Text("“{typed}” isn't a share of people.", typed=typed[:40]), Text("Use `90%`, `12 people` or `everyone`.")
    )
