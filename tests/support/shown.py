"""What people see of a payload in Slack, by Slack's own rules and not by ours: formatting eats its marks.

https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

_CODE = re.compile(r"(?<![^\W_])`([^`\n]+)`(?![^\W_])")
_LIVE = re.compile(r"<([^<>]*)>")
# A name has a letter, but for four of them: 12:30:45 and :': are no pictures.
_EMOJI = re.compile(r":(?:[+-]1|100|1234|(?=[^:\s]*[a-zA-Z])[a-zA-Z0-9_+'-]+):")
_STYLED = [re.compile(rf"(?<!\w)\{mark}(?=\S)([^{mark}\n]+?)(?<=\S)\{mark}(?!\w)") for mark in "*_~"]
_KEPT = re.compile("\ue000(\\d+)\ue001")
# What a client puts a name or a time in the place of
_MENTIONS = {"user": "@{user_id}", "usergroup": "@{usergroup_id}", "channel": "#{channel_id}", "date": "{fallback}"}


def mrkdwn(text: str) -> str:
    """What is seen of mrkdwn; emoji, whose name is gone, is a picture."""
    kept: list[str] = []

    def keep(words: str) -> str:
        kept.append(words)
        return f"\ue000{len(kept) - 1}\ue001"

    text = _CODE.sub(lambda found: keep(found[1]), text)
    text = _LIVE.sub(lambda found: keep(found[1].rpartition("|")[2]), text)
    text = re.sub(r"^(?:>|&gt;)+", "", text, flags=re.MULTILINE)
    for style in _STYLED:
        text = style.sub(r"\1", text)
    text = _EMOJI.sub("🖼", text)
    while _KEPT.search(text):
        text = _KEPT.sub(lambda found: kept[int(found[1])], text)
    return html.unescape(text)


def _plain(part: dict[str, Any]) -> str:
    return str(part["text"]) if part.get("emoji") is False else _EMOJI.sub("🖼", part["text"])


def _leaf(part: dict[str, Any]) -> str:
    if part["type"] in _MENTIONS:
        return _MENTIONS[part["type"]].format_map(part)
    return str(part.get("text") or part.get("url"))


def texts(part: Any) -> Iterator[str]:
    """Every text that people see in blocks, a view or an option, each as a whole."""
    if isinstance(part, list | tuple):
        for inside in part:
            yield from texts(inside)
    elif isinstance(part, dict):
        yield from _of(part)


def _of(part: dict[str, Any]) -> Iterator[str]:
    kind = part.get("type")
    if kind == "mrkdwn":
        yield mrkdwn(part["text"])
    elif kind == "plain_text":
        yield _plain(part)
    elif kind in ("rich_text_section", "rich_text_quote"):
        yield "".join(map(_leaf, part["elements"]))
    elif kind in ("raw_text", "raw_number"):
        yield str(part.get("text"))
    else:
        yield from texts(list(part.values()))


def notification(payload: dict[str, Any]) -> str:
    """What is read in a notification, or aloud."""
    return html.unescape(payload["text"]) if payload.get("mrkdwn") is False else mrkdwn(payload["text"])
