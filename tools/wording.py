"""Checks the wording of what people read: `make check`.

Reports each phrase of `tools/banned-phrases.txt` with what to say instead, and sentences and messages that are too
long. Returns 1 when something is found.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TextIO

from bot.i18n import ENGLISH, LANGUAGES
from tools import catalogue

ROOT = Path(__file__).resolve().parents[1]
PHRASES = ROOT / "tools" / "banned-phrases.txt"
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
SHELL_TEXTS = ("bot/cli", "bot/doctor")
COLUMN = re.compile(r"\t+| {2,}")
# A sentence ends with a full stop and a space, a line or the text; the stop of an abbreviation ends none.
END = re.compile(r"(?<!e\.g)(?<!i\.e)(?<!\bp)(?<!\bej)[.?!…](?=[\s”\"_*)]|$)\S?\s*|\n+| · ")
WORD = re.compile(r"`[^`]*`|\{[^{}]*\}|<[^<>]*>|[^\W_][^\s—–]*")
CODE = re.compile(r"`[^`]*`")
MOST_WORDS = {"en": 20, "es": 25}  # of a sentence
MOST_SENTENCES = 2  # of a message


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase that is not to be used."""

    language: str
    pattern: re.Pattern[str]
    instead: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text that people read, and where it stands."""

    place: str
    language: str
    text: str
    is_message: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """A passage with what is wrong with it."""

    passage: Passage
    complaint: str

    def __str__(self) -> str:
        return f"{self.passage.place}: {self.complaint}"


def phrases(text: str) -> Iterator[Phrase]:
    """Yield the phrases of a list. Raises ValueError for a line that cannot be read."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        columns = COLUMN.split(line.strip())
        try:
            language, pattern, instead, *more = columns
            yield Phrase(language, re.compile(pattern, re.IGNORECASE | re.MULTILINE), instead, *more)
        except (ValueError, TypeError, re.error) as error:
            raise ValueError(f"line {number}: language, regular expression, what to say instead ({error})") from None


def passages() -> Iterator[Passage]:
    """Yield everything that is checked: sentences with translations, documents, texts of the shell."""
    for language in LANGUAGES:
        if language != ENGLISH:
            yield from catalogued(language)
    for path in [*(ROOT / name for name in PAGES), *sorted((ROOT / "docs").rglob("*.md"))]:
        yield from document(str(path.relative_to(ROOT)), path.read_text("utf-8"))
    for folder in SHELL_TEXTS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield from literals(str(path.relative_to(ROOT)), path.read_text("utf-8"))


def catalogued(language: str) -> Iterator[Passage]:
    """Yield each English sentence and each translation in a catalogue."""
    for message in catalogue.read(language):
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        if any(ids):
            yield from (Passage(f"msgid {_quoted(text)}", ENGLISH, text) for text in ids)
            yield from (Passage(f"{language} of {_quoted(ids[0])}", language, text) for text in strings if text)


def _quoted(text: str) -> str:
    return "“" + " ".join(text.split()) + "”"


def document(name: str, text: str) -> Iterator[Passage]:
    """Yield each line of a page, without code."""
    is_code = False
    for number, line in enumerate(text.splitlines(), 1):
        is_code ^= line.startswith("```")
        if not is_code and not line.startswith(("    ", "```")):
            yield Passage(f"{name}:{number}", ENGLISH, CODE.sub("``", line), is_message=False)


def literals(name: str, code: str) -> Iterator[Passage]:
    """Yield each text in a Python file that has a space in it; `{…}` stands for a value."""
    tree = ast.parse(code)
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        text = None if id(node) in inner else _literal(node)
        if text and " " in text:
            yield Passage(f"{name}:{node.lineno}", ENGLISH, text, is_message=False)  # type: ignore[attr-defined]


def _literal(node: ast.AST) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_literal(value) or "{…}" for value in values)
    return None


def banned(phrase: Phrase, checked: Iterable[Passage]) -> list[Finding]:
    """Return the passages that have a phrase in them."""
    why = f" ({phrase.why})" if phrase.why else ""
    return [
        Finding(passage, f"“{match.group().strip()}”; say instead: {phrase.instead}{why}")
        for passage in checked
        if passage.language == phrase.language and (match := phrase.pattern.search(passage.text))
    ]


def sentences(text: str) -> list[str]:
    """Split a message into its sentences."""
    return [part for part in END.split(text) if part and WORD.search(part)]


def words(sentence: str) -> int:
    """Count words; a value, a mention or a piece of code is one."""
    return len(WORD.findall(sentence))


def too_long(checked: Iterable[Passage]) -> list[Finding]:
    """Return the messages that have a sentence with too many words."""
    found = []
    for passage in (passage for passage in checked if passage.is_message):
        longest = max(map(words, sentences(passage.text)), default=0)
        if longest > MOST_WORDS[passage.language]:
            found.append(Finding(passage, f"a sentence of {longest} words; at most {MOST_WORDS[passage.language]}"))
    return found


def too_many(checked: Iterable[Passage]) -> list[Finding]:
    """Return the messages that have too many sentences."""
    return [
        Finding(passage, f"{len(parts)} sentences; at most {MOST_SENTENCES}")
        for passage in checked
        if passage.is_message and len(parts := sentences(passage.text.partition("\n")[0])) > MOST_SENTENCES
    ]


@cache
def _all_passages() -> tuple[Passage, ...]:
    return tuple(passages())


def _listed() -> list[Phrase]:
    return list(phrases(PHRASES.read_text("utf-8")))


def main(out: TextIO = sys.stdout) -> int:
    """Print everything that is found. Returns the exit code."""
    checked = _all_passages()
    found = [finding for phrase in _listed() for finding in banned(phrase, checked)]
    found += [*too_long(checked), *too_many(checked)]
    out.writelines(f"wording: {finding}\n" for finding in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
