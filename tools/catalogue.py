"""Collects every sentence the bot says into the translators' catalogues: `make catalogue`.

What is new comes in without a translation, what is said no more goes; a test fails until each has one.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from io import BytesIO
from pathlib import Path
from typing import IO

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

import bot.commands
from bot.dispatch.registry import HandlerRegistry
from bot.i18n import ENGLISH, LANGUAGES

BOT = Path(__file__).parent.parent / "bot"
LOCALES = BOT / "i18n" / "locales"
# https://babel.pocoo.org/en/latest/messages.html#extraction-method-mapping-and-configuration
# The shell (`cli`, `doctor`) speaks English, as logs do.
METHODS = [
    ("web/claim/templates/**.html", "jinja2"),
    *((f"{room}/**", "ignore") for room in ("cli", "doctor")),
    ("**.py", "tools.catalogue:calls"),
]
BABELS_OWN = (
    '"POT-Creation-Date',
    '"PO-Revision',
    '"Generated',
    '"Last-Tr',
    '"Project-Id',
    '"Report',
    '"Language-Team',
)
KEYWORDS = {"_": None, "gettext_noop": None, "Text": None, "ngettext": (1, 2), "Counted": (1, 2)}


def calls(
    file: IO[bytes], keywords: Collection[str], comment_tags: object, options: object
) -> Iterator[tuple[int, str, tuple[str | None, ...], list[str]]]:
    """What is said in a Python file, for Babel, whose own reader overlooks what stands inside an f-string.

    https://babel.pocoo.org/en/latest/messages.html#writing-extraction-methods
    """
    for node in ast.walk(ast.parse(file.read())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in keywords:
            words = tuple(map(_text, node.args))
            yield from [(node.lineno, node.func.id, words, [])] if words != ("",) else []


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def messages() -> Iterator[str | tuple[str, str]]:
    """Every sentence in the code and the pages, pairs for one and many, and what `help` says of each command."""
    for _, _, message, _, _ in extract_from_dir(BOT, METHODS, keywords=KEYWORDS, comment_tags=()):
        yield message if isinstance(message, str) else (message[0], message[1])
    for entry in HandlerRegistry.scan(bot.commands).commands():
        yield from (entry.summary, *(line for line in entry.usage if not line.startswith("/")))


def template() -> Catalog:
    """All messages, in the order of the alphabet, without places: a moved line changes no catalogue."""
    catalog = Catalog()
    for message in sorted(set(messages()), key=str):
        catalog.add(message)
    return catalog


def path(language: str) -> Path:
    """The catalogue of a language, where gettext's tools look for it."""
    return LOCALES / language / "LC_MESSAGES" / "bot.po"


def read(language: str) -> Catalog:
    """The catalogue of a language as it is; an empty one for a new language."""
    if not path(language).exists():
        return Catalog(
            locale=language, header_comment=f"# {language}: translations of the bot's sentences.", fuzzy=False
        )
    with path(language).open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str) -> Catalog:
    """The catalogue of a language with what is new, without what is gone."""
    catalog = read(language)
    catalog.update(template(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    return catalog


def as_text(catalog: Catalog) -> str:
    """A catalogue as its file holds it."""
    text = BytesIO()
    write_po(text, catalog, width=120, sort_output=True, ignore_obsolete=True, omit_header=False)
    return "".join(line for line in text.getvalue().decode("utf-8").splitlines(True) if not line.startswith(BABELS_OWN))


def main() -> None:
    """Write each catalogue anew, and say how many sentences wait for a translation."""
    for language in LANGUAGES:
        if language == ENGLISH:
            continue
        catalog = updated(language)
        path(language).parent.mkdir(parents=True, exist_ok=True)
        path(language).write_text(as_text(catalog), "utf-8")
        waiting = sum(1 for message in catalog if message.id and not translated(message))
        print(f"catalogue: {language}.po, {len(catalog)} sentences, {waiting} without a translation")  # noqa: T201


def translated(message: Message) -> bool:
    """Whether every form of a message has words."""
    forms = message.string if isinstance(message.string, tuple) else (message.string,)
    return all(forms)


if __name__ == "__main__":
    main()
