"""What Slack makes of what people type before an app gets it: escaped, with links of what looks like one.

https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re

# What is picked from Slack's own lists, what is a link already, and what is escaped already
_KEPT = re.compile(r"<[@#!][^<>]*>|<(?:https?|mailto|tel):[^<>]*>|&(?:amp|lt|gt);")
_ADDRESS = re.compile(
    r"(https?://(?:[^\s<>|&]|&amp;)+)|([\w.+-]+@[\w-]+(?:\.[\w-]+)+)|((?:[\w-]+\.)+(?:com|io|net|org|dev|es)\b)"
)


def delivered(typed: str) -> str:
    """The text as an app gets it in a slash command or a message."""
    parts, at = [], 0
    for kept in _KEPT.finditer(typed):
        parts += [_linked(typed[at : kept.start()]), kept[0]]
        at = kept.end()
    return "".join([*parts, _linked(typed[at:])])


def _linked(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _ADDRESS.sub(_link, escaped)


def _link(found: re.Match[str]) -> str:
    if found[1]:
        return f"<{found[1]}>"
    return f"<mailto:{found[2]}|{found[2]}>" if found[2] else f"<http://{found[3]}|{found[3]}>"
