"""The rules of Work Objects. https://docs.slack.dev/messaging/work-objects-implementation#entity-payload-schema"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.slack.validation.schema import (
    ObjectSchema,
    Rule,
    ValidationErrors,
    address,
    anything,
    boolean,
    choice,
    integer,
    items,
    text,
    unique,
)

METADATA_LIMIT = 16_000  # not documented; one app was refused far above it: https://github.com/linear/linear/pull/1080
TYPES = ("task", "file", "item", "incident", "content_item")
FIELD_TYPES = (
    "string",
    "integer",
    "boolean",
    "array",
    *(
        f"slack#/types/{each}"
        for each in ("user", "channel_id", "timestamp", "date", "image", "link", "email", "entity_ref")
    ),
)
ONLY_OF_STRINGS = ("tag_color", "format", "long")


def _object(required: Mapping[str, Rule], optional: Mapping[str, Rule], *checks: Any) -> ObjectSchema:
    return ObjectSchema(required, optional, checks, typed=False)


def _of_its_type(field: Mapping[str, Any], at: str, found: ValidationErrors) -> None:
    """A string may be coloured or formatted, and every other value is of its type."""
    kind, value = field.get("type"), field.get("value")
    for name in ONLY_OF_STRINGS:
        if name in field and kind != "string":
            found.add(f"{name} is for strings", f"{at}/{name}")
    if kind == "string" and not (isinstance(value, str) and value):
        found.add("must be a string", f"{at}/value")
    if kind in ("integer", "slack#/types/timestamp") and not (isinstance(value, int) and not isinstance(value, bool)):
        found.add("must be an integer", f"{at}/value")


def _ordered(payload: Mapping[str, Any], at: str, found: ValidationErrors) -> None:
    """The order names fields that there are."""
    custom = [each.get("key") for each in payload.get("custom_fields") or () if isinstance(each, dict)]
    there = {*custom, *(payload.get("fields") or {})}
    if not set(payload.get("display_order") or ()) <= there:
        found.add("names an unknown field", f"{at}/display_order")


ICON = _object({"alt_text": text(2000)}, {"url": address, "slack_file": anything})
ACTION = _object(
    {"text": text(75), "action_id": text(255)},
    {
        "value": text(2000),
        "style": choice("primary", "danger"),
        "url": address,
        "accessibility_label": text(75),
        "processing_state": _object({"enabled": boolean}, {"interstitial_text": text(150)}),
    },
)
ACTIONS = _object({}, {"primary_actions": items(ACTION, 2, 0), "overflow_actions": items(ACTION, 5, 0)})
FIELD = _object(
    {"key": text(255), "label": text(255), "type": choice(*FIELD_TYPES)},
    {
        "value": anything,
        "link": address,
        "icon": ICON,
        "long": boolean,
        "format": choice("markdown"),
        "tag_color": choice("red", "yellow", "green", "gray", "blue"),
        "item_type": anything,
        "image_url": address,
        "slack_file": anything,
        "alt_text": text(2000),
        "user": anything,
        "entity_ref": anything,
        "boolean": anything,
        "edit": anything,
    },
    _of_its_type,
)
ATTRIBUTES = _object(
    {"title": _object({"text": text(3000)}, {"edit": anything})},
    {
        "display_id": text(255),
        "display_type": text(255),
        "product_name": text(255),
        "product_icon": ICON,
        "locale": text(35),
        "full_size_preview": anything,
        "metadata_last_modified": integer(0, 1 << 40),
    },
)
PAYLOAD = _object(
    {"attributes": ATTRIBUTES},
    {
        "fields": anything,
        "custom_fields": items(FIELD, 50, 0),
        "display_order": items(text(255), 100, 0),
        "actions": ACTIONS,
        "slack_file": anything,
    },
    _ordered,
)
ENTITY: dict[str, Rule] = {
    "entity_type": choice(*(f"slack#/entities/{each}" for each in TYPES)),
    "entity_payload": PAYLOAD,
    "external_ref": _object({"id": text(255)}, {"type": text(255)}),
    "url": address,
}
UNFURLED = _object({**ENTITY, "app_unfurl_url": address}, {})
PRESENTED = _object(ENTITY, {})
METADATA = _object({"entities": items(UNFURLED, 20)}, {"event_type": text(255), "event_payload": anything})
STATUSES = ("restricted", "internal_error", "not_found", "custom", "custom_partial_view", "timeout", "edit_error")
ERROR = _object(
    {"status": choice(*STATUSES)},
    {
        "custom_title": text(255),
        "custom_message": text(3000),
        "message_format": choice("markdown"),
        "actions": items(ACTION, 2, 0),
    },
)


def faults(value: Any, rule: Rule, at: str) -> list[str]:
    """What is wrong with a part of a request, with pointers."""
    found = ValidationErrors()
    rule(value, at, found)
    if isinstance(value, dict) and isinstance(value.get("entity_payload"), dict):
        unique("key", lambda each: each.get("key") if isinstance(each, dict) else None)(
            value["entity_payload"].get("custom_fields"), f"{at}/entity_payload/custom_fields", found
        )
    if len(json.dumps(value)) > METADATA_LIMIT:
        found.add("too large", at)
    return found.said
