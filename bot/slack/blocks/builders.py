"""Build messages, modals and blocks within Slack's limits; pure.

https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct, structs
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
    OverflowMenuElement,
    PlainTextObject,
    SectionBlock,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from bot import i18n
from bot.i18n import _, format_number
from bot.slack import markup
from bot.slack.blocks.serializer import serialize
from bot.slack.mrkdwn import escape_inline, plain_text, split_lines, truncate

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
OPTION_TEXT = 75
OPTION_VALUE = 150
OPTIONS = 100
MENU_ITEMS = 5
URL = 3000
INPUT_LABEL = 2000
QUOTED = 500  # characters of a line, before escaping makes `&amp;` of an ampersand
MENU = "menu.v1"  # the action id of ⋯ menus; the value of an item says which button it stands for
TOGETHER = "together"  # the key of an item that becomes several blocks in Slack


class Visibility(StrEnum):
    """The visibility of an answer."""

    ASKER = "asker"
    DIRECT = "direct"  # the user's direct messages, where the message stays
    CHANNEL = "channel"


class MessageExpiry(Struct, frozen=True):
    """When a message's link expires (aware), the value of its "fresh link" button then, and its language."""

    at: datetime
    app_id: str
    build_id: str
    title: str
    again: str
    language: str


@dataclass(frozen=True, slots=True)
class FileAttachment:
    """A file for the asker's direct messages."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """A message: `text` is complete by itself, for notifications and screen readers; `thread` are its replies.

    A message with a thread cannot be ephemeral, so as an answer it goes to the user's direct messages, and `here`, or
    `text` and `blocks` alone, is shown where the command was typed. `plainer` is the same in blocks that every
    workspace accepts, for one that refuses these.
    """

    text: str
    blocks: tuple[Block, ...] = ()
    thread: tuple[Message, ...] = ()
    to: Visibility = Visibility.ASKER
    is_secret: bool = False  # contains a download address: never to a channel
    expires: MessageExpiry | None = None
    # messages to others: (user id for a direct message, or channel; message)
    copies: tuple[tuple[str, Message], ...] = ()
    request: int | None = None  # the access request that the copies are about; where they were posted is recorded
    edits: tuple[tuple[str, str, Message], ...] = ()  # messages of the bot to update: (channel, ts, message)
    file: FileAttachment | None = None
    pointer: Message | None = None
    fallback: Message | None = None
    text_only: bool = False  # for a workspace that refuses our blocks
    # the language of words that are added on sending
    language: str = field(default_factory=i18n.current_locale, compare=False)

    def payload(self) -> dict[str, Any]:
        """Return the arguments that every kind of message sends; unfurling is off, so that no crawler opens a link.

        Both flags are needed. https://docs.slack.dev/messaging/unfurling-links-in-messages
        """
        text, formatted = markup.to_fallback_text(truncate(self.text, MESSAGE_TEXT))
        body: dict[str, Any] = {"text": text, "unfurl_links": False, "unfurl_media": False}
        if self.text_only:
            body["parse"] = "none"
        if not formatted:
            body["mrkdwn"] = False
        if blocks := self._fit_blocks():
            body["blocks"] = list(blocks)
        return body

    def _fit_blocks(self) -> Sequence[Block]:
        if self.text_only:
            return ()
        # without blocks Slack would unfurl links in the text in spite of the flags
        shown = self.blocks or tuple(section(part) for part in split_lines(self.text, SECTION_TEXT))
        with i18n.use_locale(self.language):
            return fit_blocks(shown, MESSAGE_BLOCKS)

    def to_channel(self) -> Message:
        """Return the same, visible to the whole channel."""
        return replace(self, to=Visibility.CHANNEL)


_STORED_KEYS = {"private_metadata": "memory", "preset_values": "given"}


class Modal(Struct, frozen=True):
    """A modal: `name` is the form that takes the input, `private_metadata` travels with it (no secrets, of any length).

    `preset_values` count as filled in, by block, where there is no input for it.
    """

    name: str
    title: str
    blocks: tuple[Block, ...]
    submit: str = "OK"
    private_metadata: str = ""
    preset_values: Mapping[str, str] = msgspec.field(default_factory=dict)

    def to_json(self) -> str:
        """Return all of it as JSON, for a draft in the database; its keys stay when a field is renamed."""
        stored = {_STORED_KEYS.get(name, name): getattr(self, name) for name in self.__struct_fields__}
        return json.dumps(stored, ensure_ascii=False)

    @classmethod
    def from_json(cls, saved: str) -> Modal:
        """Return the modal of a stored draft."""
        stored = json.loads(saved)
        values = {name: stored[_STORED_KEYS.get(name, name)] for name in cls.__struct_fields__}
        return cls(**{**values, "blocks": tuple(values["blocks"])})

    def view(self) -> dict[str, Any]:
        """Return the view for views.open. https://docs.slack.dev/reference/views/modal-views"""
        return serialize(
            View(
                type="modal",
                callback_id=self.name,
                title=_plain(self.title, 24),
                submit=_plain(self.submit, 24),
                close=_plain(_("Cancel"), 24),
                blocks=_focused(fit_blocks(self.blocks, HOME_BLOCKS)),
                private_metadata=self.private_metadata,
            )
        )


