"""`forget`: a person is taken out of the ledger of links."""

from __future__ import annotations

import re

from bot.dispatch.context import CommandContext
from bot.dispatch.registry import command
from bot.domain.model import Role
from bot.exceptions import UserInputError
from bot.i18n import Text, ngettext
from bot.slack.blocks import Message

_PERSON = re.compile(r"<@([UW][A-Za-z0-9_]+)(?:\|[^>]*)?>|([UW][A-Z0-9_]{3,})")


@command(need=Role.ADMIN)
async def forget(call: CommandContext, who: str) -> Message:
    """Delete what I keep about the links a person asked for.

    /applivery forget @bruno
    Their roles stay, and so does their wish not to be asked to try builds. Applivery's own log is not touched.
    """
    match = _PERSON.fullmatch(who)
    if not match:
        step = Text("Type @ and pick the person from Slack's list.")
        raise UserInputError(Text("I cannot tell who “{who}” is.", who=who[:60]), step)
    call.require(None)
    user_id = match[1] or match[2]
    lines = await call.services.audit.erase_user(call.asker, call.door, user_id)
    done = ngettext(
        "Done: {number} line of the ledger about {person} deleted. Applivery's own log is not touched by this.",
        "Done: {number} lines of the ledger about {person} deleted. Applivery's own log is not touched by this.",
        lines,
        person=f"<@{user_id}>",
    )
    return Message(done)
