"""Delete audit rows older than the retention period, and form drafts older than a week."""

from __future__ import annotations

import time

from bot.db import audit_reports, drafts
from bot.db.database import Database
from bot.observability.logging import logger

log = logger(__name__)

EVERY_SECONDS = 3600.0


class RetentionJob:
    """Delete the audit rows and the drafts whose retention period is over."""

    def __init__(self, store: Database, days: float) -> None:
        self._store = store
        self._days = days
        self._due_at = float("-inf")

    async def step(self) -> float | None:
        """Delete what is too old; returns the seconds until it is looked at again. Raises DatabaseUnavailable."""
        if time.monotonic() < self._due_at:
            return EVERY_SECONDS
        self._due_at = time.monotonic() + EVERY_SECONDS
        await self._store.run(drafts.purge_drafts)
        lines = await self._store.run(audit_reports.purge_audit, self._days)
        if lines:
            log.info("ledger.forgotten", lines=lines, days=self._days)
        return EVERY_SECONDS
