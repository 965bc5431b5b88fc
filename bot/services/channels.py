"""Rules of channels: what may be posted, whether people may be named, and which apps are allowed."""

from __future__ import annotations

from typing import Protocol

from bot.db import access
from bot.db.database import Database
from bot.domain.audit import AuditAction, Entrypoint
from bot.domain.conversations import Conversation, unavailable
from bot.domain.model import Actor, App
from bot.exceptions import (
    ADMINS_FIX,
    ChannelUnavailable,
    ChannelUnverified,
    PermissionDenied,
    SlackError,
    UserInputError,
)
from bot.i18n import Text, gettext_noop, joined
from bot.services.audit import AuditLog
from bot.slack.client import ChannelInfo, UserGroup
from bot.slack.errors import OUT_OF_SIGHT

ABOUT_PEOPLE = gettext_noop("download reports are about people in your team")


class SlackDirectory(Protocol):
    """Slack's data about a workspace: channels, their members and user groups."""

    async def channel(self, channel_id: str) -> ChannelInfo:
        """Return Slack's record of a channel."""

    async def bot_name(self) -> str:
        """Return what people type after the @ to invite the bot."""

    async def granted_scopes(self) -> frozenset[str] | None:
        """Return the bot's scopes; None when Slack does not report them."""

    async def groups(self) -> list[UserGroup]:
        """Return the workspace's user groups."""

    async def members(self, channel_id: str) -> list[str]:
        """Return the ids of the people and bots in a channel."""

    async def is_member(self, channel_id: str, user_id: str) -> bool:
        """Return whether a user is in a channel, by any of their ids."""


