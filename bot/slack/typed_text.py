"""Normalise typed text of every kind of input before it is parsed; pure.

https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from bot.domain import grammar

# Slack turns text that looks like an address into a link, with the typed text as its label. Mentions of people,
# channels and groups stay as they are, since they contain an id.
_LINK = re.compile(r"<(?:mailto:|tel:|((?:https?|ftp)://))([^<>|]+)(?:\|([^<>]*))?>")
_UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufdd0-\ufdef\ufeff]")
_BLANKS = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_BEFORE = re.compile(r"(?:[\s,;:.!?·•>–—-]|&gt;)+")
_AROUND = "*_~`\"'“”„«»‘’"
_CLOSES = {"“": "”", "„": "“", "«": "»", "‘": "’"}
_AFTER = ",;:.!?·–—"
_CODE_VALUE = re.compile(r"(?<!\S)(-?[A-Za-z][A-Za-z_-]*[:：])`([^`\n]+)`(?!\S)")
_FENCED = re.compile(r"```(.*)```", re.DOTALL)
_MENTIONED = re.compile(r"(<[@#!][^<>]*>)[,;:.!?]+(?=\s|\Z)")
_WRAPPED = [
    re.compile(r"(?<!\S)```([^`]+)```(?!\S)"),
    re.compile(r"(?<!\S)`([^`]+)`(?!\S)"),
    *(re.compile(rf"(?<!\S)\{mark}(?=\S)(.{{1,300}}?)(?<=\S)\{mark}(?!\S)") for mark in "*_~"),
]
# Courtesies around a command; an emoji is in a message by its name.
_EMOJI = r":[a-z0-9_+'-]+:"
_ASKED = rf"(?:please|pls|por favor|can you|could you|puedes|podrías|{_EMOJI})(?:[\s,;.!:]+|\Z)"
_REQUEST = re.compile(_ASKED, re.IGNORECASE)
_GREETING = re.compile(rf"(?:hi|hello|hey|hola|buenas)[\s,;.!:]+(?:{_ASKED})*", re.IGNORECASE)
_THANKS = re.compile(
    rf"(?:(?<=\s)|[,;.!?]+)\s*(?:please|pls|plz|por favor|thanks|thank you|thx|gracias|{_EMOJI})[\s,;.!?]*\Z",
    re.IGNORECASE,
)
COURTESIES, LAST_WORDS = 10, 60  # how many are removed; how many of the last characters can contain one
_EMOJI_ALONE = re.compile(rf"(?:{_EMOJI}\s*)+")


def normalize(text: str) -> str:
    """Return the typed text without Slack's links and invisible characters, still escaped as Slack escapes it."""
    text = _LINK.sub(lambda match: match[3] or f"{match[1] or ''}{match[2]}", text)
    return _BLANKS.sub(" ", _UNSEEN.sub("", text)).strip()


def split_command(text: str, root: str) -> tuple[str, str]:
    """Return the typed subcommand in lower case, and the text after it.

    Punctuation after a mention, formatting, quotation marks and the slash command itself (`root`) are left out; `root`
    given without a slash also matches without one.
    """
    left = normalize(text)
    if fenced := _FENCED.fullmatch(left):
        left = fenced[1]
    while True:
        left = _BEFORE.sub("", left, count=1) if _BEFORE.match(left) else left
        first, _, after = _split_symbols(left)
        if first.rstrip(_AFTER).casefold() in _names(root) or (first and not any(map(str.isalnum, first))):
            left = after
        elif left[:1] and left[0] in _AROUND:
            left = _strip_marks(left)
        else:
            break
    return first.strip(_AROUND + _AFTER).casefold(), after


def without_courtesies(text: str, is_command: Callable[[str], bool]) -> str:
    """Return a message without please and thanks around it, and without a greeting before a command."""
    text = normalize(text)
    if _EMOJI_ALONE.fullmatch(text):
        return ""
    for _ in range(COURTESIES):
        rest = _without_courtesy(text, is_command)
        if not any(map(str.isalnum, rest)):
            break
        text = rest
    return text


def _without_courtesy(text: str, is_command: Callable[[str], bool]) -> str:
    """Return a text without one of its courtesies; empty if it has none."""
    if found := _REQUEST.match(text) or _THANKS.search(text, max(0, len(text) - LAST_WORDS)):
        return f"{text[: found.start()]} {text[found.end() :]}".strip()
    if (found := _GREETING.match(text)) and is_command(text[found.end() :]):
        return text[found.end() :]
    return ""


def _names(root: str) -> tuple[str, ...]:
    """Return the words before a command that are not part of it: the slash command, and the bot's name as typed.

    `root` without a slash is the slash command as people write it in direct messages.
    """
    own = root.casefold()
    bare = own.removeprefix("/")
    return own, f"/{bare}", f"@{bare}", "/applivery", "@applivery", "applivery"


def is_courtesy(text: str) -> bool:
    """Return whether a text is please or thanks alone."""
    return _THANKS.fullmatch(f",{text}") is not None


def _split_symbols(text: str) -> tuple[str, str, str]:
    match = re.search(r"\s+", text)
    return (text[: match.start()], match[0], text[match.end() :]) if match else (text, "", "")


def _strip_marks(text: str) -> str:
    """Return the text without the mark at its start and the matching one."""
    close = _CLOSES.get(text[0], text[0])
    first, blank, after = _split_symbols(text)
    trimmed = first.rstrip(_AFTER)
    if len(trimmed) > 1 and trimmed.endswith(close):
        return f"{trimmed[1:-1]}{blank}{after}"
    end = text.rstrip(f"{_AFTER} ")
    if len(end) > 1 and end.endswith(close):
        return end[1:-1]
    closing = re.search(rf"(?<=\S){re.escape(close)}(?!\S)", text[1:])
    return text[1:][: closing.start()] + text[1:][closing.end() :] if closing else text[1:]


def strip_formatting(text: str) -> str:
    """Return the text without formatting around words and values, for words that match no name otherwise."""
    text = _CODE_VALUE.sub(lambda match: f'{match[1]}"{_in_quotes(match[2])}"', text)
    for wrapped in _WRAPPED:
        text = wrapped.sub(r"\1", text)
    return _MENTIONED.sub(r"\1", text)


def _in_quotes(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def strip_leading_symbol(text: str) -> str:
    """Return the text without the leading symbol by which a list shows a state: `✅ Courier`."""
    return text.lstrip("".join({letter for letter in text if _is_symbol(letter)}))


def _is_symbol(letter: str) -> bool:
    return letter.isspace() or (letter > "\x7f" and unicodedata.category(letter) in ("So", "Sk", "Mn", "Cf", "Po"))


def normalize_search(text: object) -> str:
    """Return the text being typed into a menu."""
    return strip_formatting(grammar.unescaped(normalize(str(text or ""))))
