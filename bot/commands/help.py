"""`help` and the menu: what there is, and examples of each."""

from __future__ import annotations

from bot.commands.whoami import WHO
from bot.dispatch.context import CommandContext
from bot.dispatch.registry import HandlerKind, MenuItem, command
from bot.domain import lookup, spelling
from bot.domain.model import Role
from bot.exceptions import UserInputError
from bot.i18n import Text, _, gettext_noop
from bot.slack.blocks import Message
from bot.slack.views import help as help_views


@command(need=Role.MEMBER, menu=MenuItem(7, gettext_noop("Help")))
async def help(call: CommandContext, topic: str | None = None) -> Message:  # noqa: A001  the word people type
    """Show what I can do, or how one subcommand goes.

    /applivery help
    /applivery help get
    """
    if topic is None and call.asker.outsider:
        handlers = [command for command in call.registry.commands() if command.required_role <= call.asker.highest]
        return help_views.help_for_all(handlers, call.services.command, _(WHO[call.asker.outsider]))
    if topic is None:
        return help_views.help_for_all(call.registry.commands(), call.services.command)
    entry = call.registry.get(HandlerKind.COMMAND, spelling.bare(topic).removeprefix("/"))
    if entry is None:
        names = [command.name for command in call.registry.commands()]
        raise UserInputError(
            Text("Unknown command “{command}”.", command=topic[:60]),
            near=lookup.closest(topic, names),
            replaces=topic,
            commands=((Text("Show help"), "help"),),
        )
    return help_views.help_for(entry, call.services.command)


@command(need=Role.MEMBER)
async def menu(call: CommandContext) -> Message:
    """Open the menu; the same as typing nothing.

    /applivery
    """
    return help_views.menu(call.services.command, call.registry.menu())
