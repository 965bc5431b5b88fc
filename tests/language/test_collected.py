"""What is said in the code reaches the translators: nothing is said where the collecting tool does not look."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tools import catalogue

SHELL = ("sandbox", "cli", "doctor", "language")


def said() -> Iterator[tuple[str, str]]:
    """Where a sentence is said, and the sentence."""
    for file in sorted(catalogue.BOT.rglob("*.py")):
        if file.relative_to(catalogue.BOT).parts[0] in SHELL:
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if (first := _first(node)) and isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield f"{file.relative_to(catalogue.BOT)}:{node.lineno}", first.value


def _first(node: ast.AST) -> ast.expr | None:
    """What is said, when this says something."""
    says = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in catalogue.KEYWORDS
    return node.args[0] if says and node.args else None


def test_no_sentence_is_said_where_it_is_not_collected() -> None:
    """Inside the braces of an f-string Babel sees nothing before Python 3.12."""
    collected = {one if isinstance(one, str) else one[0] for one in catalogue.messages()}
    assert [(where, sentence) for where, sentence in said() if sentence not in collected] == []


def test_what_is_said_is_a_sentence_and_not_put_together() -> None:
    """`say(f"…")` would look a finished sentence up, which no catalogue can hold."""
    wrong = []
    for file in sorted(catalogue.BOT.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if (first := _first(node)) and isinstance(first, ast.JoinedStr | ast.BinOp):
                wrong.append(f"{file.name}:{first.lineno}")
    assert wrong == []
