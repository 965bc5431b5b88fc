"""Threads for work that waits on a server or a disk, which a process does not wait for at its end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import TypeVar, cast

T = TypeVar("T")


class DaemonThreads:
    """As many threads as there is work at once, or `most`. They end with the process: an executor's keep it, when one
    hangs, and an executor takes a third more CPU to change threads.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._waiting: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._there = 0
        self._busy = 0

    def do(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Begin this on a thread that does nothing else, at once unless `most` are busy; the future is not to be
        cancelled.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        done.add_done_callback(self._ended)
        self._busy += 1
        if self._busy > self._there != self._most:
            self._there += 1
            threading.Thread(target=self._serve, name="store", daemon=True).start()
        self._waiting.put(partial(_carry_out, work, loop, done))
        return done

    def _ended(self, _: object) -> None:
        self._busy -= 1

    def _serve(self) -> None:
        while function := self._waiting.get():
            function()
            del function  # or its answer is kept until the next one comes

    def close(self) -> None:
        """Let each of them end when it has nothing more to do."""
        for _ in range(self._there):
            self._waiting.put(None)


def _carry_out(work: Callable[[], T], loop: asyncio.AbstractEventLoop, done: asyncio.Future[T]) -> None:
    try:
        tell = partial(_tell, done, work(), None)
    except BaseException as error:  # noqa: BLE001 - it is raised to the caller
        tell = partial(_tell, done, None, error)
    with suppress(RuntimeError):  # the loop is closed, so the result is not awaited any more
        loop.call_soon_threadsafe(tell)


def _tell(done: asyncio.Future[T], answer: T | None, error: BaseException | None) -> None:
    if error is None:
        done.set_result(cast("T", answer))
    else:
        done.set_exception(error)
        done.exception()  # read: the caller may have been cancelled
