"""Determine the cause of a 404: one object was deleted, or the bot cannot access the workspace."""

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
    """Requests the workspace after a 404: only if that succeeds, the object itself was deleted."""

    def __init__(self, workspace: Callable[[], Awaitable[object]]) -> None:
        self._workspace = workspace
        self._seen_at = float("-inf")

    async def told(self, asked: Awaitable[_T], words: tuple[Text, Text, Text] | None = None) -> _T:
        """Return the result of `asked`. For a NotFound, raise the error that `explained` returns or raises."""
        try:
            return await asked
        except NotFound as error:
            gone = error
        raise await self.explained(gone, words)

    async def explained(self, gone: NotFound, words: tuple[Text, Text, Text] | None = None) -> NotFound:
        """Return the NotFound error with these sentences. Raises the error of the request for the workspace."""
        await self._look()
        return NotFound(*(words or ()), code=gone.code, status=gone.status)

    async def _look(self) -> None:
        """Raise the error of a request for the workspace. A recent success is trusted."""
        if time.monotonic() - self._seen_at < REMEMBER_SECONDS:
            return
        try:
            await self._workspace()
        except BudgetExhausted:
            return
        self._seen_at = time.monotonic()


async def workspace(asked: Awaitable[_T]) -> _T:
    """Return the result of a request for the workspace itself. Raises WorkspaceNotFound for a NotFound."""
    try:
        return await asked
    except NotFound as gone:
        problem: AppliveryError = WorkspaceNotFound(code=gone.code, status=gone.status)
    raise problem
