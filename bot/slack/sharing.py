"""Whether something may be said to everybody in a channel, and whether people may be named there."""

from __future__ import annotations

from bot.errors import ChannelRefused, Denied, SlackProblem
from bot.language import later, say
from bot.slack.command import Call

ABOUT_PEOPLE = later("a summary is about your own people")


async def may_post(call: Call, what_shows: str) -> None:
    """Raise what stops a message from being posted where the asker is; a channel of two organisations is one of them.

    `what_shows` finishes the sentence why (`later`): "a card shows your changelog".
    """
    outside = say("I am not in this channel, so I cannot post here.")
    invite = say("Invite me first: `/invite @{name}`.", name=await call.house.places.my_name())
    try:
        channel = await call.house.places.channel(call.asker.channel_id or "")
    except ChannelRefused as error:
        raise ChannelRefused(outside, invite, code=error.code) from error
    except SlackProblem:
        return  # Slack cannot say now; posting will show
    if channel.shared:
        raise Denied(
            say("This channel is shared with another organisation, and {why}.", why=say(what_shows)),
            say("Share it in a channel of your own."),
        )
    if channel.member is False:
        raise ChannelRefused(outside, invite, code="not_in_channel")


async def may_name(call: Call) -> bool:
    """Whether a summary may name people where the asker is: only in a channel on the managers' list."""
    return call.asker.channel_id in await call.house.store.manager_channels()
