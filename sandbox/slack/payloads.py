"""What Slack writes into commands, interactions and events. https://docs.slack.dev/reference/interaction-payloads"""

from __future__ import annotations

from typing import Any

from sandbox.slack.composing import delivered
from sandbox.slack.message import FakeMessage
from sandbox.slack.people import FakeChannel, FakeUser
from sandbox.slack.view import FakeView
from sandbox.slack.workspace import SlackWorkspace


class PayloadBuilder:
    """Writes payloads for one workspace."""

    def __init__(self, workspace: SlackWorkspace) -> None:
        self.workspace = workspace

    @property
    def identity(self) -> dict[str, Any]:
        """Team and app, as messages carry them."""
        return {"team_id": self.workspace.team_id, "app_id": self.workspace.app_id}

    def command(
        self, user: FakeUser, channel: FakeChannel, name: str, text: str, ways: dict[str, str]
    ) -> dict[str, Any]:
        """A slash command; `ways` are its trigger_id and response_url.

        https://docs.slack.dev/interactivity/implementing-slash-commands
        """
        return {
            "token": self.workspace.verification_token,
            "team_id": user.team_id,
            "team_domain": self._domain(user),
            "channel_id": channel.id,
            "channel_name": channel.spoken_name,
            "user_id": user.id,
            "user_name": user.handle,
            "command": name,
            "text": delivered(text),
            "api_app_id": self.workspace.app_id,
            "is_enterprise_install": "false",
            **ways,
        }

    def interaction(self, kind: str, user: FakeUser) -> dict[str, Any]:
        """The part all interactions share."""
        return {
            "type": kind,
            "team": {"id": user.team_id, "domain": self._domain(user)},
            "enterprise": None,
            "is_enterprise_install": False,
            "user": {"id": user.id, "username": user.handle, "name": user.handle, "team_id": user.team_id},
            "api_app_id": self.workspace.app_id,
            "token": self.workspace.verification_token,
        }

    def in_message(self, message: FakeMessage) -> dict[str, Any]:
        """Where a click happened; a private message itself is never sent along."""
        channel = self.workspace.channels[message.channel]
        container: dict[str, Any] = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.id,
            "is_ephemeral": message.ephemeral,
        }
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        where = {"container": container, "channel": {"id": channel.id, "name": channel.spoken_name}}
        return where if message.ephemeral else {**where, "message": message.wire(**self.identity)}

    def in_view(self, view: FakeView, state: dict[str, Any]) -> dict[str, Any]:
        """Which view a click happened in."""
        return {"container": {"type": "view", "view_id": view.id}, "view": self.view(view, state)}

    def view(self, view: FakeView, state: dict[str, Any]) -> dict[str, Any]:
        """A view with what is filled in."""
        return view.wire(**self.identity, bot_id=self.workspace.bot_id, state=state)

    def event(self, event: dict[str, Any], event_id: str) -> dict[str, Any]:
        """The envelope of an event. https://docs.slack.dev/apis/events-api#callback-field"""
        workspace = self.workspace
        authorization = {
            "enterprise_id": None,
            "team_id": workspace.team_id,
            "user_id": workspace.bot_user_id,
            "is_bot": True,
            "is_enterprise_install": False,
        }
        about = event.get("channel")
        channel = workspace.channels.get(str(about.get("id") if isinstance(about, dict) else about))
        return {
            "token": workspace.verification_token,
            "team_id": workspace.team_id,
            "api_app_id": workspace.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": event_id,
            "event_time": int(workspace.clock()),
            "authorizations": [authorization],
            "is_ext_shared_channel": bool(channel and channel.shared),
            "event_context": f"4-{event_id}",
        }

    def _domain(self, user: FakeUser) -> str:
        return self.workspace.team_domain if user.team_id == self.workspace.team_id else "elsewhere"
