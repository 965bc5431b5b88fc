"""References to people, user groups and channels in what was typed, and whether the asker may use them."""

from __future__ import annotations

import re

from bot.dispatch.channel_policy import looked_at
from bot.dispatch.registry import CommandContext
from bot.exceptions import ChannelUnverified, PermissionDenied, SlackError
from bot.i18n import _
from bot.slack.client import ChannelInfo
from bot.slack.errors import OUT_OF_SIGHT

# Slack writes references so in a command whose text it escapes, and somebody may write the same by hand: only what is
# there for everybody is believed, for all else Slack is asked.
# https://docs.slack.dev/interactivity/implementing-slash-commands#escaping_users_warning
_PERSON = re.compile(r"<@([UW][A-Za-z0-9_]+)(?:\|[^>]*)?>")
_GROUP = re.compile(r"<!subteam\^(S[A-Za-z0-9_]+)(?:\|[^>]*)?>")
_CHANNEL = re.compile(r"<#([CG][A-Za-z0-9_]+)(?:\|[^>]*)?>")


def person(typed: str) -> str | None:
    """The id of the person that was meant; None when it is no reference to one."""
    return _found(_PERSON, typed)


def group(typed: str) -> str | None:
    """The id of the user group that was meant; None when it is no reference to one."""
    return _found(_GROUP, typed)


def channel(typed: str) -> str | None:
    """The id of the channel that was meant, which is not checked yet: see `seen`."""
    return _found(_CHANNEL, typed)


def _found(what: re.Pattern[str], typed: str) -> str | None:
    match = what.fullmatch(typed)
    return match[1] if match else None


async def seen(call: CommandContext, channel_id: str) -> ChannelInfo:
    """The channel, which the asker may know of: a public one, or one they are in. Raises PermissionDenied or
    ChannelUnverified.

    A private channel that the asker is not in is refused with the same words as one that the bot is not in.
    """
    try:
        channel = await looked_at(call.house.places, channel_id)
        if channel.private and call.asker.user_id not in await _members(call, channel_id):
            raise _unseen()
    except SlackError as error:
        raise _unseen() from error
    return channel


async def _members(call: CommandContext, channel_id: str) -> list[str]:
    try:
        return await call.house.places.members(channel_id)
    except SlackError as error:
        if error.code in OUT_OF_SIGHT:
            raise
        raise ChannelUnverified from error


async def seen_or_gone(call: CommandContext, channel_id: str) -> None:
    """Raise as `seen` does, but not for a channel that Slack does not know: it has to be possible to take it away."""
    try:
        await call.house.places.channel(channel_id)
    except SlackError as error:
        if error.code == "channel_not_found":
            return
    await seen(call, channel_id)


def _unseen() -> PermissionDenied:
    return PermissionDenied(
        _("I can't see that channel, or you're not in it."), _("Choose one that both of us are in.")
    )
