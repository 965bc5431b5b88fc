"""What is new in a build for one user: since the build they have."""

from __future__ import annotations

from collections.abc import Collection

from bot.domain.changes_since import ChangesSince, since
from bot.domain.model import Build
from bot.services.app_directory import AppDirectory
from bot.services.links import LinkIssuer


class NewsService:
    """Compares a build with those a user received links to."""

    def __init__(self, apps: AppDirectory, links: LinkIssuer) -> None:
        self._apps = apps
        self._links = links

    async def since_theirs(self, user_id: str, build: Build) -> ChangesSince | None:
        """Return the changes since the newest earlier build of the user; None without one.

        Raises DatabaseUnavailable and AppliveryErrors.
        """
        had = await self._links.received_of_app(user_id, build.app.id)
        if not had.keys() - {build.id}:
            return None
        return since(build, await self._down_to_one_of(build, had.keys()), had)

    async def _down_to_one_of(self, build: Build, had: Collection[str]) -> list[Build]:
        """Return the app's builds, newest first, down to the user's newest build before this one, on its platform."""
        listed: list[Build] = []
        found = False
        async for node in self._apps.walk(build.app):
            listed.append(node)
            if found and node.id in had and node.platform.casefold() == build.platform.casefold():
                break
            found = found or node.id == build.id
        return listed
