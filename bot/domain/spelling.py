"""Compare typed text with names that were shown, ignoring spelling; pure.

Phones and keyboards replace quotation marks, dashes and dots, Slack's composer adds formatting, and pasted text has
blanks and invisible characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

_ALIKE = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′´", "'"),
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
    }
)
_DASHES = re.compile("-{2,}")
# What may surround a marked word: formatting, code, quotation marks, brackets
_PAIRS = {"*": "*", "_": "_", "~": "~", "`": "`", '"': '"', "'": "'", "(": ")", "[": "]", "<": ">"}
_AROUND = " ,;:.!?"


def plainly(text: str) -> str:
    """Return the text with straight quotation marks, short dashes and single dots, without invisible characters."""
    if text.isascii():
        return text
    words = unicodedata.normalize("NFKC", text).translate(_ALIKE)
    return "".join(letter for letter in words if not _unseen(letter))


def _unseen(letter: str) -> bool:
    return letter > "\x7f" and (unicodedata.category(letter) == "Cf" or "\ufe00" <= letter <= "\ufe0f")


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """Return the text in a normal form, independent of case and of types of blanks, dashes and quotation marks."""
    return _DASHES.sub("-", " ".join(plainly(text).casefold().split()))


@lru_cache(maxsize=4096)
def peeled(text: str) -> str:
    """Return the folded text without formatting, quotation marks and brackets around all of it."""
    words = fold(text)
    while len(words) > 2 and _PAIRS.get(words[0]) == words[-1]:
        words = words[1:-1].strip()
    return words


def inside(text: str) -> str:
    """Return a text without the marks around all of it, otherwise unchanged."""
    words = text.strip()
    return words[1:-1].strip() if len(words) > 2 and _PAIRS.get(plainly(words[0])) == plainly(words[-1]) else words


@lru_cache(maxsize=4096)
def bare(text: str) -> str:
    """Return the folded text without marks around it and the punctuation of a sentence, in either order."""
    words = peeled(text)
    while (inside := peeled(words.strip(_AROUND))) != words and inside:
        words = inside
    return words


# Normal forms in which two texts may be equal, the strictest first
WAYS: tuple[Callable[[str], str], ...] = (str.strip, fold, peeled, bare)
_LONGEST_NAME = 400


def starts(text: str) -> list[tuple[str, str]]:
    """Return each beginning of a text that ends at a word and may be a name, with the rest; longest first."""
    ends = [match.start() for match in re.finditer(r"\s+|\Z", text[: _LONGEST_NAME + 1]) if match.start()]
    return [(text[:end].strip(), text[end:].strip()) for end in reversed(ends) if text[:end].strip()]


def ends(text: str) -> list[tuple[str, str]]:
    """Return each end of a text that begins at a word and may be a name, with the text before it; longest first."""
    begins = [match.end() for match in re.finditer(r"\A|\s+", text) if len(text) - match.end() <= _LONGEST_NAME]
    return [(text[begin:].strip(), text[:begin].strip()) for begin in begins if text[begin:].strip()]
