"""Metrics by Prometheus' conventions. https://prometheus.io/docs/practices/naming/"""

from __future__ import annotations

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from bot import __version__


class Metrics:
    """The counters of one running service, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "applivery_bot_requests_total",
            "Requests from Slack by entry point, name and outcome",
            ("door", "name", "outcome"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "applivery_bot_request_seconds",
            "From a request's arrival to its answer",
            ("door",),
            registry=self.registry,
            buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30),
        )
        self.mints = Counter(
            "applivery_bot_mints_total", "Requested download tokens", ("outcome",), registry=self.registry
        )
        self.applivery = Histogram(
            "applivery_bot_applivery_request_seconds",
            "Requests to Applivery by call and outcome",
            ("call", "outcome"),
            registry=self.registry,
        )
        self.not_understood = Counter(
            "applivery_bot_applivery_not_understood_total",
            "Answers of Applivery that are not what its API documents, by call",
            ("call",),
            registry=self.registry,
        )
        self.polls = Counter("applivery_bot_polls_total", "Polls of an app", ("outcome",), registry=self.registry)
        self.announcements = Counter(
            "applivery_bot_announcements_total", "Announcements by outcome", ("outcome",), registry=self.registry
        )
        self.set_aside = Counter(
            "applivery_bot_announcements_set_aside_total",
            "Announcements set aside because Slack refused them for an undocumented reason",
            registry=self.registry,
        )
        self.announcement_lag = Histogram(
            "applivery_bot_announcement_lag_seconds",
            "From recording (or releasing) an announcement to its post in Slack",
            registry=self.registry,
            buckets=(0.1, 0.5, 1, 2, 5, 10, 60, 300, 1800),
        )
        self.history_limited = Gauge(
            "applivery_bot_slack_history_limited",
            "1 when Slack lets this app read channel history only once a minute, like all distributed apps",
            registry=self.registry,
        )
        self.webhooks = Counter(
            "applivery_bot_webhooks_total", "Calls of the webhook path by outcome", ("outcome",), registry=self.registry
        )
        self.refused = Counter(
            "applivery_bot_web_refused_total",
            "Refused requests and connections, by route and reason",
            ("route", "reason"),
            registry=self.registry,
        )
        self.links = Counter(
            "applivery_bot_pasted_links_total",
            "Messages with pasted Applivery links, and opened details, by outcome",
            ("outcome",),
            registry=self.registry,
        )
        self.claims = Counter(
            "applivery_bot_claims_total",
            "Claim page views and claims by outcome",
            ("outcome",),
            registry=self.registry,
        )
        self.budget_left = Gauge(
            "applivery_bot_applivery_budget_left", "Applivery requests left in this hour", registry=self.registry
        )
        self.announcements_waiting = Gauge(
            "applivery_bot_announcements_waiting", "Waiting announcements", registry=self.registry
        )
        self.announcements_oldest = Gauge(
            "applivery_bot_announcements_oldest_seconds",
            "Age of the oldest waiting announcement",
            registry=self.registry,
        )
        self.apps = Gauge(
            "applivery_bot_apps",
            "Polled apps, and those behind schedule",
            ("state",),
            registry=self.registry,
        )
        self.ready = Gauge(
            "applivery_bot_ready", "Whether a part is ready, as /readyz says", ("check",), registry=self.registry
        )
        self.info = Gauge("applivery_bot_info", "1, with the version as a label", ("version",), registry=self.registry)
        self.info.labels(__version__).set(1)
        ProcessCollector(registry=self.registry)
        self.socket_disconnects = Counter(
            "applivery_bot_socket_disconnects_total",
            "Socket Mode connections closed by Slack",
            ("reason",),
            registry=self.registry,
        )
        self.token_refused = Counter(
            "applivery_bot_slack_token_refused_total",
            "Times that Slack stopped accepting the bot's token, by its reason",
            ("reason",),
            registry=self.registry,
        )
        self.sockets = Gauge("applivery_bot_sockets_connected", "Open Socket Mode connections", registry=self.registry)

        self._applivery_of = cache(self.applivery.labels)  # `labels` creates and locks an object each time
        self._requests_of = cache(self.requests.labels)
        self._seconds_of = cache(self.seconds.labels)

    def answered(self, entrypoint: str, name: str, outcome: str, seconds: float) -> None:
        """Count one request from Slack: its entrypoint, name, outcome and duration in seconds."""
        self._requests_of(entrypoint, name, outcome).inc()
        self._seconds_of(entrypoint).observe(seconds)

    def asked(self, call: str, outcome: str, seconds: float) -> None:
        """Count one request to Applivery: its call, `ok` or the error's kind, and duration in seconds."""
        self._applivery_of(call, outcome).observe(seconds)
        if outcome == "Unreadable":
            self.not_understood.labels(call).inc()
