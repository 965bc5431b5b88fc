"""What a channel reads once, when the bot has been invited; pure."""

from __future__ import annotations

from bot.i18n import _
from bot.slack import blocks
from bot.slack.blocks import Message


def welcome(root: str) -> Message:
    """Return what it can do here in three lines, and the button to begin with; `root` is the slash command."""
    head = _("Thanks for letting me in. What I can do here:")
    lines = (
        _("• `{root} get` makes a fresh private link to a build, only for the person who asks.", root=root),
        _("• `{root} builds` lists the newest builds, `{root} status` says how far one has come.", root=root),
        _("• Once it is subscribed, this channel hears of each build when it is ready or has failed."),
    )
    begin = blocks.button(_("Subscribe this channel"), "subscribe.v1", style="primary")
    text = "\n".join((head, *lines))
    return Message(text, (blocks.section("\n".join((f"*{head}*", *lines))), blocks.actions(begin)))
