"""The word to a user who waits for Applivery longer than usual."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.dispatch.requests import RequestSource
from bot.dispatch.responder import Responder
from bot.domain.audit import Entrypoint
from bot.services.app_directory import AppDirectory
from bot.slack.views import errors

SLOW_SECONDS = 3.0  # that a user waits before being told why
STALLED_SECONDS = 1.0  # that a question to Applivery has been open then, for the delay to be Applivery's
IN_MESSAGES = (Entrypoint.MENTION, Entrypoint.DIRECT_MESSAGE)


class SlowNotice:
    """Says once that Applivery is slow, while a request is worked on; its answer, or its error, comes below."""

    def __init__(self, apps: AppDirectory, responder: Responder) -> None:
        self._apps = apps
        self._responder = responder

    @asynccontextmanager
    async def watch(self, source: RequestSource) -> AsyncIterator[None]:
        """Watch the block. What it answers comes after the notice, if there is one.

        A form, and the Home, have no place for it.
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
