"""Double clicks: a second press of the same button while the first is being answered is not a second claim."""

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
    """Calls in progress by key: who pressed what. Nothing is kept once it has been answered.

    A browser drops the answer to its first press when it is pressed again, so the answer belongs to the last one: a
    page without scripts cannot prevent double clicks.
    """

    def __init__(self) -> None:
        self._pending: dict[Hashable, _PendingCall[T]] = {}

    async def last(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T | None:
        """Do `work` once for all presses of `key` at this time; return None for those that were pressed again
        meanwhile.

        Every caller gets the exception that it raises.
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
            work.exception()  # once read, it is not logged when no caller is left
