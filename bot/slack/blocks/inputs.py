"""Build the inputs of modals: files, checkboxes, texts and selects; pure.

https://docs.slack.dev/reference/block-kit/block-elements
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slack_sdk.models.blocks import (
    CheckboxesElement,
    ConversationFilter,
    ConversationSelectElement,
    InputBlock,
    Option,
    PlainTextObject,
    StaticSelectElement,
)
from slack_sdk.models.blocks.block_elements import FileInputElement, InputInteractiveElement, PlainTextInputElement

from bot.slack.blocks import Block
from bot.slack.blocks.serializer import serialize
from bot.slack.mrkdwn import plain_text, truncate

LONGEST = 3000  # characters of a text input
PLACEHOLDER = 150


def _input(label: str, name: str, element: InputInteractiveElement, *, optional: bool = True, hint: str = "") -> Block:
    return serialize(
        InputBlock(
            block_id=name,
            label=PlainTextObject(text=label, emoji=False),
            element=element,
            optional=optional,
            hint=PlainTextObject(text=hint, emoji=False) if hint else None,
        )
    )


def file_input(label: str, name: str, *, hint: str = "") -> Block:
    """Return an input for one file. Slack's list of file types is only a convenience: the type is checked on use."""
    return _input(label, name, FileInputElement(action_id=name, max_files=1), optional=False, hint=hint)


def checkbox_input(label: str, name: str, options: Sequence[Option], *, hint: str = "") -> Block:
    """Return checkboxes, none of them ticked."""
    return _input(label, name, CheckboxesElement(action_id=name, options=list(options)), hint=hint)


def static_select_input(label: str, name: str, options: Sequence[Option], *, optional: bool = True) -> Block:
    """Return a select of a few options."""
    return _input(label, name, StaticSelectElement(action_id=name, options=list(options)), optional=optional)


def channel_input(label: str, name: str) -> Block:
    """Return a select of one of the channels that the user sees; the channel is checked on use.

    https://docs.slack.dev/reference/block-kit/block-elements/multi-select-menu-element#conversation_multi_select
    """
    shown = ConversationFilter(include=["public", "private"], exclude_bot_users=True)
    return _input(label, name, ConversationSelectElement(action_id=name, filter=shown), optional=False)


def text_input(
    label: str, name: str, *, value: str = "", max_length: int, hint: str = "", example: str = "", optional: bool = True
) -> Block:
    """Return a single-line input with a maximum length; `example` is its placeholder."""
    element = PlainTextInputElement(
        action_id=name,
        placeholder=PlainTextObject(text=plain_text(example, PLACEHOLDER), emoji=False) if example else None,
        initial_value=truncate(value, max_length) or None,
        min_length=None if optional else 1,
        max_length=max_length,
    )
    return _input(label, name, element, optional=optional, hint=hint)


def textarea(label: str, name: str, *, value: str = "", hint: str = "") -> Block:
    """Return an input of several lines."""
    element = PlainTextInputElement(
        action_id=name, initial_value=truncate(value, LONGEST) or None, multiline=True, max_length=LONGEST
    )
    return _input(label, name, element, hint=hint)


def with_initial_value(block: Block, typed: dict[str, Any]) -> Block:
    """Return an input as Slack sent it back, with the typed value (its entry of `state.values`) as initial value."""
    element = {key: value for key, value in block["element"].items() if not key.startswith("initial_")}
    if typed.get("value"):
        element["initial_value"] = typed["value"]
    if picked := typed.get("selected_conversation"):
        element["initial_conversation"] = picked
    if chosen := typed.get("selected_option"):
        element["initial_option"] = _matching_options(element, [chosen])[0]
    if ticked := typed.get("selected_options"):
        element["initial_options"] = _matching_options(element, ticked)
    return {**block, "element": element}


def _matching_options(element: dict[str, Any], chosen: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the chosen options exactly as the element offers them, or as they are if it has no fixed options."""
    offered = element.get("options") or []
    return [
        next((option for option in offered if option.get("value") == entry.get("value")), entry) for entry in chosen
    ]
