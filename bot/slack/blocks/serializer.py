"""Serialize the SDK's models as their own `to_dict` does, including its checks, in a fifth of the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from slack_sdk.models.basic_objects import JsonObject
from slack_sdk.models.blocks import ConfirmObject, Option

# The JSON keys of a class, each with the name of its attribute.
_KEYS: dict[type[JsonObject], tuple[tuple[str, str], ...]] = {
    # the public attributes (`title`) are plain strings, as in version 2 of the SDK; its `to_dict` reads these instead
    ConfirmObject: tuple((key, f"_{key}") for key in ("confirm", "deny", "style", "text", "title")),
    Option: (("description", "_block_description"), ("text", "_text"), ("url", "url"), ("value", "value")),
}
_LEAVES = frozenset({str, bool, int, dict})  # isinstance with the SDK's abstract classes takes ten times as long


def serialize(model: JsonObject) -> dict[str, Any]:
    """Return the JSON of a model. Raises SlackObjectFormationError when it breaks one of Slack's limits.

    The SDK searches `dir()` for a model's checks each time, and again for each enclosing model; here they are looked
    up once per class. A list of ten builds consists of fifty models.
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
        elif item or item is False or item == 0:  # neither None nor an empty list
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
    """Return whether a class has neither a `to_dict` of its own nor lists that may be empty."""
    return kind in _KEYS or (kind.to_dict is JsonObject.to_dict and not kind.__name__.startswith("RichText"))


@cache
def _validators(kind: type[JsonObject]) -> tuple[Callable[[JsonObject], None], ...]:
    named: Iterator[Any] = (getattr(kind, name, None) for name in dir(kind) if not name.startswith("__"))
    return tuple(found for found in named if hasattr(found, "validator"))
