"""Text from outside inside our own sentences: it is enclosed in two marks until it is rendered.

Slack formats what is between `*`, `_`, `~` and backticks, and has no way to escape them, so a sentence has to remember
which of its words are quoted: https://docs.slack.dev/messaging/formatting-message-text. The two marks are
noncharacters, which Unicode reserves for use inside of a program: https://www.unicode.org/faq/private_use.html
"""

from __future__ import annotations

import re
from functools import cache

OPEN, CLOSE = "\ufdd0", "\ufdd1"
SPAN = re.compile(f"{OPEN}([^{OPEN}{CLOSE}]*){CLOSE}?")
_MARKS = re.compile(f"[{OPEN}{CLOSE}]")
_EMOJI = r":(?:[+-]1|100|1234|(?=[^:\s]*[a-z])[\w+'-]+):"
# What Slack formats, or what ends the bold text or the quotation around it
_FORMATTED = re.compile(rf"[*_~`]|\A[\s>]|\s\Z|{_EMOJI}", re.IGNORECASE)
_QUOTED = re.compile(r"“[^”]*”|«[^»]*»|„[^“”]*[“”]")
_CODE = re.compile(r"`[^`]*`")
_NAME = re.compile(r"\{(\w+)\}")


def verbatim(text: object) -> str:
    """Text from outside, marked when Slack would format it, for a sentence that may be read there."""
    words = unmarked(str(text))
    return f"{OPEN}{words}{CLOSE}" if _FORMATTED.search(words) else words


def code(text: object) -> str:
    """Something to type, as code."""
    return f"`{_in_code(str(text))}`"


def _in_code(text: str) -> str:
    words = unmarked(text)
    return f"{OPEN}{words}{CLOSE}" if "`" in words else words


def unmarked(text: str) -> str:
    """Return the text without the marks: for the CLI, web pages and other plain text."""
    return _MARKS.sub("", text) if OPEN in text or CLOSE in text else text


def filled(sentence: str, values: dict[str, object]) -> str:
    """Return the sentence with its `{names}` filled in; what it puts into quotation marks or code is from outside."""
    quoted, typed = _from_outside(sentence)
    marked = {
        name: verbatim(value) if name in quoted else _in_code(value)
        for name, value in values.items()
        if (name in quoted or name in typed) and isinstance(value, str)
    }
    return sentence.format(**values | marked)


@cache
def _from_outside(sentence: str) -> tuple[frozenset[str], frozenset[str]]:
    quoted, typed = (
        frozenset(name for part in kind.findall(sentence) for name in _NAME.findall(part)) for kind in (_QUOTED, _CODE)
    )
    return quoted - typed, typed
