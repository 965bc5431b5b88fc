"""Convert a changelog in Markdown to rich text, without mentions, hidden link targets or images; pure.

The parser is loaded when the first changelog is shown. https://spec.commonmark.org,
https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from bot.i18n.verbatim import unmarked
from bot.slack import blocks
from bot.slack.mrkdwn import escape_inline, strip_invisible

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

Element = dict[str, Any]

PIECE = 2500  # characters in one block
INDENT = 8  # the deepest nesting of lists that Slack accepts
URL = 3000  # characters of an address
_STYLES = {"strong": "bold", "em": "italic", "s": "strike"}
# A text without any of these is not Markdown: one with a mere asterisk is shown as it was written.
_BLOCKS = frozenset({"heading_open", "bullet_list_open", "ordered_list_open", "fence", "blockquote_open"})
_LINKS = frozenset({"link_open", "image"})
_ADDRESS = "autolink"  # <https://acme.example>
# a marker without text, which would not be shown
_EMPTY = re.compile(r"^\s*(?:[-+*>]|#{1,6}|\d+[.)])\s*$", re.MULTILINE)
_WEB = re.compile(r"https?://[^\s<>|]+", re.IGNORECASE)


def formatted(text: str) -> list[tuple[Element, str]]:
    """Return a changelog as blocks, each with its words in mrkdwn; text that is not Markdown is quoted as it is."""
    tokens = parse(text)
    if not is_markdown(text, tokens):
        return [(blocks.section(quoted), quoted.replace("\n>", " ")[1:]) for quoted in blocks.quote(text)]
    return [(block, escape_inline(_said(block), PIECE)) for block in to_rich_text(tokens)]


def _said(part: Element) -> str:
    inner = part.get("elements")
    if inner is None:
        return str(part.get("text") or part.get("url") or "")
    between = "" if part["type"] in ("rich_text_section", "rich_text_quote", "rich_text_preformatted") else " "
    return between.join(map(_said, inner))


def is_markdown(text: str, tokens: Sequence[Token]) -> bool:
    """Return whether a text, parsed to these tokens, is Markdown.

    A heading, list, code, quotation, link, image or bold text makes it Markdown; in a single line only a link or an
    image does, so that versions, branches and asterisks stay as they were written.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    children = [child for token in tokens for child in token.children or ()]
    inside = {child.type for child in children if child.markup != _ADDRESS}
    if len(lines) < 2 or _EMPTY.search(text):
        return bool(inside & _LINKS)
    return bool(inside & (_LINKS | {"strong_open"}) or {token.type for token in tokens} & _BLOCKS)


def to_rich_text(tokens: Sequence[Token]) -> list[dict[str, Any]]:
    """Return parsed Markdown as blocks of rich text of at most `PIECE` characters each.

    Only links to the web stay links, with their address visible; an image becomes its description. There are no
    mentions.
    """
    pieces: list[list[Element]] = [[]]
    room = PIECE
    for part in _parts(tokens):
        for cut in _cut(part):
            size = _size(cut)
            if size > room and pieces[-1]:
                pieces.append([])
                room = PIECE
            _append(pieces[-1], cut)
            room -= size
    return [{"type": "rich_text", "elements": piece} for piece in pieces if piece]


def _append(parts: list[Element], part: Element) -> None:
    """Add a part; an item is appended to the list before it, if it belongs to that."""
    last = parts[-1] if parts else {}
    same = all(part.get(key) == last.get(key) for key in ("type", "style", "indent"))
    if same and part["type"] == "rich_text_list":
        parts[-1] = {**last, "elements": [*last["elements"], *part["elements"]]}
    else:
        parts.append(part)


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - 50 modules, for those who read changelogs

    return MarkdownIt("commonmark", {"html": False}).enable("strikethrough")


def parse(text: str) -> list[Token]:
    """Return the tokens of a text that may be Markdown; for a long text this takes most of the time."""
    return _parser().parse(text)


# ------------------------------------------------------------------ blocks


def _parts(tokens: Sequence[Token]) -> Iterator[Element]:
    """Yield the parts of rich text; nested lists follow one another, each with its indentation."""
    reader = _BlockReader()
    for token in tokens:
        yield from reader.read(token)


