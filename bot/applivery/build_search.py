"""Find builds anywhere in an app's list, by Applivery's filter or page by page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
from contextlib import aclosing, suppress
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from bot.applivery.envelope import Page
from bot.applivery.pagination import PAGE_SIZE, PageSizes, each_once, every_page
from bot.domain import build_labels, lookup
from bot.domain.build_labels import NO_READING
from bot.domain.model import Build

SEARCH_SECONDS = 1.8  # Slack waits 3 s for the options of a menu, and the user is looked up too
VERSION = 256  # characters of `versionName`

Wanted = Callable[[Build], bool]


class FetchBuilds(Protocol):
    """Fetches a page of an app's builds, newest first."""

    async def __call__(
        self, page: int, /, *, version: str | None = None, os: str | None = None, limit: int = PAGE_SIZE
    ) -> Page[Build]:
        """Return page `page` (from 1), optionally only of builds with this exact version name or platform."""


class BuildPages(Struct, frozen=True):
    """The pages of an app's builds, with the learned page sizes."""

    fetch: FetchBuilds
    sizes: PageSizes
    os: str | None = None

    async def first(self) -> Page[Build]:
        """Return the first page."""
        return await self.fetch(1)

    def every(self, version: str | None = None) -> AsyncGenerator[Page[Build], None]:
        """Yield the pages; each is fetched when the caller continues."""
        return every_page(
            "builds", lambda number, limit: self.fetch(number, version=version, os=self.os, limit=limit), self.sizes
        )


def anything(_: Build) -> bool:
    """Accept every build."""
    return True


def walk(fetch: BuildPages, version: str | None = None) -> AsyncGenerator[Build, None]:
    """Yield every build, newest first; pages are fetched when the caller continues."""
    return each_once(fetch.every(version), lambda build: build.id)


async def newest(fetch: BuildPages, wanted: Wanted, most: int | None) -> list[Build]:
    """Return the `most` newest wanted builds, newest first, however many others lie between; None: all of them."""
    found_builds: list[Build] = []
    async with aclosing(walk(fetch)) as builds:
        async for build in builds:
            if wanted(build):
                found_builds.append(build)
            if len(found_builds) == most:
                break
    return found_builds


async def latest(fetch: BuildPages, usable: Wanted, wanted: Wanted, platforms: Collection[str]) -> list[Build]:
    """Return the wanted builds down to the newest usable one, and the newest usable one of each of these platforms."""
    found: dict[str, Build] = {}
    pages = 0
    async with aclosing(fetch.every()) as listed:
        async for page in listed:
            pages += 1
            for build in filter(wanted, page.items):
                found.setdefault(build.id, build)
            if any(map(usable, found.values())):
                break
    builds = list(found.values())
    here = {build.platform for build in builds if usable(build)}
    missing = (
        [platform for platform in platforms if platform not in here] if here and (pages > 1 or page.has_next) else []
    )
    others = await asyncio.gather(*(_newest_for(fetch, usable, wanted, text) for text in missing))
    return [*builds, *(build for other in others for build in other)]


async def _newest_for(fetch: BuildPages, usable: Wanted, wanted: Wanted, platform: str) -> list[Build]:
    return await newest(
        replace(fetch, os=platform), lambda build: usable(build) and wanted(build) and build.platform == platform, 1
    )


async def meant(fetch: BuildPages, which: str, wanted: Wanted = anything) -> list[Build]:
    """Return every build that matches a version or `#number`, newest first; all builds when none matches.

    A version is looked up by Applivery's filter. Numbers and other spellings have no filter: all builds are read.
    """
    if which.startswith("#"):
        return await newest(fetch, wanted, None)
    first = await fetch.first()
    if not first.has_next:
        return list(filter(wanted, first.items))
    reading = build_labels.read(which) or NO_READING
    names = {build.version for build in first.items if lookup.is_version(build, which)} or {
        which.strip(),
        reading.version,
    }
    lists = await asyncio.gather(*(_of_version(fetch, name) for name in sorted(names)))
    found = {build.id: build for build in (*first.items, *(build for listed in lists for build in listed))}
    builds = [build for build in found.values() if lookup.is_version(build, which)] or build_labels.exactly(
        reading, found.values()
    )
    fitting = [build for build in builds if wanted(build)]
    return fitting or await newest(fetch, wanted, None)


async def _of_version(fetch: BuildPages, version: str) -> list[Build]:
    """Return the builds of this exact version, by Applivery's filter."""
    if not 0 < len(version) <= VERSION:
        return []
    return [build async for build in walk(fetch, version) if build.version == version]


async def search(fetch: BuildPages, typed: str, wanted: Wanted = anything, *, most: int | None = 100) -> list[Build]:
    """Return the builds that match the typed text, best matches first, as many as are found in time.

    A complete version is found at once, however old it is. Raises a BotError only when nothing was found.
    """
    listed: dict[str, Build] = {}
    named: dict[str, Build] = {}

    async def look(builds: AsyncIterator[Build], found: dict[str, Build]) -> None:
        async for build in builds:
            if wanted(build) and lookup.matches(build, typed):
                found.setdefault(build.id, build)
            if not typed.strip() and len(found) == most:
                return

    looks = [look(walk(fetch), listed), *(look(walk(fetch, text), named) for text in lookup.versions_typed(typed))]
    with suppress(TimeoutError):
        async with asyncio.timeout(SEARCH_SECONDS):
            ended = await asyncio.gather(*looks, return_exceptions=True)
            if not (listed or named) and (problems := [error for error in ended if isinstance(error, BaseException)]):
                raise problems[0]
    return lookup.likeliest(list({**listed, **named}.values()), typed)[:most]
