"""Delete data older than its retention period, in short transactions."""

from __future__ import annotations

import time

from bot.db import audit_reports, drafts, history
from bot.db.database import Database
from bot.observability.logging import logger

log = logger(__name__)

EVERY_SECONDS = 3600.0
PAUSE_SECONDS = 1.0  # between two steps while there is more to delete


class RetentionJob:
    """Deletes audit rows and history older than their retention periods (days), and data that is kept for a day."""

    def __init__(self, store: Database, *, audit_days: float, history_days: float) -> None:
        self._store = store
        self._audit_days = audit_days
        self._history_days = history_days
        self._begin()
        self._due_at = float("-inf")

    def _begin(self) -> None:
        """Start over with the first announcements and builds; a position is None once all were read."""
        self._announcement: int | None = 0
        self._build: history.BuildPosition | None = history.BuildPosition()

    async def step(self) -> float | None:
        """Delete some expired rows; return the seconds until the next step. Raises DatabaseUnavailable."""
        if time.monotonic() < self._due_at:
            return EVERY_SECONDS
        await self._store.run(drafts.purge_drafts)
        lines = await self._store.run(audit_reports.purge_audit, self._audit_days)
        if lines:
            log.info("ledger.forgotten", lines=lines, days=self._audit_days)
        passing = await self._store.run(history.purge_day)
        aged = await self._store.run(history.purge_history, self._history_days)
        rows = aged + await self._purge_builds()
        if rows:
            log.info("history.deleted", rows=rows, days=self._history_days)
        if lines or passing or aged or self._build is not None:
            return PAUSE_SECONDS
        self._begin()
        self._due_at = time.monotonic() + EVERY_SECONDS
        return EVERY_SECONDS

    async def _purge_builds(self) -> int:
        """Delete some expired announcements and, once there are none, some expired builds."""
        if self._announcement is not None:
            announcements = await self._store.run(history.purge_announcements, self._history_days, self._announcement)
            self._announcement = announcements.position
            return announcements.rows
        if self._build is not None:
            builds = await self._store.run(history.purge_builds, self._history_days, self._build)
            self._build = builds.position
            return builds.rows
        return 0
