"""Handle events about the workspace, and double clicks."""

from __future__ import annotations

from bot.db import channel_welcome, idempotency
from bot.db.database import Database
from bot.db.transaction import Transaction
from bot.db.wakeups import Topic
from bot.exceptions import DatabaseUnavailable
from bot.observability.logging import logger
from bot.services.access import AccessResolver
from bot.services.channel_moves import ChannelMoves

log = logger(__name__)


class SlackEventService:
    """Handles Slack's events without a waiting user, and detects double clicks."""

    def __init__(self, store: Database, access: AccessResolver, moves: ChannelMoves) -> None:
        self._store = store
        self._access = access
        self.moves = moves

    def forget(self, changed: str) -> None:
        """Discard this replica's cached record of a user or user group, after Slack reported a change."""
        self._access.invalidate(changed)
        self._store.wake(Topic.ACCESS)  # what was paused because of it may resume

    async def tell_replicas(self, changed: str) -> None:
        """Notify the other replicas that a user or user group has changed."""
        try:
            await self._store.run(Transaction.notify_slack_change, changed)
        except DatabaseUnavailable:
            log.warning("event.others_not_told", who=changed)

    async def welcome(self, channel_id: str) -> None:
        """Post the welcome to a channel that the bot was invited to, once."""
        try:
            await self._store.run(channel_welcome.enqueue_welcome, channel_id)
        except DatabaseUnavailable:
            log.warning("event.not_welcomed", channel=channel_id)

    async def is_first_click(self, click: str) -> bool:
        """Return False for a double click, at any replica. Raises DatabaseUnavailable."""
        return await self._store.run(idempotency.acquire_once, click, idempotency.DOUBLE_CLICK_SECONDS)

    async def allow_click_again(self, click: str) -> None:
        """Accept the next click as a first one. Raises DatabaseUnavailable."""
        await self._store.run(idempotency.release_once, click)
