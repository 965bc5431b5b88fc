"""There is an example of everything that the bot shows in Slack, and the strict checker takes each."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path

import pytest

import bot
from bot.doctor.message_examples import Example, Surface, examples, makers
from bot.i18n.locale import LANGUAGES
from bot.slack.blocks import HomeView, Modal
from sandbox.slack.validation import check_message, check_view

ROOT = Path(bot.__file__).parent
NOT_MAKERS = {"restore_modal"}  # it opens a form again with what was filled in


@pytest.fixture(scope="module")
def every() -> Sequence[Example]:
    return examples()


def test_each_view_function_has_an_example(every: Sequence[Example]) -> None:
    shown = {example.name for example in every}
    assert set(makers()) - shown == set()
    assert len(shown) > 100, "the views are found"


def test_each_form_and_tab_has_an_example() -> None:
    made_in = {
        function.name
        for path in ROOT.rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in (Modal.__name__, HomeView.__name__)
    }
    known = {name.partition(".")[2] for name in makers()}
    assert made_in - known == NOT_MAKERS, "a form is made by a function without I/O, so that it has an example"


def test_the_strict_checker_takes_each_example(every: Sequence[Example]) -> None:
    for example in every:
        if example.surface is Surface.MESSAGE:
            check_message(example.payload)
        else:
            check_view(example.payload, home=example.surface is Surface.HOME)


def test_examples_are_in_every_language_and_length(every: Sequence[Example]) -> None:
    manners = {example.manner for example in every}
    assert manners == {f"{language}, {each}" for language in LANGUAGES for each in ("short", "long", "odd", "empty")}


@pytest.mark.parametrize(
    "kind", ["actions", "context", "data_table", "data_visualization", "header", "input", "rich_text", "section"]
)
def test_examples_hold_each_type_of_block(every: Sequence[Example], kind: str) -> None:
    assert any(block["type"] == kind for example in every for block in example.blocks)


def test_no_example_is_empty(every: Sequence[Example]) -> None:
    assert [example.name for example in every if not example.blocks] == []
