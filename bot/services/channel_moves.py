"""Channels whose id has changed: map former ids to current ones."""

from __future__ import annotations

import re
from typing import Any

from bot.db import channel_moves
from bot.db.database import Database
from bot.observability.logging import logger
from bot.slack.client import SlackClient
from bot.slack.message_lookup import SearchPeriod

log = logger(__name__)

MOST = 100  # channels searched for a message
AROUND_SECONDS = 1.0
_WORD = re.compile(r"[A-Z0-9]+")


class ChannelMoves:
    """Tracks changes of channel ids. Methods that use the database raise DatabaseUnavailable.

    The changes are kept in memory, since buttons of old messages, open forms and posts in progress have the former id.
    """

    def __init__(self, store: Database, slack_client: SlackClient) -> None:
        self._store = store
        self._slack_client = slack_client

    async def move(self, old: str, new: str, at: float) -> None:
        """Record a change of id reported by Slack, with Slack's time."""
        if moved := await self._store.run(channel_moves.move_channel, old, new, at):
            log.warning("channel.moved", channel=old, to=moved)
        await self.refresh()

    async def follow(self, channel_id: str) -> bool:
        """Return whether a channel that Slack does not know has a new id; move its remaining records there."""
        if not (found := await self._store.run(channel_moves.follow, channel_id)):
            return False
        log.info("channel.followed", channel=channel_id, to=found)
        await self.refresh()
        return True

    async def search(self, channel_id: str) -> bool:
        """Return whether a channel whose change of id was missed was found, by the ts of the bot's last message there.

        Searches the bot's channels for that message, which needs the history scopes. Raises SlackError.
        """
        last = await self._store.run(channel_moves.last_message, channel_id)
        if last is None:
            return False
        ts, keys = last
        around = SearchPeriod(float(ts) - AROUND_SECONDS, float(ts) + AROUND_SECONDS)
        own = [candidate for ids in (await self._slack_client.own_channels()).values() for candidate in ids]
        for candidate in own[:MOST]:
            if ts in (await self._slack_client.find_messages(candidate, keys, (around,))).values():
                await self.move(channel_id, candidate, 0.0)
                return True
        return False

    async def refresh(self) -> None:
        """Load the changes recorded by other replicas."""
        self._slack_client.moved = await self._store.run(channel_moves.list_moves)

    def present(self, part: Any) -> Any:
        """Return a part of a request with current channel ids."""
        moved = self._slack_client.moved
        if not moved:
            return part
        if isinstance(part, str):
            return _WORD.sub(lambda word: moved.get(word[0], word[0]), part)
        if isinstance(part, dict):
            return {key: self.present(value) for key, value in part.items()}
        return [self.present(item) for item in part] if isinstance(part, list) else part
