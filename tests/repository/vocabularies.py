"""The words of closed vocabularies, and the places in source code where one is spelt out instead of named.

A place counts by the name that takes the word: a field, parameter or column that is declared with an enum somewhere in
the product. Only a word of that very enum counts there, so the same word elsewhere (`"get"` as a subcommand) is free.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

import bot
from bot.domain.audit import AuditAction, AuditOutcome, Entrypoint
from bot.domain.model import BuildEvent, CardUpdate, ChannelNotice, Stage
from bot.domain.outcomes import ClaimOutcome, PollOutcome, RequestOutcome, WebhookOutcome
from bot.domain.states import BisectionState, BisectVerdict, DeliveryState, WatchState
from bot.domain.tickets import TicketState, TicketStatus
from tests.repository.shell import ROOT

PRODUCT = tuple(
    path
    for path in sorted((ROOT / "bot").rglob("*.py"))
    if not path.is_relative_to(ROOT / "sandbox") and not path.is_relative_to(ROOT / "bot/db/migrations")
)
MANY = {"tuple", "list", "set", "frozenset", "Sequence", "Collection", "Iterable", "Annotated"}
LABELS = {*Entrypoint, *AuditOutcome, *RequestOutcome, *PollOutcome, *WebhookOutcome, *ClaimOutcome, *TicketStatus}
STORED = {
    *AuditAction,
    *AuditOutcome,
    *BisectionState,
    *DeliveryState,
    *Entrypoint,
    *BuildEvent,
    *CardUpdate,
    *ChannelNotice,
    *Stage,
    *TicketState,
    *BisectVerdict,
    *WatchState,
}
# fields of Applivery's, where the words are Applivery's to spell, and a name that stands for any reason
FREE = {"type", "status", "why"}
# the tests of the doubles are about what Slack and Applivery say, which is theirs to spell
TESTS = tuple(
    path
    for folder in ("tests", "bench")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if not path.is_relative_to(ROOT / "tests/integration/sandbox")
)
SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|WHERE|CHECK)\b")
QUOTED = re.compile(r"'([a-z][a-z _]*)(?:[:%][^']*)?'")


def enums() -> dict[str, frozenset[str]]:
    """The words of every StrEnum of the product, by its name."""
    found: dict[str, frozenset[str]] = {}
    for module in pkgutil.walk_packages(bot.__path__, "bot."):
        if not module.name.startswith(("sandbox", "bot.db.migrations", "bot.__main__")):
            for kind in vars(importlib.import_module(module.name)).values():
                if isinstance(kind, type) and issubclass(kind, StrEnum) and kind is not StrEnum:
                    found[kind.__name__] = frozenset(kind)
    return found


@dataclass
class DeclaredVocabulary:
    """Which words a field, parameter or column takes, and which positional ones a callable does, by name."""

    fields: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    calls: dict[str, dict[int, set[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))

    def __post_init__(self) -> None:
        """What the libraries cannot declare: a metric's labels, by name and in their order."""
        for place in range(3):
            self.calls["labels"][place] |= LABELS
        self.fields["outcome"] |= LABELS

    def add(self, path: Path, vocabularies: Mapping[str, frozenset[str]]) -> None:
        """Read the declarations of a module."""

        def words(annotation: ast.AST | None) -> set[str]:
            match annotation:
                case ast.Name(name):
                    return set(vocabularies.get(name, ()))
                case ast.BinOp(left, _, right):
                    return words(left) | words(right)
                case ast.Tuple(elts):
                    return {word for element in elts for word in words(element)}
                case ast.Subscript(ast.Name(name), inner) if name in MANY:
                    return words(inner)
                case ast.Subscript(ast.Name("Literal"), ast.Tuple(elts)):
                    return {
                        word for element in elts if isinstance(element, ast.Attribute) for word in words(element.value)
                    }
                case ast.Call(ast.Name("EnumText"), [argument]):
                    return words(argument)
            return set()

        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                declared = [candidate for candidate in node.body if isinstance(candidate, ast.AnnAssign)]
                for place, each_node in enumerate(declared):
                    self._take(ast.unparse(each_node.target), words(each_node.annotation), node.name, place)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                args = [*node.args.posonlyargs, *node.args.args]
                bound = args[:1] != [] and args[0].arg in ("self", "cls")
                for place, arg in enumerate(args[bound:]):
                    self._take(arg.arg, words(arg.annotation), node.name, place)
                for arg in node.args.kwonlyargs:
                    self._take(arg.arg, words(arg.annotation))
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "sa.Column" and len(node.args) > 1:
                self._take(ast.literal_eval(node.args[0]), words(node.args[1]))

    def _take(self, name: str, words: set[str], call: str = "", place: int = 0) -> None:
        if words and name.lstrip("_") not in FREE:
            self.fields[name.lstrip("_")] |= words
            if call and not call.startswith("__"):
                self.calls[call][place] |= words