# https://docs.slack.dev/reference/block-kit/block-elements (`focus_on_load`); Slack cannot focus the others
_NO_FOCUS = ("file_input",)


def _focused(shown: Sequence[Block]) -> list[Block]:
    """Set the focus on the first field of a form, so that the user can type at once."""
    found = list(shown)
    at = next((at for at, block in enumerate(found) if block.get("type") == "input"), None)
    if at is not None and found[at]["element"]["type"] not in _NO_FOCUS:
        found[at] = {**found[at], "element": {**found[at]["element"], "focus_on_load": True}}
    return found


class HomeView(Struct, frozen=True):
    """The content of a user's Home tab."""

    blocks: tuple[Block, ...]

    def view(self) -> dict[str, Any]:
        """Return the view for views.publish. https://docs.slack.dev/reference/views/home-tab-views"""
        return {"type": "home", "blocks": list(fit_blocks(self.blocks, HOME_BLOCKS))}

    def with_note(self, note: str) -> HomeView:
        """Return the same, below a line about what was just done here."""
        return structs.replace(self, blocks=(context(note), *self.blocks)) if note else self


Reply = Message | Modal | HomeView


def fit_blocks(blocks: Sequence[Block], limit: int) -> Sequence[Block]:
    """Return at most `limit` blocks, with a line about those that were left out."""
    blocks = [block for entry in blocks for block in entry.get(TOGETHER, (entry,))]
    if len(blocks) <= limit:
        return blocks
    left_out = len(blocks) - limit + 1
    more = _("… and {number} more lines that don't fit here.", number=format_number(left_out))
    return (*blocks[: limit - 1], context(more))


def _mrkdwn(text: str) -> MarkdownTextObject:
    # verbatim, otherwise plain words can become mentions:
    # https://docs.slack.dev/reference/block-kit/composition-objects/text-object
    return MarkdownTextObject(text=text, verbatim=True)


def _plain(text: str, limit: int) -> PlainTextObject:
    # without emoji, or `:bug:` in a name becomes a picture
    return PlainTextObject(text=plain_text(text, limit), emoji=False)


def section(text: str, *, fields: Iterable[str] = (), accessory: Any = None) -> Block:
    """Return a paragraph of mrkdwn, with up to ten small fields and one accessory.

    If mrkdwn would format text from outside, it is rich text, which has neither: fields and accessory then follow it.
    """
    text, small = truncate(text, SECTION_TEXT), [truncate(field, FIELD_TEXT) for field in fields][:10]
    shown = [markup.to_mrkdwn(each_text) for each_text in (text, *small)]
    if None in shown or (markup.needs_rich_text(text) and not small and accessory is None):
        return _rich_text_section(text, small, accessory)
    first, *others = [_mrkdwn(each_text) if each_text else None for each_text in shown]
    return serialize(
        SectionBlock(
            text=first, fields=[text_object for text_object in others if text_object] or None, accessory=accessory
        )
    )


