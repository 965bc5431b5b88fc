"""`forget`: delete a user from the audit log of links."""

from __future__ import annotations

from bot.dispatch.context import CommandContext
from bot.dispatch.registry import button, command
from bot.domain import references
from bot.domain.model import Role
from bot.i18n import _, gettext_noop, ngettext
from bot.slack import blocks
from bot.slack.blocks import Message


@command(need=Role.ADMIN, act=gettext_noop("delete people's link history"))
async def forget(call: CommandContext, who: str) -> Message:
    """Delete a person's link history.

    /applivery forget @bruno
    Their roles stay. Applivery keeps its own log.
    """
    user_id = references.required_person(who)
    call.require_role(None)
    records = await call.services.audit.count_user(await call.services.access.every_id(user_id))
    if not records:
        return await _delete(call, user_id)
    return _question(user_id, records)


def _question(user_id: str, records: int) -> Message:
    person = f"<@{user_id}>"
    head = ngettext(
        "Delete {number} record about {person}?", "Delete {number} records about {person}?", records, person=person
    )
    small = _("This can't be undone. Roles stay, and Applivery keeps its own log.")
    verb = ngettext("Delete {number} record", "Delete {number} records", records)
    row = blocks.actions(
        blocks.button(verb, "forget.v1", user_id, style="danger"), blocks.button(_("Cancel"), "forget.cancel.v1")
    )
    return Message(f"{head} {small}", (blocks.section(f"*{head}*\n{small}"), row))


@button("forget.v1", need=Role.ADMIN, replaces_message=True)
async def confirmed(call: CommandContext, value: str) -> Message:
    """*Delete 12 records*."""
    call.require_role(None)
    return await _delete(call, references.required_person(f"<@{value}>"))


@button("forget.cancel.v1", need=Role.ADMIN, replaces_message=True)
async def cancelled(call: CommandContext, value: str) -> Message:
    """*Cancel*."""
    return Message(_("Nothing was deleted."))


async def _delete(call: CommandContext, user_id: str) -> Message:
    ids = await call.services.access.every_id(user_id)
    records = await call.services.audit.erase_user(call.asker, call.entrypoint, ids)
    call.services.devices.forget(ids)
    done = ngettext(
        "*Deleted {number} record about {person}.* Applivery keeps its own log.",
        "*Deleted {number} records about {person}.* Applivery keeps its own log.",
        records,
        person=f"<@{user_id}>",
    )
    return Message(done)
