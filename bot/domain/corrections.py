"""Correct a typed command by replacing a wrong word with the user's choice; pure."""

from __future__ import annotations

import re

# What may surround a word: blanks, formatting, quotation marks, a key before its value, commas in a list
_BEFORE = r"(?<![^\s:：,\"“„«(*_~`-])"
_MARKS = re.compile(r"(?<!\S)[*_~`]+|[*_~`]+(?!\S)")
_AFTER = r"(?![^\s,.;:!?\"”»)*_~`])"


def corrected(text: str, replaces: str, typed: str) -> str | None:
    """Return the text with `replaces` replaced by `typed`, or with `typed` appended if `replaces` is empty.

    `key:*` replaces every value of an option. None if the text does not contain `replaces`, formatted or not.
    """
    if replaces.endswith(":*"):
        others = re.sub(rf'(?<!\S){re.escape(replaces[:-1])}(?:"[^"]*"|\S*)', "", text, flags=re.IGNORECASE)
        return f"{' '.join(others.split())} {typed}".strip()
    if not replaces.strip():
        return f"{text} {typed}".strip()
    words = r"\s+".join(map(re.escape, replaces.split()))
    after = "" if replaces.endswith((":", "：")) else _AFTER
    for shown in (text, _MARKS.sub("", text)):
        if found := re.search(f"{_BEFORE}{words}{after}", shown, re.IGNORECASE):
            return f"{shown[: found.start()]}{typed}{shown[found.end() :]}"
    return None
