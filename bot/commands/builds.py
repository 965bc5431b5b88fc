"""`builds`: what there is of an app, newest first."""

from __future__ import annotations

from bot.domain import grammar
from bot.domain.model import App, Role
from bot.slack import wording
from bot.slack.blocks import Message
from bot.slack.cards import builds as cards
from bot.slack.command import Call, Filters, command


@command(need=Role.MEMBER)
async def builds(call: Call, app: App | None = None, *, filters: Filters) -> Message:
    """List the newest builds of an app.

    /applivery builds courier
    /applivery builds courier os:ios branch:release/*
    /applivery builds courier -tag:nightly
    """
    app = await call.the_app(app)
    found = await call.house.catalogue.builds(app, filters)
    return cards.builds(
        app, found, note=wording.inline(grammar.readable(filters)), recalls=await call.house.store.recalls()
    )
