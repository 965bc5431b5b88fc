"""The bricks the block rules are built of, and the words in which Slack says that a rule is broken."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

URI = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:(//[^/?#\s]+\S*|[^/\s]\S*)")


class ValidationErrors:
    """What is wrong with a payload, each with the JSON pointer of the place."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def add(self, words: str, at: str) -> None:
        """Remember one fault at the JSON pointer `at`."""
        self.said.append(f"{words} [json-pointer:{at}]")

    def __bool__(self) -> bool:
        return bool(self.said)


Rule = Callable[[Any, str, ValidationErrors], None]


def text(longest: int, shortest: int = 1) -> Rule:
    """A bare string of `shortest` to `longest` characters."""

    def check(value: Any, at: str, found: ValidationErrors) -> None:
        if not isinstance(value, str):
            found.add("must be a string", at)
        elif len(value) < shortest:
            found.add(f"must be more than {shortest - 1} characters", at)
        elif len(value) > longest:
            found.add(f"must be less than {longest + 1} characters", at)

    return check


def small(most: int) -> Rule:
    """A string of at most so many bytes: where Slack does not say what its characters are, the stricter reading."""

    def check(value: Any, at: str, found: ValidationErrors) -> None:
        if isinstance(value, str) and len(value.encode("utf-8", "replace")) > most:
            found.add(f"must be less than {most + 1} bytes", at)

    return check


def matching(pattern: str, words: str) -> Rule:
    """A string that fits `pattern` whole; `words` say what it must be."""

    def check(value: Any, at: str, found: ValidationErrors) -> None:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            found.add(words, at)

    return check


def boolean(value: Any, at: str, found: ValidationErrors) -> None:
    """A JSON true or false."""
    if not isinstance(value, bool):
        found.add("must be a boolean", at)


def integer(least: int, most: int) -> Rule:
    """A whole number within bounds, both included."""

    def check(value: Any, at: str, found: ValidationErrors) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            found.add("must be an integer", at)
        elif value < least:
            found.add(f"must be more than {least - 1}", at)
        elif value > most:
            found.add(f"must be less than {most + 1}", at)

    return check


def number(value: Any, at: str, found: ValidationErrors) -> None:
    """Any finite JSON number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        found.add("must be a number", at)


def address(value: Any, at: str, found: ValidationErrors) -> None:
    """A URL of at most 3000 characters; `scheme://` needs a host, so `itms-services://?…` is refused as Slack does."""
    text(3000)(value, at, found)
    if isinstance(value, str) and value and not URI.fullmatch(value):
        found.add("must be a valid URL", at)


def choice(*words: str) -> Rule:
    """One of these strings."""

    def check(value: Any, at: str, found: ValidationErrors) -> None:
        if value not in words:
            found.add(f"must be a valid enum value: {', '.join(words)}", at)

    return check


def anything(value: Any, at: str, found: ValidationErrors) -> None:
    """A field whose inside is not looked at."""


def items(rule: Rule, most: int, least: int = 1) -> Rule:
    """A list of `least` to `most` things that each keep `rule`."""

    def check(value: Any, at: str, found: ValidationErrors) -> None:
        if not isinstance(value, list):
            found.add("must provide an array", at)
            return
        if len(value) < least:
            found.add(f"no less than {least} items allowed", at)
        if len(value) > most:
            found.add(f"no more than {most} items allowed", at)
        for index, item in enumerate(value):
            rule(item, f"{at}/{index}", found)

    return check


Check = Callable[[Mapping[str, Any], str, ValidationErrors], None]


@dataclass(frozen=True)
class ObjectSchema:
    """An object: its required and optional fields, and the checks that look at several fields at once."""

    required: Mapping[str, Rule] = field(default_factory=dict)
    optional: Mapping[str, Rule] = field(default_factory=dict)
    checks: Sequence[Check] = ()
    typed: bool = True

    def __call__(self, value: Any, at: str, found: ValidationErrors) -> None:
        """Check one value; every fault is added to `found`."""
        if not isinstance(value, dict):
            found.add("must provide an object", at)
            return
        for name in self.required:
            if value.get(name) is None:
                found.add(f"missing required field: {name}", at)
        for name, part in value.items():
            self._field(name, part, at, found)
        for check in self.checks:
            check(value, at, found)

    def _field(self, name: str, part: Any, at: str, found: ValidationErrors) -> None:
        rule = self.required.get(name) or self.optional.get(name)
        if rule is None:
            if not (name == "type" and self.typed):
                found.add(f"invalid additional property: {name}", at)
        elif part is not None:
            rule(part, f"{at}/{name}", found)


def one_of(shapes: Mapping[str, Rule]) -> Rule:
    """An object whose `type` says which of `shapes` it has to keep."""

    def check(value: Any, at: str, found: ValidationErrors) -> None:
        if not isinstance(value, dict):
            found.add("must provide an object", at)
        elif "type" not in value:
            found.add("missing required field: type", at)
        elif not isinstance(value["type"], str) or value["type"] not in shapes:
            found.add(f"unsupported type: {value['type']}", f"{at}/type")
        else:
            shapes[value["type"]](value, at, found)

    return check


def together(*rules: Rule) -> Rule:
    """A value that keeps all of `rules`."""

    def check(value: Any, at: str, found: ValidationErrors) -> None:
        for rule in rules:
            rule(value, at, found)

    return check


def any_field(*names: str) -> Check:
    """At least one of these fields must be there."""

    def check(value: Mapping[str, Any], at: str, found: ValidationErrors) -> None:
        if not any(value.get(name) for name in names):
            found.add(f"missing required field: {names[0]}", at)

    return check


def only_one(*names: str) -> Check:
    """At most one of these fields may be there."""

    def check(value: Mapping[str, Any], at: str, found: ValidationErrors) -> None:
        if sum(value.get(name) is not None for name in names) > 1:
            found.add(f"only one of {', '.join(names)} is allowed", at)

    return check


def unique(what: str, of: Callable[[Any], Any]) -> Rule:
    """A list in which no two things share `of(thing)`; None never clashes."""

    def check(value: Any, at: str, found: ValidationErrors) -> None:
        seen: set[Any] = set()
        for index, item in enumerate(value if isinstance(value, list) else []):
            mark = of(item)
            if isinstance(mark, str) and mark in seen:
                found.add(f'`{what}` "{mark}" already exists', f"{at}/{index}/{what}")
            elif isinstance(mark, str):
                seen.add(mark)

    return check


def key(name: str) -> Callable[[Any], Any]:
    """What a thing has under `name`, or None when it is no object."""
    return lambda item: item.get(name) if isinstance(item, dict) else None
