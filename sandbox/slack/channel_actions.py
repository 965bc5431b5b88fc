"""What people do to channels, the bot's place in them included, and the events that Slack sends of it."""

from __future__ import annotations

from typing import Any

from sandbox.slack.interaction import Interaction
from sandbox.slack.people import FakeChannel, FakeUser
from sandbox.slack.user_actions import UserActions


class ChannelActions:
    """The deeds. Each raises ValueError with Slack's own word when Slack would not let a person do it.

    An event goes out only if the app has the scope for that kind of channel and may see the channel; then its
    Interaction is returned, else None. https://docs.slack.dev/reference/events
    """

    def __init__(self, person: UserActions) -> None:
        self.person = person
        self.workspace = person.workspace

    async def archive(self, channel: FakeChannel, user: FakeUser) -> Interaction | None:
        """Put a channel away."""
        if channel.archived or channel.general or channel.is_im:
            raise ValueError("already_archived" if channel.archived else "cant_archive_general")
        channel.archived = True
        return await self._happened(channel, f"{_kind(channel)}_archive", {"user": user.id})

    async def unarchive(self, channel: FakeChannel, user: FakeUser) -> Interaction | None:
        """Bring a channel back, with everybody who was in it."""
        if not channel.archived:
            raise ValueError("not_archived")
        channel.archived = False
        return await self._happened(channel, f"{_kind(channel)}_unarchive", {"user": user.id})

    async def rename(self, channel: FakeChannel, name: str) -> Interaction | None:
        """Give a channel another name; its id stays."""
        if any(each.name == name and not each.is_im for each in self.workspace.channels.values()):
            raise ValueError("name_taken")
        if channel.archived or channel.is_im:
            raise ValueError("is_archived" if channel.archived else "channel_not_found")
        channel.name = name
        about = {"id": channel.id, "name": name, "created": channel.created}
        return await self._happened(channel, f"{_kind(channel)}_rename", {"channel": about})

    async def invite(self, channel: FakeChannel, user: FakeUser) -> Interaction | None:
        """Let the bot into a channel: `/invite @Applivery`."""
        if self._inside(channel) or channel.archived:
            raise ValueError("is_archived" if channel.archived else "already_in_channel")
        channel.members.append(self.workspace.bot_user_id)
        who = {"user": self.workspace.bot_user_id, "team": self.workspace.team_id, "inviter": user.id}
        about = {**who, "channel_type": "G" if channel.private else "C"}
        return await self._happened(channel, "member_joined_channel", about)

    async def remove(self, channel: FakeChannel, user: FakeUser) -> Interaction | None:
        """Take the bot out of a channel; it hears that even of a private one."""
        if not self._inside(channel):
            raise ValueError("not_in_channel")
        channel.members.remove(self.workspace.bot_user_id)
        return await self._happened(channel, f"{_kind(channel)}_left", {"actor_id": user.id}, seen=True)

    async def convert(self, channel: FakeChannel, *, tell: bool = True) -> Interaction | None:
        """Give a private channel another id, as sharing it begins to do; `tell=False`: the event is lost on its way.

        From then on the old id is answered channel_not_found; messages, members and timestamps are the same.
        https://docs.slack.dev/reference/events/channel_id_changed
        """
        if not channel.private:
            raise ValueError("method_not_supported_for_channel_type")
        old, new = channel.id, self.workspace.new_id("C")
        del self.workspace.channels[old]
        channel.id = new
        self.workspace.channels[new] = channel
        desk = self.person.desk
        for keeper in (desk.mailbox, desk.files, desk.responses):
            keeper.move(old, new)
        self.workspace.changed("channel", {"channel": new})
        if not tell or not self._inside(channel) or "groups:read" not in self.workspace.scopes:
            return None
        return await self.person.event({"type": "channel_id_changed", "old_channel_id": old, "new_channel_id": new})

    async def connect(self, channel: FakeChannel, team_id: str = "E163Q94DX") -> Interaction | None:
        """Let another organisation into a channel. https://docs.slack.dev/reference/events/channel_shared"""
        channel.shared, channel.pending_shared = True, False
        return await self._happened(channel, "channel_shared", {"connected_team_id": team_id})

    async def disconnect(self, channel: FakeChannel, team_id: str = "E163Q94DX") -> Interaction | None:
        """Let the last other organisation out. https://docs.slack.dev/reference/events/channel_unshared"""
        channel.shared = channel.pending_shared = False
        about = {"previously_connected_team_id": team_id, "is_ext_shared": False}
        return await self._happened(channel, "channel_unshared", about)

    def _inside(self, channel: FakeChannel) -> bool:
        return self.workspace.bot_user_id in channel.members

    async def _happened(
        self, channel: FakeChannel, kind: str, about: dict[str, Any], *, seen: bool = False
    ) -> Interaction | None:
        self.workspace.changed("channel", {"channel": channel.id})
        visible = seen or self._inside(channel) or not channel.private
        if not visible or f"{channel.kind}:read" not in self.workspace.scopes:
            return None
        return await self.person.event({"type": kind, "channel": channel.id, **about})


def _kind(channel: FakeChannel) -> str:
    return "group" if channel.private else "channel"
