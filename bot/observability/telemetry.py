"""What we count and how we log: metrics by Prometheus' conventions, structured logs, redaction before any renderer."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from bot import __version__

# Everything that is a credential by its shape, whoever logs it.
_SECRETS = re.compile(
    r"xox[a-z]-[\w-]+|xapp-[\w-]+"  # Slack tokens
    r"|(?<=[Bb]earer )\S+"
    r"|(?<=/download/)[^/\s?\"'<>]+"  # Applivery download tokens
    r"|(?<=/webhooks/applivery/)[^/\s?\"'<>]+"
    r"|(?<=/b/)[\w-]{16,}"  # claim tickets
    r"|(?<=/services/)[\w/]+|(?<=/commands/)[\w/]+|(?<=/actions/)[\w/]+"  # Slack's response addresses
    r"|(?<=ticket=)[^&\s\"'<>]+"  # Socket Mode
    r"|(?<=://)[^/\s:@]*:[^/\s]+(?=@)"  # user:password in a database address
    r"|(?<=password=)[^&\s\"'<>]+"
    r"|(?<=[Ss]ignature=)[^&\s\"'<>]+"  # what a signed download address redirects to
)
HIDDEN = "[redacted]"
MOST_TROUBLES = 1000  # told apart


class Redactor:
    """Takes secrets out of text: everything shaped like one, and the very values it has been told."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def learn(self, *secrets: str | None) -> None:
        """Hide these values too, whatever they look like; very short ones are left, they would hide words."""
        self._known.update(secret for secret in secrets if secret and len(secret) >= 6)

    def text(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._known:
            if secret in text:
                text = text.replace(secret, HIDDEN)
        return _SECRETS.sub(HIDDEN, text)

    def value(self, value: Any) -> Any:
        """The same for any value that may be logged."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self.value(one) for key, one in value.items()}
        if isinstance(value, list | tuple | set):
            return [self.value(one) for one in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.text(str(value))


redactor = Redactor()


def _redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: one if key.startswith("_") else redactor.value(one) for key, one in event.items()}


def set_up_logs(level: str, style: str) -> None:
    """Send every log line, ours and the libraries', through one redacted stream on stderr; `style` console or json."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _redact,
    ]
    renderer: Any = structlog.processors.JSONRenderer()
    if style == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared[:-1], structlog.stdlib.PositionalArgumentsFormatter(), _redact],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.addFilter(_Libraries())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # what Bolt warns of is about listeners and tokens of its own, which we do not use
    logging.getLogger("slack_bolt").setLevel(logging.ERROR)
    for chatty in ("slack_sdk", "aiohttp.access", "asyncio", "alembic", "stamina"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))


class _Libraries(logging.Filter):
    """Lets each warning of a library through once a minute: some write one for every connection that fails."""

    def __init__(self) -> None:
        super().__init__()
        self._said = Seldom()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this line is to be written; it says then how many it stands for."""
        if record.levelno < logging.WARNING or record.name.partition(".")[0] == "bot":
            return True
        times = self._said.due(f"{record.name} {record.msg}")
        if times > 1:
            record.msg = f"{record.msg} ({times} times)"
        return times > 0


class Seldom:
    """Says when a trouble that may come a thousand times a second is to be logged: at once, then once a minute."""

    def __init__(self, every_seconds: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._every = every_seconds
        self._clock = clock
        self._since: dict[str, tuple[float, int]] = {}

    def due(self, what: str) -> int:
        """How often it has come since it was logged, when that is to be done now; else 0."""
        if len(self._since) > MOST_TROUBLES:
            self._since.clear()
        said_at, times = self._since.get(what, (float("-inf"), 0))
        now = self._clock()
        if now - said_at < self._every:
            self._since[what] = (said_at, times + 1)
            return 0
        self._since[what] = (now, 0)
        return times + 1


def logger(name: str) -> Any:
    """The structured logger of a module."""
    return structlog.stdlib.get_logger(name)


class Metrics:
    """The counters of one running service, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "applivery_bot_requests_total",
            "Requests from Slack by door, name and outcome",
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
            "applivery_bot_mints_total", "Download tokens asked for", ("outcome",), registry=self.registry
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
        self.polls = Counter("applivery_bot_polls_total", "Looks at an app", ("outcome",), registry=self.registry)
        self.announcements = Counter(
            "applivery_bot_announcements_total", "Announcements by outcome", ("outcome",), registry=self.registry
        )
        self.set_aside = Counter(
            "applivery_bot_announcements_set_aside_total",
            "Announcements given up after minutes, as Slack refused them for a reason that it does not document",
            registry=self.registry,
        )
        self.announcement_lag = Histogram(
            "applivery_bot_announcement_lag_seconds",
            "From recording an announcement (or no longer holding it back) to Slack having it",
            registry=self.registry,
            buckets=(0.1, 0.5, 1, 2, 5, 10, 60, 300, 1800),
        )
        self.webhooks = Counter(
            "applivery_bot_webhooks_total", "Calls of the webhook path by outcome", ("outcome",), registry=self.registry
        )
        self.refused = Counter(
            "applivery_bot_web_refused_total",
            "Requests and connections that were refused, by route and status, or by what was wrong",
            ("route", "reason"),
            registry=self.registry,
        )
        self.claims = Counter(
            "applivery_bot_claims_total",
            "Looks at the claim page and claims on it by outcome",
            ("outcome",),
            registry=self.registry,
        )
        self.budget_left = Gauge(
            "applivery_bot_applivery_budget_left", "Applivery requests left in this hour", registry=self.registry
        )
        self.announcements_waiting = Gauge(
            "applivery_bot_announcements_waiting", "Announcements that wait to be said", registry=self.registry
        )
        self.announcements_oldest = Gauge(
            "applivery_bot_announcements_oldest_seconds",
            "For how long the oldest announcement has been waiting",
            registry=self.registry,
        )
        self.apps = Gauge(
            "applivery_bot_apps",
            "Apps that are watched, and those not looked at in time",
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
            "Times Slack told a Socket Mode connection to go",
            ("reason",),
            registry=self.registry,
        )
        self.sockets = Gauge("applivery_bot_sockets_connected", "Open Socket Mode connections", registry=self.registry)

    def asked(self, call: str, outcome: str, seconds: float) -> None:
        """Count one request to Applivery: which call, `ok` or the error's kind, and how long it took."""
        self.applivery.labels(call, outcome).observe(seconds)
        if outcome == "Unreadable":
            self.not_understood.labels(call).inc()
