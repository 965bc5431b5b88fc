"""One thing a person did, and what the bot made of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.message import FakeMessage
from sandbox.slack.view import FakeView
from sandbox.waiting import STILL_SECONDS

Until = Callable[[Callable[[], object], float], Awaitable[object]]


@dataclass(eq=False)
class Interaction:
    """What followed a command, a click, a submission or an event.

    `acked` is whether the bot answered in time, `ack_seconds` how long that took, `ack_body` what it answered.
    `error` is what the person would see: None, "operation_timeout", "dispatch_failed", or the error name of an answer
    Slack refused. `answers` are the messages that came by the response_url or the ack, one entry for each use, so a
    replacement appears again; `views` those opened, pushed or updated. Entries are alive: they show the latest state.
    """

    kind: str
    user: str
    channel: str | None
    until: Until
    trigger_id: str = ""
    response_url: str = ""
    payload: dict[str, Any] = field(default_factory=dict)
    acked: bool = False
    ack_seconds: float | None = None
    ack_body: Any = None
    error: str | None = None
    answers: list[FakeMessage] = field(default_factory=list)
    views: list[FakeView] = field(default_factory=list)

    @property
    def errors(self) -> dict[str, str]:
        """What a form was told is wrong, by block id."""
        body = self.ack_body if isinstance(self.ack_body, dict) else {}
        errors: dict[str, str] = body.get("errors") or {} if body.get("response_action") == "errors" else {}
        return errors

    async def answer(self, n: int = 1, timeout: float = STILL_SECONDS) -> FakeMessage:  # noqa: ASYNC109 -- a test's patience, said at the call
        """Wait for the n-th answer (first is 1). Raises TimeoutError when nothing moves for `timeout` seconds."""
        await self.until(lambda: len(self.answers) >= n, timeout)
        return self.answers[n - 1]

    async def view(self, n: int = 1, timeout: float = STILL_SECONDS) -> FakeView:  # noqa: ASYNC109 -- as above
        """Wait for the n-th view that was opened, pushed or updated. Raises as `answer` does."""
        await self.until(lambda: len(self.views) >= n, timeout)
        return self.views[n - 1]
