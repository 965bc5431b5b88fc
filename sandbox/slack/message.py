"""A message as the fake Slack keeps it, and how the Web API and the interactions write it."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, fields, replace
from typing import Any

from sandbox.slack.validation import walk

CONTENT = ("text", "blocks", "attachments", "metadata", "files")


@dataclass(eq=False)
class FakeMessage:
    """One message, alive: it changes in place, and its earlier versions are in `history`, oldest first.

    `channel`, `user` and `ephemeral_to` are ids; `app_id` is that of another app's message, None for our own app's.
    `ts` is Slack's "seconds.micros" string. `source` is how it came: "api", "response_url", "ack", "file" or "person".
    `by_command` marks what a slash command's response_url made.
    """

    ts: str
    channel: str
    user: str | None
    text: str = ""
    blocks: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, Any] | None = None
    files: list[dict[str, Any]] = field(default_factory=list)
    thread_ts: str | None = None
    reply_broadcast: bool = False
    edited: bool = False
    edited_ts: str | None = None
    ephemeral_to: str | None = None
    deleted: bool = False
    unfurl_links: bool | None = None
    unfurl_media: bool | None = None
    bot_id: str | None = None
    app_id: str | None = None
    client_msg_id: str | None = None
    source: str = "api"
    by_command: bool = False
    reactions: list[dict[str, Any]] = field(default_factory=list)
    history: list[FakeMessage] = field(default_factory=list)

    @property
    def ephemeral(self) -> bool:
        """Whether only one person sees it."""
        return self.ephemeral_to is not None

    @property
    def crawled(self) -> bool:
        """Whether Slack fetches its links: unless both unfurl flags were given false.

        https://docs.slack.dev/messaging/unfurling-links-in-messages
        """
        return not (self.unfurl_links is False and self.unfurl_media is False)

    def keep_version(self) -> None:
        """Put a copy of how it is now into the history."""
        self.history.append(replace(self, blocks=copy.deepcopy(self.blocks), history=[]))

    @property
    def cards(self) -> list[dict[str, Any]]:
        """What apps show below its links. https://docs.slack.dev/messaging/unfurling-links-in-messages"""
        return [each for each in self.attachments if each.get("is_app_unfurl")]

    @property
    def shown(self) -> list[dict[str, Any]]:
        """Its blocks, and those of the cards below its links."""
        return [*self.blocks, *(block for card in self.cards for block in card["blocks"])]

    def elements(self) -> list[tuple[str, dict[str, Any]]]:
        """Every interactive element with the id of its block."""
        return elements_of(self.shown)

    def element(self, action_id: str) -> dict[str, Any]:
        """The element with this action_id; KeyError names those there are."""
        return find_element(self.shown, action_id)[1]

    def wire(self, *, team_id: str, app_id: str, metadata: bool = False) -> dict[str, Any]:
        """The message object of conversations.history and of the interactions."""
        wire: dict[str, Any] = {"type": "message", "ts": self.ts, "text": self.text, "team": team_id}
        if self.user:
            wire["user"] = self.user
        if self.bot_id:
            wire |= {"bot_id": self.bot_id, "app_id": self.app_id or app_id}
        for name in ("blocks", "attachments", "files", "thread_ts", "client_msg_id", "reactions"):
            if getattr(self, name):
                wire[name] = copy.deepcopy(getattr(self, name))
        if self.reply_broadcast:
            wire["subtype"] = "thread_broadcast"
        if self.edited:
            wire["edited"] = {"user": self.user, "ts": self.edited_ts}
        if metadata and self.metadata:
            wire["metadata"] = copy.deepcopy(self.metadata)
        return wire

    def saved(self) -> dict[str, Any]:
        """Everything about it as JSON-able data."""
        saved = {each.name: copy.deepcopy(getattr(self, each.name)) for each in fields(self) if each.name != "history"}
        return {**saved, "history": [old.saved() for old in self.history]}

    @classmethod
    def from_saved(cls, saved: dict[str, Any]) -> FakeMessage:
        """The message `saved` was made of."""
        known = {each.name for each in fields(cls)}
        rest = {name: value for name, value in saved.items() if name in known and name != "history"}
        return cls(**rest, history=[cls.from_saved(old) for old in saved.get("history", [])])


def elements_of(blocks: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Every interactive element in these blocks with the id of its block."""
    found: list[tuple[str, dict[str, Any]]] = []
    for block in walk(blocks):
        parts = [block.get("accessory"), block.get("element"), *(block.get("actions") or [])]
        if block["type"] in ("actions", "context_actions"):
            parts += block["elements"]
        if block["type"] == "carousel":
            found += elements_of(block["elements"])
        found += [(block["block_id"], part) for part in parts if isinstance(part, dict) and "action_id" in part]
    return found


def find_element(
    blocks: list[dict[str, Any]], action_id: str, block_id: str | None = None
) -> tuple[str, dict[str, Any]]:
    """The block id and element with this action_id; a KeyError lists the ones there are."""
    there = elements_of(blocks)
    for where, element in there:
        if element["action_id"] == action_id and block_id in (None, where):
            return where, element
    raise KeyError(
        f"nothing with action_id {action_id!r} to use here; there are {[part['action_id'] for _, part in there]}"
    )