def spelt_out(path: Path, declared: DeclaredVocabulary) -> Iterator[str]:
    """Every place in a module where such a word is spelt out, as `file:line name = word`."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        for line, name, word in _in(node, declared):
            yield f"{path}:{line} {name} = {word!r}"


def _in(node: ast.AST, declared: DeclaredVocabulary) -> Iterator[tuple[int, str, str]]:
    match node:
        case ast.Compare(left, _, comparators):
            sides = [left, *comparators]
            for each_node, other in pairwise(sides):
                yield from _compared(each_node, other, declared)
                yield from _compared(other, each_node, declared)
        case ast.keyword(str(name), value):
            yield from _given(name, value, declared)
        case ast.Dict(keys, values):
            for key, value in zip(keys, values, strict=True):
                if isinstance(key, ast.Constant):
                    yield from _given(str(key.value), value, declared)
        case ast.Assign([target], value) | ast.AnnAssign(target, _, ast.expr() as value):
            yield from _compared(target, value, declared)
        case ast.FunctionDef(args=args) | ast.AsyncFunctionDef(args=args):
            optional = [*args.posonlyargs, *args.args][len(args.posonlyargs) + len(args.args) - len(args.defaults) :]
            for arg, value in [
                *zip(optional, args.defaults, strict=True),
                *zip(args.kwonlyargs, args.kw_defaults, strict=True),
            ]:
                yield from _given(arg.arg, value, declared)
        case ast.Call(ast.Attribute(attr="parametrize"), [names, ast.List(rows), *_]):
            for row in rows:
                for name, value in _columns(names, row):
                    yield from _given(name, value, declared)
        case ast.Call(func, given):
            places = declared.calls.get(ast.unparse(func).rpartition(".")[2], {})
            for place, value in enumerate(given):
                yield from _words(ast.unparse(func), value, places.get(place, set()))
        case ast.Constant(str(text)) if SQL.search(text):
            for found in QUOTED.finditer(text):
                if found[1] in STORED:
                    yield node.lineno, "SQL", found[1]


def _columns(names: ast.AST, row: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """A parametrized test's arguments by name, of one row; a `pytest.param` counts like the tuple it holds."""
    match names, row:
        case ast.Tuple(named), (ast.Tuple(values) | ast.Call(args=values)):
            yield from ((node.value, value) for node, value in zip(named, values, strict=False))
        case ast.Constant(str(name)), _:
            yield name, row


def _name(node: ast.AST) -> str:
    match node:
        case ast.Name("kind"):
            return ""  # a variable of that name is mostly about something else
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name.lstrip("_")
        case ast.Subscript(slice=ast.Constant(str(name))):
            return name
        case ast.Call(ast.Attribute(attr="get"), [ast.Constant(str(name)), *_]):
            return name
    return ""


def _compared(node: ast.AST, other: ast.AST, declared: DeclaredVocabulary) -> Iterator[tuple[int, str, str]]:
    match node, other:
        case ast.Tuple(left), ast.Tuple(right) if len(left) == len(right):
            for pair in zip(left, right, strict=True):
                yield from _compared(*pair, declared)
        case (
            (ast.ListComp(elt=each) | ast.SetComp(elt=each) | ast.GeneratorExp(elt=each)),
            (ast.List(elts) | ast.Set(elts) | ast.Tuple(elts)),
        ):
            for one_of in elts:
                yield from _compared(each, one_of, declared)
        case _:
            yield from _given(_name(node), other, declared)


def _given(name: str, value: ast.AST | None, declared: DeclaredVocabulary) -> Iterator[tuple[int, str, str]]:
    yield from _words(name, value, declared.fields.get(name, set()))


def _words(name: str, value: ast.AST | None, words: set[str]) -> Iterator[tuple[int, str, str]]:
    match value:
        case ast.Constant(str(word)) if word in words:
            yield value.lineno, name, word
        case ast.Tuple(elts) | ast.List(elts) | ast.Set(elts):
            for element in elts:
                yield from _words(name, element, words)
        case ast.IfExp(_, body, orelse):
            yield from _words(name, body, words)
            yield from _words(name, orelse, words)
