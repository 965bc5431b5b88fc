"""`news`: what is new in a build, and what came since the one the asker has."""

from __future__ import annotations

from bot.domain.model import Build, Role
from bot.domain.news import since
from bot.errors import BadInput
from bot.language import say
from bot.slack.blocks import Message
from bot.slack.cards import news as cards
from bot.slack.command import Call, Filters, Target, button, command

LOOKED_AT = 100  # builds, for what came in between


@command(need=Role.MEMBER)
async def news(call: Call, target: Target | None = None, *, filters: Filters) -> Message:
    """Read what is new in a build, since the one you have.

    /applivery news courier
    /applivery news courier 2.4.0
    """
    chosen = await (target or Target(None)).build(call, filters)
    return await _told(call, await call.details(chosen.build))


@button("news.v1", need=Role.MEMBER)
async def pressed(call: Call, value: str) -> Message:
    """*What's new* on a card."""
    app_id, _, build_id = value.partition("/")
    if not build_id:
        raise BadInput(say("This button does not say which build it is for."), say("Please use `news` instead."))
    return await _told(call, await call.build(app_id, build_id))


async def _told(call: Call, build: Build) -> Message:
    had = await call.house.store.builds_had(call.asker.user_id, build.app.id)
    missed = None
    if had.keys() - {build.id}:
        missed = since(build, await call.house.catalogue.builds(build.app, most=LOOKED_AT), had)
    return cards.news(build, missed, await call.house.store.recalls(), call.house.dashboard(build))
