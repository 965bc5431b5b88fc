"""Messages about a form that could not be used or opened: a button back to it, or the typed text; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from slack_sdk.models.blocks import ButtonElement

from bot.i18n import _
from bot.slack import blocks
from bot.slack.blocks import Message, Modal, inputs
from bot.slack.mrkdwn import escape_inline

PICK_CHANNEL, PICKED_CHANNEL = "channel.v1", "channel.id"


def reopen_button(draft: str, label: str = "") -> ButtonElement:
    """Return the button that reopens a stored form with all its input."""
    return blocks.button(label or _("Back to the form"), "reopen.v1", draft, style="primary")


def with_way_back(message: Message, draft: str) -> Message:
    """Return the error of a form with the button that reopens it as it was submitted."""
    return _with(message, [blocks.actions(reopen_button(draft))])


def with_words(message: Message, typed: Sequence[tuple[str, str]]) -> Message:
    """Return the error of a form that could not be stored, with each typed text below its label, to be copied."""
    said = [block for label, text in typed for block in (blocks.context(label), blocks.copyable(text))]
    return _with(message, said)


def not_opened(message: Message, draft: str) -> Message:
    """Return the button to a form that could not be opened: too late, or from a mention, where Slack opens none."""
    return _with(message, [blocks.actions(reopen_button(draft, _("Open the form")))])


def choose_channel(message: Message, draft: str) -> Message:
    """Return the error of what can't be done here, with the button to choose another channel."""
    return _with(message, [blocks.actions(blocks.button(_("Choose a channel"), PICK_CHANNEL, draft))])


def channel_picker(draft: str) -> Modal:
    """Return the form to choose the channel in which the command or button of the draft is run."""
    body = (inputs.channel_input(_("Channel"), PICKED_CHANNEL),)
    return Modal(PICK_CHANNEL, _("Choose a channel"), body, submit=_("Continue"), private_metadata=draft)


def about_files(names: Sequence[str], title: str, draft: str) -> Message:
    """Return the button to a form about files that were posted to the bot."""
    named = ", ".join(f"*{escape_inline(name, 120)}*" for name in names if name) or _("File in this message")
    text = f"{named}\n{_('Nothing is uploaded yet.')}"
    return Message(text, (blocks.section(text), blocks.actions(reopen_button(draft, title))))


def _with(message: Message, more: Sequence[blocks.Block]) -> Message:
    body = message.blocks or (blocks.section(message.text),)
    return replace(message, blocks=(*body, *more))
