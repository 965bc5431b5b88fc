"""Leases that a stopped worker still holds: released, so that no replica waits for their end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

T = TypeVar("T")

CLAIM_SECONDS = 2.0  # a stop waits this long for a claim in progress


async def claim(claiming: Coroutine[Any, Any, T], on_stop: Callable[[T], None]) -> T:
    """Return what a transaction claims. A stop does not cancel the transaction; `on_stop` then gets its claims."""
    task = asyncio.create_task(claiming)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        done, _ = await asyncio.wait((task,), timeout=CLAIM_SECONDS)
        if done and not task.cancelled() and not task.exception():
            on_stop(task.result())
        raise


class InterruptedLeases(Generic[T]):
    """Leases of interrupted work, to be ended by `release`."""

    def __init__(self, release: Callable[[T], Awaitable[None]]) -> None:
        self._release = release
        self._leases: list[T] = []

    async def claim(self, claiming: Coroutine[Any, Any, Sequence[T]]) -> list[T]:
        """Return the leases of a transaction; see `claim`."""
        return [*await claim(claiming, self.add)]

    def add(self, leases: Sequence[T]) -> None:
        """Release these as well."""
        self._leases += leases

    @contextmanager
    def working(self, leases: Sequence[T]) -> Iterator[None]:
        """Add the remaining ones of these leases when the block is cancelled."""
        try:
            yield
        except asyncio.CancelledError:
            self.add(leases)
            raise

    async def release(self) -> None:
        """Release all leases. Raises DatabaseUnavailable; the remaining ones are released by the next call."""
        while self._leases:
            await self._release(self._leases[-1])
            self._leases.pop()
