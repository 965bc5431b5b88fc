"""End bisects in which no tester has voted for two weeks."""

from __future__ import annotations

from bot.services.bisections import BisectionService

EVERY_SECONDS = 3600.0


class BisectionExpirer:
    """Ends bisects without a recent vote; workers.outbox_dispatcher updates their messages."""

    def __init__(self, bisections: BisectionService) -> None:
        self._bisections = bisections

    async def step(self) -> float | None:
        """End the bisects that are due; return the seconds until the next check. Raises DatabaseUnavailable."""
        await self._bisections.expire()
        return EVERY_SECONDS
