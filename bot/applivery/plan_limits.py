"""The last values of the plan's limits that Applivery has reported to this process."""

from __future__ import annotations

from datetime import datetime

from bot.domain.plan_limits import PlanLimit
from bot.exceptions import QuotaExceeded


class PlanLimitLog:
    """Records the limits in error responses; the database stores them for all replicas."""

    def __init__(self) -> None:
        self._seen: dict[str, PlanLimit] = {}
        self._unsaved: dict[str, PlanLimit] = {}

    def note(self, refused: QuotaExceeded, now: datetime) -> None:
        """Record a limit that was reported now (aware), if the error has its name and value."""
        if refused.item is None or refused.limit is None:
            return
        limit = PlanLimit(refused.item, refused.limit, refused.used, now)
        self._seen[limit.family] = self._unsaved[limit.family] = limit

    def seen(self) -> list[PlanLimit]:
        """Return the last limit of each kind that was reported to this process."""
        return list(self._seen.values())

    def unsaved(self) -> list[PlanLimit]:
        """Return the limits that are not in the database yet."""
        return list(self._unsaved.values())

    def saved(self, limit: PlanLimit) -> None:
        """Mark this limit as saved in the database."""
        if self._unsaved.get(limit.family) == limit:
            del self._unsaved[limit.family]
