"""Composition objects: text, option, confirmation, filter. https://docs.slack.dev/reference/block-kit/composition-objects"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.slack.validation.schema import (
    ObjectSchema,
    Rule,
    ValidationErrors,
    address,
    any_field,
    anything,
    boolean,
    choice,
    items,
    one_of,
    only_one,
    text,
)

IDENTIFIER = text(255)


def plain(longest: int, shortest: int = 1) -> Rule:
    """A plain_text object."""
    return one_of({"plain_text": ObjectSchema({"text": text(longest, shortest)}, {"emoji": boolean})})


def mrkdwn(longest: int) -> Rule:
    """A mrkdwn object."""
    return one_of({"mrkdwn": ObjectSchema({"text": text(longest)}, {"verbatim": boolean})})


def wording(longest: int, shortest: int = 1) -> Rule:
    """A text object of either kind."""
    inside = text(longest, shortest)
    return one_of(
        {
            "plain_text": ObjectSchema({"text": inside}, {"emoji": boolean}),
            "mrkdwn": ObjectSchema({"text": inside}, {"verbatim": boolean}),
        }
    )


CONFIRM = ObjectSchema(
    {"title": plain(100), "text": wording(300), "confirm": plain(30), "deny": plain(30)},
    {"style": choice("primary", "danger")},
    typed=False,
)

# A plain-text option; `url` is for overflow menus only.
OPTION = ObjectSchema({"text": plain(75), "value": text(150)}, {"description": plain(75)}, typed=False)
OVERFLOW_OPTION = ObjectSchema(
    {"text": plain(75), "value": text(150)}, {"description": plain(75), "url": address}, typed=False
)
# Checkboxes and radio buttons take mrkdwn as well.
MARKED_OPTION = ObjectSchema({"text": wording(75), "value": text(150)}, {"description": wording(75)}, typed=False)

OPTION_GROUP = ObjectSchema({"label": plain(75), "options": items(OPTION, 100)}, typed=False)

FILTER = ObjectSchema(
    {},
    {
        "include": items(choice("im", "mpim", "private", "public"), 4),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
    checks=(any_field("include", "exclude_external_shared_channels", "exclude_bot_users"),),
    typed=False,
)

DISPATCH = ObjectSchema(
    {"trigger_actions_on": items(choice("on_enter_pressed", "on_character_entered"), 2)},
    typed=False,
)

SLACK_FILE = ObjectSchema(
    {}, {"id": text(255), "url": address}, checks=(any_field("id", "url"), only_one("id", "url")), typed=False
)

WORKFLOW = ObjectSchema({"trigger": anything}, typed=False)


def options_or_groups(value: Mapping[str, Any], at: str, found: ValidationErrors) -> None:
    """A static select has exactly one of `options` and `option_groups`."""
    any_field("options", "option_groups")(value, at, found)
    only_one("options", "option_groups")(value, at, found)


def chosen_among_options(value: Mapping[str, Any], at: str, found: ValidationErrors) -> None:
    """Every initial option has to be one of the options, exactly."""
    offered = list(value.get("options") or [])
    for group in value.get("option_groups") or []:
        offered += group.get("options") or [] if isinstance(group, dict) else []
    item = value.get("initial_option")
    if item is not None and item not in offered:
        found.add("initial_option must exactly match one of the options", f"{at}/initial_option")
    for index, each in enumerate(value.get("initial_options") or []):
        if each not in offered:
            found.add("initial_options must exactly match the options", f"{at}/initial_options/{index}")
