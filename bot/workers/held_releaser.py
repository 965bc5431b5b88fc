"""Due → what was kept back for a digest, a mute or quiet hours is said."""

from __future__ import annotations

from bot.db import mutes
from bot.db.database import Database


class HeldReleaser:
    """Lets held announcements go when their time has come; they leave by jobs.announce."""

    def __init__(self, *, store: Database) -> None:
        self._store = store

    async def step(self) -> float | None:
        """Release what is due; returns the seconds until more is. Raises DatabaseUnavailable."""
        return await self._store.run(mutes.release_held)
