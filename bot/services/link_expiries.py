"""Schedule the edits of messages whose link expires."""

from __future__ import annotations

from bot.db import link_expiries
from bot.db.database import Database
from bot.db.link_expiries import LinkExpiry
from bot.slack.blocks import MessageExpiry


class LinkExpiryService:
    """Schedules edits of messages when their links expire. Each method raises DatabaseUnavailable."""

    def __init__(self, store: Database) -> None:
        self._store = store

    async def schedule(self, expires: MessageExpiry, address: str, ts: str | None) -> None:
        """Schedule an edit of the message at `ts` in the channel (or response_url) `address` when its link expires."""
        expiry = LinkExpiry(
            address, ts, expires.app_id, expires.build_id, expires.title, expires.again, expires.language
        )
        await self._store.run(link_expiries.schedule_expiry, expires.at, expiry)

    async def cancel(self, ts: str) -> None:
        """Cancel the edit of the message at `ts`, which no longer shows the link."""
        await self._store.run(link_expiries.cancel_expiry, ts)
