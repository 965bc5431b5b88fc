"""What Slack says of links: that a message shares some of the app's, and that a user opened one of its Work Objects."""

from __future__ import annotations

from typing import Any

from sandbox.slack.message import FakeMessage
from sandbox.slack.pane import FakePane
from sandbox.slack.people import FakeUser
from sandbox.slack.previews import domain_of, shared_in
from sandbox.slack.workspace import SlackWorkspace

COMPOSER = "COMPOSER"


class LinkEvents:
    """Writes the events about links; an empty one where the app is told of nothing."""

    def __init__(self, workspace: SlackWorkspace) -> None:
        self.workspace = workspace

    def shared(self, message: FakeMessage) -> dict[str, Any]:
        """The event about the links of a message. https://docs.slack.dev/reference/events/link_shared"""
        links = shared_in(message.text, self.workspace.unfurl_domains)
        if not links or message.bot_id:
            return {}
        member = self.workspace.bot_user_id in self.workspace.channels[message.channel].members
        event = self._event(message.user, links) | {
            "channel": message.channel,
            "message_ts": message.ts,
            "is_bot_user_member": member,
        }
        if message.thread_ts:
            event["thread_ts"] = message.thread_ts
        return event | self._known_as("conversations_history", message.channel, message.ts)

    def typed(self, text: str, user: FakeUser) -> dict[str, Any]:
        """The event about the links of a draft; none in an organisation."""
        links = shared_in(text, self.workspace.unfurl_domains)
        if not links or self.workspace.organisation:
            return {}
        place = f"{user.id}-{self.workspace.new_word(36)}"
        self.workspace.drafts[COMPOSER, place] = text
        event = self._event(user.id, links) | {"channel": COMPOSER, "message_ts": place, "is_bot_user_member": True}
        self.workspace.unfurl_ids[place] = (COMPOSER, place)
        return event | {"unfurl_id": place, "source": "composer"}

    def _event(self, user_id: str | None, links: list[dict[str, str]]) -> dict[str, Any]:
        user = self.workspace.person(user_id)
        locale = user.locale if user else "en-US"
        return {"type": "link_shared", "user": user_id, "links": links, "user_locale": locale}

    def _known_as(self, source: str, channel: str, ts: str) -> dict[str, str]:
        """The other name of the place, which messages in an organisation have not."""
        if self.workspace.organisation:
            return {}
        unfurl_id = f"{channel}.{ts}.{self.workspace.new_word(64)}"
        self.workspace.unfurl_ids[unfurl_id] = (channel, ts)
        return {"unfurl_id": unfurl_id, "source": source}

    def opened(self, message: FakeMessage, card: dict[str, Any], user: FakeUser) -> dict[str, Any]:
        """The event that a user opens a Work Object, whose flexpane is empty then."""
        trigger_id = f"{self.workspace.new_word(12)}.{self.workspace.new_word(12)}.{self.workspace.new_word(32)}"
        self.workspace.panes[user.id] = FakePane(
            user.id, message.channel, message.ts, card["app_unfurl_url"], card["external_ref"], trigger_id
        )
        url = card["entity_url"]
        event = {
            "type": "entity_details_requested",
            "user": user.id,
            "external_ref": card["external_ref"],
            "entity_url": url,
            "link": {"url": url, "domain": domain_of(url, self.workspace.unfurl_domains) or ""},
            "app_unfurl_url": card["app_unfurl_url"],
            "trigger_id": trigger_id,
            "user_locale": user.locale,
            "channel": message.channel,
            "message_ts": message.ts,
        }
        return event | ({"thread_ts": message.thread_ts} if message.thread_ts else {})
