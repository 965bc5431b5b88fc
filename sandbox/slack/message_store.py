"""Where messages are kept: posted, edited and deleted, with the words Slack refuses with."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.slack.message import FakeMessage
from sandbox.slack.people import FakeChannel, FakeUser
from sandbox.slack.validation import SlackApiError, check_message, walk
from sandbox.slack.workspace import SlackWorkspace


def with_ids(blocks: list[dict[str, Any]] | None, word: Callable[[int], str]) -> list[dict[str, Any]]:
    """A copy of the blocks in which everything has the ids Slack would give it."""
    own = copy.deepcopy(blocks or [])
    for block in walk(own):
        block.setdefault("block_id", word(5))
        inside = [block.get("accessory"), block.get("element"), *(block.get("elements") or [])]
        for part in inside:
            if isinstance(part, dict) and part.get("type") not in INERT:
                part.setdefault("action_id", word(5))
    return own


INERT = {
    "image", "plain_text", "mrkdwn", "rich_text_section", "rich_text_list", "rich_text_quote",
    "rich_text_preformatted", "card",
}  # fmt: skip


class MessageStore:
    """All messages of the workspace. `stored` is told of each one that is new or changed."""

    def __init__(self, workspace: SlackWorkspace) -> None:
        self.workspace = workspace
        self.by_channel: dict[str, list[FakeMessage]] = {}
        self.stored: list[Callable[[FakeMessage], None]] = []

    def post(self, channel: FakeChannel, content: Mapping[str, Any], **about: Any) -> FakeMessage:
        """Store a new message; raises SlackApiError when Slack would not take its content."""
        self._check(content)
        message = FakeMessage(self.workspace.new_ts(), channel.id, **about)
        self._fill(message, content)
        self.by_channel.setdefault(channel.id, []).append(message)
        self._tell("message", message)
        return message

    def edit(self, message: FakeMessage, content: Mapping[str, Any]) -> FakeMessage:
        """Give a message new content, keeping the old one in its history; raises SlackApiError."""
        self._check(content)
        message.keep_version()
        self._fill(message, content)
        message.edited, message.edited_ts = True, self.workspace.new_ts()
        self._tell("message_changed", message)
        return message

    def _check(self, content: Mapping[str, Any]) -> None:
        """Refuse what no workspace takes, and what this one does not: a type of block, a picture it cannot download."""
        check_message(content)
        for block in walk(content.get("blocks")):
            if block.get("type") in self.workspace.unsupported_blocks:
                raise SlackApiError("invalid_blocks", [f"unsupported type: {block['type']} [json-pointer:/blocks]"])
            for part in (block, block.get("accessory"), *(block.get("elements") or ())):
                if isinstance(part, dict) and part.get("image_url") in self.workspace.unloadable:
                    raise SlackApiError("invalid_blocks", ["downloading image failed [json-pointer:/blocks]"])

    def delete(self, message: FakeMessage) -> None:
        """Take a message away; those who hold it see `deleted`."""
        message.deleted = True
        self._tell("message_deleted", message, stored=False)

    def move(self, old: str, new: str) -> None:
        """Let everything in a channel be in it under its new id, at the same timestamps."""
        self.by_channel.setdefault(new, []).extend(self.by_channel.pop(old, []))
        for message in self.by_channel[new]:
            message.channel = new

    def _fill(self, message: FakeMessage, content: Mapping[str, Any]) -> None:
        message.text = content.get("text") or ""
        message.blocks = with_ids(content.get("blocks"), self.workspace.new_word)
        message.attachments = copy.deepcopy(content.get("attachments") or [])
        if content.get("metadata") is not None:
            message.metadata = copy.deepcopy(content["metadata"]) or None
        message.unfurl_links = content.get("unfurl_links")
        message.unfurl_media = content.get("unfurl_media")

    def _tell(self, what: str, message: FakeMessage, *, stored: bool = True) -> None:
        for hear in self.stored if stored else []:
            hear(message)
        about = {"channel": message.channel, "ts": message.ts, "ephemeral_to": message.ephemeral_to}
        self.workspace.changed(what, about)

    # ------------------------------------------------------------------ reading

    def find(self, channel_id: str, ts: str) -> FakeMessage | None:
        """The message everybody sees at this ts, or None."""
        for message in self.by_channel.get(channel_id, []):
            if message.ts == ts and not message.deleted and not message.ephemeral:
                return message
        return None

    def find_any(self, channel_id: str, ts: str) -> FakeMessage | None:
        """The message at this ts, private ones included, or None."""
        for message in self.by_channel.get(channel_id, []):
            if message.ts == ts and not message.deleted:
                return message
        return None

    def messages(self, channel: FakeChannel | str, thread_ts: str | None = None) -> list[FakeMessage]:
        """What everybody sees, oldest first: the channel itself (with broadcast replies), or one thread's replies."""
        channel_id = channel if isinstance(channel, str) else channel.id
        seen = [each for each in self.by_channel.get(channel_id, []) if not each.deleted and not each.ephemeral]
        if thread_ts is None:
            return [each for each in seen if each.thread_ts in (None, each.ts) or each.reply_broadcast]
        return [each for each in seen if each.thread_ts == thread_ts and each.ts != thread_ts]

    def ephemerals(self, user: FakeUser | str, channel: FakeChannel | str | None = None) -> list[FakeMessage]:
        """What only this user sees, oldest first, in one channel or everywhere."""
        user_id = user if isinstance(user, str) else user.id
        where = channel if isinstance(channel, str) or channel is None else channel.id
        every = [each for key, listed in self.by_channel.items() if where in (None, key) for each in listed]
        return sorted((each for each in every if each.ephemeral_to == user_id and not each.deleted), key=_by_ts)


def _by_ts(message: FakeMessage) -> tuple[int, int]:
    seconds, micros = message.ts.split(".")
    return int(seconds), int(micros)
