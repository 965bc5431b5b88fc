"""*Downloads* on a card: the download report of its build."""

from __future__ import annotations

from bot.commands.downloads import downloads
from bot.dispatch.context import CommandContext
from bot.dispatch.registry import button
from bot.dispatch.targets import BuildReference
from bot.domain.model import Role
from bot.exceptions import Outdated
from bot.i18n import Text, gettext_noop
from bot.slack.blocks import Reply
from bot.slack.button_values import BuildValue


@button("downloads.v1", need=Role.MANAGER, act=gettext_noop("see downloads"))
async def pressed(call: CommandContext, value: str) -> Reply:
    """*Downloads* on a card."""
    wanted = BuildValue.parse(value)
    if not wanted.is_complete:
        raise Outdated(commands=((Text("See downloads"), "downloads"),))
    return await downloads(call, BuildReference(await call.app(wanted.app_id), wanted.build_id))
