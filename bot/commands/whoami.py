"""`whoami`: what I may do here, and why."""

from __future__ import annotations

from bot.dispatch.context import CommandContext
from bot.dispatch.registry import command
from bot.domain.model import Outsider, Role
from bot.i18n import _, gettext_noop
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.mrkdwn import escape_inline

EVERYWHERE = gettext_noop("You are *{role}* for every app.")
WHO = {
    Outsider.GUEST: gettext_noop("You're a guest: you can use only the apps you were given access to."),
    Outsider.PARTNER: gettext_noop(
        "You're from another organisation: you can use only the apps you were given access to."
    ),
}


@command(need=Role.MEMBER)
async def whoami(call: CommandContext) -> Message:
    """Show your role and what you can do.

    /applivery whoami
    """
    text = await may(call)
    return Message(text, (blocks.section(text),))


async def may(call: CommandContext) -> str:
    """Return the asker's roles, commands and time zone, a line for each."""
    asker = call.asker
    lines = [_(WHO[asker.outsider]) if asker.outsider else _(EVERYWHERE, role=asker.role.word)]
    names = {app.id: app.name for app in await call.services.apps.apps()} if asker.app_roles else {}
    lines += [
        _("*{role}* for {app}", role=role.word, app=escape_inline(names.get(app_id, app_id), 80))
        for app_id, role in asker.app_roles.items()
        if role > asker.role
    ]
    can = [
        entry.name
        for entry in call.registry.commands()
        if entry.required_role <= (asker.highest if asker.outsider else asker.role)
    ]
    lines.append(_("You can use {commands}.", commands=", ".join(f"`{name}`" for name in can)))
    lines.append(_("Your time zone is {zone}.", zone=escape_inline(asker.tz, 60)))
    return "\n".join(lines)
