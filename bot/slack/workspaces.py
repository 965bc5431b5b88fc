"""The workspaces of the installation: one, or for an organisation all that the app was added to."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from typing import TypeVar

from msgspec import Struct

from bot.exceptions import SlackError, kind_of
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.slack.errors import NO_GROUP, NOT_GRANTED, call_api
from bot.slack.group_homes import GroupHomes
from bot.slack.pagination import iterate_pages
from bot.slack.web_api import WebAPI

log = logger(__name__)

Answer = TypeVar("Answer")

LIST_SECONDS = 300.0

# The workspace of the current request; empty without a request, or if it named none.
at_hand: ContextVar[str] = ContextVar("at_hand", default="")


class GrantedWorkspace(Struct, frozen=True):
    """A workspace of the organisation that the app was added to."""

    id: str
    name: str


class Workspaces:
    """Call methods once per workspace if an organisation's token has to name one.

    https://docs.slack.dev/enterprise/organization-ready-apps. Slack ignores it with a workspace's own token. `home`
    returns the installation's id, and whether it is an organisation's.
    """

    def __init__(
        self, api: WebAPI, home: Callable[[], Awaitable[tuple[str, bool]]], groups: GroupHomes | None = None
    ) -> None:
        self._api = api
        self._home = home
        self._groups = groups or GroupHomes()
        self._listed: list[GrantedWorkspace] = []
        self._listed_at = 0.0
        self._seen: dict[str, None] = {}  # workspaces of earlier requests

    async def ids(self, first: str = "") -> list[str]:
        """Return the ids: `first`, if it is one of them, then that of the current request, then all others.

        Raises SlackError. While Slack does not list them, these are `first` and those of requests until now.
        """
        home, is_organization = await self._home()
        if not is_organization:
            return [home]
        likely = [first, at_hand.get()]
        self._seen.update(dict.fromkeys(likely))
        try:
            found = [workspace.id for workspace in await self.listed()]
        except SlackError as problem:
            seen = [team_id for team_id in dict.fromkeys([*likely, *self._seen]) if team_id]
            if not seen:
                raise
            log.info("slack.workspaces_unknown", problem=kind_of(problem), cause=cause(problem))
            return seen
        return sorted(found, key=lambda team_id: likely.index(team_id) if team_id in likely else len(likely))

    async def listed(self) -> list[GrantedWorkspace]:
        """Return the workspaces an organisation added the app to, as of a few minutes ago. Raises SlackError.

        https://docs.slack.dev/reference/methods/auth.teams.list
        """
        if not self._listed_at or time.monotonic() - self._listed_at > LIST_SECONDS:

            def fetch(cursor: str | None) -> Awaitable[object]:
                return call_api(self._api.auth_teams_list(cursor=cursor, limit=1000))

            pages = [page async for page in iterate_pages(fetch, "teams")]
            self._listed = [
                GrantedWorkspace(str(item["id"]), str(item.get("name") or "")) for page in pages for item in page
            ]
            self._listed_at = time.monotonic()
        return self._listed

    def forget(self) -> None:
        """Clear the cached list, because a workspace was added or removed."""
        self._listed_at = 0.0

    async def each(self, ask: Callable[[str], Awaitable[Answer]]) -> AsyncIterator[Answer]:
        """Yield the answer of each workspace in turn, except those that the app was removed from.

        Raises SlackError if it was removed from all.
        """
        refused, answered = None, False
        for team_id in await self.ids():
            try:
                answer = await ask(team_id)
            except SlackError as error:
                refused = self._removed_from(error)
                continue
            answered = True
            yield answer
        if refused and not answered:
            raise refused

    async def of_group(self, group_id: str, ask: Callable[[str], Awaitable[Answer]]) -> Answer:
        """Return the answer of a user group's workspace. Raises SlackError, with a code of `NO_GROUP` if in none."""
        _, is_organization = await self._home()
        refused = SlackError(code=NO_GROUP[0])
        for team_id in await self.ids(await self._groups.find(group_id) if is_organization else ""):
            try:
                answer = await ask(team_id)
            except SlackError as error:
                refused = error if error.code in NO_GROUP else self._removed_from(error)
                continue
            if is_organization:
                await self._groups.save(group_id, team_id)
            return answer
        raise refused

    def _removed_from(self, error: SlackError) -> SlackError:
        if error.code not in NOT_GRANTED:
            raise error
        self.forget()
        return error
