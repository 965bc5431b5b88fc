"""A user's own devices, from their download history in Applivery, requested while a link is created."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection

from msgspec import Struct

from bot.applivery.client import AppliveryClient, Priority
from bot.domain.devices import NO_DEVICES, Devices, latest_devices, newest_of, platform_of
from bot.domain.model import Build
from bot.exceptions import BotError, FeatureNotInPlan, Forbidden, kind_of
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.services.access import AccessResolver

log = logger(__name__)

KEEP_SECONDS = 300.0  # how long a result, or its absence, is cached
REFUSED_SECONDS = 3600.0  # how long a missing permission for an app's downloads is cached
WAIT_SECONDS = 0.4  # since the request; the link is sent without a result that takes longer
MOST = 5_000  # users


class _Question(Struct, frozen=True):
    """A request, in progress or finished, and its time."""

    answer: asyncio.Future[Devices]
    at: float


class DeviceHistory:
    """Requests a user's downloads of an app at most once in `KEEP_SECONDS`, and only while the budget allows.

    Needs Slack's email address of the user (scope `users:read.email`) and Applivery's permission for download reports;
    without them no devices are known. Results are in memory only. `clock` returns monotonic seconds.
    """

    def __init__(
        self, applivery: AppliveryClient, access: AccessResolver, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._applivery = applivery
        self._access = access
        self._clock = clock
        self._questions: dict[str, dict[str, _Question]] = {}  # by user and app, oldest request first
        self._tasks: set[asyncio.Task[Devices]] = set()  # in progress
        self._refused: dict[str, float] = {}  # until when, by app

    def begin(self, user_id: str, build: Build) -> None:
        """Request a user's downloads of a build's app, unless cached or in progress; return at once."""
        now, app_id = self._clock(), build.app.id
        if platform_of(build) is None or self._refused.get(app_id, now) > now:
            return
        asked = self._questions.get(user_id, {})
        if app_id in asked and asked[app_id].at + KEEP_SECONDS > now:
            return
        self._questions.pop(user_id, None)
        self._evict(now)
        fresh = {app: question for app, question in asked.items() if question.at + KEEP_SECONDS > now}
        task = asyncio.get_running_loop().create_task(self._ask(user_id, app_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # shielded: the finished future holds only the result, not the task with its request's context
        self._questions[user_id] = {**fresh, app_id: _Question(asyncio.shield(task), now)}

    def _evict(self, now: float) -> None:
        while self._questions:
            user_id, asked = next(iter(self._questions.items()))
            if len(self._questions) < MOST and any(question.at + KEEP_SECONDS > now for question in asked.values()):
                return
            del self._questions[user_id]

    async def devices(self, user_id: str, build: Build) -> Devices:
        """Return a user's latest devices by platform, as far as known `WAIT_SECONDS` after the request.

        Devices from other apps the user requested recently count too.
        """
        asked = self._questions.get(user_id)
        if not asked or platform_of(build) is None:
            return NO_DEVICES
        this = asked.get(build.app.id)
        if this and not this.answer.done():
            await asyncio.wait((this.answer,), timeout=max(0.0, this.at + WAIT_SECONDS - self._clock()))
        answers = [question.answer for question in asked.values()]
        return newest_of(answer.result() for answer in answers if answer.done() and not answer.cancelled())

    def forget(self, user_ids: Collection[str]) -> None:
        """Delete the cached devices of a user with these ids."""
        for user_id in user_ids:
            self._questions.pop(user_id, None)

    def close(self) -> None:
        """Cancel requests in progress."""
        for task in self._tasks:
            task.cancel()

    async def _ask(self, user_id: str, app_id: str) -> Devices:
        try:
            email = (await self._access.person(user_id)).email
            if not email or self._applivery.budget.wait(Priority.ROUTINE) > 0:
                return NO_DEVICES
            return latest_devices(await self._applivery.downloads_of(app_id, email))
        except (Forbidden, FeatureNotInPlan) as problem:
            self._refused[app_id] = self._clock() + REFUSED_SECONDS
            log.info("devices.refused", problem=kind_of(problem), cause=cause(problem))
        except BotError as problem:
            log.info("devices.unknown", problem=kind_of(problem), cause=cause(problem))
        return NO_DEVICES
