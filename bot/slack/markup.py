"""Convert the bot's sentences, in which text from outside is marked, to mrkdwn, or to rich text if that would alter it.

Pure. https://docs.slack.dev/messaging/formatting-message-text, and for rich text
https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from bot.i18n.verbatim import CLOSE, OPEN, SPAN, unmarked

Element = dict[str, Any]

_TOKEN = re.compile(
    f"{OPEN}(?P<span>[^{CLOSE}]*){CLOSE}?"
    r"|<(?P<live>[^<>]*)>"
    f"|`(?P<code>(?:{OPEN}[^{CLOSE}]*{CLOSE}|[^`{OPEN}])+)`"
    r"|(?P<mark>[*_~])"
    f"|(?P<words>[^{OPEN}<`*_~]+|.)",
    re.DOTALL,
)
_STYLES = {"*": "bold", "_": "italic", "~": "strike"}
LAST = 100_000_000_000  # seconds since 1970
_DATE = re.compile(r"!date\^(-?\d+)\^([^^|]*)\|(.*)")


def needs_rich_text(*texts: str) -> bool:
    """Return whether mrkdwn would show something in these texts wrongly."""
    return any(OPEN in text for text in texts)


def to_mrkdwn(text: str) -> str | None:
    """Return the text as mrkdwn, with marked code as code; None if mrkdwn cannot show it unaltered."""
    if OPEN not in text:
        return text
    parts = [_as_mrkdwn(match, text) for match in _TOKEN.finditer(text)]
    return None if None in parts else "".join(part or "" for part in parts)


def _as_mrkdwn(match: re.Match[str], text: str) -> str | None:
    if (span := match["span"]) is not None:
        beside = text[match.start() - 1 : match.start()] + text[match.end() : match.end() + 1]
        torn = "`" in span or span != span.strip() or not span or any(each_text.isalnum() for each_text in beside)
        return None if torn else f"`{span}`"
    if match["code"]:
        return None if any("`" in span for span in SPAN.findall(match["code"])) else unmarked(match[0])
    return None if match["live"] and OPEN in match["live"] else match[0]


def to_fallback_text(text: str) -> tuple[str, bool]:
    """Return the text for notifications and screen readers, and whether Slack may read it as mrkdwn."""
    said = to_mrkdwn(text)
    return (unmarked(strip_formatting(text)), False) if said is None else (said, True)


def strip_formatting(text: str) -> str:
    """Return the text without our own bold, italics and code; marked text stays as it is."""
    return "\n".join("".join(match["code"] or match[0] for match, _ in _tokenize(line)) for line in text.split("\n"))


# ------------------------------------------------------------------ rich text


def to_rich_text(text: str) -> dict[str, Any]:
    """Return the text as a block of rich text in which only our own formatting applies."""
    lines = SPAN.sub(lambda match: match[0].replace("\n", " "), text).split("\n")
    parts = [
        {"type": "rich_text_quote" if quoted else "rich_text_section", "elements": _lines(list(some), quoted=quoted)}
        for quoted, some in groupby(lines, key=lambda line: line.startswith(">"))
    ]
    return {"type": "rich_text", "elements": parts}


def to_plain_text(block: dict[str, Any]) -> str:
    """Return the words of a block of `to_rich_text`: the label of a link, the fallback of a date."""
    return "\n".join("".join(map(_words, part["elements"])) for part in block["elements"])


def _words(element: Element) -> str:
    return str(element.get("text") or element.get("fallback") or element.get("url") or "")


def _lines(lines: Sequence[str], *, quoted: bool) -> list[Element]:
    found: list[Element] = []
    for number, line in enumerate(lines):
        found += [{"type": "text", "text": "\n"}] * bool(number)
        found += _elements(line[1:] if quoted else line)
    return _merge_neighbours(found) or [{"type": "text", "text": " "}]


def _elements(line: str) -> Iterator[Element]:
    """Return the elements of a line, each with its style."""
    for match, on in _tokenize(line):
        yield from _element(match, {_STYLES[text]: True for text in sorted(on)})


def _tokenize(line: str) -> Iterator[tuple[re.Match[str], frozenset[str]]]:
    """Yield each piece of a line with its style marks, without the marks themselves."""
    tokens = list(_TOKEN.finditer(line))
    on: frozenset[str] = frozenset()
    for number, match in enumerate(tokens):
        mark = match["mark"]
        if mark and _is_style_boundary(line, match, on, tokens[number + 1 :]):
            on ^= {mark}
        else:
            yield match, on


def _is_style_boundary(line: str, match: re.Match[str], on: frozenset[str], later: Sequence[re.Match[str]]) -> bool:
    """Return whether a mark begins or ends a style, which it does only at a word boundary."""
    before, after = line[: match.start()][-1:], line[match.end() :][:1]
    if match["mark"] in on:
        return not after.isalnum() and not before.isspace()
    return (
        not before.isalnum()
        and bool(after.strip())
        and any(each_match["mark"] == match["mark"] for each_match in later)
    )


def _element(match: re.Match[str], style: dict[str, bool]) -> Iterator[Element]:
    if match["live"] is not None:
        yield _apply_style(_special_element(match["live"]), style)
    elif match["code"]:
        yield _apply_style(_text_element(match["code"]), {**style, "code": True})
    elif words := _text_element(match[0])["text"]:
        yield _apply_style({"type": "text", "text": words}, style)


def _special_element(inside: str) -> Element:
    """Return a mention, a date or a link. https://docs.slack.dev/messaging/formatting-message-text#advanced"""
    if date := _DATE.fullmatch(inside):
        if not 0 <= int(date[1]) < LAST:  # Slack's rich text has no dates outside of this range
            return _text_element(date[3])
        return {"type": "date", "timestamp": int(date[1]), "format": date[2], "fallback": _unescape(date[3])}
    meant, _, label = inside.partition("|")
    if meant.startswith("@"):
        return {"type": "user", "user_id": meant[1:]}
    if meant.startswith("#"):
        return {"type": "channel", "channel_id": meant[1:]}
    if meant.startswith("!subteam^"):
        return {"type": "usergroup", "usergroup_id": meant.partition("^")[2]}
    return {"type": "link", "url": _unescape(meant), **({"text": _unescape(label)} if label else {})}


def _text_element(words: str) -> Element:
    return {"type": "text", "text": _unescape(words)}


def _unescape(escaped: str) -> str:
    """Return escaped text as Slack shows it."""
    return unmarked(escaped).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _apply_style(element: Element, style: dict[str, bool]) -> Element:
    return {**element, "style": style} if style else element


def _merge_neighbours(elements: Sequence[Element]) -> list[Element]:
    """Join neighbouring elements of the same style, so that a name is one element."""
    found: list[Element] = []
    for element in elements:
        last = found[-1] if found else None
        if last and element["type"] == last["type"] == "text" and element.get("style") == last.get("style"):
            found[-1] = {**last, "text": last["text"] + element["text"]}
        else:
            found.append(element)
    return found
