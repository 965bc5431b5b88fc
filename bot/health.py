"""The bot's health: per part for /readyz and /metrics, as a whole for `status` and the Home tab."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from bot import __version__
from bot.applivery.client import AppliveryClient
from bot.db import database_info, mutes
from bot.db.database import Database
from bot.domain.health import (
    AppliveryHealth,
    DatabaseHealth,
    Health,
    LastOutage,
    OutboxHealth,
    PollingHealth,
    SlackHealth,
)
from bot.exceptions import BotError, ServiceUnavailable
from bot.i18n import NO_TEXT
from bot.observability.causes import cause
from bot.services.app_directory import AppDirectory
from bot.services.event_arrivals import EventArrivals
from bot.slack.client import SlackClient
from bot.slack.socket_mode.pool import SocketPool
from bot.supervisor import WorkerSupervisor
from bot.testing_overrides import TestingOverrides
from bot.web import readiness
from bot.web.readiness import FRESH, SECONDS, Check

if TYPE_CHECKING:
    from bot.settings import Settings

SOON = 3.0  # timeout of a part's check in seconds, while a user waits for all


class HealthService:
    """Checks every part on request; no check exceeds its timeout or raises."""

    def __init__(
        self,
        settings: Settings,
        tuning: TestingOverrides,
        *,
        jobs: WorkerSupervisor,
        applivery: AppliveryClient,
        app_directory: AppDirectory,
        slack_client: SlackClient,
        sockets: SocketPool | None,
        arrivals: EventArrivals | None = None,
    ) -> None:
        self._arrivals = arrivals
        self._jobs = jobs
        self._store: Database = jobs.store
        self._budget = applivery.budget
        self._app_directory = app_directory
        self._sockets = sockets
        self._clock = tuning.clock
        self._started_at = tuning.clock()
        self._answered_at: float | None = None
        self._slack_client = slack_client
        self._idle = settings.poll_idle_seconds
        self._has_claim_page = settings.public_url is not None
        self.checks: dict[str, Check] = {
            "slack": self._slack_check,
            "database": partial(readiness.database, jobs.store),
            "polling": self.polling,
        }

    async def _slack_check(self, *, seconds: float = SECONDS, fresh: float = FRESH) -> dict[str, Any]:
        return await readiness.slack(self._sockets, self._slack_client, self._arrivals, fresh=fresh, seconds=seconds)

    async def polling(self, *, seconds: float = SECONDS) -> dict[str, Any]:
        """Return whether polls succeed."""
        stretch = self._jobs.watch.pace.stretch
        return await readiness.polling(self._store, self._idle, self._jobs.watch.attempts, stretch, seconds=seconds)

    async def health(self) -> Health:
        """Check all parts concurrently, without caches; a part that exceeds the timeout counts as unavailable."""
        (slack, database, polling, waiting), applivery, (version, tables), paused = await asyncio.gather(
            asyncio.gather(
                self._slack_check(seconds=SOON, fresh=0.0),
                readiness.database(self._store, seconds=SOON),
                self.polling(seconds=SOON),
                readiness.waiting(self._store, seconds=SOON),
            ),
            self._applivery(),
            self._engine(),
            self._paused(),
        )
        if not polling["ok"] and not applivery.problem:
            with suppress(BotError):
                await self._jobs.watch.retry_now()  # it is available again: retry failed polls
        return Health(
            slack=self._slack(slack),
            applivery=applivery,
            database=DatabaseHealth(database["ok"], self._store.dialect, version, tables, database.get("problem", "")),
            polling=_polling(polling),
            to_say=OutboxHealth(waiting.get("count"), waiting.get("oldest_seconds", 0.0), paused),
            trouble=self._trouble(),
            version=__version__,
            started_at=self._started_at,
            asked_at=self._clock().astimezone(UTC),
            has_claim_page=self._has_claim_page,
        )

    def _slack(self, check: dict[str, Any]) -> SlackHealth:
        problem = check.get("problem", "")
        if self._sockets is None:
            return SlackHealth(check["ok"], problem=problem)
        return SlackHealth(check["ok"], check["connections"], self._sockets.count, problem)

    async def _applivery(self) -> AppliveryHealth:
        """Check Applivery with a request."""
        problem, why = NO_TEXT, ""
        try:
            await asyncio.wait_for(self._app_directory.apps(fresh=True), SOON)
        except BotError as error:
            problem, why = error.sentence, cause(error)
        except TimeoutError as error:
            problem, why = ServiceUnavailable.sentence, cause(error)
        else:
            self._answered_at = time.monotonic()
        known = [at for at in (self._answered_at, self._jobs.watch.attempts.worked_at) if at is not None]
        last = self._at(max(known)) if known else None
        budget = self._budget
        return AppliveryHealth(budget.left, budget.per_hour, self._jobs.watch.pace.stretch, problem, why, last)

    async def _engine(self) -> tuple[str, str]:
        try:
            async with asyncio.timeout(SOON):
                return await self._store.run(database_info.engine_version), await self._store.version() or ""
        except Exception:  # noqa: BLE001 - the driver's errors are not wrapped; the check reports the outage
            return "", ""

    async def _paused(self) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(SOON):
                return tuple(sorted(await self._store.run(mutes.list_paused_channels)))
        except (BotError, TimeoutError):
            return ()

    def _trouble(self) -> LastOutage | None:
        """Return the last outage, which may be ongoing."""
        known = [outage.last for outage in self._jobs.outages() if outage.last]
        if not known:
            return None
        last = max(known, key=lambda outage: (outage.ended is None, outage.ended or outage.began))
        ended = None if last.ended is None else self._at(last.ended)
        return LastOutage(last.what, last.problem, self._at(last.began), ended, last.cause)

    def _at(self, moment: float) -> datetime:
        """Convert a time.monotonic() to a UTC time."""
        return (self._clock() - timedelta(seconds=time.monotonic() - moment)).astimezone(UTC)


def _polling(check: dict[str, Any]) -> PollingHealth:
    oldest = check.get("oldest_poll")
    at = datetime.fromisoformat(oldest) if oldest else None
    return PollingHealth(check["ok"], check.get("apps"), check.get("behind", 0), at, check.get("problem", ""))
