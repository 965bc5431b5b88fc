"""`news`: what is new in a build, and the changes since the user's build."""

from __future__ import annotations

from bot.dispatch.context import CommandContext
from bot.dispatch.registry import button, command
from bot.dispatch.targets import BuildReference, Filters
from bot.domain.model import Build, Role
from bot.exceptions import Outdated
from bot.i18n import Text
from bot.slack.blocks import Message
from bot.slack.blocks.paging import parse_page_value
from bot.slack.button_values import BuildValue
from bot.slack.views import changes_since as cards


@command(need=Role.MEMBER)
async def news(call: CommandContext, target: BuildReference | None = None, *, filters: Filters) -> Message:
    """Show what's new since the build you have.

    /applivery news courier
    /applivery news courier 2.4.0
    """
    chosen = await (target or BuildReference(None)).resolve(call, filters)
    return await _told(call, await call.details(chosen.build))


@button(cards.MORE, need=Role.MEMBER, replaces_message=True)
async def turned(call: CommandContext, value: str) -> Message:
    """*More* and *Previous* below the changes, which are replaced by the other page."""
    number, build = parse_page_value(value)
    return await _shown(call, build, number)


@button("news.v1", need=Role.MEMBER, about_build=True)
async def pressed(call: CommandContext, value: str) -> Message:
    """*What's new* on a card."""
    return await _shown(call, value)


async def _shown(call: CommandContext, value: str, page: int = 0) -> Message:
    wanted = BuildValue.parse(value)
    if not wanted.is_complete:
        raise Outdated(commands=((Text("See what's new"), "news"),))
    return await _told(call, await call.build(wanted.app_id, wanted.build_id), page)


async def _told(call: CommandContext, build: Build, page: int = 0) -> Message:
    missed = await call.services.news.since_theirs(call.asker.user_id, build)
    return cards.news(build, missed, await call.services.recalls.all(), call.services.dashboard(build), page)
