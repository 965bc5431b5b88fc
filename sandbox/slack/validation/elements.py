"""Block elements: buttons, menus, pickers, inputs. https://docs.slack.dev/reference/block-kit/block-elements"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.slack.validation.objects import (
    CONFIRM,
    DISPATCH,
    FILTER,
    IDENTIFIER,
    MARKED_OPTION,
    OPTION,
    OPTION_GROUP,
    OVERFLOW_OPTION,
    SLACK_FILE,
    WORKFLOW,
    chosen_among_options,
    options_or_groups,
    plain,
)
from sandbox.slack.validation.schema import (
    ObjectSchema,
    Rule,
    ValidationErrors,
    address,
    any_field,
    anything,
    boolean,
    choice,
    integer,
    items,
    key,
    matching,
    only_one,
    text,
    together,
    unique,
)

DATE = matching(r"\d{4}-\d\d-\d\d", "must be a valid date in the format YYYY-MM-DD")
TIME = matching(r"([01]\d|2[0-3]):[0-5]\d", "must be a valid time in the format HH:mm")
NUMBER = matching(r"-?\d+(\.\d+)?", "must be a number given as a string")

ACTION: dict[str, Rule] = {"action_id": IDENTIFIER}
ASKING: dict[str, Rule] = {**ACTION, "confirm": CONFIRM}
FOCUSED: dict[str, Rule] = {**ASKING, "focus_on_load": boolean}
MENU: dict[str, Rule] = {**FOCUSED, "placeholder": plain(150)}
MANY: dict[str, Rule] = {**MENU, "max_selected_items": integer(1, 1_000_000)}
TYPED: dict[str, Rule] = {
    **ACTION,
    "placeholder": plain(150),
    "focus_on_load": boolean,
    "dispatch_action_config": DISPATCH,
}

IMAGE = ObjectSchema(
    {"alt_text": text(2000)},
    {"image_url": address, "slack_file": SLACK_FILE},
    checks=(any_field("image_url", "slack_file"), only_one("image_url", "slack_file")),
)

BUTTON = ObjectSchema(
    {"text": plain(75)},
    {
        **ASKING,
        "value": text(2000),
        "url": address,
        "style": choice("primary", "danger"),
        "accessibility_label": text(75),
    },
)
OVERFLOW = ObjectSchema({"options": items(OVERFLOW_OPTION, 5)}, ASKING)
CHECKBOXES = ObjectSchema(
    {"options": items(MARKED_OPTION, 10)},
    {**FOCUSED, "initial_options": items(MARKED_OPTION, 10)},
    (chosen_among_options,),
)
RADIO = ObjectSchema(
    {"options": items(MARKED_OPTION, 10)}, {**FOCUSED, "initial_option": MARKED_OPTION}, (chosen_among_options,)
)

_STATIC: dict[str, Rule] = {
    "options": together(items(OPTION, 100), unique("value", key("value"))),
    "option_groups": items(OPTION_GROUP, 100),
}
_URL_ENABLED: dict[str, Rule] = {"response_url_enabled": boolean}

SELECTS: dict[str, Rule] = {
    "static_select": ObjectSchema(
        {}, {**MENU, **_STATIC, "initial_option": OPTION}, (options_or_groups, chosen_among_options)
    ),
    "external_select": ObjectSchema({}, {**MENU, "initial_option": OPTION, "min_query_length": integer(0, 1000)}),
    "users_select": ObjectSchema({}, {**MENU, "initial_user": IDENTIFIER}),
    "conversations_select": ObjectSchema(
        {},
        {
            **MENU,
            **_URL_ENABLED,
            "initial_conversation": IDENTIFIER,
            "default_to_current_conversation": boolean,
            "filter": FILTER,
        },
    ),
    "channels_select": ObjectSchema({}, {**MENU, **_URL_ENABLED, "initial_channel": IDENTIFIER}),
}

MULTI_SELECTS: dict[str, Rule] = {
    "multi_static_select": ObjectSchema(
        {}, {**MANY, **_STATIC, "initial_options": items(OPTION, 100)}, (options_or_groups, chosen_among_options)
    ),
    "multi_external_select": ObjectSchema(
        {}, {**MANY, "initial_options": items(OPTION, 100), "min_query_length": integer(0, 1000)}
    ),
    "multi_users_select": ObjectSchema({}, {**MANY, "initial_users": items(IDENTIFIER, 1000)}),
    "multi_conversations_select": ObjectSchema(
        {},
        {
            **MANY,
            "initial_conversations": items(IDENTIFIER, 1000),
            "default_to_current_conversation": boolean,
            "filter": FILTER,
        },
    ),
    "multi_channels_select": ObjectSchema({}, {**MANY, "initial_channels": items(IDENTIFIER, 1000)}),
}

PICKERS: dict[str, Rule] = {
    "datepicker": ObjectSchema({}, {**FOCUSED, "placeholder": plain(150), "initial_date": DATE}),
    "timepicker": ObjectSchema({}, {**FOCUSED, "placeholder": plain(150), "initial_time": TIME, "timezone": text(255)}),
    "datetimepicker": ObjectSchema({}, {**FOCUSED, "initial_date_time": integer(1_000_000_000, 9_999_999_999)}),
}


def _length_order(value: Mapping[str, Any], at: str, found: ValidationErrors) -> None:
    shortest, longest = value.get("min_length"), value.get("max_length")
    if isinstance(shortest, int) and isinstance(longest, int) and shortest > longest:
        found.add("min_length must be less than or equal to max_length", at)


def _initial_length(value: Mapping[str, Any], at: str, found: ValidationErrors) -> None:
    """What an input begins with has to be what somebody might have typed."""
    begins, longest = value.get("initial_value"), value.get("max_length")
    if isinstance(begins, str) and isinstance(longest, int) and len(begins) > longest:
        found.add("initial_value must not be longer than max_length", at)


INPUTS: dict[str, Rule] = {
    "plain_text_input": ObjectSchema(
        {},
        {
            **TYPED,
            "initial_value": text(3000, 0),
            "multiline": boolean,
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
        },
        (_length_order, _initial_length),
    ),
    "email_text_input": ObjectSchema({}, {**TYPED, "initial_value": text(3000, 0)}),
    "url_text_input": ObjectSchema({}, {**TYPED, "initial_value": text(3000, 0)}),
    "number_input": ObjectSchema(
        {"is_decimal_allowed": boolean},
        {**TYPED, "initial_value": NUMBER, "min_value": NUMBER, "max_value": NUMBER},
    ),
    "rich_text_input": ObjectSchema({}, {**TYPED, "initial_value": anything}),
    "file_input": ObjectSchema({}, {**ACTION, "filetypes": items(text(50), 100), "max_files": integer(1, 10)}),
}

CHOICES: dict[str, Rule] = {"checkboxes": CHECKBOXES, "radio_buttons": RADIO}
WORKFLOW_BUTTON = ObjectSchema(
    {"text": plain(75), "workflow": WORKFLOW, "action_id": IDENTIFIER},
    {"style": choice("primary", "danger"), "accessibility_label": text(75)},
)

CLICKABLE: dict[str, Rule] = {
    "button": BUTTON,
    "overflow": OVERFLOW,
    "workflow_button": WORKFLOW_BUTTON,
    **CHOICES,
    **SELECTS,
    **MULTI_SELECTS,
    **PICKERS,
}
IN_SECTION: dict[str, Rule] = {name: rule for name, rule in CLICKABLE.items() if name != "datetimepicker"} | {
    "image": IMAGE
}
IN_ACTIONS: dict[str, Rule] = CLICKABLE
IN_INPUT: dict[str, Rule] = {**INPUTS, **CHOICES, **SELECTS, **MULTI_SELECTS, **PICKERS}

_FEEDBACK = ObjectSchema({"text": plain(75), "value": text(2000)}, {"accessibility_label": text(75)}, typed=False)
IN_CONTEXT_ACTIONS: dict[str, Rule] = {
    "feedback_buttons": ObjectSchema({"positive_button": _FEEDBACK, "negative_button": _FEEDBACK}, ACTION),
    "icon_button": ObjectSchema(
        {"icon": choice("trash"), "text": plain(75)},
        {
            **ASKING,
            "value": text(2000),
            "accessibility_label": text(75),
            "visible_to_user_ids": items(IDENTIFIER, 100),
        },
    ),
}
