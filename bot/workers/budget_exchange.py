"""Exchange between replicas the counts of requests to Applivery and the limits it has reported."""

from __future__ import annotations

import secrets

from bot.applivery.plan_limits import PlanLimitLog
from bot.applivery.rate_budget import Priority, RequestBudget
from bot.db import plan_limits, request_counts
from bot.db.database import Database

EVERY_SECONDS = 10.0  # the replicas' knowledge of each other is at most this old


class BudgetExchange:
    """Reports this replica's requests and limits to the others, and reads their requests."""

    def __init__(self, store: Database, budget: RequestBudget, limits: PlanLimitLog) -> None:
        self._store = store
        self._budget = budget
        self._limits = limits
        self._replica = secrets.token_hex(8)  # new per process, so that earlier requests still count after a restart

    async def step(self) -> float | None:
        """Exchange the counts; return the seconds until the next time. Raises DatabaseUnavailable."""
        made = dict(self._budget.unshared)  # more may be made during the write
        others = await self._store.run(
            request_counts.exchange_counts, self._replica, {lane.value: count for lane, count in made.items()}
        )
        self._budget.share(made, {Priority(lane): counts for lane, counts in others.items()})
        for limit in self._limits.unsaved():
            await self._store.run(plan_limits.record_limit, limit)
            self._limits.saved(limit)
        return EVERY_SECONDS
