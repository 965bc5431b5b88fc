"""Names of apps and builds of which only the ids are known."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress

from bot.db import known_builds
from bot.db.database import Database
from bot.domain import lookup
from bot.domain.model import App
from bot.exceptions import AppliveryError
from bot.services.app_directory import AppDirectory

SECONDS = 3.0  # timeout of Applivery; after that the id is shown
FEW = 20  # up to this many builds of an app are requested one by one


class NameLookup:
    """Look up the names of apps and builds, as far as they are available now."""

    def __init__(self, store: Database, apps: AppDirectory) -> None:
        self._store = store
        self._apps = apps

    async def of_apps(self) -> dict[str, str]:
        """Return the names of the apps by id; empty when Applivery is unavailable."""
        try:
            return {app.id: app.name for app in await self._apps.apps()}
        except AppliveryError:
            return {}

    async def of_builds(self, ids: Iterable[tuple[str, str]]) -> dict[str, str]:
        """Return the names of builds by id, from (app id, build id): as recorded, else from Applivery.

        Raises DatabaseUnavailable.
        """
        wanted = {build_id: app_id for app_id, build_id in ids if lookup.BUILD_ID.fullmatch(build_id)}
        known = await self._store.run(known_builds.find_builds, wanted)
        names = {build_id: lookup.short(build) for build_id, build in known.items()}
        unknown: defaultdict[str, list[str]] = defaultdict(list)
        for build_id, app_id in wanted.items():
            if build_id not in names:
                unknown[app_id].append(build_id)
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS):
                await asyncio.gather(*(self._fetch_names(app_id, some, names) for app_id, some in unknown.items()))
        return names

    async def _fetch_names(self, app_id: str, ids: list[str], names: dict[str, str]) -> None:
        """Add the names of these builds of an app, by one request each or, for many, from the list."""
        app = App(app_id, app_id, app_id)
        with suppress(AppliveryError):
            if len(ids) > FEW:
                async for build in self._apps.walk(app):
                    names[build.id] = lookup.short(build)
                return

            async def ask(build_id: str) -> None:
                with suppress(AppliveryError):
                    names[build_id] = lookup.short(await self._apps.build_by_id(build_id, (app,)))

            await asyncio.gather(*map(ask, ids))
