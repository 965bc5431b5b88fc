"""Looking at a build for the claim page: many eyes on one page are one request to Applivery."""

from __future__ import annotations

import asyncio
import time

from bot.applivery.client import AppliveryClient
from bot.domain.model import Build
from bot.domain.tickets import Ticket

FRESH_SECONDS = 10.0


class BuildCache:
    """Builds as Applivery described them within the last seconds, so that a crawler cannot use up our allowance."""

    def __init__(self, applivery: AppliveryClient) -> None:
        self._applivery = applivery
        self._looks: dict[str, tuple[float, asyncio.Task[Build]]] = {}

    async def build(self, ticket: Ticket) -> Build:
        """The build of a ticket; raises what Applivery's answer means, and asks again after that."""
        now = time.monotonic()
        for key in [key for key, (at, _) in self._looks.items() if now - at >= FRESH_SECONDS]:
            del self._looks[key]
        if ticket.build_id not in self._looks:
            look = asyncio.create_task(self._applivery.build(ticket.app_id, ticket.build_id))
            look.add_done_callback(lambda done: self._done(ticket.build_id, done))
            self._looks[ticket.build_id] = (now, look)
        return await asyncio.shield(self._looks[ticket.build_id][1])

    def forget(self, ticket: Ticket) -> None:
        """Look anew the next time."""
        self._looks.pop(ticket.build_id, None)

    def _done(self, key: str, look: asyncio.Task[Build]) -> None:
        # reading the exception also keeps asyncio from logging it when no caller is left
        if (look.cancelled() or look.exception()) and self._looks.get(key, (0.0, None))[1] is look:
            del self._looks[key]
