"""Structured logs on stderr, redacted before they are rendered."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any

from bot.observability.redaction import redactor

# structlog imports rich and pygments if installed: 66 modules for a formatter that is not used here, since
# `format_exc_info` formats tracebacks. None in sys.modules means "not installed".
# https://docs.python.org/3/reference/import.html#the-module-cache
if "rich" in sys.modules:
    import structlog
else:
    sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        import structlog
    finally:
        del sys.modules["rich"]

MOST_TROUBLES = 1000  # distinct errors that are tracked


def _redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: value if key.startswith("_") else redactor.value(value) for key, value in event.items()}


def set_up_logs(level: str, style: str) -> None:
    """Send the log lines of the bot and its libraries to stderr, redacted; `style` is console or json."""
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
    handler.addFilter(_LibraryLogThrottle())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for chatty in ("slack_sdk", "aiohttp.access", "asyncio", "alembic", "stamina"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))


class _LibraryLogThrottle(logging.Filter):
    """Passes each warning of a library once a minute: some log one for every failed connection."""

    def __init__(self) -> None:
        super().__init__()
        self._said = LogThrottle()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to write this line; adds the number of suppressed lines to it."""
        if record.levelno < logging.WARNING or record.name.partition(".")[0] == "bot":
            return True
        times = self._said.due(f"{record.name} {record.msg}")
        if times > 1:
            record.msg = f"{record.msg} ({times} times)"
        return times > 0


class LogThrottle:
    """Limits the logging of an error that may occur a thousand times a second: at once, then once a minute."""

    def __init__(self, every_seconds: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._every = every_seconds
        self._clock = clock
        self._since: dict[str, tuple[float, int]] = {}

    def due(self, what: str) -> int:
        """Return the occurrences since the last log line if one is due now, else 0."""
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
    """Return the structured logger of a module."""
    return structlog.stdlib.get_logger(name)