class ChannelService:
    """Channels of Slack, the channel lists of apps, and the managers' channels."""

    def __init__(self, store: Database, directory: SlackDirectory, audit: AuditLog) -> None:
        self._store = store
        self._directory = directory
        self._audit = audit

    # -------------------------------------------------------------- look-ups in Slack

    async def look_up(self, channel_id: str) -> ChannelInfo:
        """Return Slack's record of a channel, for checks that depend on it.

        Raises ChannelUnavailable for a channel that the bot cannot see, ChannelUnverified when Slack does not respond.
        """
        try:
            return await self._directory.channel(channel_id)
        except SlackError as error:
            if error.code in OUT_OF_SIGHT:
                raise
            words = joined(" ", (ChannelUnverified.sentence, error.sentence)) if error.next_step == ADMINS_FIX else None
            raise ChannelUnverified(words).wait_as(error) from error

    async def look_up_for(self, user_id: str, channel_id: str) -> ChannelInfo:
        """Return a channel that this user can see: a public one, or one they are in.

        Raises PermissionDenied or ChannelUnverified. A private channel without the user raises the same error as one
        without the bot.
        """
        try:
            found = await self.look_up(channel_id)
            if found.is_private and not await self._is_member(channel_id, user_id):
                raise _not_visible_error()
        except SlackError as error:
            raise _not_visible_error() from error
        return found

    async def require_member(self, user_id: str, channel_id: str) -> None:
        """Raise PermissionDenied or ChannelUnverified unless user and bot can see the channel and the user is in it."""
        try:
            within = await self._is_member(channel_id, user_id)
        except ChannelUnavailable as error:
            raise _not_visible_error() from error
        if not within:
            raise _not_visible_error()

    async def require_visible_or_gone(self, user_id: str, channel_id: str) -> None:
        """Raise as `look_up_for` does, but accept an unknown channel, so that its rules can be removed."""
        try:
            await self._directory.channel(channel_id)
        except SlackError as error:
            if error.code == "channel_not_found":
                return
        await self.look_up_for(user_id, channel_id)

    async def _is_member(self, channel_id: str, user_id: str) -> bool:
        try:
            return await self._directory.is_member(channel_id, user_id)
        except SlackError as error:
            if error.code in OUT_OF_SIGHT:
                raise
            raise ChannelUnverified from error

    async def members(self, channel_id: str) -> list[str]:
        """Return the ids of the people and bots in a channel. Raises SlackError."""
        return await self._directory.members(channel_id)

    async def is_member(self, channel_id: str, user_id: str) -> bool:
        """Return whether a user is in a channel. Raises SlackError."""
        return await self._directory.is_member(channel_id, user_id)

    async def bot_name(self) -> str:
        """Return the bot's name, as typed after the @. Raises SlackError."""
        return await self._directory.bot_name()

    async def hears_direct_messages(self) -> bool:
        """Return whether the bot's scopes include direct messages to it.

        https://docs.slack.dev/reference/events/message.im
        """
        try:
            scopes = await self._directory.granted_scopes()
        except SlackError:
            return False
        return scopes is None or "im:history" in scopes

    async def has_scope(self, scope: str) -> bool:
        """Return whether the bot has a scope; True when Slack does not report scopes."""
        try:
            scopes = await self._directory.granted_scopes()
        except SlackError:
            return True
        return scopes is None or scope in scopes

    async def group_handles(self) -> dict[str, str]:
        """Return the handles of the workspace's user groups, by id. Raises SlackError."""
        return {group.id: group.handle for group in await self._directory.groups()}

    # -------------------------------------------------------------- posting

    async def require_postable(self, channel_id: str | None, kind: Conversation, shared: PermissionDenied) -> None:
        """Raise the error that prevents posting in a conversation; `shared` is the one for shared channels."""
        try:
            channel = await self.look_up(channel_id or "")
        except ChannelUnavailable as error:
            raise unavailable(kind, error.code, await self.bot_name()) from error
        except ChannelUnverified as error:
            if kind not in (Conversation.DIRECT, Conversation.GROUP) or not _is_out_of_scope(error):
                raise
            raise unavailable(kind, "method_not_supported_for_channel_type", "") from error
        require_sharing_known(channel)
        if channel.is_shared:
            raise shared
        if channel.is_archived or channel.is_member is False:
            code = "is_archived" if channel.is_archived else "not_in_channel"
            raise unavailable(kind, code, await self.bot_name())

    async def may_name_people(self, channel_id: str | None) -> bool:
        """Return whether a report may name people there: only in a managers' channel."""
        return channel_id in await self._store.cached(access.list_manager_channels)

    # -------------------------------------------------------------- lists

    async def app_lists(self) -> dict[str, frozenset[str]]:
        """Return the allowed channels of each app, by app id; an app without a list is allowed everywhere."""
        return await self._store.cached(access.list_allowed_channels)

    async def open_app(
        self, actor: Actor, entrypoint: Entrypoint, app: App, channel_id: str
    ) -> tuple[bool, frozenset[str]]:
        """Add a channel to an app's list; return whether it is new, and the whole list.

        Raises what `look_up_for` does.
        """
        await self.look_up_for(actor.user_id, channel_id)
        added = await self._store.run(access.allow_channel, app.id, channel_id, actor.user_id)
        await self._audit.record(actor, entrypoint, AuditAction.GRANT, f"channel {channel_id}", app_id=app.id)
        return added, (await self.app_lists()).get(app.id, frozenset())

    async def close_app(
        self, actor: Actor, entrypoint: Entrypoint, app: App, channel_id: str
    ) -> tuple[bool, frozenset[str]]:
        """Remove a channel from an app's list; return whether it was on it, and the remaining channels."""
        done = await self._store.run(access.disallow_channel, app.id, channel_id)
        await self._audit.record(actor, entrypoint, AuditAction.REVOKE, f"channel {channel_id}", app_id=app.id)
        return done, (await self.app_lists()).get(app.id, frozenset())

    async def name_people(self, actor: Actor, entrypoint: Entrypoint, channel_id: str) -> bool:
        """Make a channel a managers' channel, where reports name people; return whether it is new.

        Raises UserInputError for one that is shared with another organisation, and what `look_up_for` does.
        """
        channel = await self.look_up_for(actor.user_id, channel_id)
        require_sharing_known(channel)
        if channel.is_shared:
            why = Text("That channel is shared with another organisation, and reports there can't name people.")
            raise UserInputError(why, Text("Choose a channel that isn't shared."))
        added = await self._store.run(access.allow_names_in, channel_id, actor.user_id)
        await self._audit.record(actor, entrypoint, AuditAction.GRANT, f"manager channel {channel_id}")
        return added

    async def stop_naming_people(self, actor: Actor, entrypoint: Entrypoint, channel_id: str) -> bool:
        """Remove a channel from the managers' channels; return whether it was one."""
        done = await self._store.run(access.disallow_names_in, channel_id)
        await self._audit.record(actor, entrypoint, AuditAction.REVOKE, f"manager channel {channel_id}")
        return done


def _is_out_of_scope(error: BaseException) -> bool:
    """Return whether Slack's error is due to a missing scope for such conversations (`mpim:read`)."""
    return isinstance(error.__cause__, SlackError) and error.__cause__.code == "missing_scope"


def require_sharing_known(channel: ChannelInfo) -> None:
    """Raise ChannelUnverified when it is unknown whether a channel is shared with another organisation."""
    if channel.is_shared is None:
        raise ChannelUnverified


def _not_visible_error() -> PermissionDenied:
    return PermissionDenied(
        Text("I can't see that channel, or you're not in it."), Text("Choose a channel that we're both in.")
    )
