"""The types of blocks that this workspace refuses, stored for all replicas."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from bot import __version__
from bot.db import key_value
from bot.db.database import Database
from bot.exceptions import DatabaseUnavailable
from bot.observability.causes import cause
from bot.observability.logging import logger

log = logger(__name__)

KEY = "refused blocks"
LIFE = timedelta(days=1)  # by then the workspace may support them


class RefusedBlocks:
    """Remember refused types of blocks for a day, per `version` of the bot, since another may send other blocks.

    No method raises.
    """

    def __init__(self, store: Database, clock: Callable[[], datetime], version: str = __version__) -> None:
        self._store = store
        self._clock = clock
        self._version = version

    async def load(self) -> frozenset[str]:
        """Return the types that were refused lately; empty while the database does not answer."""
        return frozenset(await self._read())

    async def save(self, types: Collection[str]) -> None:
        """Remember that these were refused just now."""
        until = self._clock() + LIFE
        refused = {**await self._read(), **{each: until.timestamp() for each in types}}
        try:
            await self._store.run(key_value.set_value, KEY, json.dumps({"version": self._version, "until": refused}))
        except DatabaseUnavailable as problem:
            log.warning("slack.refusal_not_saved", cause=cause(problem))

    async def _read(self) -> dict[str, float]:
        try:
            found = await self._store.run(key_value.get_value, KEY)
        except DatabaseUnavailable as problem:
            log.warning("slack.refusals_not_read", cause=cause(problem))
            return {}
        saved = json.loads(found or "{}")
        if saved.get("version") != self._version:
            return {}
        now = self._clock().timestamp()
        return {each: until for each, until in saved["until"].items() if until > now}
