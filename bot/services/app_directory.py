"""The apps of the workspace, cached for a minute, and look-up of builds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from msgspec.structs import replace

from bot.applivery import build_search
from bot.applivery.build_search import Wanted, anything
from bot.applivery.client import AppliveryClient, Page
from bot.applivery.pagination import PAGE_SIZE
from bot.applivery.queries import PLATFORMS
from bot.domain import lookup
from bot.domain.builds import can_be_had
from bot.domain.grammar import NO_WORDS, ParsedText
from bot.domain.model import App, Build, Stage
from bot.exceptions import NotFound, NotFoundByName, UserInputError
from bot.i18n import Number, Text
from bot.timeouts import person_waits

REMEMBER_SECONDS = 60.0
DETAILS_SECONDS = 10.0  # as on the claim page
MOST_DETAILS = 64  # builds that users open at the same time
SLOW_SECONDS = 30.0  # how long optional requests are skipped after Applivery was slow


class ResolvedBuild(NamedTuple):
    """The resolved build, and the newest ready one of each other platform."""

    build: Build
    others: tuple[Build, ...] = ()


@dataclass
class _RemainingPages:
    """The pages of a list after the first, valid while the hash of the first page is `mark`."""

    first_page_key: tuple[object, ...]
    expires_at: float
    pages: dict[tuple[int, int], Page[Build]] = field(default_factory=dict)


class AppDirectory:
    """Finds apps and builds by typed text; one list call serves all requests within a minute."""

    def __init__(self, applivery: AppliveryClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._applivery = applivery
        self._clock = clock
        self._apps: tuple[App, ...] = ()
        self._until = self._slow_until = float("-inf")
        self._refreshing: dict[bool, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()
        self._page_requests: dict[tuple[str | int | None, ...], asyncio.Task[Page[Build]]] = {}
        self._remaining_pages: dict[str, _RemainingPages] = {}
        self._details: dict[tuple[str, str], tuple[float, Build]] = {}  # ready builds, with their expiry

    async def apps(self, *, fresh: bool = False) -> tuple[App, ...]:
        """Return every app of the workspace, from a list at most a minute old, or a new request if `fresh`."""
        if not fresh and self._clock() < self._until:
            return self._apps
        # shared, failures too, so that requests do not queue in an outage; by requests of the same priority.
        who = person_waits()
        asking = self._refreshing.get(who)
        if asking is None or asking.done():
            asking = self._refreshing[who] = asyncio.create_task(self._refresh())
            asking.add_done_callback(_consume_error)
        await asyncio.shield(asking)
        return self._apps

    @property
    def is_slow(self) -> bool:
        """Whether Applivery was too slow recently, so that optional requests should be skipped."""
        return self._clock() < self._slow_until

    @property
    def waits_for_seconds(self) -> float:
        """The seconds since the oldest unanswered call that a user waits for; 0 without one."""
        return self._applivery.longest_wait

    def note_slow(self) -> None:
        """Record that Applivery was too slow, for `SLOW_SECONDS`."""
        self._slow_until = self._clock() + SLOW_SECONDS

    async def _refresh(self) -> None:
        self._apps = tuple(await self._applivery.apps())
        self._until = self._clock() + REMEMBER_SECONDS

    async def app(self, typed: str) -> App:
        """Return the app with this id, slug or name; refresh the list before raising that there is none.

        Raises AmbiguousInput or NotFoundByName (see domain.lookup), or the error of Applivery's answer.
        """
        try:
            return lookup.app(typed, await self.apps())
        except NotFoundByName:
            return lookup.app(typed, await self.apps(fresh=True))

    async def builds(
        self, app: App, filters: ParsedText = NO_WORDS, *, is_wanted: Wanted = anything, limit: int | None = PAGE_SIZE
    ) -> list[Build]:
        """Return an app's `limit` newest builds (None: all) that match the filters and `is_wanted`, newest first.

        Filters are applied here: Applivery has refused undocumented list parameters (code 6002).
        """
        return await build_search.newest(
            self._page_fetcher(app), lambda build: lookup.fits(build, filters) and is_wanted(build), limit
        )

    async def require_any(self, app: App) -> None:
        """Raise UserInputError for an app without builds, where no typed text can match."""
        if not await self.builds(app, limit=1):
            raise lookup.no_builds(app)

    def walk(self, app: App) -> AsyncGenerator[Build, None]:
        """Yield every build of an app, newest first; pages are fetched when the caller continues."""
        return build_search.walk(self._page_fetcher(app))

    async def search(
        self, app: App, typed: str, is_wanted: Wanted = anything, *, limit: int | None = PAGE_SIZE
    ) -> list[Build]:
        """Return the builds of an app that match a partly typed text; see `build_search.search`."""
        return await build_search.search(self._page_fetcher(app), typed, is_wanted, most=limit)

    async def of_version(self, app: App, version: str) -> list[Build]:
        """Return every build of an app with this version, newest first; empty when there is none."""
        return [
            build
            for build in await build_search.meant(self._page_fetcher(app), version)
            if lookup.is_version(build, version)
        ]

    async def build(
        self,
        app: App,
        which: str,
        filters: ParsedText = NO_WORDS,
        *,
        recalled: Collection[str] = (),
        prefer: lookup.Prefer | None = None,
    ) -> ResolvedBuild:
        """Return the one build meant by `latest`, a version, `#number` or an id. Raises as domain.lookup.build does.

        A `recalled` build (by id) is never the latest, nor offered with it; `prefer` decides between several.
        """
        if lookup.BUILD_ID.fullmatch(which):
            return ResolvedBuild(await self.build_by_id(which, (app,)))
        fetch = self._page_fetcher(app)
        if which.strip().casefold() != lookup.LATEST:
            builds = await build_search.meant(fetch, which, partial(lookup.fits, words=filters))
            if not builds:
                await self.require_any(app)
            return ResolvedBuild(lookup.build(which, builds, app, recalled, prefer))
        platforms = () if filters.options else app.platforms or PLATFORMS
        builds = await build_search.latest(
            fetch,
            partial(can_be_had, recalled=recalled),
            lambda other_build: lookup.fits(other_build, filters),
            [platform for platform in platforms if platform in PLATFORMS],
        )
        if not builds:
            await self.require_any(app)
        build = lookup.build(which, builds, app, recalled)
        return ResolvedBuild(build, tuple(lookup.other_platforms(build, builds, recalled)))

    async def named(self, app: App, which: str, filters: ParsedText = NO_WORDS) -> list[Build]:
        """Return every build that matches `latest` (one per platform), a version, `#number` or an id.

        Newest first. Raises NotFoundByName, or the error of Applivery's answer.
        """
        if lookup.BUILD_ID.fullmatch(which):
            return [await self.build_by_id(which.lower(), (app,))]
        if which.strip().casefold() == lookup.LATEST:
            found = await self.build(app, which, filters)
            return [found.build, *found.others]
        builds = await build_search.meant(self._page_fetcher(app), which, partial(lookup.fits, words=filters))
        if not builds:
            await self.require_any(app)
        return lookup.named_builds(which, builds, app)

    # ------------------------------------------------------------------ the pages

    def _page_fetcher(self, app: App) -> build_search.BuildPages:
        async def fetch(
            page: int, /, *, version: str | None = None, os: str | None = None, limit: int = PAGE_SIZE
        ) -> Page[Build]:
            if version or os:
                return await self._fetch_shared_page(app, page, version, os, limit)
            return await self._fetch_page(app, page, limit)

        return build_search.BuildPages(fetch, self._applivery.page_sizes)

    async def _fetch_page(self, app: App, number: int, limit: int) -> Page[Build]:
        """Return a page of an app's builds with a new request.

        Pages after the first may be a minute old if the first page has not changed since.
        """
        self._evict()
        if (number, limit) == (1, PAGE_SIZE):
            page = await self._fetch_shared_page(app, 1)
            mark = (page.total, *(build.id for build in page.items))
            if app.id not in self._remaining_pages or self._remaining_pages[app.id].first_page_key != mark:
                self._remaining_pages[app.id] = _RemainingPages(mark, self._clock() + REMEMBER_SECONDS)
            return page
        rest = self._remaining_pages.get(app.id)
        if rest is None:
            return await self._fetch_shared_page(app, number, limit=limit)
        if (number, limit) not in rest.pages:
            rest.pages[number, limit] = await self._fetch_shared_page(app, number, limit=limit)
        return rest.pages[number, limit]

    def _evict(self) -> None:
        now = self._clock()
        self._remaining_pages = {
            app_id: rest for app_id, rest in self._remaining_pages.items() if rest.expires_at > now
        }

    async def _fetch_shared_page(
        self, app: App, number: int, version: str | None = None, os: str | None = None, limit: int = PAGE_SIZE
    ) -> Page[Build]:
        """Return a page of an app's builds; concurrent callers share one request."""
        key = (app.id, number, limit, version, os, person_waits())
        asked = self._page_requests.get(key)
        if asked is None:
            asked = asyncio.create_task(self._applivery.builds(app, page=number, limit=limit, version=version, os=os))
            asked.add_done_callback(lambda _: self._page_requests.pop(key, None))
            asked.add_done_callback(_consume_error)
            self._page_requests[key] = asked
        # shielded: a cancelled caller must not cancel the request of another
        page = await asyncio.shield(asked)
        # One caller at a time, so that acknowledgements are sent between the responses to the waiting callers.
        async with self._turn:
            await asyncio.sleep(0)
        return page

    # ------------------------------------------------------------------ by id

    async def build_by_id(self, build_id: str, apps: tuple[App, ...]) -> Build:
        """Return a build by its id alone, from one of the given apps. Raises NotFound if none has it."""
        if len(apps) == 1:
            return self._remember(replace(await self._applivery.build(apps[0].id, build_id), app=apps[0]))
        # Applivery's API has no build path without the app, so each app is tried, a few at a time.
        several = asyncio.Semaphore(5)

        async def ask(app: App) -> Build | None:
            async with several:
                try:
                    return replace(await self._applivery.build(app.id, build_id), app=app)
                except NotFound:
                    return None

        if len(apps) > 60:
            raise UserInputError(
                Text("I can't tell which of {number} apps that build id belongs to.", number=Number(len(apps))),
                Text("Add the app's name: `get <app> {build_id}`.", build_id=build_id),
            )
        answers = await asyncio.gather(*(ask(app) for app in apps))
        for build in answers:
            if build is not None:
                return build
        raise NotFound(Text("No app in this workspace has a build with that id."))

    async def recent_build(self, build_id: str, app: App) -> Build:
        """Return a build of an app as `build_by_id` does; a ready one at most `DETAILS_SECONDS` old.

        For callers that create a token next: that fails for a build that was deleted or is not ready any more.
        """
        until, build = self._details.get((app.id, build_id), (0.0, None))
        if build is None or until <= self._clock():
            return await self.build_by_id(build_id, (app,))
        return build if build.app is app else replace(build, app=app)

    def _remember(self, build: Build) -> Build:
        if build.stage is Stage.READY:
            self._details.pop(key := (build.app.id, build.id), None)  # keeps the oldest first
            self._details[key] = (self._clock() + DETAILS_SECONDS, build)
            if len(self._details) > MOST_DETAILS:
                del self._details[next(iter(self._details))]
        return build


def _consume_error(asked: asyncio.Task[Any]) -> None:
    """Read the exception, so that asyncio does not log it when no caller is left."""
    if not asked.cancelled():
        asked.exception()
