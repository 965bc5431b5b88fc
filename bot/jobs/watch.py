"""Poll → decide → record: one list call for an app serves all its builds; stages and announcements are one commit."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.applivery.catalogue import Catalogue
from bot.applivery.client import Applivery
from bot.domain import builds as decisions
from bot.domain.model import App, Build, Change, Stage, Subscription
from bot.errors import (
    AppliveryDown,
    AppliveryProblem,
    BudgetSpent,
    CredentialRefused,
    Gone,
    NotAnId,
    Problem,
    StoreDown,
    TooManyRequests,
)
from bot.jobs.loop import Outage
from bot.store.store import Store
from bot.store.watching import ClaimedApp
from bot.telemetry import Metrics, logger

log = logger(__name__)

AT_ONCE = 8
LEASE_SECONDS = 120.0  # outlasts a look: three requests of 30 s and their retries
PAGE_SIZE = 50
PAGES = 20
CATALOGUE_NOTE = "catalogue_seen_at"
EVERYWHERE = (AppliveryDown, TooManyRequests, CredentialRefused, BudgetSpent)  # other trouble is one app's own


class Watch:
    """Looks at every watched app when its time has come."""

    def __init__(
        self,
        *,
        applivery: Applivery,
        store: Store,
        metrics: Metrics,
        busy_seconds: float,
        idle_seconds: float,
        lease_seconds: float = LEASE_SECONDS,
        chance: random.Random | None = None,
    ) -> None:
        self._applivery = applivery.polling()
        self._catalogue = Catalogue(self._applivery)
        self._store = store
        self._metrics = metrics
        self._busy = busy_seconds
        self._idle = idle_seconds
        self._lease = lease_seconds
        self._chance = chance or random.Random()  # noqa: S311  spreads polls, guards nothing
        self._outage = Outage("applivery")
        self._apart: dict[str, Outage] = {}
        self._broken_off: list[ClaimedApp] = []

    @property
    def away(self) -> float:
        """For how many seconds Applivery has answered no look at all."""
        return self._outage.away

    async def step(self) -> float | None:
        """Look at the apps that are due; returns the seconds until the next one is. Raises StoreDown."""
        await self.finish()
        await self._meet_new_apps()
        claims = await self._store.claim_apps(AT_ONCE, self._lease)
        await asyncio.gather(*(self._look(claim) for claim in claims))
        return await self._store.due_in()

    async def finish(self) -> None:
        """Give back the apps whose look was broken off, so that nobody waits for their lease. Raises StoreDown."""
        while self._broken_off:
            claim = self._broken_off[-1]
            await self._store.fail_app(claim.app_id, claim.token, 0.0)
            self._broken_off.pop()

    async def _meet_new_apps(self) -> None:
        """A subscription to every app reaches apps that are made later, from their first build on."""
        if not any(one.app_id is None for one in await self._store.subscriptions()):
            return
        noted = await self._store.recall(CATALOGUE_NOTE)
        now = await self._store.now()
        if noted and (now - datetime.fromisoformat(noted)).total_seconds() < self._idle:
            return
        try:
            apps = await self._catalogue.apps(fresh=True)
        except AppliveryProblem as problem:
            self._outage.failed(problem)
            return
        await self._store.ensure_apps(
            [app.id for app in apps], catalogue_seen_at=datetime.fromisoformat(noted) if noted else None
        )
        await self._store.remember(CATALOGUE_NOTE, now.isoformat())

    async def _look(self, claim: ClaimedApp) -> None:
        try:
            running = await self._see_and_record(claim)
        except (StoreDown, asyncio.CancelledError):
            self._broken_off.append(claim)
            raise
        except Exception as error:  # noqa: BLE001  an odd answer about one app, or a bug, must hold up no other
            self._failed(claim.app_id, error)
            self._metrics.polls.labels(type(error).__name__).inc()
            pause = decisions.retry_look(claim.failures, busy=self._busy, idle=self._idle)
            await self._store.fail_app(claim.app_id, claim.token, pause)
        else:
            self._outage.worked()
            if claim.app_id in self._apart:
                self._apart.pop(claim.app_id).worked()
            self._metrics.polls.labels("busy" if running else "idle").inc()

    def _failed(self, app_id: str, error: Exception) -> None:
        """Write it down once: an outage of Applivery for all apps together, trouble with one app for that app."""
        outage = self._outage
        if not isinstance(error, EVERYWHERE):
            outage = self._apart.setdefault(app_id, Outage("watch.app", app=app_id))
        if not outage.failures and not isinstance(error, Problem):
            log.error("watch.unexpected", app=app_id, error=type(error).__name__, exc_info=error)
        outage.failed(error)

    async def _see_and_record(self, claim: ClaimedApp) -> int:
        """One look at one app; returns how many of its builds are on their way."""
        app = await self._app(claim.app_id)
        seen, known = await self._seen(app, claim)
        awaiting = await self._store.awaiting(app.id)
        followed = {**dict.fromkeys(awaiting, Stage.PENDING), **known}
        seen = [*await self._vanished(app, seen, followed), *seen]
        baseline = not claim.baseline_done
        news = decisions.changes(known, seen, baseline=baseline, since=claim.baseline_since, awaited=awaiting)
        news = [await self._with_reason(change) for change in news]
        wanted = decisions.announcements(news, await self._listening(app), awaiting)
        running = sum(not build.stage.final for build in seen)
        pause = decisions.next_look(running, busy=self._busy, idle=self._idle, chance=self._chance.random())
        recorded = await self._store.record(claim.app_id, claim.token, news, wanted, next_at_seconds=pause)
        for change in news:
            if change.build.stage.final and change.build.id in awaiting and not recorded.lease_lost:
                await self._store.stop_awaiting(change.build.id)  # what they are told is in the outbox now
        if recorded.announced:
            log.info("watch.announced", app=app.slug, builds=len(recorded.moved), announcements=recorded.announced)
        return running

    async def _listening(self, app: App) -> list[Subscription]:
        """The subscriptions, without those in channels in which this app may not be used."""
        channels = (await self._store.allowed_channels()).get(app.id)
        every = await self._store.subscriptions()
        return [one for one in every if not channels or one.channel_id in channels]

    async def _app(self, app_id: str) -> App:
        found = [one for one in await self._catalogue.apps() if one.id == app_id]
        return found[0] if found else App(id=app_id, slug=app_id, name=app_id)

    async def _seen(self, app: App, claim: ClaimedApp) -> tuple[list[Build], Mapping[str, Stage]]:
        """The app's newest builds, page after page until one that was known, and how they stood before."""
        seen: list[Build] = []
        known: dict[str, Stage] = {}
        for number in range(1, PAGES + 1):
            page = await self._applivery.builds(app, page=number, limit=PAGE_SIZE)
            seen += page.items
            known |= await self._store.known(app.id, [build.id for build in page.items])
            if not page.has_next or not page.items or self._reached_the_past(page.items, known, claim):
                break
        # a build may slip from one page to the next while the pages are read
        return list({build.id: build for build in seen}.values()), known

    def _reached_the_past(self, items: Sequence[Build], known: Mapping[str, Stage], claim: ClaimedApp) -> bool:
        if claim.baseline_done:
            return any(build.id in known for build in items)
        oldest = items[-1].created_at
        return claim.baseline_since is None or oldest is None or oldest <= claim.baseline_since

    async def _vanished(self, app: App, seen: Sequence[Build], known: Mapping[str, Stage]) -> list[Build]:
        """Builds that were on their way and are no longer listed: asked for one by one, forgotten when deleted."""
        listed = {build.id for build in seen}
        found = []
        for build_id in [one for one, stage in known.items() if not stage.final and one not in listed]:
            try:
                found.append(replace(await self._applivery.build(app.id, build_id), app=app))
            except (Gone, NotAnId):
                await self._store.tell_deleted(app.id, build_id)  # first: who waits has to hear it, whatever dies here
                await self._store.forget_build(app.id, build_id)
        return found

    async def _with_reason(self, change: Change) -> Change:
        """A failure with Applivery's words on it, which only the details have."""
        build = change.build
        if change.quiet or build.stage is not Stage.FAILED or build.error is not None:
            return change
        try:
            details = await self._applivery.build(build.app.id, build.id)
        except Problem:
            return change  # better told without the reason than late
        if details.stage is not build.stage:
            return change
        return replace(change, build=replace(details, app=build.app))
