"""The notice to a user who waits for Applivery longer than usual."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.dispatch.requests import RequestSource
from bot.dispatch.responder import Responder
from bot.domain.audit import Entrypoint
from bot.services.app_directory import AppDirectory
from bot.slack.views import errors

# Until a waiting user is told why: after one call has failed (5 s), so only a request of several slow calls has two
# messages.
SLOW_SECONDS = 6.0
STALLED_SECONDS = 1.0  # that a request to Applivery must have been pending by then to be the cause
IN_MESSAGES = (Entrypoint.MENTION, Entrypoint.DIRECT_MESSAGE)


class SlowNotice:
    """Tell the user once that Applivery is slow; the reply or error of the request follows."""

    def __init__(self, apps: AppDirectory, responder: Responder) -> None:
        self._apps = apps
        self._responder = responder

    @asynccontextmanager
    async def watch(self, source: RequestSource) -> AsyncIterator[None]:
        """Send the notice if the context takes long; its reply comes after the notice.

        Forms and the Home tab have no place for it.
        """
        if not source.response_url and source.entrypoint not in IN_MESSAGES:
            yield
            return
        said: list[asyncio.Task[None]] = []
        timer = asyncio.get_running_loop().call_later(SLOW_SECONDS, lambda: said.extend(self._begin(source)))
        try:
            yield
        finally:
            timer.cancel()
            if said:
                await asyncio.wait(said)

    def _begin(self, source: RequestSource) -> list[asyncio.Task[None]]:
        if self._apps.waits_for_seconds < STALLED_SECONDS:
            return []
        return [asyncio.create_task(self._responder.reply_privately(source, errors.slow()))]
