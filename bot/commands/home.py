"""The Home tab, as it is shown when it is opened and after each action in it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from bot.commands import subscribe, subscriptions
from bot.commands.whoami import may
from bot.dispatch.context import CommandContext
from bot.dispatch.registry import button
from bot.domain import access
from bot.domain.health import Health
from bot.domain.model import App, Build, Role
from bot.exceptions import AppliveryError, Forbidden, NotFound
from bot.i18n import _
from bot.slack.blocks import HomeView
from bot.slack.views import home as cards
from bot.slack.views.home import HomeBuilds, OwnSubscriptions, WatchedBuild

MOST = 5  # builds
LOOKED_AT = 50  # links that were given: several to one build, or to builds that are gone
APPS = 5  # with the latest builds are asked for their newest ones
NEVER = datetime.min.replace(tzinfo=UTC)
SECONDS = 6.0  # for Applivery; the rest is shown without it


@button("home.v1", need=Role.MEMBER)
async def home(call: CommandContext, value: str) -> HomeView:
    """Opening the Home tab, *Refresh* and *Try again* in it."""
    role = call.asker.highest
    builds, watched, own, can, health = await asyncio.gather(
        _builds(call),
        _watched(call),
        _own(call, role),
        _may(call),
        _health(call),
    )
    turned = cards.HomePages.to(value)
    return cards.home(
        turned=turned, builds=builds, watched=watched, own=own, can=can, role=role, health=health, now=call.now
    )


async def _builds(call: CommandContext) -> HomeBuilds | str:
    """The builds the asker got links to, else the newest there are; or why Applivery cannot say."""
    had = {link.build_id: link for link in await call.services.links.received(call.asker.user_id, LOOKED_AT)}
    recalls = await call.services.recalls.all()
    try:
        async with asyncio.timeout(SECONDS):
            apps = sorted(await call.apps(), key=lambda app: app.name.casefold())
            mine = await _named(call, apps, [(link.app_id, link.build_id, link.at) for link in had.values()])
            if mine:
                return HomeBuilds(mine, mine=True, apps=apps, recalls=recalls)
            return HomeBuilds(
                [(build, None) for build in await _newest(call, apps)], mine=False, apps=apps, recalls=recalls
            )
    except AppliveryError as problem:
        return _(problem.sentence)
    except TimeoutError:
        return _("Applivery takes too long to answer.")


async def _watched(call: CommandContext) -> list[WatchedBuild]:
    """The builds the asker waits for, each with whether they may hear of it now."""
    lists = await call.services.channels.app_lists()

    def may(build: Build, place: str | None) -> bool:
        there = replace(call.asker, channel_id=place)
        return access.may(there, Role.MEMBER, build.app, lists.get(build.app.id, ()))

    found = await call.services.watches.awaited_by(call.asker.user_id)
    return [WatchedBuild(build, paused=not may(build, place)) for build, place in found]


async def _named(
    call: CommandContext, apps: list[App], wanted: list[tuple[str, str, datetime]]
) -> list[tuple[Build, datetime | None]]:
    """The newest of these builds that are still there, of apps the asker may use, in their order."""
    known = {app.id: app for app in apps}
    wanted = [row for row in wanted if row[0] in known]
    listed = await asyncio.gather(*(_listed(call, known[app_id]) for app_id in {app_id for app_id, _, _ in wanted}))
    builds = {build.id: build for found in listed for build in found}

    async def find(app_id: str, build_id: str) -> Build | None:
        try:
            return builds.get(build_id) or await call.services.apps.build_by_id(build_id, (known[app_id],))
        except (NotFound, Forbidden):
            return None

    mine: list[tuple[Build, datetime | None]] = []
    for at in range(0, len(wanted), MOST):  # those that were deleted make place for older ones
        some = wanted[at : at + MOST]
        found_builds = await asyncio.gather(*(find(app_id, build_id) for app_id, build_id, _ in some))
        mine += [(build, when) for build, (_, _, when) in zip(found_builds, some, strict=True) if build]
        if len(mine) >= MOST:
            break
    return mine[:MOST]


async def _newest(call: CommandContext, apps: list[App]) -> list[Build]:
    lately = sorted(apps, key=lambda app: app.processed_at or NEVER, reverse=True)[:APPS]
    found_builds = [
        build for builds in await asyncio.gather(*(_listed(call, app) for app in lately)) for build in builds
    ]
    # a date in the future counts as now
    made = {build.id: min(build.created_at, call.now) if build.created_at else NEVER for build in found_builds}
    return sorted(found_builds, key=lambda build: made[build.id], reverse=True)[:MOST]


async def _listed(call: CommandContext, app: App) -> list[Build]:
    try:
        return await call.services.apps.builds(app)
    except (NotFound, Forbidden):
        return []


async def _own(call: CommandContext, role: Role) -> OwnSubscriptions:
    made = await call.services.subscriptions.with_last_post(created_by=call.asker.user_id)
    found = await subscriptions.as_they_stand(call, made)
    handles = await subscribe.handles(call, [subscription for subscription, _ in found])
    return OwnSubscriptions(found, handles, role >= Role.RELEASER)


async def _may(call: CommandContext) -> str:
    try:
        return await may(call)
    except AppliveryError:  # the names of apps are missing, and it is said above that they cannot be had
        return await may(replace(call, asker=replace(call.asker, app_roles={})))


async def _health(call: CommandContext) -> Health | None:
    return await call.services.health() if call.asker.role >= Role.ADMIN else None
