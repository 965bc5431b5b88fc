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


def test_what_is_said_is_a_sentence_and_not_put_together() -> None:
    """`_(f"…")` would look a finished sentence up, which no catalogue can hold."""
    every = list(said())
    assert len(every) > 100
    assert [where for where, what in every if isinstance(what, ast.JoinedStr | ast.BinOp)] == []
