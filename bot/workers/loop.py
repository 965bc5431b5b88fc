"""Run the step of a worker again and again: wait, back off after errors, log an outage once and its end once."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from bot.exceptions import BotError, kind_of
from bot.observability.causes import cause
from bot.observability.logging import logger

log = logger(__name__)

LONGEST_REST = 60.0
LONGEST_BACK_OFF = 30.0

Step = Callable[[], Awaitable[float | None]]
Rest = Callable[[float], Awaitable[object]]


class ObservedOutage(NamedTuple):
    """An outage, with the class of its error; times are of time.monotonic(), `ended` is None while it lasts."""

    what: str
    problem: str
    cause: str
    began: float
    ended: float | None = None


class OutageTracker:
    """Tracks the outages of a service: logs the first failure and the recovery, and nothing in between.

    `last` is the last outage, None without one.
    """

    def __init__(self, what: str, **facts: object) -> None:
        self.what = what
        self.facts = facts
        self.failures = 0
        self.last: ObservedOutage | None = None
        self._since = 0.0

    def record_failure(self, error: BaseException) -> None:
        """Record a failed request."""
        if not self.failures:
            self._since = time.monotonic()
            self.last = ObservedOutage(self.what, kind_of(error), cause(error), self._since)
            log.warning(f"{self.what}.away", problem=kind_of(error), said=str(error), cause=cause(error), **self.facts)
        self.failures += 1

    def record_success(self) -> None:
        """Record a successful request."""
        if self.failures and self.last:
            self.last = self.last._replace(ended=time.monotonic())
            seconds = round(time.monotonic() - self._since, 1)
            log.info(f"{self.what}.back", seconds=seconds, failures=self.failures, **self.facts)
        self.failures = 0


async def forever(name: str, step: Step, rest: Rest, outage: OutageTracker | None = None) -> None:
    """Run `step` until cancelled; `outage` knows when it fails.

    A step returns the seconds until the next one (None: only when woken); `rest(seconds)` waits that long or until
    woken. A failed step is repeated after 0.5 s, doubling up to 30 s, forever.
    """
    outage = outage or OutageTracker(name)
    while True:
        try:
            pause = await step()
        except BotError as problem:
            outage.record_failure(problem)
        except Exception as error:  # a bug in one step must not end the worker
            if not outage.failures:
                log.exception(f"{name}.error", error=kind_of(error))
            outage.record_failure(error)
        else:
            outage.record_success()
            await rest(LONGEST_REST if pause is None else min(pause, LONGEST_REST))
            continue
        await rest(min(0.5 * 2 ** min(outage.failures - 1, 10), LONGEST_BACK_OFF))
