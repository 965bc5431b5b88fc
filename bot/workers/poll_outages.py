"""Report failing polls to the admins: once at the start of an outage and once at its end."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

from bot.db import database_info, outages
from bot.db.app_polls import FAILURES
from bot.db.database import Database
from bot.db.dialect_sql import SKEW_SECONDS, SQLITE
from bot.db.outages import OutageRecord
from bot.domain.health import AttemptHistory
from bot.exceptions import SlackError, kind_of
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.services.access import AccessResolver
from bot.slack.client import SlackClient

log = logger(__name__)

EVERY_SECONDS = 10.0
OWNED_SECONDS = 60.0
STEADY = 3  # checks in a row: an intermittent failure is one outage
TOLD = 10  # admins


class OutageNotifier:
    """Compares the polling check of `/readyz` with what was reported to the admins.

    `polling` is that check, `attempts` are the polls of this process.
    """

    def __init__(
        self,
        *,
        store: Database,
        slack_client: SlackClient,
        people: AccessResolver,
        polling: Callable[[], Awaitable[dict[str, Any]]],
        attempts: AttemptHistory,
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self._store = store
        self._slack_client = slack_client
        self._people = people
        self._polling = polling
        self._attempts = attempts
        self._every = every_seconds
        self._owner = secrets.token_hex(4)
        self._healthy_checks = 0  # consecutive checks without a failure

    async def step(self) -> float | None:
        """Report a change; return the seconds until the next check. Raises DatabaseUnavailable."""
        ready = (await self._polling())["ok"]
        error = self._attempts.trouble(time.monotonic())
        known, now = (
            await self._store.run(outages.get_outage),
            (await self._store.run(database_info.current_time)).timestamp(),
        )
        self._healthy_checks = self._healthy_checks + 1 if ready and error is None else 0
        try:
            if not ready and error is not None:
                if known is not None or self._attempts.worked_at is not None or self._attempts.failures >= FAILURES:
                    await self._on_outage(known, now, error)  # a short failure is no outage
            elif known is not None and self._is_owner(known, now):
                await self._on_recovery(known, now)
        except SlackError as problem:  # the recipients are looked up again at the next check
            log.info("outage.admins_unknown", code=problem.code, cause=cause(problem))
        return self._every

    async def _on_outage(self, known: OutageRecord | None, now: float, error: BaseException) -> None:
        until = now + OWNED_SECONDS
        if known is None:
            since = self._attempts.trouble_began
            began = now if since is None else now - (time.monotonic() - since)
            record = OutageRecord(began, kind_of(error), cause(error), self._owner, until)
            if await self._store.run(outages.begin_outage, record, await self._list_admins()):
                log.warning("outage.told", problem=record.kind, cause=record.cause)
        elif self._is_owner(known, now):
            await self._store.run(outages.renew_outage, known, until, self._owner)

    async def _on_recovery(self, known: OutageRecord, now: float) -> None:
        """Report the end of the outage once polls have succeeded for some checks."""
        if self._healthy_checks < STEADY:
            await self._store.run(outages.renew_outage, known, now + OWNED_SECONDS, self._owner)
        elif await self._store.run(outages.end_outage, known, max(now, known.began), await self._list_admins()):
            log.info("outage.over", seconds=round(max(now - known.began, 0)))

    def _is_owner(self, known: OutageRecord, now: float) -> bool:
        """Return whether this replica reports the end: another replica's polls may still fail while ours succeed."""
        owned = now <= known.until <= now + OWNED_SECONDS + SKEW_SECONDS  # a later end is from a clock that was ahead
        return self._store.dialect == SQLITE or known.owner == self._owner or not owned

    async def _list_admins(self) -> list[str]:
        """Return the admins to notify. Raises SlackError."""
        return (await self._people.list_admins((await self._slack_client.identity()).team_id))[:TOLD]
