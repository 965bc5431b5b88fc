"""Whether something may be said to everybody in a channel, and whether people may be named there."""

from __future__ import annotations

from bot.db import access
from bot.dispatch.registry import CommandContext, SlackDirectory
from bot.exceptions import ChannelUnavailable, ChannelUnverified, PermissionDenied, SlackError, SlackInvalidCredentials
from bot.i18n import _, gettext_noop
from bot.slack.client import ChannelInfo
from bot.slack.errors import OUT_OF_SIGHT

ABOUT_PEOPLE = gettext_noop("a summary is about your own people")


async def looked_at(places: SlackDirectory, channel_id: str) -> ChannelInfo:
    """What Slack says of a channel. Raises ChannelUnavailable when we cannot see it, ChannelUnverified when Slack is
    silent.

    What may be done there only if the channel allows it is not done while Slack does not say whether it does.
    """
    try:
        return await places.channel(channel_id)
    except SlackError as error:
        if error.code in OUT_OF_SIGHT:
            raise
        raise ChannelUnverified(next_step=_step(error)) from error


def _step(error: SlackError) -> str | None:
    """What helps, where trying again does not."""
    lasting = isinstance(error, SlackInvalidCredentials) or error.code == "missing_scope"
    return f"{error.sentence} {error.next_step}" if lasting else None


def require_told(channel: ChannelInfo) -> None:
    """Raise ChannelUnverified when Slack does not say whether a channel is shared with another organisation."""
    if channel.shared is None:
        raise ChannelUnverified


async def may_post(call: CommandContext, what_shows: str) -> None:
    """Raise what stops a message from being posted where the asker is; a channel of two organisations is one of them.

    `what_shows` finishes the sentence why (`gettext_noop`): "a card shows your changelog".
    """
    outside = _("I am not in this channel, so I cannot post here.")
    invite = _("Invite me first: `/invite @{name}`.", name=await call.house.places.my_name())
    try:
        channel = await looked_at(call.house.places, call.asker.channel_id or "")
    except ChannelUnavailable as error:
        raise ChannelUnavailable(outside, invite, code=error.code) from error
    require_told(channel)
    if channel.shared:
        raise PermissionDenied(
            _("This channel is shared with another organisation, and {why}.", why=_(what_shows)),
            _("Share it in a channel of your own."),
        )
    if channel.member is False:
        raise ChannelUnavailable(outside, invite, code="not_in_channel")


async def may_name(call: CommandContext) -> bool:
    """Whether a summary may name people where the asker is: only in a channel on the managers' list."""
    return call.asker.channel_id in await call.house.store.cached(access.list_manager_channels)