class _BlockReader:
    """Convert the tokens of a Markdown text into the parts of rich text, one after another."""

    def __init__(self) -> None:
        self._lists: list[Element] = []
        self._items: list[list[Element]] = []  # the elements of each open item
        self._quotes = 0
        self._is_heading = False

    def read(self, token: Token) -> Iterator[Element]:
        """Yield the parts that are complete with this token."""
        kind = token.type.removesuffix("_open").removesuffix("_close")
        if kind in ("bullet_list", "ordered_list"):
            yield from self._read_list(token)
        elif kind == "list_item":
            yield from self._read_item(token)
        elif kind in ("fence", "code_block"):
            yield from self._read_code(token)
        elif kind == "inline":
            yield from self._read_words(token)
        elif kind == "hr":
            yield _section([{"type": "text", "text": "———"}])
        elif kind == "blockquote":
            self._quotes += token.nesting
        elif kind == "heading":
            self._is_heading = token.nesting > 0

    def _read_list(self, token: Token) -> Iterator[Element]:
        if token.nesting < 0:
            self._lists.pop()
            return
        yield from self._end_words()
        self._lists.append(_list_of(token, len(self._lists)))

    def _read_item(self, token: Token) -> Iterator[Element]:
        if token.nesting > 0:
            self._items.append([])
            return
        yield from self._end_words()
        self._items.pop()

    def _read_code(self, token: Token) -> Iterator[Element]:
        yield from self._end_words()
        if code := _visible(token.content).rstrip("\n"):
            yield {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": code}]}

    def _read_words(self, token: Token) -> Iterator[Element]:
        words = list(_inline(token.children or (), bold=self._is_heading))
        if self._items:
            self._items[-1] += [*([{"type": "text", "text": "\n"}] if self._items[-1] else []), *words]
        elif words:
            yield _section(words, is_quote=self._quotes > 0)

    def _end_words(self) -> Iterator[Element]:
        """Yield the words of an item so far, before a list or code inside of it."""
        if self._items and self._items[-1]:
            yield _item(self._lists[-1], self._items[-1])
            self._items[-1] = []


def _section(words: Sequence[Element], *, is_quote: bool = False) -> Element:
    return {"type": "rich_text_quote" if is_quote else "rich_text_section", "elements": list(words)}


def _list_of(token: Token, depth: int) -> Element:
    style = "bullet" if token.type.startswith("bullet") else "ordered"
    first = int(token.attrGet("start") or 1)
    return {"style": style, "indent": min(depth, INDENT), "next": first}


def _item(of: Element, words: Sequence[Element]) -> Element:
    """Return an item as a list of its own, since a list in Slack contains nothing but its items."""
    shown: Element = {"type": "rich_text_list", "style": of["style"], "indent": of["indent"]}
    if of["style"] == "ordered":
        shown["offset"] = of["next"] - 1
        of["next"] += 1
    return {**shown, "elements": [_section(words)]}


# ------------------------------------------------------------------ words


def _inline(tokens: Sequence[Token], *, bold: bool = False) -> Iterator[Element]:
    style: dict[str, bool] = {"bold": True} if bold else {}
    targets: list[str] = []
    is_address = False
    for token in tokens:
        kind = token.type.removesuffix("_open").removesuffix("_close")
        if kind in _STYLES:
            style = {**style, _STYLES[kind]: True} if token.nesting > 0 else _without(style, _STYLES[kind], bold=bold)
        elif token.type == "link_open":
            targets.append(str(token.attrGet("href") or ""))
            is_address = token.markup == _ADDRESS
        elif token.type == "link_close":
            yield from _target(targets.pop(), token.markup == _ADDRESS, style)
        elif token.type in ("softbreak", "hardbreak"):
            yield {"type": "text", "text": "\n"}
        elif words := _visible(token.content):
            if targets and is_address and words == targets[-1]:
                continue  # the address is its own label
            if targets and is_address:  # the parsed target differs from what is written: `<https://acme.example|words>`
                targets[-1], words = "", f"<{words}>"
            shown = {**style, "code": True} if token.type == "code_inline" else style
            yield {"type": "text", "text": words, **({"style": shown} if shown else {})}


def _visible(text: str) -> str:
    """Return text from outside without invisible characters, which a character entity may have added."""
    return strip_invisible(unmarked(text))


def _without(style: dict[str, bool], name: str, *, bold: bool) -> dict[str, bool]:
    return style if bold and name == "bold" else {key: value for key, value in style.items() if key != name}


def _target(url: str, is_address: bool, style: dict[str, bool]) -> Iterator[Element]:
    """Yield the address of a link visibly after its label, so that the label cannot deceive."""
    about = {"style": style} if style else {}
    before, after = ("", "") if is_address else (" (", ")")
    if before:
        yield {"type": "text", "text": before, **about}
    if _WEB.fullmatch(url) and len(url) <= URL and url.isprintable():
        yield {"type": "link", "url": url, **about}
    elif url:
        yield {"type": "text", "text": _visible(url), **about}
    if after:
        yield {"type": "text", "text": after, **about}


# ------------------------------------------------------------------ limits


def _size(part: Element) -> int:
    inner = part.get("elements")
    return sum(map(_size, inner)) if inner else len(str(part.get("text") or part.get("url") or ""))


def _cut(part: Element) -> Iterator[Element]:
    """Yield a part in pieces that each fit into a block."""
    if _size(part) <= PIECE:
        yield part
        return
    inner = part["elements"][0]
    if part["type"] == "rich_text_list":
        for number, piece in enumerate(_cut(inner)):
            # the rest of a numbered item gets no number of its own
            yield {**part, "elements": [piece]} if not number else piece
        return
    some: list[Element] = []
    room = PIECE
    for element in part["elements"]:
        for piece in _slices(element):
            if _size(piece) > room and some:
                yield {**part, "elements": some}
                some, room = [], PIECE
            some.append(piece)
            room -= _size(piece)
    if some:
        yield {**part, "elements": some}


def _slices(element: Element) -> Iterator[Element]:
    text = element.get("text")
    if not isinstance(text, str) or len(text) <= PIECE:
        yield element
        return
    for at in range(0, len(text), PIECE):
        yield {**element, "text": text[at : at + PIECE]}
