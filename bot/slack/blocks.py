"""Messages, forms and Block Kit bricks within Slack's limits; pure. https://docs.slack.dev/reference/block-kit/blocks"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any

from slack_sdk.models.blocks import (
    ActionsBlock,
    ButtonElement,
    CheckboxesElement,
    ConfirmObject,
    ContextBlock,
    DividerBlock,
    ExternalDataSelectElement,
    HeaderBlock,
    InputBlock,
    MarkdownTextObject,
    Option,
    PlainTextInputElement,
    PlainTextObject,
    SectionBlock,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from bot import language
from bot.language import figure, say
from bot.slack.rendering import rendered
from bot.slack.wording import cut, plain

Block = dict[str, Any]

MESSAGE_BLOCKS = 50
HOME_BLOCKS = 100
MESSAGE_TEXT = 4000  # longer texts are allowed but shown badly; 40,000 is where Slack cuts
SECTION_TEXT = 3000
FIELD_TEXT = 2000
HEADER_TEXT = 150
CONTEXT_ELEMENTS = 10
ACTIONS_ELEMENTS = 25
BUTTON_TEXT = 75
BUTTON_VALUE = 2000
URL = 3000
INPUT_TEXT = 3000


class Where(Enum):
    """Who is to see a message that answers somebody."""

    ASKER = "asker"
    DIRECT = "direct"  # the asker's direct messages, where it stays
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Expires:
    """When a message's link is over (aware), what its "fresh link" button is to carry then, and what it speaks."""

    at: datetime
    app_id: str
    build_id: str
    title: str
    again: str
    language: str


@dataclass(frozen=True, slots=True)
class File:
    """A file for the asker's direct messages."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """Something to say: `text` is complete by itself, for notifications and screen readers; `thread` hangs below.

    A message with a thread cannot be ephemeral, so as an answer it goes to the asker's direct messages, and what is
    said where the question was asked is `here`, or `text` and `blocks` alone. `plainer` says the same in blocks that
    every workspace takes, for one that refuses these.
    """

    text: str
    blocks: tuple[Block, ...] = ()
    thread: tuple[Message, ...] = ()
    to: Where = Where.ASKER
    secret: bool = False  # carries a download address: never to a channel
    expires: Expires | None = None
    copies: tuple[tuple[str, Message], ...] = ()  # what others get: people (user ids, direct messages) and channels
    file: File | None = None
    here: Message | None = None
    plainer: Message | None = None
    spoken: str = field(default_factory=language.current, compare=False)  # for what is added when it is sent

    def payload(self) -> dict[str, Any]:
        """What every message of every kind sends to Slack: no link is unfurled, so no crawler is sent to it.

        Both flags are needed. https://docs.slack.dev/messaging/unfurling-links-in-messages
        """
        body: dict[str, Any] = {
            "text": cut(self.text, MESSAGE_TEXT),
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if self.blocks:
            body["blocks"] = list(self._fitting())
        return body

    def _fitting(self) -> Sequence[Block]:
        with language.speaking(self.spoken):
            return fitting(self.blocks, MESSAGE_BLOCKS)

    def shared(self) -> Message:
        """The same, for everybody in the channel."""
        return replace(self, to=Where.CHANNEL)


@dataclass(frozen=True, slots=True)
class Form:
    """A modal: `name` is the form that takes the input, `memory` travels with it (no secrets, ≤ 3000 characters)."""

    name: str
    title: str
    blocks: tuple[Block, ...]
    submit: str = "OK"
    memory: str = ""

    def view(self) -> dict[str, Any]:
        """The view for views.open. https://docs.slack.dev/reference/views/modal-views"""
        return rendered(
            View(
                type="modal",
                callback_id=self.name,
                title=PlainTextObject(text=cut(self.title, 24)),
                submit=PlainTextObject(text=cut(self.submit, 24)),
                close=PlainTextObject(text=say("Cancel")),
                blocks=list(self.blocks),
                private_metadata=self.memory,
            )
        )


@dataclass(frozen=True, slots=True)
class Home:
    """What somebody's Home tab shows."""

    blocks: tuple[Block, ...]

    def view(self) -> dict[str, Any]:
        """The view for views.publish. https://docs.slack.dev/reference/views/home-tab-views"""
        return {"type": "home", "blocks": list(fitting(self.blocks, HOME_BLOCKS))}

    def under(self, note: str) -> Home:
        """The same, below a line about what was just done here."""
        return replace(self, blocks=(context(note), *self.blocks)) if note else self


Reply = Message | Form | Home


