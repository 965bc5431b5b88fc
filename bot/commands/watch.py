"""`watch`: a build's progress in the direct messages of who asked, until it is ready or is not going to be."""

from __future__ import annotations

from datetime import timedelta

from bot.commands.status import card, newest
from bot.db import build_waiters, build_watches
from bot.dispatch.registry import BuildReference, CommandContext, Filters, button, command
from bot.domain import estimates
from bot.domain.model import Build, Role
from bot.exceptions import AppliveryError, NotFoundByName, PermissionDenied
from bot.i18n import _
from bot.slack.blocks import Message
from bot.slack.views import progress as cards


@command(need=Role.MEMBER)
async def watch(call: CommandContext, target: BuildReference | None = None, *, filters: Filters) -> Message:
    """See in your direct messages how a build gets on, and get it when it is ready.

    /applivery watch courier
    /applivery watch courier 2.4.0
    /applivery watch courier #173
    /applivery watch latest os:ios
    """
    return await _begin(call, await newest(call, target or BuildReference(None), filters, call.can_be_awaited))


@button("watch.v1", need=Role.MEMBER, about_build=True, replaces_message=True)
async def pressed(call: CommandContext, value: str) -> Message:
    """*Watch* on a build that is on its way."""
    app_id, _separator, build_id = value.partition("/")
    return await _begin(call, await call.build(app_id, build_id))


@button("unwatch.v1", need=Role.MEMBER, about_build=True, replaces_message=True)
async def stop(call: CommandContext, value: str) -> Message:
    """*Stop watching*: nothing more comes, not even the end."""
    app_id, _separator, build_id = value.partition("/")
    await call.house.store.run(build_watches.stop_watch, build_id, call.asker.user_id)
    try:
        build = await call.build(app_id, build_id)
    except (PermissionDenied, NotFoundByName):
        return Message(_("You no longer watch this build."))
    return cards.stopped(build, again=call.can_be_awaited(build))


async def _begin(call: CommandContext, build: Build) -> Message:
    store, asker = call.house.store, call.asker
    if not call.can_be_awaited(build):
        return await card(call, build)
    await store.run(build_waiters.add_waiter, build, asker.team_id, asker.user_id, asker.channel_id)
    # It may have ended between the two: only what is asked after the promise is written down can be relied on.
    build = await call.details(build)
    if not call.can_be_awaited(build):
        await store.run(build_waiters.remove_waiter, build.id, asker.user_id)
        return await card(call, build)
    usual = await _usual(call, build)
    fresh = await store.run(build_watches.add_watch, build, asker.user_id, usual)
    return cards.promised(build, usual, estimates.left(build.created_at or call.now, usual, call.now), fresh=fresh)


async def _usual(call: CommandContext, build: Build) -> timedelta | None:
    try:
        alike = await call.house.catalogue.builds(
            build.app, wanted=lambda other_build: estimates.tells(other_build, build.platform), most=estimates.LATEST
        )
        return estimates.usual(alike, build.platform)
    except AppliveryError:
        return None  # it can be watched without an estimate
