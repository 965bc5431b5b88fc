"""`subscribe`: this channel hears of an app's builds from now on; history stays quiet."""

from __future__ import annotations

from typing import Annotated

from bot.domain import access, filters
from bot.domain.grammar import Words
from bot.domain.model import App, Build, Role, Subscription
from bot.errors import BadInput, ChannelRefused, SlackProblem
from bot.slack.blocks import Message
from bot.slack.cards import subscriptions as cards
from bot.slack.command import Call, command

Wishes = Annotated[Words, "on", "os", "branch", "tag", "version", "by"]


@command(need=Role.RELEASER)
async def subscribe(call: Call, app: str | None = None, *, wishes: Wishes) -> Message:
    """Let this channel hear of an app's builds, exactly as typed.

    /applivery subscribe courier
    /applivery subscribe courier on:processed branch:release/* -tag:nightly
    /applivery subscribe * on:failed
    """
    channel_id = await _channel(call)
    wanted = filters.events(wishes)
    chosen = await _app(call, app)
    before = await call.house.store.subscriptions(channel_id)
    saved = await call.house.store.add_subscription(
        team_id=call.asker.team_id,
        channel_id=channel_id,
        app_id=chosen.id if chosen else None,
        app_name=chosen.name if chosen else "every app",
        events=wanted,
        query=filters.query(wishes),
        created_by=call.asker.user_id,
        baseline=await _seen(call, chosen),
    )
    return cards.subscribed(saved, replaced=any(one.app_id == saved.app_id for one in before))


async def _app(call: Call, typed: str | None) -> App | None:
    """The app, or None for every app, for which the role for one app is not enough."""
    if typed == "*":
        access.require(call.asker.role, call.need)
        return None
    return await call.app(typed) if typed else await call.the_app(None)


async def _channel(call: Call) -> str:
    """The channel to speak in, when the bot can. Raises ChannelRefused with the exact invitation otherwise."""
    channel_id = call.asker.channel_id
    if not channel_id:
        raise BadInput("I do not know which channel you mean.", "Type it in the channel that is to hear of the builds.")
    name = await call.house.places.my_name()
    invite = f"Invite me first: `/invite @{name}`, then subscribe again."
    try:
        channel = await call.house.places.channel(channel_id)
    except ChannelRefused as error:
        raise ChannelRefused("I am not in this channel, so I cannot post here.", invite, code=error.code) from error
    except SlackProblem:
        return channel_id  # Slack cannot say now; the first post will show
    if channel.archived:
        raise ChannelRefused(
            "This channel is archived.", "Subscribe in one that people still read.", code="is_archived"
        )
    if channel.member is False:
        raise ChannelRefused("I am not in this channel, so I cannot post here.", invite, code="not_in_channel")
    return channel_id


async def _seen(call: Call, app: App | None) -> list[Build]:
    """What exists now and is therefore history; for every app at once the first look of the watch does this."""
    return await call.house.catalogue.builds(app, most=100) if app else []


def same_app(one: Subscription, app: App | None) -> bool:
    """Whether a subscription is for this app (None: for all)."""
    return one.app_id == (app.id if app else None)
