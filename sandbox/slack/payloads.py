"""What Slack writes into commands, interactions and events. https://docs.slack.dev/reference/interaction-payloads"""

from __future__ import annotations

from typing import Any

from sandbox.slack.composing import delivered
from sandbox.slack.message import FakeMessage
from sandbox.slack.pane import FakePane
from sandbox.slack.people import FakeChannel, FakeUser
from sandbox.slack.view import FakeView
from sandbox.slack.workspace import SlackWorkspace

OF_THE_ORGANISATION = ("team_access_granted", "team_access_revoked")  # events that happen in no workspace


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
        """A slash command; `ways` are its trigger_id and response_url. Its workspace is the one it was typed in.

        https://docs.slack.dev/interactivity/implementing-slash-commands
        """
        organisation = self._organisation(user)
        return {
            "token": self.workspace.verification_token,
            **self._typed_in(user),
            **({f"enterprise_{name}": value for name, value in organisation.items()} if organisation else {}),
            "channel_id": channel.id,
            "channel_name": channel.spoken_name,
            "user_id": user.id,
            "user_name": user.handle,
            "command": name,
            "text": delivered(text),
            "api_app_id": self.workspace.app_id,
            "is_enterprise_install": "true" if self.workspace.org_install else "false",
            **ways,
        }

    def interaction(self, kind: str, user: FakeUser) -> dict[str, Any]:
        """The part all interactions share.

        For a colleague in an Enterprise Grid organisation `team` is the app's workspace and `user.team_id` any other of
        the organisation's, or the organisation: https://github.com/slackapi/bolt-js/issues/1875,
        https://github.com/slackapi/bolt-js/pull/521. In a form's payload `team` is the person's workspace, and only the
        view names the app's: https://github.com/slack-go/slack/pull/1073. Of an app installed for the organisation a
        form names no workspace at all: https://github.com/slackapi/bolt-python/pull/23
        """
        return {
            "type": kind,
            "team": self._team(kind, user),
            "enterprise": self._organisation(user),
            "is_enterprise_install": self.workspace.org_install is not None,
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

    def in_card(self, message: FakeMessage, card: dict[str, Any]) -> dict[str, Any]:
        """Where a click in a card below a link happened: there is no `message`, but what the app put there.

        https://docs.slack.dev/messaging/unfurling-links-in-messages#alternate-interactive-payload-behavior
        """
        where = self.in_message(message)
        about = {name: card[name] for name in ("app_unfurl_url", "entity_url", "external_ref") if name in card}
        container = {**where["container"], "type": "message_attachment", "attachment_id": card["id"]}
        unfurl = {name: part for name, part in card.items() if name != "entity"}
        return {
            "container": {**container, "is_app_unfurl": True, **about},
            "channel": where["channel"],
            "app_unfurl": unfurl,
            "is_app_unfurl": True,
        }

    def in_pane(self, pane: FakePane) -> dict[str, Any]:
        """Where a click in a flexpane happened.

        https://docs.slack.dev/messaging/work-objects-implementation#handling-block_actions-events
        """
        container = {
            "type": "entity_detail",
            "message_ts": pane.message_ts,
            "channel_id": pane.channel,
            "entity_url": pane.entity["url"] if pane.entity else pane.url,
            "app_unfurl_url": pane.url,
            "external_ref": pane.reference,
        }
        channel = self.workspace.channels[pane.channel]
        return {"container": container, "channel": {"id": channel.id, "name": channel.spoken_name}}

    def in_view(self, view: FakeView, state: dict[str, Any]) -> dict[str, Any]:
        """Which view a click happened in."""
        return {"container": {"type": "view", "view_id": view.id}, "view": self.view(view, state)}

    def view(self, view: FakeView, state: dict[str, Any]) -> dict[str, Any]:
        """A view with what is filled in."""
        return view.wire(**self.identity, bot_id=self.workspace.bot_id, state=state)

    def event(self, event: dict[str, Any], event_id: str) -> dict[str, Any]:
        """The envelope of an event. https://docs.slack.dev/apis/events-api#callback-field"""
        workspace = self.workspace
        organisation = workspace.organisation.id if workspace.organisation else None
        authorization = {
            "enterprise_id": organisation,
            "team_id": None if workspace.org_install else workspace.team_id,
            "user_id": workspace.bot_user_id,
            "is_bot": True,
            "is_enterprise_install": workspace.org_install is not None,
        }
        about = event.get("channel")
        channel = workspace.channels.get(str(about.get("id") if isinstance(about, dict) else about))
        return {
            "token": workspace.verification_token,
            "team_id": None if event.get("type") in OF_THE_ORGANISATION else self._happened_in(event),
            **({"enterprise_id": organisation, **self._context(organisation)} if organisation else {}),
            "api_app_id": workspace.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": event_id,
            "event_time": int(workspace.clock()),
            "authorizations": [authorization],
            "is_ext_shared_channel": bool(channel and channel.shared),
            "event_context": f"4-{event_id}",
        }

    def _organisation(self, user: FakeUser) -> dict[str, str] | None:
        """The organisation that a payload of this person names; None outside Enterprise Grid."""
        return {"id": user.grid.enterprise_id, "name": user.grid.enterprise_name} if user.grid else None

    def _typed_in(self, user: FakeUser) -> dict[str, str]:
        teams = user.grid.teams if user.grid else [user.team_id]
        team_id = self.workspace.team_id if self.workspace.team_id in teams or not teams else teams[0]
        return {"team_id": team_id, "team_domain": self._domain(team_id)}

    def _team(self, kind: str, user: FakeUser) -> dict[str, str] | None:
        where, organisation = self._typed_in(user), self._organisation(user)
        own, everywhere = self.workspace.organisation, self.workspace.org_install is not None
        if everywhere and kind.startswith("view_"):
            return None
        if own and organisation and organisation["id"] == own.id and not (everywhere or kind.startswith("view_")):
            where = {"team_id": self.workspace.team_id, "team_domain": self.workspace.team_domain}
        team = {"id": where["team_id"], "domain": where["team_domain"]}
        return {**team, **({f"enterprise_{key}": value for key, value in organisation.items()} if organisation else {})}

    def _context(self, organisation: str) -> dict[str, str]:
        """The app's workspace, beside the one where an event happened."""
        return {"context_team_id": self.workspace.team_id, "context_enterprise_id": organisation}

    def _happened_in(self, event: dict[str, Any]) -> str:
        """The workspace of an event: in a channel that several share, the one of the person.

        https://github.com/slackapi/java-slack-sdk/issues/629
        """
        user = self.workspace.person(event.get("user"))
        return self._typed_in(user)["team_id"] if user and user.grid else self.workspace.team_id

    def _domain(self, team_id: str) -> str:
        if team_id == self.workspace.team_id:
            return self.workspace.team_domain
        own = self.workspace.organisation
        return own.teams.get(team_id, "elsewhere") if own else "elsewhere"
