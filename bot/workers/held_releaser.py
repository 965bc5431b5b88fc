"""Release announcements that were held for a digest, a mute or quiet hours."""

from __future__ import annotations

from bot.db import mutes
from bot.db.database import Database


class HeldReleaser:
    """Releases held announcements when they are due; workers.outbox_dispatcher posts them."""

    def __init__(self, *, store: Database) -> None:
        self._store = store

    async def step(self) -> float | None:
        """Release due announcements; return the seconds until the next one. Raises DatabaseUnavailable."""
        return await self._store.run(mutes.release_held)
