"""How the bot does, measured in one place: for /readyz and /metrics by part, for `status` and Home as a whole."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from bot import __version__
from bot.applivery.catalogue import Catalogue
from bot.applivery.client import Applivery
from bot.config import Settings
from bot.domain.health import AppliverySide, Health, Polling, SlackSide, Storage, ToSay, Trouble
from bot.errors import Problem
from bot.language import later, say
from bot.service.jobs import Jobs
from bot.service.tuning import Tuning
from bot.slack.poster import Poster
from bot.slack.socket import Sockets
from bot.store.store import Store
from bot.web import readiness
from bot.web.readiness import SECONDS, Check

SILENT = later("It does not answer.")


class Vitals:
    """Looks at every part when it is asked; no look takes longer than readiness allows, and none raises."""

    def __init__(
        self,
        settings: Settings,
        tuning: Tuning,
        *,
        jobs: Jobs,
        applivery: Applivery,
        catalogue: Catalogue,
        poster: Poster,
        sockets: Sockets | None,
    ) -> None:
        self._jobs = jobs
        self._store: Store = jobs.store
        self._budget = applivery.budget
        self._catalogue = catalogue
        self._sockets = sockets
        self._clock = tuning.clock
        self._started_at = tuning.clock()
        self.checks: dict[str, Check] = {
            "slack": partial(readiness.slack, sockets, poster),
            "database": partial(readiness.database, jobs.store),
            "polling": partial(
                readiness.polling,
                jobs.store,
                settings.poll_idle_seconds,
                lambda: jobs.watch.away,
                lambda: applivery.budget.stretch,
            ),
        }

    async def health(self) -> Health:
        """Everything, looked at side by side."""
        checks, waiting, applivery, engine, paused = await asyncio.gather(
            asyncio.gather(*(check() for check in self.checks.values())),
            readiness.waiting(self._store),
            self._applivery(),
            self._engine(),
            self._paused(),
        )
        found = dict(zip(self.checks, checks, strict=True))
        return Health(
            slack=self._slack(found["slack"]),
            applivery=applivery,
            database=Storage(found["database"]["ok"], self._store.dialect, *engine),
            polling=_polling(found["polling"]),
            to_say=ToSay(waiting.get("count"), waiting.get("oldest_seconds", 0.0), paused),
            trouble=self._trouble(),
            version=__version__,
            started_at=self._started_at,
        )

    def _slack(self, check: dict[str, Any]) -> SlackSide:
        if self._sockets is None:
            return SlackSide(check["ok"])
        greeted = self._sockets.greeted
        at = None if greeted is None else self._at(greeted)
        return SlackSide(check["ok"], check["connections"], self._sockets.count, at)

    async def _applivery(self) -> AppliverySide:
        """By an answer that is a minute old at most, and by what the polling has met."""
        problem = ""
        try:
            await asyncio.wait_for(self._catalogue.apps(), SECONDS)
        except Problem as error:
            problem = error.sentence
        except TimeoutError:
            problem = say(SILENT)
        if not problem and self._jobs.watch.away:
            problem = say(SILENT)
        return AppliverySide(self._budget.left, self._budget.per_hour, self._budget.stretch, problem)

    async def _engine(self) -> tuple[str, str]:
        try:
            async with asyncio.timeout(SECONDS):
                return await self._store.engine_version(), await self._store.version() or ""
        except Exception:  # noqa: BLE001 - the driver's own errors come as they are; the check says that it is away
            return "", ""

    async def _paused(self) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(SECONDS):
                return tuple(sorted(await self._store.paused_channels()))
        except (Problem, TimeoutError):
            return ()

    def _trouble(self) -> Trouble | None:
        """The last thing that was away, or still is."""
        known = [one.last for one in self._jobs.outages() if one.last]
        if not known:
            return None
        last = max(known, key=lambda one: (one.ended is None, one.ended or one.began))
        ended = None if last.ended is None else self._at(last.ended)
        return Trouble(last.what, last.problem, self._at(last.began), ended)

    def _at(self, moment: float) -> datetime:
        """A time.monotonic() as people know it."""
        return (self._clock() - timedelta(seconds=time.monotonic() - moment)).astimezone(UTC)


def _polling(check: dict[str, Any]) -> Polling:
    oldest = check.get("oldest_poll")
    return Polling(
        check["ok"], check.get("apps"), check.get("behind", 0), datetime.fromisoformat(oldest) if oldest else None
    )
