"""`status`: the state of a build, or without one, for admins, the bot's health."""

from __future__ import annotations

from bot.dispatch.context import CommandContext
from bot.dispatch.registry import MenuItem, button, command
from bot.dispatch.targets import BuildReference, Filters
from bot.domain import lookup
from bot.domain.lookup import LATEST, Prefer
from bot.domain.model import Build, Role, Stage
from bot.i18n import gettext_noop
from bot.slack.blocks import Message
from bot.slack.button_values import BuildValue
from bot.slack.views import builds as cards
from bot.slack.views.health import health


@command(need=Role.MEMBER, menu=MenuItem(3, gettext_noop("Status")))
async def status(call: CommandContext, target: BuildReference | None = None, *, filters: Filters) -> Message:
    """Show a build's status, or why it failed.

    /applivery status courier
    /applivery status courier 2.4.0
    /applivery status 65f0c1d2e3a4b5c6d7e8f901
    /applivery status
    """
    if target is None and not filters.options and call.asker.role >= Role.ADMIN:
        return health(await call.services.health())
    return await card(call, await newest(call, target or BuildReference(None), filters))


async def newest(
    call: CommandContext, target: BuildReference, filters: Filters, prefer: Prefer = lambda _: True
) -> Build:
    """Return the named build (of several, one that `prefer` accepts), by default the newest in any state."""
    target, filters = target.split_platform(filters)
    if target.which not in (None, LATEST):
        return (await target.resolve(call, filters, prefer=prefer)).build
    app = await target.resolve_app(call)
    builds = await call.services.apps.builds(app, filters, limit=1)
    if not builds:
        await call.services.apps.require_any(app)
        raise lookup.no_match(app)
    return builds[0]


@button("status.v1", need=Role.MEMBER, about_build=True)
async def pressed(call: CommandContext, value: str) -> Message:
    """Show the current state of a build."""
    wanted = BuildValue.parse(value)
    return await card(call, await call.build(wanted.app_id, wanted.build_id))


async def card(call: CommandContext, build: Build) -> Message:
    """Return the state of a build, and why it failed."""
    if build.stage is Stage.UNKNOWN or (build.stage is Stage.FAILED and build.error is None):
        # only the details contain the reason, and perhaps a more recent status
        build = await call.details(build)
    recall = await call.services.recalls.of(build.id)
    awaitable = call.can_wait_for(build)
    is_available = build.stage is Stage.READY and recall is None
    return cards.status(
        build,
        call.services.dashboard(build),
        recall,
        releases=call.asker.role_for(build.app.id) >= Role.RELEASER,
        awaitable=awaitable,
        instead=None if is_available or awaitable else await call.find_replacement(build),
        now=call.now,
    )
