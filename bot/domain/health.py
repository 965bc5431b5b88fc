"""Health data of the `status` command, and the history of outages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from bot.exceptions import ServiceUnavailable
from bot.i18n import NO_TEXT, Text


class SlackHealth(Struct, frozen=True):
    """Whether Slack accepts our token and can reach the bot; `wanted` is 0 connections over HTTP.

    `problem` is an English description of what is wrong.
    """

    ok: bool
    connections: int = 0
    wanted: int = 0
    problem: str = ""

    @property
    def well(self) -> bool:
        """Whether all of it works."""
        return self.ok and self.connections == self.wanted


class AppliveryHealth(Struct, frozen=True):
    """Whether Applivery answers (`problem`: why not), and how many requests of an hour's `budget` are `left`.

    `stretch` is how many times less often apps are polled because few are left. `cause` is the root cause, in English;
    `worked_at` is the time of Applivery's last successful response, None if there was none since the start.
    """

    left: int
    budget: int
    stretch: float = 1.0
    problem: Text = NO_TEXT
    cause: str = ""
    worked_at: datetime | None = None

    @property
    def well(self) -> bool:
        """Whether it answers, and can be polled as often as configured."""
        return not self.problem and self.stretch <= 1


class DatabaseHealth(Struct, frozen=True):
    """The database: its kind, its version and that of our schema; the versions are empty while it is unavailable.

    `problem` is why, in English.
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
    """How many apps are polled, and how many of them not successfully in time; None: unknown.

    `oldest` is the oldest of the apps' last successful polls; `problem` is what is wrong.
    """

    ok: bool
    apps: int | None = None
    behind: int = 0
    oldest: datetime | None = None
    problem: str = ""

    @property
    def well(self) -> bool:
        """Whether every app was polled in time."""
        return self.ok and not self.behind


class OutboxHealth(Struct, frozen=True):
    """How many deliveries wait (None: unknown), for how many seconds, and the paused channels."""

    count: int | None = None
    oldest_seconds: float = 0.0
    paused: tuple[str, ...] = ()

    @property
    def well(self) -> bool:
        """Whether deliveries do not wait for long."""
        return self.count is not None and self.oldest_seconds < LATE_SECONDS and not self.paused


LATE_SECONDS = 120.0
SILENT_SECONDS = 20.0  # after which an attempt without a result counts as failing


class LastOutage(Struct, frozen=True):
    """An outage: `what` failed, by its name in the log, and until when (None: still)."""

    what: str
    problem: str
    began: datetime
    ended: datetime | None = None
    cause: str = ""


class Health(Struct, frozen=True):
    """The bot's health at `asked_at`, with the last outage since the start, if any."""

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
        """Whether there is nothing for an admin to fix."""
        return all(item.well for item in (self.slack, self.applivery, self.database, self.polling, self.to_say))


@dataclass(slots=True)
class AttemptHistory:
    """This process's own attempts at something; times are monotonic seconds, None for never.

    `failures` counts failures since the last success, `error` is the latest one. `waiting_since` is since when the
    attempts in progress have had no result.
    """

    failures: int = 0
    error: BaseException | None = None
    failed_at: float | None = None
    worked_at: float | None = None
    waiting_since: float | None = None

    def failed(self, error: BaseException, at: float) -> None:
        """Record a failed attempt."""
        self.failures += 1
        self.error = error
        self.failed_at = at
        self._heard(at)

    def worked(self, at: float) -> None:
        """Record a successful attempt."""
        self.failures, self.error = 0, None
        self.worked_at = at
        self._heard(at)

    def _heard(self, at: float) -> None:
        if self.waiting_since is not None:
            self.waiting_since = at

    def trouble(self, at: float) -> BaseException | None:
        """Return the problem: the latest failure, or that the attempts in progress have no result."""
        if self.error is None and self.waiting_since is not None and at - self.waiting_since > SILENT_SECONDS:
            return ServiceUnavailable(why="no answer in time")
        return self.error

    @property
    def trouble_began(self) -> float | None:
        """Since when no attempt has succeeded, as far as known."""
        return self.worked_at if self.worked_at is not None else self.failed_at
