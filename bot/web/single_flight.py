"""Handle double clicks: a second click while the first is being answered is not a second claim."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _PendingCall(Generic[T]):
    work: asyncio.Task[T]
    times: int = 0


class SingleFlight(Generic[T]):
    """Calls in progress by key, until they are answered.

    A browser drops the response to the first click after a second one, so the last request gets the result; a page
    without scripts cannot prevent double clicks.
    """

    def __init__(self) -> None:
        self._pending: dict[Hashable, _PendingCall[T]] = {}

    async def last(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T | None:
        """Run `work` once for all concurrent calls with `key`; return its result to the last, None to the others.

        Every caller gets an exception that it raises.
        """
        press = self._pending.get(key)
        if press is None:
            press = self._pending[key] = _PendingCall(asyncio.create_task(work()))
            press.work.add_done_callback(lambda work: self._on_done(key, work))
        press.times += 1
        mine = press.times
        answer = await asyncio.shield(press.work)
        return answer if mine == press.times else None

    def _on_done(self, key: Hashable, work: asyncio.Task[T]) -> None:
        del self._pending[key]
        if not work.cancelled():
            work.exception()  # retrieved, so that it is not logged if there is no caller left
