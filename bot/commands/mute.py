"""`mute` and `unmute`: hold a channel's announcements for a while, then post them in one message."""

from __future__ import annotations

from bot.commands import digests
from bot.commands.subscriptions import meant, meant_by
from bot.dispatch.context import CommandContext
from bot.dispatch.registry import button, command
from bot.dispatch.targets import Rest
from bot.domain import spelling
from bot.domain.lookup import AmbiguousInput
from bot.domain.model import App, Role, Subscription
from bot.domain.timeparse import deadline
from bot.exceptions import UserInputError
from bot.i18n import Text, gettext_noop
from bot.slack.blocks import Message
from bot.slack.button_values import MuteValue, SubscriptionValue
from bot.slack.views import mutes as cards
from bot.slack.views.mutes import HERE
from bot.slack.views.subscription_names import app_of

OFF = "off"


@command(need=Role.RELEASER, act=gettext_noop("mute announcements"))
async def mute(call: CommandContext, when: Rest | None = None) -> Message:
    """Pause announcements; get one summary when they resume.

    /applivery mute 4h
    /applivery mute 30m courier
    /applivery mute until friday 10:00
    /applivery mute off
    """
    time, app = await _split(call, str(when or ""))
    target = await _target(call, app)
    return await (_set(call, target, time) if time else _ask(call, target))


@command(need=Role.RELEASER, act=gettext_noop("unmute announcements"))
async def unmute(call: CommandContext, which: Rest | None = None) -> Message:
    """Resume announcements and post what was held back.

    /applivery unmute
    /applivery unmute courier
    """
    return await _set(call, await _target(call, str(which or "")), OFF)


@button("mute.v1", need=Role.RELEASER)
async def pressed(call: CommandContext, value: str) -> Message:
    """*Mute* on a card (an app's id) or in the list (a subscription): asks for how long."""
    return await _ask(call, value)


@button("muted.v1", need=Role.RELEASER, replaces_message=True)
async def chosen(call: CommandContext, value: str) -> Message:
    """Mute for the chosen time, or end the mute."""
    muted = MuteValue.parse(value)
    return await _set(call, muted.target, muted.time)


async def _ask(call: CommandContext, target: str) -> Message:
    subscriptions, _ = await _meant(call, target)
    return cards.choices(subscriptions, target, call.now)


async def _set(call: CommandContext, target: str, when: str) -> Message:
    """Mute until the given time, or end the mute; users see the time in their own zone."""
    subscriptions, left_out = await _meant(call, target)
    until = None if when == OFF else deadline.parse(when, now=call.now, tz=call.asker.tz)
    were = await call.services.subscriptions.mute(call.asker, call.entrypoint, subscriptions, until, call.now)
    if until is None and not were:
        return cards.not_muted(subscriptions, target)
    return cards.muted(subscriptions, until, target, left_out) if until else cards.unmuted(were, left_out)


async def _split(call: CommandContext, typed: str) -> tuple[str, str]:
    """Return the words for the time, and those for the target, whose name may contain any words."""
    first, _separator, rest = typed.partition(" ")
    if spelling.bare(first) == OFF:
        return OFF, rest
    time, app = deadline.split(typed)
    if not app:
        return time, ""
    subscribed = [name for subscription in await _here(call) for name in (subscription.app_name, app_of(subscription))]
    names = {spelling.fold(text) for text in subscribed}
    names |= {spelling.fold(name) for known_app in await call.known_apps() for name in (known_app.name, known_app.slug)}
    for name, others in (*spelling.starts(typed), *spelling.ends(typed)):
        if {spelling.fold(name), spelling.bare(name)} & names:
            return others, name
    return (app, "") if app[0].isdecimal() and not time else (time, app)  # probably a misspelt time


async def _here(call: CommandContext) -> list[Subscription]:
    return await call.services.subscriptions.of_channel(call.asker.channel_id)


async def _target(call: CommandContext, typed: str) -> str:
    """Return the target as a button value: all subscriptions here, or the id of an app the channel is subscribed to."""
    if not typed.strip():
        return HERE
    for subscription in meant_by(typed, await _here(call)):
        return subscription.app_id or str(SubscriptionValue.of(subscription))
    try:
        return (await call.app(typed)).id
    except AmbiguousInput as error:
        raise UserInputError(error.sentence, near=error.choices, replaces=typed) from None


async def _meant(call: CommandContext, target: str) -> tuple[list[Subscription], list[Subscription]]:
    """Return the subscriptions to mute, and those that the user may not mute.

    Raises PermissionDenied if the user may mute none of them.
    """
    if "/" in target:
        return [await meant(call, target)], []
    here = await call.services.subscriptions.of_channel(call.asker.channel_id)
    if not here:
        raise UserInputError(
            Text("This channel has no subscriptions to mute."), commands=((Text("Subscribe"), "subscribe"),)
        )
    # the subscription to all apps announces the app too, in addition to its own
    subscriptions = [subscription for subscription in here if target == HERE or subscription.app_id in (target, None)]
    if not subscriptions:
        raise UserInputError(Text("This channel isn't subscribed to that app."), commands=digests.SEE_ALL)
    may = [subscription for subscription in subscriptions if _role(call, subscription) >= call.required_role]
    if not may:
        call.require_role(
            App(subscriptions[0].app_id, subscriptions[0].app_id, subscriptions[0].app_name)
            if subscriptions[0].app_id
            else None
        )
    return may, [subscription for subscription in subscriptions if subscription not in may]


def _role(call: CommandContext, subscription: Subscription) -> Role:
    return call.asker.role_for(subscription.app_id) if subscription.app_id else call.asker.role
