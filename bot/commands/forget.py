"""`forget`: delete a user from the audit log of links."""

from __future__ import annotations

from bot.dispatch.context import CommandContext
from bot.dispatch.registry import command
from bot.domain import references
from bot.domain.model import Role
from bot.i18n import gettext_noop, ngettext
from bot.slack.blocks import Message


@command(need=Role.ADMIN, act=gettext_noop("delete people's link history"))
async def forget(call: CommandContext, who: str) -> Message:
    """Delete a person's link history.

    /applivery forget @bruno
    Their roles stay. Applivery keeps its own log.
    """
    user_id = references.required_person(who)
    call.require_role(None)
    lines = await call.services.audit.erase_user(call.asker, call.entrypoint, user_id)
    done = ngettext(
        "Done: {number} line of the ledger about {person} deleted. Applivery's own log is not touched by this.",
        "Done: {number} lines of the ledger about {person} deleted. Applivery's own log is not touched by this.",
        lines,
        person=f"<@{user_id}>",
    )
    return Message(done)
