"""Gauges that are measured on each scrape: readiness, the outbox backlog, and polling."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from bot.domain.audit import AuditOutcome, Entrypoint
from bot.domain.outcomes import ClaimOutcome, ConnectionEnd, LinkOutcome, PollOutcome, RequestOutcome, WebhookOutcome
from bot.domain.states import ResultKind
from bot.observability.metrics import Metrics
from bot.web.readiness import Check

UNKNOWN = float("nan")  # a gap in the graph, not a zero


class MetricsCollector:
    """Refresh pull-time gauges on each scrape. Never raises, so that a failure does not hide the counters.

    `waiting` returns the outbox backlog; `checks` are those of /readyz.
    """

    def __init__(self, metrics: Metrics, checks: Mapping[str, Check], waiting: Check) -> None:
        self._metrics = metrics
        self._checks = checks
        self._waiting = waiting
        _create_series(metrics)

    async def measure(self) -> None:
        """Measure everything concurrently, since Prometheus times out after ten seconds."""
        waiting, *answers = await asyncio.gather(self._waiting(), *(check() for check in self._checks.values()))
        found = dict(zip(self._checks, answers, strict=True))
        for name, answer in found.items():
            self._metrics.ready.labels(name).set(int(answer["ok"]))
        for state, key in (("watched", "apps"), ("behind", "behind")):
            self._metrics.apps.labels(state).set(found["polling"].get(key, UNKNOWN))
        self._metrics.announcements_waiting.set(waiting.get("count", UNKNOWN))
        self._metrics.announcements_oldest.set(waiting.get("oldest_seconds", UNKNOWN))


def _create_series(metrics: Metrics) -> None:
    """Create the series of all known label values at 0, since Prometheus sees no increase in one that begins at 1.

    https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics
    """
    for outcome in WebhookOutcome:
        metrics.webhooks.labels(outcome)
    for claim in ClaimOutcome:
        metrics.claims.labels(claim)
    for link in LinkOutcome:
        metrics.links.labels(link)
    for poll in PollOutcome:
        metrics.polls.labels(poll)
    for result in ResultKind:
        metrics.announcements.labels(result)
    for end in ConnectionEnd:
        metrics.refused.labels("connection", end)
    metrics.mints.labels(AuditOutcome.MINTED)
    metrics.requests.labels(Entrypoint.HTTP, "", RequestOutcome.UNVERIFIED)
    for entrypoint in (Entrypoint.HTTP, Entrypoint.SOCKET):
        metrics.requests.labels(entrypoint, "", RequestOutcome.REPLAYED)
