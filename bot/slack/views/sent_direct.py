"""The reply where a command was used whose answer went to the user's direct messages; pure."""

from __future__ import annotations

from dataclasses import replace

from bot.i18n import _
from bot.slack import blocks
from bot.slack.blocks import Message


def pointer(sent: Message, permalink: str | None) -> Message:
    """Return the reply, with a button to the message or thread at `permalink`, or without one in words."""
    where = _("I sent you the details by DM.") if sent.thread else _("I sent it to you in a direct message.")
    said = sent.pointer or (Message(sent.text, sent.blocks) if sent.thread else Message(""))
    text = f"{said.text} {where}".strip()
    body = said.blocks or (blocks.section(said.text or where),)
    if permalink is None:
        return replace(said, text=text, blocks=(*body, blocks.context(where)) if said.text else body)
    label = _("Open details") if sent.thread else _("Open message")
    row = blocks.actions(blocks.link_button(label, permalink, "open.details"))
    if body[-1].get("type") == "actions":
        row = {**row, "elements": [*row["elements"], *body[-1]["elements"]]}
        body = body[:-1]
    return replace(said, text=text, blocks=(*body, row))
