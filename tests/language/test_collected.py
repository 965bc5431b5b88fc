"""What is said in the code reaches the translators: nothing is said where the collecting tool does not look."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tools import catalogue

SHELL = ("sandbox", "cli", "doctor", "language")


def said() -> Iterator[tuple[str, ast.expr]]:
    """Where something is said, and what."""
    for file in sorted(catalogue.BOT.rglob("*.py")):
        where = file.relative_to(catalogue.BOT)
        for node in ast.walk(ast.parse(file.read_text("utf-8"))) if where.parts[0] not in SHELL else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in catalogue.KEYWORDS:
                yield f"{where}:{node.lineno}", node.args[0]


def test_no_sentence_is_said_where_it_is_not_collected() -> None:
    """Inside the braces of an f-string Babel sees nothing before Python 3.12."""
    collected = {one if isinstance(one, str) else one[0] for one in catalogue.messages()}
    sentences = [(where, what.value) for where, what in said() if isinstance(what, ast.Constant)]
    assert len(sentences) > 10
    assert [(where, sentence) for where, sentence in sentences if sentence not in collected] == []


def test_what_is_said_is_a_sentence_and_not_put_together() -> None:
    """`say(f"…")` would look a finished sentence up, which no catalogue can hold."""
    assert [where for where, what in said() if isinstance(what, ast.JoinedStr | ast.BinOp)] == []
