"""Inputs of forms: a file, boxes to tick, a text of several lines, a choice of a few; pure.

https://docs.slack.dev/reference/block-kit/block-elements
"""

from __future__ import annotations

from collections.abc import Sequence

from slack_sdk.models.blocks import CheckboxesElement, InputBlock, Option, PlainTextObject, StaticSelectElement
from slack_sdk.models.blocks.block_elements import FileInputElement, InputInteractiveElement, PlainTextInputElement

from bot.slack.blocks import Block
from bot.slack.rendering import rendered
from bot.slack.wording import cut

LONGEST = 3000  # characters of a text input


def _input(label: str, name: str, element: InputInteractiveElement, *, optional: bool = True, hint: str = "") -> Block:
    return rendered(
        InputBlock(
            block_id=name,
            label=PlainTextObject(text=label),
            element=element,
            optional=optional,
            hint=PlainTextObject(text=hint) if hint else None,
        )
    )


def file(label: str, name: str, *, hint: str = "") -> Block:
    """One file to pick. Which kinds are good is checked by us: Slack's own list of kinds is a convenience only."""
    return _input(label, name, FileInputElement(action_id=name, max_files=1), optional=False, hint=hint)


def ticks(label: str, name: str, options: Sequence[Option], *, hint: str = "") -> Block:
    """Boxes to tick, none of them ticked."""
    return _input(label, name, CheckboxesElement(action_id=name, options=list(options)), hint=hint)


def choice(label: str, name: str, options: Sequence[Option], *, optional: bool = True) -> Block:
    """One of a few."""
    return _input(label, name, StaticSelectElement(action_id=name, options=list(options)), optional=optional)


def line(label: str, name: str, *, value: str = "", most: int, hint: str = "") -> Block:
    """A line to type into, at most so long."""
    element = PlainTextInputElement(action_id=name, initial_value=cut(value, most) or None, max_length=most)
    return _input(label, name, element, hint=hint)


def lines(label: str, name: str, *, value: str = "", hint: str = "") -> Block:
    """Several lines to type into."""
    element = PlainTextInputElement(
        action_id=name, initial_value=cut(value, LONGEST) or None, multiline=True, max_length=LONGEST
    )
    return _input(label, name, element, hint=hint)
