"""The workspace of each user group of an organisation, stored for all replicas."""

from __future__ import annotations

from bot.db import key_value
from bot.db.database import Database
from bot.exceptions import DatabaseUnavailable
from bot.observability.causes import cause
from bot.observability.logging import logger

log = logger(__name__)

PREFIX = "group home/"


class GroupHomes:
    """Store the workspace of a user group, since finding it takes a call per workspace. No method raises."""

    def __init__(self, store: Database | None = None) -> None:
        self._store = store
        self._known: dict[str, str] = {}

    async def find(self, group_id: str) -> str:
        """Return the workspace where a user group was found last; empty if unknown."""
        if group_id not in self._known and self._store:
            try:
                found = await self._store.run(key_value.get_value, PREFIX + group_id)
                self._known[group_id] = found or ""
            except DatabaseUnavailable as problem:
                log.info("slack.group_home_not_read", cause=cause(problem))
        return self._known.get(group_id, "")

    async def save(self, group_id: str, team_id: str) -> None:
        """Remember where a user group was found."""
        if self._known.get(group_id) == team_id:
            return
        self._known[group_id] = team_id
        try:
            if self._store:
                await self._store.run(key_value.set_value, PREFIX + group_id, team_id)
        except DatabaseUnavailable as problem:
            log.info("slack.group_home_not_saved", cause=cause(problem))
