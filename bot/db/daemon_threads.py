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
    """As many threads as there is work at once. They end with the process: an executor's keep it, when one hangs, and
    an executor takes a third more CPU to change threads.
    """

    def __init__(self) -> None:
        self._waiting: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._there = 0
        self._busy = 0

    def do(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Begin this at once on a thread that does nothing else; the future is not to be cancelled."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        done.add_done_callback(self._ended)
        self._busy += 1
        if self._busy > self._there:
            self._there += 1
            _start(self._waiting)
        self._waiting.put(partial(_carry_out, work, loop, done))
        return done

    def _ended(self, _: object) -> None:
        self._busy -= 1

    def close(self) -> None:
        """Let each of them end when it has nothing more to do."""
        for _ in range(self._there):
            self._waiting.put(None)


class DaemonThread:
    """One such thread, which takes one thing after the other; it starts with the first."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._is_started = False

    def call(self, function: Callable[[], None]) -> None:
        """Call this on the thread; it raises nothing."""
        if not self._is_started:
            self._is_started = True
            _start(self._waiting)
        self._waiting.put(function)

    def do(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Do this on the thread; the future is not to be cancelled."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self.call(partial(_carry_out, work, loop, done))
        return done

    def close(self) -> None:
        """Let it end when it has nothing more to do."""
        self._waiting.put(None)


def _start(waiting: SimpleQueue[Callable[[], None] | None]) -> None:
    threading.Thread(target=_serve, args=(waiting,), name="store", daemon=True).start()


def _serve(waiting: SimpleQueue[Callable[[], None] | None]) -> None:
    while function := waiting.get():
        function()
        del function  # or its answer is kept until the next one comes


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
