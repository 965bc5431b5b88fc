"""The apps of the workspace, remembered for a minute, and the builds somebody means."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, NamedTuple

from bot.applivery.client import Applivery, Page
from bot.domain import choice
from bot.domain.grammar import NO_WORDS, Words
from bot.domain.model import App, Build
from bot.errors import BadInput, Gone, NotFoundByName
from bot.language import current, figure, say

REMEMBER_SECONDS = 60.0
PAGES = 5
PAGE_SIZE = 50


class Chosen(NamedTuple):
    """The build somebody meant, and the newest ready one of each other platform."""

    build: Build
    others: tuple[Build, ...] = ()


class Catalogue:
    """Finds apps and builds by what people type; one list call serves everybody who asks in the same minute."""

    def __init__(self, applivery: Applivery, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._applivery = applivery
        self._clock = clock
        self._apps: tuple[App, ...] = ()
        self._until = float("-inf")
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()
        self._asked: dict[tuple[str, int, str], asyncio.Task[Page[Build]]] = {}

    async def apps(self, *, fresh: bool = False) -> tuple[App, ...]:
        """Every app of the workspace, at most a minute old, or just asked for when `fresh`."""
        if not fresh and self._clock() < self._until:
            return self._apps
        # shared, its failure too: in an outage nobody waits for the one before. A failure is worded already, so it is
        # shared with those who read its language.
        asking = self._asking.get(current())
        if asking is None or asking.done():
            asking = self._asking[current()] = asyncio.create_task(self._ask())
            asking.add_done_callback(_heard)
        await asyncio.shield(asking)
        return self._apps

    async def _ask(self) -> None:
        self._apps = tuple(await self._applivery.apps())
        self._until = self._clock() + REMEMBER_SECONDS

    async def app(self, typed: str) -> App:
        """The app with this id, slug or name; asks Applivery again before it says there is none.

        Raises Ambiguous or NotFoundByName (see domain.choice), or what Applivery's answer means.
        """
        try:
            return choice.app(typed, await self.apps())
        except NotFoundByName:
            return choice.app(typed, await self.apps(fresh=True))

    async def builds(self, app: App, filters: Words = NO_WORDS, *, most: int = PAGE_SIZE) -> list[Build]:
        """The newest builds of an app that pass the filters, newest first; looks at a few hundred at most.

        Filters are applied here: Applivery has refused undocumented list parameters (code 6002).
        """
        found: list[Build] = []
        for number in range(1, PAGES + 1):
            page = await self._page(app, number)
            found += [build for build in page.items if choice.fits(build, filters)]
            if len(found) >= most or not page.has_next:
                break
        return found[:most]

    async def _page(self, app: App, number: int) -> Page[Build]:
        """A page of an app's builds; who asks while it is on its way gets the same one, and nothing is remembered."""
        key = (app.id, number, current())
        asked = self._asked.get(key)
        if asked is None:
            asked = asyncio.create_task(self._applivery.builds(app, page=number, limit=PAGE_SIZE))
            asked.add_done_callback(lambda _: self._asked.pop(key, None))
            asked.add_done_callback(_heard)
            self._asked[key] = asked
        # shielded: one impatient asker must not cancel the request of another
        page = await asyncio.shield(asked)
        # One after the other, so that acknowledgements come between the answers of all who have waited for this page.
        async with self._turn:
            await asyncio.sleep(0)
        return page

    async def build(
        self,
        app: App,
        which: str,
        filters: Words = NO_WORDS,
        *,
        recalled: Collection[str] = (),
        prefer: choice.Prefer | None = None,
    ) -> Chosen:
        """The one build meant by `latest`, a version, `#number` or an id. Raises as domain.choice.build does.

        A `recalled` one (by id) is never the latest, nor offered beside it; `prefer` says what is meant of several.
        """
        if choice.BUILD_ID.fullmatch(which):
            return Chosen(await self.build_by_id(which, (app,)))
        found = await self.builds(app, filters)
        try:
            build = choice.build(which, found, app, recalled, prefer)
        except NotFoundByName:
            if len(found) < PAGE_SIZE:
                raise  # those were all of them
            build = choice.build(which, await self._older(app, which, filters), app, recalled, prefer)
        return Chosen(build, tuple(choice.other_platforms(build, found, recalled)))

    async def _older(self, app: App, which: str, filters: Words) -> list[Build]:
        """Beyond the newest: a version by Applivery's own filter, however old it is, else a few hundred builds."""
        if not which.startswith("#"):
            named = await self._applivery.builds(app, version=which.strip())
            found = [one for one in named.items if one.version == which.strip() and choice.fits(one, filters)]
            if found:
                return found
        return await self.builds(app, filters, most=PAGES * PAGE_SIZE)

    async def build_by_id(self, build_id: str, apps: tuple[App, ...]) -> Build:
        """A build of which only the id is known, looked for in the given apps. Raises Gone when none has it."""
        if len(apps) == 1:
            return replace(await self._applivery.build(apps[0].id, build_id), app=apps[0])
        # Applivery has no path to a build without its app, so each app is asked, a few at a time.
        several = asyncio.Semaphore(5)

        async def ask(app: App) -> Build | None:
            async with several:
                try:
                    return replace(await self._applivery.build(app.id, build_id), app=app)
                except Gone:
                    return None

        if len(apps) > 60:
            raise BadInput(
                say("That build id could be in any of {number} apps.", number=figure(len(apps))),
                say("Name the app too: `get <app> {build_id}`.", build_id=build_id),
            )
        answers = await asyncio.gather(*(ask(app) for app in apps))
        for build in answers:
            if build is not None:
                return build
        raise Gone(say("No app of this workspace has a build with that id."))


def _heard(asked: asyncio.Task[Any]) -> None:
    """Ask for what went wrong, so that asyncio does not log what nobody was left to hear."""
    if not asked.cancelled():
        asked.exception()
