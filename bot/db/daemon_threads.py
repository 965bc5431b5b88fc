"""Threads for blocking work, which do not keep the process from exiting."""

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
    """One thread per concurrent call. They end with the process, while a hanging executor thread would block its exit;
    an executor also takes a third more CPU to change threads.
    """

    def __init__(self) -> None:
        self._waiting: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._there = 0
        self._busy = 0

    def do(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Run this at once on an idle thread; do not cancel the future."""
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
        """End each thread once it is idle."""
        for _ in range(self._there):
            self._waiting.put(None)


class DaemonThread:
    """A thread that runs calls in order; it starts with the first call."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._is_started = False

    def call(self, function: Callable[[], None]) -> None:
        """Call a function on the thread; it must not raise."""
        if not self._is_started:
            self._is_started = True
            _start(self._waiting)
        self._waiting.put(function)

    def do(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Run this on the thread; do not cancel the future."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self.call(partial(_carry_out, work, loop, done))
        return done

    def close(self) -> None:
        """End the thread once it is idle."""
        self._waiting.put(None)


def _start(waiting: SimpleQueue[Callable[[], None] | None]) -> None:
    threading.Thread(target=_serve, args=(waiting,), name="store", daemon=True).start()


def _serve(waiting: SimpleQueue[Callable[[], None] | None]) -> None:
    while function := waiting.get():
        function()
        del function  # or its result stays in memory until the next call


def _carry_out(work: Callable[[], T], loop: asyncio.AbstractEventLoop, done: asyncio.Future[T]) -> None:
    try:
        tell = partial(_tell, done, work(), None)
    except BaseException as error:  # noqa: BLE001 - it is raised to the caller
        tell = partial(_tell, done, None, error)
    with suppress(RuntimeError):  # the loop is closed, so no caller awaits the result
        loop.call_soon_threadsafe(tell)


def _tell(done: asyncio.Future[T], answer: T | None, error: BaseException | None) -> None:
    if error is None:
        done.set_result(cast("T", answer))
    else:
        done.set_exception(error)
        done.exception()  # read: the caller may have been cancelled