def fitting(found: Sequence[Block], most: int) -> Sequence[Block]:
    """As many blocks as a place takes; what is left out is said."""
    if len(found) <= most:
        return found
    left_out = len(found) - most + 1
    more = say("… and {number} more lines that do not fit here.", number=figure(left_out))
    return (*found[: most - 1], context(more))


def _mrkdwn(text: str, limit: int) -> MarkdownTextObject:
    # verbatim, or bare words may mention: https://docs.slack.dev/reference/block-kit/composition-objects/text-object
    return MarkdownTextObject(text=cut(text, limit), verbatim=True)


def section(text: str, *, fields: Iterable[str] = (), accessory: Any = None) -> Block:
    """A paragraph of mrkdwn, with up to ten small fields and one element at its side."""
    return rendered(
        SectionBlock(
            text=_mrkdwn(text, SECTION_TEXT) if text else None,
            fields=[_mrkdwn(one, FIELD_TEXT) for one in fields][:10] or None,
            accessory=accessory,
        )
    )


def header(text: str) -> Block:
    """A title line."""
    return rendered(HeaderBlock(text=PlainTextObject(text=plain(text, HEADER_TEXT))))


def context(*texts: str) -> Block:
    """A line of small print."""
    return rendered(ContextBlock(elements=[_mrkdwn(text, SECTION_TEXT) for text in texts[:CONTEXT_ELEMENTS]]))


def divider() -> Block:
    """A line across."""
    return rendered(DividerBlock())


def actions(*elements: ButtonElement) -> Block:
    """A row of buttons."""
    return rendered(ActionsBlock(elements=list(elements[:ACTIONS_ELEMENTS])))


def button(
    label: str,
    action: str,
    value: str = "",
    *,
    style: str | None = None,
    says: str | None = None,
    confirm: str | None = None,
) -> ButtonElement:
    """A button that acts on click; `says` is what a screen reader reads, `confirm` a question asked before."""
    return ButtonElement(
        text=PlainTextObject(text=plain(label, BUTTON_TEXT), emoji=False),
        action_id=action,
        value=value[:BUTTON_VALUE] or None,
        style=style,
        accessibility_label=plain(says, BUTTON_TEXT) if says else None,
        confirm=_confirm(confirm) if confirm else None,
    )


def _confirm(question: str) -> ConfirmObject:
    return ConfirmObject(
        title=say("Are you sure?"), text=PlainTextObject(text=plain(question, 300)), confirm=say("Yes"), deny=say("No")
    )


def link_button(label: str, url: str, action: str, *, says: str | None = None) -> ButtonElement:
    """A button that opens an address; only for addresses that are no credential."""
    return ButtonElement(
        text=PlainTextObject(text=plain(label, BUTTON_TEXT), emoji=False),
        action_id=action,
        url=url if len(url) <= URL else None,
        accessibility_label=plain(says, BUTTON_TEXT) if says else None,
    )


def option(label: str, value: str) -> Option:
    """One line of a select."""
    return Option(text=PlainTextObject(text=plain(label, 75)), value=value[:150])


def pick(label: str, name: str, *, hint: str, chosen: Option | None = None, optional: bool = False) -> Block:
    """A select whose options the bot is asked for while somebody types."""
    return rendered(
        InputBlock(
            block_id=name,
            label=PlainTextObject(text=label),
            element=ExternalDataSelectElement(
                action_id=name, placeholder=plain(hint, 150), min_query_length=0, initial_option=chosen
            ),
            optional=optional,
        )
    )


def choose(label: str, name: str, options: Sequence[Option], *, chosen: Option | None = None) -> Block:
    """A select of a few known options; without `chosen` nothing need be chosen."""
    return rendered(
        InputBlock(
            block_id=name,
            label=PlainTextObject(text=label),
            element=StaticSelectElement(action_id=name, options=list(options), initial_option=chosen),
            optional=chosen is None,
        )
    )


def line_input(label: str, name: str, *, hint: str = "", value: str = "", optional: bool = True) -> Block:
    """A line to type into."""
    return rendered(
        InputBlock(
            block_id=name,
            label=PlainTextObject(text=label),
            element=PlainTextInputElement(
                action_id=name, placeholder=plain(hint, 150) if hint else None, initial_value=value or None
            ),
            optional=optional,
        )
    )


def checkboxes(
    label: str, name: str, choices: Sequence[Option], *, ticked: Collection[str] = (), optional: bool = True
) -> Block:
    """Boxes to tick, at most ten; `ticked` has the values of those that are when the form opens."""
    return rendered(
        InputBlock(
            block_id=name,
            label=PlainTextObject(text=label),
            element=CheckboxesElement(
                action_id=name,
                options=list(choices),
                initial_options=[one for one in choices if one.value in ticked] or None,
            ),
            optional=optional,
        )
    )
