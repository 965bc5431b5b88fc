"""What is said is a sentence the translators have: not one that is put together on the spot."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tools import catalogue


def said() -> Iterator[tuple[str, ast.expr]]:
    """Where something is said, and what."""
    for file in sorted(catalogue.BOT.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in catalogue.KEYWORDS:
                yield f"{file.relative_to(catalogue.BOT)}:{node.lineno}", node.args[0]


def test_translated_text_is_a_whole_sentence() -> None:
    """`_(f"…")` would look a finished sentence up, which no catalogue can hold."""
    every = list(said())
    assert len(every) > 100
    assert [where for where, what in every if isinstance(what, ast.JoinedStr | ast.BinOp)] == []


# Labels of a download report are stored with it, in its language; a build's label is read back as it was typed.
TRANSLATES = {"bot/domain/downloads.py", "bot/domain/build_labels.py"}
FUNCTIONS = {"_", "ngettext", "format_number", "format_day", "format_short_day", "format_month", "current_locale"}


def translating(folder: str) -> set[str]:
    """The files of a folder that ask for the language of the moment."""
    root = catalogue.BOT.parent
    found = set()
    for file in sorted((root / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            name = node.func if isinstance(node, ast.Call) else None
            if isinstance(name, ast.Name) and name.id in FUNCTIONS:
                found.add(str(file.relative_to(root)))
    return found


def test_the_domain_leaves_the_translation_to_the_views() -> None:
    assert translating("bot/domain") <= TRANSLATES


def test_no_error_is_given_a_sentence_that_is_translated_already() -> None:
    """Errors keep a Text, and mypy sees to it; what stands inside of it must be one too."""
    torn = [
        where
        for where, call in texts()
        for value in [*call.args, *(keyword.value for keyword in call.keywords)]
        for node in ast.walk(value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS
    ]
    assert torn == []


def texts() -> Iterator[tuple[str, ast.Call]]:
    """Each Text that is made, and where."""
    for file in sorted(catalogue.BOT.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Text", "Counted"):
                yield f"{file.relative_to(catalogue.BOT)}:{node.lineno}", node
