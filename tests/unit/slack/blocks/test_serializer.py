"""A model is rendered as the SDK does it, checks included."""

from __future__ import annotations

import pytest
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models import blocks as sdk
from slack_sdk.models.basic_objects import JsonObject
from slack_sdk.models.views import View

from bot.slack.blocks.serializer import serialize

BUTTON = sdk.ButtonElement(
    text=sdk.PlainTextObject(text="Get", emoji=False),
    action_id="get.v1",
    value="1",
    style="danger",
    accessibility_label="Get it",
    confirm=sdk.ConfirmObject(title="Sure?", text=sdk.PlainTextObject(text="Really?"), confirm="Yes", deny="No"),
)
TEXT = sdk.MarkdownTextObject(text="*hello*", verbatim=True)
SECTION = sdk.SectionBlock(text=TEXT, fields=[TEXT, TEXT], accessory=BUTTON)
OPTION = sdk.Option(text=sdk.PlainTextObject(text="iOS"), value="ios")
INPUT = sdk.InputBlock(
    block_id="os",
    label=sdk.PlainTextObject(text="System"),
    element=sdk.StaticSelectElement(action_id="os", options=[OPTION], initial_option=OPTION, placeholder="Which?"),
    optional=True,
)
RICH = sdk.RichTextBlock(elements=[sdk.RichTextSectionElement(elements=[])])
MODELS = (
    BUTTON,
    SECTION,
    OPTION,
    INPUT,
    RICH,
    sdk.SectionBlock(text=TEXT),
    sdk.HeaderBlock(text=sdk.PlainTextObject(text="Title")),
    sdk.ContextBlock(elements=[TEXT]),
    sdk.DividerBlock(),
    sdk.ActionsBlock(elements=[BUTTON, BUTTON]),
    sdk.FileBlock(external_id="1"),
    View(type="modal", callback_id="v", title=sdk.PlainTextObject(text="T"), blocks=[SECTION.to_dict(), INPUT]),
)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_a_model_is_rendered_as_the_sdk_renders_it(model: JsonObject) -> None:
    assert serialize(model) == model.to_dict()
    assert serialize(model) == model.to_dict()  # what was learnt of the class the first time holds the second time


@pytest.mark.parametrize(
    "broken",
    [
        sdk.SectionBlock(text=sdk.MarkdownTextObject(text="x" * 3001)),
        sdk.SectionBlock(text=TEXT, accessory=sdk.ButtonElement(text="x" * 76, action_id="a")),
        sdk.ActionsBlock(elements=[BUTTON] * 26),
        sdk.HeaderBlock(text=sdk.PlainTextObject(text="x" * 151)),
        sdk.ButtonElement(text="Get", action_id="a", confirm=sdk.ConfirmObject(title="x" * 101, text="Really?")),
    ],
)
def test_serializer_refuses_exceeded_limit_at_any_depth(broken: JsonObject) -> None:
    with pytest.raises(SlackObjectFormationError):
        serialize(broken)
