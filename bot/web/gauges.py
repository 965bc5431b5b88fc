"""What is measured at the moment Prometheus asks: readiness, what waits to be said, how the polling does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from bot.errors import Problem
from bot.store.store import Store
from bot.telemetry import Metrics
from bot.web.readiness import Check, late_after

SECONDS = 5.0  # Prometheus gives up after ten
UNKNOWN = float("nan")  # a gap in the graph, not a zero


class Gauges:
    """Sets the gauges that nobody keeps up to date; never raises, since the counters are wanted all the same."""

    def __init__(self, metrics: Metrics, store: Store, checks: Mapping[str, Check], *, idle_seconds: float) -> None:
        self._metrics = metrics
        self._store = store
        self._checks = checks
        self._late = late_after(idle_seconds)

    async def measure(self) -> None:
        """Measure everything, at the same time."""
        await asyncio.gather(self._waiting(), self._apps(), *(self._ready(name) for name in self._checks))

    async def _ready(self, name: str) -> None:
        self._metrics.ready.labels(name).set(int((await self._checks[name]())["ok"]))

    async def _waiting(self) -> None:
        count, oldest = UNKNOWN, UNKNOWN
        try:
            async with asyncio.timeout(SECONDS):
                waiting = await self._store.announcements_waiting()
            count, oldest = waiting.count, waiting.oldest_seconds or 0.0
        except (Problem, TimeoutError):
            pass
        self._metrics.announcements_waiting.set(count)
        self._metrics.announcements_oldest.set(oldest)

    async def _apps(self) -> None:
        watched, behind = UNKNOWN, UNKNOWN
        try:
            async with asyncio.timeout(SECONDS):
                state = await self._store.watching_state(behind_after_seconds=self._late)
            watched, behind = state.apps, state.behind
        except (Problem, TimeoutError):
            pass
        self._metrics.apps.labels("watched").set(watched)
        self._metrics.apps.labels("behind").set(behind)
