"""Users who wait for the end of a build, and those who follow its progress."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from bot.db import build_waiters, build_watches
from bot.db.database import Database
from bot.domain import builds, estimates
from bot.domain.model import Actor, Build
from bot.exceptions import AppliveryError
from bot.services.app_directory import AppDirectory


class Promise(Struct, frozen=True):
    """A watched build, the usual duration of such builds, and whether the watch is new."""

    build: Build
    usual: timedelta | None
    fresh: bool


class WatchService:
    """Watches builds for users; `deadline` is how long a watch lasts."""

    def __init__(self, store: Database, apps: AppDirectory, deadline: timedelta) -> None:
        self._store = store
        self._apps = apps
        self._deadline = deadline

    def can_be_awaited(self, build: Build, now: datetime) -> bool:
        """Return whether the end of a build can be waited for."""
        return builds.can_be_awaited(build, now, self._deadline)

    async def await_end(self, actor: Actor, build: Build, now: datetime) -> tuple[Build, bool]:
        """Notify the user when a build ends; return the build's current state, and whether they will be notified.

        The build may have ended meanwhile: only what is requested after the watch is stored can be relied on.
        """
        await self._store.run(build_waiters.add_waiter, build, actor.team_id, actor.user_id, actor.channel_id)
        build = await self._apps.build_by_id(build.id, (build.app,))
        if self.can_be_awaited(build, now):
            return build, True
        return build, not await self._store.run(build_waiters.remove_waiter, build.id, actor.user_id)

    async def follow(self, actor: Actor, build: Build, now: datetime) -> Promise | Build:
        """Show the user the progress of a build and its end; return the build if it has ended already."""
        build, _ = await self.await_end(actor, build, now)
        if not self.can_be_awaited(build, now):
            return build
        usual = await self._usual(build)
        return Promise(build, usual, await self._store.run(build_watches.add_watch, build, actor.user_id, usual))

    async def _usual(self, build: Build) -> timedelta | None:
        try:
            alike = await self._apps.builds(
                build.app, is_wanted=lambda other: estimates.tells(other, build.platform), limit=estimates.LATEST
            )
            return estimates.usual(alike, build.platform)
        except AppliveryError:
            return None  # it can be watched without an estimate

    async def stop(self, actor: Actor, build_id: str) -> None:
        """Stop notifying the user of a build, of its end as well."""
        await self._store.run(build_watches.stop_watch, build_id, actor.user_id)

    async def awaited_by(self, user_id: str) -> list[tuple[Build, str | None]]:
        """Return the builds a user waits for, each with the channel they asked in."""
        return await self._store.run(build_watches.list_watched_builds, user_id)