def _rich_text_section(text: str, fields: Sequence[str], accessory: Any) -> Block:
    words = markup.to_rich_text("\n".join(word for word in (text, *fields) if word))
    if accessory is None:
        return words
    in_row = isinstance(accessory, ButtonElement | OverflowMenuElement)
    below = actions(accessory) if in_row else serialize(ContextBlock(elements=[accessory]))
    return {TOGETHER: (words, below)}


def without_rich_text(shown: Sequence[Block]) -> list[Block]:
    """Return the same words without formatting, for methods that accept no rich text, such as `chat.unfurl`.

    https://docs.slack.dev/messaging/unfurling-links-in-messages#tips
    """
    return [copyable(markup.to_plain_text(block)) if block.get("type") == "rich_text" else block for block in shown]


def paragraphs(lines: Iterable[str]) -> list[Block]:
    """Return lines of mrkdwn in as few paragraphs as possible."""
    return [section(piece) for piece in split_lines("\n".join(lines), SECTION_TEXT)]


def quote(text: str) -> list[str]:
    """Return a whole text of several lines as quotations, each at most as long as a paragraph may be."""
    parts = (line[at : at + QUOTED] for line in text.strip().splitlines() for at in range(0, len(line) or 1, QUOTED))
    return split_lines("\n".join(f">{escape_inline(part, QUOTED)}" for part in parts), SECTION_TEXT)


def copyable(text: str) -> Block:
    """Return a paragraph of typed text, to be copied."""
    return serialize(SectionBlock(text=PlainTextObject(text=truncate(text, SECTION_TEXT) or "–", emoji=False)))


def header(text: str) -> Block:
    """Return a title line."""
    return serialize(HeaderBlock(text=_plain(text, HEADER_TEXT)))


def context(*texts: str) -> Block:
    """Return a line of small print, or of normal size if mrkdwn would format text from outside."""
    small = [truncate(text, SECTION_TEXT) for text in texts[:CONTEXT_ELEMENTS]]
    shown = [markup.to_mrkdwn(line) for line in small]
    if None in shown:
        return markup.to_rich_text("\n".join(small))
    return serialize(ContextBlock(elements=[_mrkdwn(text) for text in shown if text]))


def divider() -> Block:
    """Return a horizontal line."""
    return serialize(DividerBlock())


def actions(*elements: ButtonElement | OverflowMenuElement | StaticSelectElement | None) -> Block:
    """Return a row of buttons, menus and selects; None is skipped (a menu without items)."""
    return serialize(ActionsBlock(elements=[element for element in elements if element][:ACTIONS_ELEMENTS]))


def with_address(row: Block, url: str) -> Block:
    """Return a row of buttons with the first one opening this address, as `link_button` does."""
    first, *others = row["elements"]
    return {**row, "elements": [{**first, "url": url} if len(url) <= URL else first, *others]}


def _accessible(label: str, about: str | None) -> str | None:
    """Return the accessible name: it begins with the visible label, as voice control needs it (WCAG 2.5.3)."""
    if not about:
        return None
    shown, about = plain_text(label, BUTTON_TEXT), plain_text(about, BUTTON_TEXT)
    return about if about.startswith(shown) else plain_text(f"{shown}: {about}", BUTTON_TEXT)


def button(
    label: str,
    action: str,
    value: str = "",
    *,
    style: str | None = None,
    accessibility_label: str | None = None,
    confirm: str | None = None,
    verb: str | None = None,
) -> ButtonElement:
    """Return a button that acts on click; a screen reader reads `accessibility_label` after the label.

    `confirm` is a question to answer first, with `verb` (by default the label) or Cancel.
    """
    return ButtonElement(
        text=_plain(label, BUTTON_TEXT),
        action_id=action,
        value=value[:BUTTON_VALUE] or None,
        style=style,
        accessibility_label=_accessible(label, accessibility_label),
        confirm=_confirm(confirm, verb or label) if confirm else None,
    )


