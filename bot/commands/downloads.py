"""`downloads`: who downloaded what, for managers: a headline, and the people in its thread."""

from __future__ import annotations

import asyncio

from bot.domain import downloads as decisions
from bot.domain.model import App, Build, MemberDownloads, Role
from bot.domain.periods import Period
from bot.errors import NotFoundByName
from bot.slack.blocks import Message
from bot.slack.cards import builds
from bot.slack.cards import downloads as cards
from bot.slack.command import Call, Target, command
from bot.slack.wording import inline


@command(need=Role.MANAGER)
async def downloads(call: Call, target: Target | None = None, *, since: Period | None = None) -> Message:
    """See who downloaded an app or a build, people in the thread.

    /applivery downloads courier
    /applivery downloads courier 2.4.0 since:7d
    /applivery downloads courier since:2026-11-01..2026-11-07
    """
    target = target or Target(await call.the_app(None))
    if target.app is not None and target.which in (None, "all"):
        rows = await _rows(call, target.app.id, None, since)
        return _summary(f"Downloads of {inline(target.app.name, 80)}", rows, since)
    found = await _builds(call, target)
    rows = [row for one in await asyncio.gather(*(_rows(call, b.app.id, b.id, since) for b in found)) for row in one]
    what = (
        builds.title(found[0]) if len(found) == 1 else f"{inline(found[0].app.name, 80)} {inline(found[0].version, 60)}"
    )
    return _summary(f"Downloads of {what}", rows, since)


def _summary(what: str, rows: list[MemberDownloads], period: Period | None) -> Message:
    return cards.downloads(what, decisions.summarise(rows), period)


async def _rows(call: Call, app_id: str, build_id: str | None, period: Period | None) -> list[MemberDownloads]:
    return await call.house.applivery.downloads_by_user(
        app_id, build_id, since=period.start if period else None, until=period.end if period else None
    )


async def _builds(call: Call, target: Target) -> list[Build]:
    """The builds that are meant: one by id, number or `latest`, or every platform's build of a version."""
    app: App | None = target.app
    if app is not None and target.which and not target.which.startswith("#"):
        every = await call.house.catalogue.builds(app, most=250)
        same = [one for one in every if one.version.casefold() == target.which.casefold()]
        if same:
            return same
    try:
        return [(await target.build(call)).build]
    except NotFoundByName as error:
        error.next_step = error.next_step or "Give a version, `#number`, `latest` or `all`."
        raise
