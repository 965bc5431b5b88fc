"""`watch`: send a build's progress to the user by direct message, until it is ready or has failed."""

from __future__ import annotations

from bot.commands.status import card, newest
from bot.dispatch.context import CommandContext
from bot.dispatch.registry import button, command
from bot.dispatch.targets import BuildReference, Filters
from bot.domain.model import Build, Role
from bot.exceptions import NotFoundByName, PermissionDenied
from bot.i18n import _
from bot.slack.blocks import Message
from bot.slack.button_values import BuildValue
from bot.slack.views import progress as cards


@command(need=Role.MEMBER)
async def watch(call: CommandContext, target: BuildReference | None = None, *, filters: Filters) -> Message:
    """Follow a build by DM; get the link when it's ready.

    /applivery watch courier
    /applivery watch courier 2.4.0
    /applivery watch courier #173
    /applivery watch latest os:ios
    """
    return await _begin(call, await newest(call, target or BuildReference(None), filters, call.can_wait_for))


@button("watch.v1", need=Role.MEMBER, about_build=True, replaces_message=True)
async def pressed(call: CommandContext, value: str) -> Message:
    """*Watch* on a build that is being processed."""
    wanted = BuildValue.parse(value)
    return await _begin(call, await call.build(wanted.app_id, wanted.build_id))


@button("unwatch.v1", need=Role.MEMBER, about_build=True, replaces_message=True)
async def stop(call: CommandContext, value: str) -> Message:
    """*Stop watching*: no further messages, not even the result."""
    wanted = BuildValue.parse(value)
    await call.services.watches.stop(call.asker, wanted.build_id)
    try:
        build = await call.build(wanted.app_id, wanted.build_id)
    except (PermissionDenied, NotFoundByName):
        return Message(_("Stopped watching this build."))
    return cards.stopped(build, again=call.can_wait_for(build))


async def _begin(call: CommandContext, build: Build) -> Message:
    if not call.can_wait_for(build):
        return await card(call, build)
    followed = await call.services.watches.follow(call.asker, build, call.now)
    if isinstance(followed, Build):
        return await card(call, followed)
    return cards.promised(followed.build, followed.usual, fresh=followed.fresh)
