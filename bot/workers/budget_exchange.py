"""Share the hourly allowance of requests to Applivery between the replicas."""

from __future__ import annotations

import secrets

from bot.applivery.rate_budget import Priority, RequestBudget
from bot.db import request_counts
from bot.db.database import Database

EVERY_SECONDS = 10.0  # by so much the replicas know too little of each other


class BudgetExchange:
    """Tell the other replicas how many requests this one has made, and learn theirs."""

    def __init__(self, store: Database, budget: RequestBudget) -> None:
        self._store = store
        self._budget = budget
        self._replica = secrets.token_hex(8)  # a new one for each process, so that a restart counts what was before

    async def step(self) -> float | None:
        """Exchange the counts; return the seconds until the next time. Raises DatabaseUnavailable."""
        made = dict(self._budget.unshared)  # while it is written down, there may be more
        others = await self._store.run(
            request_counts.exchange_counts, self._replica, {lane.value: count for lane, count in made.items()}
        )
        self._budget.share(made, {Priority(lane): counts for lane, counts in others.items()})
        return EVERY_SECONDS
