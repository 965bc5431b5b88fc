"""End bisects in which no tester has voted for two weeks."""

from __future__ import annotations

from bot.services.bisections import BisectionService

EVERY_SECONDS = 3600.0


class BisectionExpirer:
    """End what has waited too long; workers.outbox_dispatcher shows it."""

    def __init__(self, bisections: BisectionService) -> None:
        self._bisections = bisections

    async def step(self) -> float | None:
        """End what is due; returns the seconds until the next look. Raises DatabaseUnavailable."""
        await self._bisections.expire()
        return EVERY_SECONDS
