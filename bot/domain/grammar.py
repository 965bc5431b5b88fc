"""Parse typed text: words, `key:value`, `-key:value` and quotes; any text is valid."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from bot.domain.timeparse import time_words

# Phones replace two hyphens by a dash, and keyboards of other scripts have a full-width colon
_KEY = re.compile(r"([-‐‑‒–—−]?)([A-Za-z][A-Za-z_-]*)[:：](?!//)(.*)", re.DOTALL)
# Phones replace straight quotes by these.
_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»", "”": "”"}
# Slack's markup for mentions and links, if slash commands are configured to escape them; it always escapes `&<>`.
# https://docs.slack.dev/messaging/formatting-message-text
_WRAPPED = re.compile(r"<(?:[@#!][^<>|]*|[a-z]+:[^<>|]*)(?:\|([^<>]*))?>")
# `12 weeks`: two words of one value
_AMOUNT = re.compile(r"\d{1,6} (?:minutes?|mins?|hours?|hrs?|days?|weeks?)", re.ASCII)
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


@dataclass(frozen=True, slots=True)
class KeyValue:
    """An option `key:value`; `no` is true for `-key:value`. Keys are lower case. `more`: the plain words after it."""

    key: str
    value: str
    no: bool = False
    more: tuple[str, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ParsedText:
    """A parsed text: the plain words and the options, each in order; `text` is the typed text, if any."""

    plain: tuple[str, ...] = ()
    options: tuple[KeyValue, ...] = field(default=())
    text: str = field(default="", compare=False, repr=False)

    def values(self, key: str) -> tuple[str, ...]:
        """Return all values given for `key:`, without the negated ones."""
        return tuple(option.value for option in self.options if option.key == key and not option.no)


NO_WORDS = ParsedText()


def parse(text: str) -> ParsedText:
    """Parse what a user typed, escaped as Slack sends it. Never raises."""
    return read(unescaped(text))


def unescaped(text: str) -> str:
    """Return a text from Slack as it was typed."""
    for escaped, character in _ENTITIES:
        text = text.replace(escaped, character)
    return text


def read(text: str) -> ParsedText:
    """Parse unescaped text. Never raises."""
    plain: list[str] = []
    options: list[tuple[re.Match[str], list[str]]] = []
    for token, quoted_start in _tokens(text):
        match = None if quoted_start else _KEY.fullmatch(token)
        if match:
            options.append((match, []))
            continue
        if not token.strip():  # a lone quotation mark is no word
            continue
        plain.append(token)
        if options:
            options[-1][1].append(token)
    found = (KeyValue(match[2].lower(), match[3], bool(match[1]), tuple(more)) for match, more in options)
    return ParsedText(tuple(plain), tuple(found), text)


def closed_up(words: ParsedText) -> ParsedText:
    """Return the words with values joined that contain or follow a blank: `os: ios`, `since:last week`."""
    options: list[KeyValue] = []
    plain = list(words.plain[: len(words.plain) - sum(len(each_option.more) for each_option in words.options)])
    for option in words.options:
        taken = bool(option.more) and (not option.value or _is_period(option))
        value = f"{option.value} {option.more[0]}".strip() if taken else option.value
        options.append(replace(option, value=value, more=option.more[1:]) if taken else option)
        plain += options[-1].more
    return ParsedText(tuple(plain), tuple(options), words.text)


_PERIODS = ("last week", "last month", "this week", "this month")
_SHORT_AMOUNT = re.compile(r"\d+[hdwm]")


def _is_period(option: KeyValue) -> bool:
    typed = f"{option.value} {option.more[0]}".casefold()
    if option.key == "within":
        return _AMOUNT.fullmatch(typed) is not None or _SHORT_AMOUNT.fullmatch(time_words.english(typed)) is not None
    words = time_words.english(typed, time_words.PERIOD_UNITS)
    return option.key in ("since", "until") and (words in _PERIODS or _SHORT_AMOUNT.fullmatch(words) is not None)


def explain(words: ParsedText) -> str:
    """Return the canonical text of parsed words, escaped as Slack sends it; parsing it returns the same words."""
    return escaped(readable(words))


def readable(words: ParsedText) -> str:
    """Return the canonical text of parsed words, not escaped."""
    parts = [_quote(word, bare_key=False) for word in words.plain]
    parts += [f"{'-' * option.no}{option.key}:{_quote(option.value, bare_key=True)}" for option in words.options]
    return " ".join(parts)


def escaped(text: str) -> str:
    """Return the text as Slack sends it."""
    for entity, character in reversed(_ENTITIES):
        text = text.replace(character, entity)
    return text


def _tokens(text: str) -> Iterable[tuple[str, bool]]:
    """Yield (token, whether it began with a quote); a mention is one token, an unclosed quote extends to the end."""
    token: list[str] = []
    started = quoted_start = False
    at = 0
    while at < len(text):
        character = text[at]
        closing = _QUOTES.get(character)
        if closing is not None and (not started or token[-1:] == [":"] or character == '"'):
            quoted_start = quoted_start or not started
            started = True
            inside, at = _quoted(text, at + 1, closing)
            token.append(inside)
            continue
        if character.isspace():
            if started:
                yield "".join(token), quoted_start
            token, started, quoted_start = [], False, False
            at += 1
            continue
        wrapped = _WRAPPED.match(text, at) if character == "<" else None
        piece = wrapped[0] if wrapped else character
        token.append(piece)
        started = True
        at += len(piece)
    if started:
        yield "".join(token), quoted_start


def _quoted(text: str, start: int, closing: str) -> tuple[str, int]:
    r"""Return the text up to the closing quote and the index after it; `\"` and `\\` are a quote and a backslash."""
    out: list[str] = []
    at = start
    closers = {closing, '"'} if closing != '"' else {closing}
    while at < len(text):
        character = text[at]
        if character == "\\" and at + 1 < len(text) and text[at + 1] in {'"', "\\", closing}:
            out.append(text[at + 1])
            at += 2
            continue
        if character in closers:
            return "".join(out), at + 1
        out.append(character)
        at += 1
    return "".join(out), at


def _quote(word: str, *, bare_key: bool) -> str:
    needs = not word or any(character.isspace() or character in _QUOTES for character in word)
    if not needs and "<" in word:
        needs = True
    if not needs and not bare_key and _KEY.fullmatch(word):
        needs = True
    if not needs:
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
