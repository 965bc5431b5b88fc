"""Track whether Slack accepts our token; while it does not, requests are almost suspended."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.observability.logging import logger

log = logger(__name__)

ASK_SECONDS = 15.0  # between two checks of a refused token
ASKED_BY = "auth.test"  # decides for all methods: https://docs.slack.dev/reference/methods/auth.test#errors


class TokenStanding:
    """Whether Slack accepts the token; `code` is its error while it does not, as after the app was uninstalled.

    Each change is one log line and one call of `on_refused` (with the code) or `on_accepted`.
    """

    def __init__(self) -> None:
        self.code = ""
        self.ask_seconds = ASK_SECONDS
        self.on_refused: Callable[[str], None] = lambda _code: None
        self.on_accepted: Callable[[], None] = lambda: None
        self._since = self._ask_at = 0.0

    @property
    def may_ask(self) -> bool:
        """Whether it is time to ask Slack again."""
        return not self.code or time.monotonic() >= self._ask_at

    def refuse(self, code: str) -> None:
        """Record that Slack does not accept the token."""
        now = time.monotonic()
        self._ask_at = now + self.ask_seconds
        if self.code:
            return
        self.code, self._since = code, now
        log.warning("slack.token_refused", code=code)
        self.on_refused(code)

    def accept(self) -> None:
        """Record that Slack accepts the token."""
        if not self.code:
            return
        log.info("slack.token_accepted", code=self.code, seconds=round(time.monotonic() - self._since, 1))
        self.code = ""
        self.on_accepted()
