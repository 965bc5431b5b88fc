"""What a person chose or typed, as an element reports it in `actions` and in `state.values`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.slack.people import FakeChannel, FakeUser

# element type → (field of the chosen thing, field of the initial one, many)
FIELDS: dict[str, tuple[str, str, bool]] = {
    "static_select": ("selected_option", "initial_option", False),
    "external_select": ("selected_option", "initial_option", False),
    "radio_buttons": ("selected_option", "initial_option", False),
    "overflow": ("selected_option", "", False),
    "checkboxes": ("selected_options", "initial_options", True),
    "multi_static_select": ("selected_options", "initial_options", True),
    "multi_external_select": ("selected_options", "initial_options", True),
    "users_select": ("selected_user", "initial_user", False),
    "multi_users_select": ("selected_users", "initial_users", True),
    "conversations_select": ("selected_conversation", "initial_conversation", False),
    "multi_conversations_select": ("selected_conversations", "initial_conversations", True),
    "channels_select": ("selected_channel", "initial_channel", False),
    "multi_channels_select": ("selected_channels", "initial_channels", True),
    "datepicker": ("selected_date", "initial_date", False),
    "timepicker": ("selected_time", "initial_time", False),
    "datetimepicker": ("selected_date_time", "initial_date_time", False),
    "plain_text_input": ("value", "initial_value", False),
    "email_text_input": ("value", "initial_value", False),
    "url_text_input": ("value", "initial_value", False),
    "number_input": ("value", "initial_value", False),
    "rich_text_input": ("rich_text_value", "initial_value", False),
    "file_input": ("files", "", True),
}
WITH_OPTIONS = {"static_select", "radio_buttons", "overflow", "checkboxes", "multi_static_select"}
STATEFUL = set(FIELDS) - {"overflow"}


def offered(element: dict[str, Any]) -> list[dict[str, Any]]:
    """The options of an element, those in groups included."""
    options = list(element.get("options") or [])
    for group in element.get("option_groups") or []:
        options += group["options"]
    return options


def pick(value: Any, options: Iterable[dict[str, Any]], *, free: bool = False) -> dict[str, Any]:
    """The option meant by its value, its words or itself; a ValueError lists what there is.

    `free` makes an option up when none fits, for menus whose options come from the app.
    """
    there = list(options)
    for option in there:
        if value in (option, option.get("value"), option["text"]["text"]):
            return option
    if isinstance(value, dict):
        return value
    if free:
        return {"text": {"type": "plain_text", "text": str(value), "emoji": True}, "value": str(value)}
    raise ValueError(f"{value!r} is not offered; there are {[option.get('value') for option in there]}")


def _one(element: dict[str, Any], value: Any, suggested: Iterable[dict[str, Any]]) -> Any:
    if value is None:
        return None
    if isinstance(value, FakeUser | FakeChannel):
        return value.id
    if element["type"] in WITH_OPTIONS:
        return pick(value, offered(element))
    if element["type"] in ("external_select", "multi_external_select"):
        return pick(value, suggested, free=True)
    if element["type"] == "number_input":
        return str(value)
    return value


def reported(element: dict[str, Any], value: Any, suggested: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
    """What an element reports once the person chose `value`: an option's value, a FakeUser, a text, a list of them…"""
    field, _, many = FIELDS[element["type"]]
    if not many:
        return {"type": element["type"], field: _one(element, value, suggested)}
    values = value if isinstance(value, list | tuple) else [] if value is None else [value]
    return {"type": element["type"], field: [_one(element, each, suggested) for each in values]}


def untouched(element: dict[str, Any]) -> dict[str, Any]:
    """What a stateful element reports when nobody touched it: its initial value, or nothing."""
    field, initial, many = FIELDS[element["type"]]
    return {"type": element["type"], field: element.get(initial) if initial in element else [] if many else None}


def is_empty(report: dict[str, Any]) -> bool:
    """Whether a report holds nothing."""
    field = FIELDS[report["type"]][0]
    return report.get(field) in (None, "", [])


def acted(element: dict[str, Any], block_id: str, value: Any, suggested: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The entry of `actions` for one click or choice."""
    kept = (
        "type",
        "action_id",
        "text",
        "value",
        "style",
        "url",
        "placeholder",
        "confirm",
        "icon",
        "accessibility_label",
    )
    action = {name: element[name] for name in kept if name in element}
    if element["type"] in FIELDS:
        action.pop("value", None)
        action |= reported(element, value, suggested)
    elif element["type"] == "feedback_buttons":
        sides = (element["positive_button"], element["negative_button"])
        action |= {"value": next(side["value"] for side in sides if value in (side["value"], side["text"]["text"]))}
    return {**action, "block_id": block_id}


def complaint(block: dict[str, Any], report: dict[str, Any]) -> str | None:
    """Why Slack itself would not let a form go with this input, or None."""
    element, written = block["element"], report.get("value")
    if is_empty(report):
        return None if block.get("optional") else f"{block['block_id']} is required"
    if element["type"] == "file_input":
        return _files_complaint(block, element, report["files"])
    if not isinstance(written, str):
        return None
    if len(written) < element.get("min_length", 0) or len(written) > element.get("max_length", 3000):
        return f"{block['block_id']} is too short or too long"
    if element["type"] == "number_input":
        low, high = float(element.get("min_value", "-inf")), float(element.get("max_value", "inf"))
        if not low <= float(written) <= high:
            return f"{block['block_id']} is out of range"
    return None


def _files_complaint(block: dict[str, Any], element: dict[str, Any], files: list[dict[str, Any]]) -> str | None:
    """https://docs.slack.dev/reference/block-kit/block-elements/file-input-element"""
    if len(files) > element.get("max_files", 10):
        return f"{block['block_id']} has too many files"
    kinds = element.get("filetypes")
    if kinds and any(file["name"].rpartition(".")[2].lower() not in kinds for file in files):
        return f"{block['block_id']} takes {', '.join(kinds)} only"
    return None
