"""The Home tab, which is rendered when it is opened and after each action in it."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from bot.commands import subscribe, subscriptions
from bot.commands.whoami import EVERYWHERE, WHO
from bot.dispatch.context import CommandContext
from bot.dispatch.registry import button
from bot.domain import access
from bot.domain.health import Health
from bot.domain.model import Build, Role
from bot.exceptions import AppliveryError
from bot.i18n import _
from bot.slack.blocks import HomeView
from bot.slack.mrkdwn import escape_inline
from bot.slack.views import home as cards
from bot.slack.views.home import HomeBuilds, OwnSubscriptions, WatchedBuild

MOST = 5  # builds
LOOKED_AT = 50  # recent links: several may be to the same build, or to deleted builds
SECONDS = 6.0  # for Applivery; the rest is shown without it


@button("home.v1", need=Role.MEMBER)
async def home(call: CommandContext, value: str) -> HomeView:
    """Render the Home tab: when it is opened, and for *Refresh* and *Try again*."""
    role = call.asker.highest
    builds, watched, own, can, health, can_write = await asyncio.gather(
        _builds(call),
        _watched(call),
        _own(call, role),
        _roles(call),
        _health(call),
        call.services.channels.hears_direct_messages(),
    )
    turned = cards.HomePages.to(value)
    return cards.home(
        turned=turned,
        builds=builds,
        watched=watched,
        own=own,
        can=can,
        role=role,
        health=health,
        now=call.now,
        can_write=can_write,
    )


async def _builds(call: CommandContext) -> HomeBuilds | str:
    """Return the builds the user got links to, or else the newest builds, or why Applivery does not answer."""
    had = {link.build_id: link for link in await call.services.links.received(call.asker.user_id, LOOKED_AT)}
    recalls = await call.services.recalls.all()
    try:
        async with asyncio.timeout(SECONDS):
            apps = sorted(await call.apps(), key=lambda app: app.name.casefold())
            mine = await call.services.builds.still_there(
                apps, [(link.app_id, link.build_id, link.at) for link in had.values()], MOST
            )
            if mine:
                return HomeBuilds(mine, mine=True, apps=apps, recalls=recalls)
            return HomeBuilds(
                [(build, None) for build in await call.services.builds.latest(apps, call.now, MOST)],
                mine=False,
                apps=apps,
                recalls=recalls,
            )
    except AppliveryError as problem:
        return _(problem.sentence)
    except TimeoutError:
        return _("Applivery is taking too long to respond.")


async def _watched(call: CommandContext) -> list[WatchedBuild]:
    """Return the builds the user watches, each with whether they may see it now."""
    lists = await call.services.channels.app_lists()

    def may(build: Build, place: str | None) -> bool:
        there = replace(call.asker, channel_id=place)
        return access.may(there, Role.MEMBER, build.app, lists.get(build.app.id, ()))

    found = await call.services.watches.awaited_by(call.asker.user_id)
    return [WatchedBuild(build, paused=not may(build, place)) for build, place in found]


async def _own(call: CommandContext, role: Role) -> OwnSubscriptions:
    made = await call.services.subscriptions.made_by(call.asker.user_id)
    found = await subscriptions.as_they_stand(call, made)
    handles = await subscribe.handles(call, [subscription for subscription, _ in found])
    return OwnSubscriptions(found, handles, role >= Role.RELEASER)


async def _roles(call: CommandContext) -> str:
    """Return the user's role for all apps and those for single apps, a line each."""
    asker = call.asker
    lines = [_(WHO[asker.outsider]) if asker.outsider else _(EVERYWHERE, role=asker.role.word)]
    names = await call.services.names.of_apps() if asker.app_roles else {}
    for app_id, role in asker.app_roles.items():
        if role > asker.role and app_id in names:
            lines.append(_("*{role}* for {app}", role=role.word, app=escape_inline(names[app_id], 80)))
    return "\n".join(lines)


async def _health(call: CommandContext) -> Health | None:
    return await call.services.health() if call.asker.role >= Role.ADMIN else None