def _confirm(question: str, verb: str) -> ConfirmObject:
    title, answer = _("{verb}?", verb=plain_text(verb, 98)), plain_text(verb, 30)
    return ConfirmObject(title=title, text=_plain(question, 300), confirm=answer, deny=_("Cancel"))


def link_button(
    label: str, url: str, action: str, *, style: str | None = None, accessibility_label: str | None = None
) -> ButtonElement:
    """Return a button that opens an address; one that is a credential only in a message that `is_secret`."""
    return ButtonElement(
        text=_plain(label, BUTTON_TEXT),
        action_id=action,
        url=url if len(url) <= URL else None,
        style=style,
        accessibility_label=_accessible(label, accessibility_label),
    )


def menu_item(label: str, action: str, value: str = "") -> Option:
    """Return a menu item that does what the button `action` does with this value."""
    return Option(text=_plain(label, OPTION_TEXT), value=f"{action} {value}".strip())


def menu_link(label: str, url: str, action: str) -> Option:
    """Return a menu item that opens an address, which must not be a credential."""
    return Option(text=_plain(label, OPTION_TEXT), value=action, url=url)


def menu(*items: Option | None, action: str = MENU) -> OverflowMenuElement | None:
    """Return the ⋯ menu of the items, at most five; None without any.

    An item whose value or address is too long for Slack is left out: truncated, it would do something else.
    `action` must differ from those of the message's other menus: append `#` and a number.
    https://docs.slack.dev/reference/block-kit/block-elements/overflow-menu-element
    """
    options = [item for item in items if item and len(item.value or "") <= OPTION_VALUE and len(item.url or "") <= URL]
    return OverflowMenuElement(action_id=action, options=options[:MENU_ITEMS]) if options else None


def menu_select(hint: str, items: Sequence[Option], *, action: str = MENU) -> StaticSelectElement:
    """Return a select that works like a ⋯ menu, for more items than that can hold."""
    options = {item.value: item for item in items if len(item.value or "") <= OPTION_VALUE}
    return StaticSelectElement(action_id=action, placeholder=_plain(hint, 150), options=[*options.values()][:OPTIONS])


def option(label: str, value: str) -> Option:
    """Return one option of a select."""
    return Option(text=_plain(label, OPTION_TEXT), value=value[:OPTION_VALUE])


def external_select(label: str, name: str, *, hint: str, chosen: Option | None = None, optional: bool = False) -> Block:
    """Return a select whose options Slack requests from the bot while the user types."""
    return serialize(
        InputBlock(
            block_id=name,
            label=_plain(label, INPUT_LABEL),
            element=ExternalDataSelectElement(
                action_id=name, placeholder=plain_text(hint, 150), min_query_length=0, initial_option=chosen
            ),
            optional=optional,
        )
    )


def static_select(label: str, name: str, options: Sequence[Option], *, chosen: Option | None = None) -> Block:
    """Return a select of a few known options; it is optional if `chosen` is empty."""
    return serialize(
        InputBlock(
            block_id=name,
            label=_plain(label, INPUT_LABEL),
            element=StaticSelectElement(action_id=name, options=list(options), initial_option=chosen),
            optional=chosen is None,
        )
    )


def checkboxes(
    label: str, name: str, choices: Sequence[Option], *, ticked: Collection[str] = (), optional: bool = True
) -> Block:
    """Return at most ten checkboxes; `ticked` has the values of those ticked at first."""
    return serialize(
        InputBlock(
            block_id=name,
            label=_plain(label, INPUT_LABEL),
            element=CheckboxesElement(
                action_id=name,
                options=list(choices),
                initial_options=[choice for choice in choices if choice.value in ticked] or None,
            ),
            optional=optional,
        )
    )
