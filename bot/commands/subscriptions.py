"""`subscriptions` and `unsubscribe`: what a channel hears of, who wanted it and when, and how to end it."""

from __future__ import annotations

from bot.domain.model import App, Role
from bot.errors import BadInput, NotFoundByName
from bot.slack.blocks import Message
from bot.slack.cards import subscriptions as cards
from bot.slack.command import Call, button, command
from bot.slack.wording import inline


@command(need=Role.MEMBER)
async def subscriptions(call: Call) -> Message:
    """List what this channel is subscribed to.

    /applivery subscriptions
    """
    return cards.subscriptions(await call.house.store.subscriptions(call.asker.channel_id or ""))


@command(need=Role.RELEASER)
async def unsubscribe(call: Call, which: str | None = None) -> Message:
    """End a subscription of this channel, by app or by number.

    /applivery unsubscribe courier
    /applivery unsubscribe 3
    """
    found = await call.house.store.subscriptions(call.asker.channel_id or "")
    if which is None:
        if len(found) != 1:
            return cards.subscriptions(found)
        return await _end(call, str(found[0].id))
    fitting = [one for one in found if which.casefold() in (str(one.id), one.app_name.casefold(), one.app_id)]
    if which == "*":
        fitting = [one for one in found if one.app_id is None]
    elif not fitting:
        app = await call.app(which)
        fitting = [one for one in found if one.app_id == app.id]
    if not fitting:
        raise NotFoundByName(
            "subscription of this channel",
            which,
            [one.app_name for one in found],
            otherwise="It is subscribed to nothing.",
        )
    return await _end(call, str(fitting[0].id))


@button("unsubscribe.v1", need=Role.RELEASER)
async def pressed(call: Call, value: str) -> Message:
    """The button beside a subscription."""
    return await _end(call, value)


async def _end(call: Call, number: str) -> Message:
    # looked up by channel and number, so that a made-up number cannot reach another channel
    if not number.isdecimal() or len(number) > 18 or call.asker.channel_id is None:
        raise BadInput("That is not the number of a subscription.", "See them with `subscriptions`.")
    for one in await call.house.store.subscriptions(call.asker.channel_id):
        if one.id == int(number):
            call.require(App(one.app_id, one.app_id, one.app_name) if one.app_id else None)
    removed = await call.house.store.remove_subscription(call.asker.channel_id, int(number))
    if removed is None:
        raise BadInput("That subscription has already ended.", "See what is left with `subscriptions`.")
    return Message(f"Done: this channel hears no more of {inline(removed.app_name, 80)}.")
