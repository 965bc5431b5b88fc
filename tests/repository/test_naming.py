"""Names and sentences of the code: variables are nouns, test names are short, docstrings say what the code does."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.repository.shell import ROOT

INDEFINITE = re.compile(r"nobody|somebody|whoever|whatever|everybody|anybody", re.IGNORECASE)
MOST_INDEFINITE = 1.0  # per 1,000 lines
RIDDLE = re.compile(rf"^test_(what|who|whom|it|its|they|their)_|{INDEFINITE.pattern}")
LONGEST_TEST_NAME = 60  # characters, with "test_"


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def variables(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that is bound as a variable or a parameter, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.MatchAs(name=str(name)):
                yield name, node.lineno
            case ast.ExceptHandler(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name, node.lineno


def names_of_tests(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name


def test_no_variable_is_called_one() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in modules("bot", "tests", "sandbox", "bench", "tools")
        for name, line in variables(ast.parse(path.read_text("utf-8")))
        if name == "one"
    ]
    assert not found, "call it what it holds: a build, a row, a subscription"


def test_a_class_name_stands_for_one_thing() -> None:
    found: dict[str, list[str]] = {}
    for path in modules("bot"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


def test_sentences_name_their_actors() -> None:
    texts = [path.read_text("utf-8") for path in modules("bot")]
    lines = sum(text.count("\n") for text in texts)
    found = Counter(word.lower() for text in texts for word in INDEFINITE.findall(text))
    assert found.total() * 1000 / lines <= MOST_INDEFINITE, "say user, operator, replica or Slack"


def test_test_name_is_short_and_names_the_unit() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules("tests")
        for name in names_of_tests(ast.parse(path.read_text("utf-8")))
        if len(name) > LONGEST_TEST_NAME or RIDDLE.search(name)
    ]
    assert not found, "call it test_<unit>_<condition>_<result>; a docstring can say more"
