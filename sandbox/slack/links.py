"""Every web address in a message: its text, its blocks, its buttons and its pictures."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from sandbox.slack.message import FakeMessage

MARKED = re.compile(r"<(https?://[^|>\s]+)(?:\|[^>]*)?>")
BARE = re.compile(r"https?://[^\s<>|\"`]+")
ADDRESS_KEYS = {"url", "image_url", "video_url", "thumbnail_url", "title_url", "provider_icon_url", "from_url"}
NOT_SHOWN = {"value", "action_id", "block_id", "type", "callback_id"}


def in_words(words: str) -> Iterator[str]:
    """The addresses in a text, marked up as <url|label> or bare."""
    for found in MARKED.finditer(words):
        yield html.unescape(found[1])
    for found in BARE.finditer(MARKED.sub(" ", words)):
        yield html.unescape(found[0]).rstrip(").,;:!?'*_~")


def in_blocks(part: Any) -> Iterator[str]:
    """The addresses anywhere inside blocks or attachments."""
    if isinstance(part, list):
        for each in part:
            yield from in_blocks(each)
    elif isinstance(part, str):
        yield from in_words(part)
    elif isinstance(part, dict):
        for name, inside in part.items():
            if name in ADDRESS_KEYS and isinstance(inside, str):
                yield inside
            elif name not in NOT_SHOWN:
                yield from in_blocks(inside)


def of_message(message: FakeMessage) -> list[str]:
    """The addresses of a message, each once, in order."""
    every = [*in_words(message.text), *in_blocks(message.blocks), *in_blocks(message.attachments)]
    return [each for each in dict.fromkeys(every) if each.startswith(("http://", "https://"))]
