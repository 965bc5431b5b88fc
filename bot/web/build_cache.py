"""Cache the builds on the claim page for some seconds."""

from __future__ import annotations

from async_lru import alru_cache

from bot.applivery.client import AppliveryClient
from bot.domain.model import Build
from bot.domain.tickets import Ticket

FRESH_SECONDS = 10.0
MAX_BUILDS = 1000


class BuildCache:
    """Cache of builds, so that a crawler cannot use up the request budget. Failures are not kept."""

    def __init__(self, applivery: AppliveryClient) -> None:
        self._load = alru_cache(maxsize=MAX_BUILDS, ttl=FRESH_SECONDS)(applivery.build)

    async def build(self, ticket: Ticket) -> Build:
        """Return the build of a ticket, at most `FRESH_SECONDS` old; raises what `AppliveryClient.build` raises."""
        return await self._load(ticket.app_id, ticket.build_id)

    def forget(self, ticket: Ticket) -> None:
        """Remove the build of this ticket from the cache."""
        self._load.cache_invalidate(ticket.app_id, ticket.build_id)
