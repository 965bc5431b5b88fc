"""`builds`: list an app's builds, newest first."""

from __future__ import annotations

from bot.dispatch.context import CommandContext
from bot.dispatch.registry import MenuItem, button, command
from bot.dispatch.targets import Filters
from bot.domain import grammar
from bot.domain.grammar import ParsedText
from bot.domain.model import App, Role
from bot.i18n import gettext_noop
from bot.slack import mrkdwn
from bot.slack.blocks import Message, paging
from bot.slack.blocks.paging import parse_page_value
from bot.slack.views import builds as cards


@command(need=Role.MEMBER, menu=MenuItem(2, gettext_noop("Builds")))
async def builds(call: CommandContext, app: App | None = None, *, filters: Filters) -> Message:
    """List an app's newest builds.

    /applivery builds courier
    /applivery builds courier os:ios branch:release/*
    /applivery builds courier -tag:nightly
    """
    return await _listed(call, await call.only_app(app), filters)


@button(cards.MORE, need=Role.MEMBER, replaces_message=True)
async def turned(call: CommandContext, value: str) -> Message:
    """*More* and *Previous* below the list, which is replaced by the other page."""
    page, typed = parse_page_value(value)
    words = grammar.parse(typed)
    return await _listed(call, await call.app(next(iter(words.plain), "")), ParsedText((), words.options), page)


async def _listed(call: CommandContext, app: App, filters: Filters, number: int = 0) -> Message:
    builds = await call.services.apps.builds(app, filters, limit=paging.items_needed(number, cards.SHOWN_BUILDS))
    return cards.builds(
        app,
        paging.paginate_partial(builds, number, cards.SHOWN_BUILDS),
        note=mrkdwn.escape_inline(grammar.readable(filters)),
        recalls=await call.services.recalls.all(),
        now=call.now,
        tz=call.asker.tz,
        uploads=call.asker.role_for(app.id) >= Role.RELEASER,
        again=await call.services.drafts.store(grammar.explain(ParsedText((app.id,), filters.options))),
    )
