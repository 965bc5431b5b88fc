"""`forecast`: what ends or stops next, now or as a scheduled report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.commands import digests
from bot.dispatch.context import CommandContext
from bot.dispatch.registry import button, command
from bot.domain import forecasts
from bot.domain.forecast_facts import Forecast
from bot.domain.model import App, Role
from bot.domain.timeparse import deadline
from bot.exceptions import PermissionDenied, UserInputError
from bot.i18n import Text, gettext_noop
from bot.services.forecasts import ForecastQuery
from bot.slack.blocks import Message
from bot.slack.blocks.paging import parse_page_value
from bot.slack.views import forecast as cards


@command(need=Role.RELEASER, act=gettext_noop("see forecasts"))
async def forecast(
    call: CommandContext,
    app: App | None = None,
    *,
    within: str | None = None,
    until: str | None = None,
    every: str | None = None,
    quiet: str | None = None,
) -> Message:
    """Show what ends next: profiles, old builds, limits, subscriptions and roles.

    /applivery forecast
    /applivery forecast courier within:12w
    /applivery forecast until:friday
    /applivery forecast within:30d every:monday@09:00 quiet:yes
    """
    if within is not None and until is not None:
        raise UserInputError(Text("Use `within:` or `until:`, not both."), every=[f"within:{within}", f"until:{until}"])
    if every is None and quiet is not None:
        text = Text("`quiet:` only works with a scheduled report.")
        raise UserInputError(text, every=["every:monday@09:00", "every:daily@09:00"])
    if every is not None and until is not None:
        raise UserInputError(
            Text("A scheduled forecast needs `within:`, not `until:`."), near=["within:30d"], replaces=f"until:{until}"
        )
    end = _end(call, within or until)
    if every is not None:
        days = math.ceil((end - call.now) / timedelta(days=1))
        return await digests.begin_forecast(call, app, days, every, quiet)
    found = await call.services.forecasts.forecast(call.asker, ForecastQuery(await _apps(call, app), app, end))
    return cards.forecast(await call.services.forecasts.save(found) if len(found.items) > cards.SHOWN else found)


@button(cards.MORE, need=Role.RELEASER, replaces_message=True)
async def turned(call: CommandContext, value: str) -> Message:
    """*More* and *Previous* below the forecast: the other page, with what the user may see now."""
    page, key = parse_page_value(value)
    found = await call.services.forecasts.load(key)
    return cards.forecast(await _permitted(call, found), page)


async def _permitted(call: CommandContext, found: Forecast) -> Forecast:
    """Return the part of a forecast that this user may see, as it may have been made for another."""
    permitted = {app.id for app in await call.apps()}
    return replace(found.of_apps(permitted, call.asker.role), language="")


async def _apps(call: CommandContext, app: App | None) -> Sequence[App]:
    """Return the named app, or all apps for which the user has the role here."""
    if app is not None:
        return [app]
    apps = await call.apps()
    if not apps and await call.services.apps.apps():
        raise PermissionDenied(Text("Your role doesn't allow this for any app in this channel."))
    return apps


def _end(call: CommandContext, typed: str | None) -> datetime:
    """Return the end of the forecast."""
    if typed is None:
        return call.now + forecasts.HORIZON
    return deadline.parse(typed, now=call.now, tz=call.asker.tz, longest=forecasts.LONGEST)
