"""The message that a channel gets once, when the bot is invited; pure."""

from __future__ import annotations

from bot.i18n import _
from bot.slack import blocks
from bot.slack.blocks import Message


def welcome() -> Message:
    """Return what the bot can do in the channel, with buttons to start."""
    head = _("*Builds from Applivery, in this channel.*")
    then = _("Subscribe to announce new builds here, or get a private link to one now.")
    begin = blocks.actions(
        blocks.button(_("Subscribe"), "subscribe.v1", style="primary"),
        blocks.button(_("Get a build"), "run.v1#get", "get"),
        blocks.button(_("Help"), "run.v1#help", "help"),
    )
    text = f"{head}\n{then}"
    return Message(text, (blocks.section(text), begin))
