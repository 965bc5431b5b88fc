"""Find out what a 404 means: one thing is gone, or Applivery does not show this bot the workspace at all."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.exceptions import ADMINS_FIX, AppliveryError, BudgetExhausted, NotFound, WorkspaceNotFound
from bot.i18n import Text

_T = TypeVar("_T")

REMEMBER_SECONDS = 10.0
_CHECK = Text("Check what its Service Account can see under Workspace Settings → Service Accounts.")
APP_IS_GONE = (
    Text("Applivery no longer has that app, or this bot can't see it."),
    Text("It may have been deleted."),
    _CHECK,
)
NOT_SHOWN = (Text("This bot doesn't have the Applivery access it needs."), ADMINS_FIX, _CHECK)


class NotFoundResolver:
    """Request the workspace when something in it is not found: only if that succeeds, the thing itself is gone."""

    def __init__(self, workspace: Callable[[], Awaitable[object]]) -> None:
        self._workspace = workspace
        self._seen_at = float("-inf")

    async def told(self, asked: Awaitable[_T], words: tuple[Text, Text, Text] | None = None) -> _T:
        """Return what was asked for. Raises what `explained` returns or raises for what is not found."""
        try:
            return await asked
        except NotFound as error:
            gone = error
        raise await self.explained(gone, words)

    async def explained(self, gone: NotFound, words: tuple[Text, Text, Text] | None = None) -> NotFound:
        """Return the error, with these sentences, for what is gone. Raises the error of the workspace's request."""
        await self._look()
        return NotFound(*(words or ()), code=gone.code, status=gone.status)

    async def _look(self) -> None:
        """Raise what keeps us from the whole workspace. It was seen so many seconds ago: that is believed."""
        if time.monotonic() - self._seen_at < REMEMBER_SECONDS:
            return
        try:
            await self._workspace()
        except BudgetExhausted:
            return
        self._seen_at = time.monotonic()


async def workspace(asked: Awaitable[_T]) -> _T:
    """Return what was asked of the workspace itself; raises WorkspaceNotFound where it is not found."""
    try:
        return await asked
    except NotFound as gone:
        problem: AppliveryError = WorkspaceNotFound(code=gone.code, status=gone.status)
    raise problem
