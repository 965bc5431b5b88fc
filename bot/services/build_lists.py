"""Builds of several apps; a deleted or inaccessible app has none."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from bot.domain.grammar import NO_WORDS, ParsedText
from bot.domain.model import App, Build
from bot.exceptions import Forbidden, NotFound
from bot.services.app_directory import AppDirectory

AT_ONCE = 8  # apps
LATELY = 5  # the newest builds of this many apps are requested
NEVER = datetime.min.replace(tzinfo=UTC)


class BuildLists:
    """Lists builds of several apps. Each method raises Applivery's other errors."""

    def __init__(self, apps: AppDirectory) -> None:
        self._apps = apps

    async def of_apps(self, apps: Sequence[App], words: ParsedText = NO_WORDS, *, limit: int) -> list[Build]:
        """Return the `limit` newest builds of each app that match the filters."""
        semaphore = asyncio.Semaphore(AT_ONCE)

        async def of(app: App) -> list[Build]:
            try:
                async with semaphore:
                    return await self._apps.builds(app, words, limit=limit)
            except (NotFound, Forbidden):
                return []

        return [build for builds in await asyncio.gather(*map(of, apps)) for build in builds]

    async def latest(self, apps: Sequence[App], now: datetime, limit: int) -> list[Build]:
        """Return the latest builds of all these apps; a date in the future counts as `now` (aware)."""
        lately = sorted(apps, key=lambda app: app.processed_at or NEVER, reverse=True)[:LATELY]
        found = [build for builds in await asyncio.gather(*map(self._first_page, lately)) for build in builds]
        made = {build.id: min(build.created_at, now) if build.created_at else NEVER for build in found}
        return sorted(found, key=lambda build: made[build.id], reverse=True)[:limit]

    async def still_there(
        self, apps: Sequence[App], wanted: Sequence[tuple[str, str, datetime]], limit: int
    ) -> list[tuple[Build, datetime]]:
        """Return the first of these builds that still exist, of these apps, each with its time.

        `wanted` are (app id, build id, time); deleted builds are skipped.
        """
        known = {app.id: app for app in apps}
        wanted = [row for row in wanted if row[0] in known]
        named = {app_id for app_id, _build_id, _at in wanted}
        listed = await asyncio.gather(*(self._first_page(known[app_id]) for app_id in named))
        builds = {build.id: build for found in listed for build in found}

        async def find(app_id: str, build_id: str) -> Build | None:
            try:
                return builds.get(build_id) or await self._apps.build_by_id(build_id, (known[app_id],))
            except (NotFound, Forbidden):
                return None

        there: list[tuple[Build, datetime]] = []
        for start in range(0, len(wanted), limit):
            some = wanted[start : start + limit]
            found_builds = await asyncio.gather(*(find(app_id, build_id) for app_id, build_id, _at in some))
            there += [(build, at) for build, (_app_id, _build_id, at) in zip(found_builds, some, strict=True) if build]
            if len(there) >= limit:
                break
        return there[:limit]

    async def _first_page(self, app: App) -> list[Build]:
        try:
            return await self._apps.builds(app)
        except (NotFound, Forbidden):
            return []
