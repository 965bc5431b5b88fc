"""Health facts: what `status` measures, and records of outages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from bot.exceptions import ServiceUnavailable
from bot.i18n import NO_TEXT, Text


class SlackHealth(Struct, frozen=True):
    """Whether Slack takes our token and reaches us; without `wanted` connections it is over HTTP.

    `problem` says, in English, what is wrong.
    """

    ok: bool
    connections: int = 0
    wanted: int = 0
    problem: str = ""

    @property
    def well(self) -> bool:
        """Whether nothing of it is missing."""
        return self.ok and self.connections == self.wanted


class AppliveryHealth(Struct, frozen=True):
    """Whether Applivery answers (`problem` says why not), and how many requests of an hour's `budget` are `left`.

    `stretch` is how many times less often apps are looked at, since few are left. `cause` is the root of the problem,
    in English; `worked_at` is when Applivery last answered as it should, None: not since the start.
    """

    left: int
    budget: int
    stretch: float = 1.0
    problem: Text = NO_TEXT
    cause: str = ""
    worked_at: datetime | None = None

    @property
    def well(self) -> bool:
        """Whether it answers, and as often as it should be asked."""
        return not self.problem and self.stretch <= 1


class DatabaseHealth(Struct, frozen=True):
    """The database: its kind, its own version and that of our tables; the versions are empty while it is away.

    `problem` says why it is, in English.
    """

    ok: bool
    kind: str
    version: str = ""
    tables: str = ""
    problem: str = ""

    @property
    def well(self) -> bool:
        """Whether it answers."""
        return self.ok


class PollingHealth(Struct, frozen=True):
    """How many apps are watched and how many of them were not polled successfully in time; None: unknown.

    `oldest` is the oldest of the apps' last successful polls; `problem` says what is wrong.
    """

    ok: bool
    apps: int | None = None
    behind: int = 0
    oldest: datetime | None = None
    problem: str = ""

    @property
    def well(self) -> bool:
        """Whether every app was looked at when its time had come."""
        return self.ok and not self.behind


class OutboxHealth(Struct, frozen=True):
    """How many deliveries wait (None: unknown), for how many seconds, and the paused channels."""

    count: int | None = None
    oldest_seconds: float = 0.0
    paused: tuple[str, ...] = ()

    @property
    def well(self) -> bool:
        """Whether what is to be said is said soon."""
        return self.count is not None and self.oldest_seconds < LATE_SECONDS and not self.paused


LATE_SECONDS = 120.0
SILENT_SECONDS = 20.0  # of a try: longer than answers take that are worth waiting for


class LastOutage(Struct, frozen=True):
    """Something was away: `what` it was by its name in the log, and until when; None while it still is."""

    what: str
    problem: str
    began: datetime
    ended: datetime | None = None
    cause: str = ""


class Health(Struct, frozen=True):
    """All of it, as it was found at `asked_at`, with the last outage, if there was one since the start."""

    slack: SlackHealth
    applivery: AppliveryHealth
    database: DatabaseHealth
    polling: PollingHealth
    to_say: OutboxHealth
    trouble: LastOutage | None
    version: str
    started_at: datetime
    asked_at: datetime | None = None
    has_claim_page: bool = True

    @property
    def well(self) -> bool:
        """Whether there is nothing for an admin to do."""
        return all(item.well for item in (self.slack, self.applivery, self.database, self.polling, self.to_say))


@dataclass(slots=True)
class AttemptHistory:
    """This process's own attempts at something; times are monotonic seconds, None for never.

    `failures` counts those since the last success, `error` is the latest of them. `waiting_since` is from when on the
    attempts in progress have had no result.
    """

    failures: int = 0
    error: BaseException | None = None
    failed_at: float | None = None
    worked_at: float | None = None
    waiting_since: float | None = None

    def failed(self, error: BaseException, at: float) -> None:
        """Count an attempt that failed."""
        self.failures += 1
        self.error = error
        self.failed_at = at
        self._heard(at)

    def worked(self, at: float) -> None:
        """Note a try that succeeded."""
        self.failures, self.error = 0, None
        self.worked_at = at
        self._heard(at)

    def _heard(self, at: float) -> None:
        if self.waiting_since is not None:
            self.waiting_since = at

    def trouble(self, at: float) -> BaseException | None:
        """Return what is wrong: the latest failure, or that the attempts in progress have no result."""
        if self.error is None and self.waiting_since is not None and at - self.waiting_since > SILENT_SECONDS:
            return ServiceUnavailable(why="no answer in time")
        return self.error

    @property
    def trouble_began(self) -> float | None:
        """From when on nothing has worked, as far as is known."""
        return self.worked_at if self.worked_at is not None else self.failed_at
