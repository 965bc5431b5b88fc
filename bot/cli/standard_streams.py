"""Standard streams whose failure at the other end does not break the work."""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from typing import IO, TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _GuardedFile(io.FileIO):
    """A file descriptor whose first failed write is kept in `lost`: the work goes on."""

    lost: OSError | None = None

    def write(self, data: ReadableBuffer) -> int:
        try:
            while (count := super().write(data)) is None:  # a pipe that another program made non-blocking, and is full
                select.select((), (self,), ())
        except OSError as error:
            self.lost = self.lost or error
            return memoryview(data).nbytes
        return count


def guard() -> None:
    """Put streams that never raise in the place of stdout and stderr, and something in the place of closed ones.

    A closed one has to be filled first: the next file or connection would get its number, and what is printed.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, and so this one
    sys.stdin = sys.stdin or _opened(0, "r")
    sys.stdout = _guarded(sys.stdout, 1)
    sys.stderr = _guarded(sys.stderr, 2)


def _opened(number: int, mode: str) -> IO[str]:
    return open(number, mode, encoding="utf-8", closefd=False)


def _guarded(stream: TextIO | None, number: int) -> TextIO:
    sink = io.BufferedWriter(_GuardedFile(number, "wb", closefd=False))
    # What the terminal's encoding lacks is shown by its number: that is better read than an error.
    return io.TextIOWrapper(
        sink, encoding=stream.encoding if stream else "utf-8", errors="backslashreplace", line_buffering=True
    )


def lost() -> str | None:
    """Return why something that was printed on stdout is lost; None when nothing is, or when its reader has left."""
    sys.stdout.flush()
    sink = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    error = sink.lost if isinstance(sink, _GuardedFile) else None
    return None if error is None or error.errno == errno.EPIPE else error.strerror or type(error).__name__


def unicode() -> bool:
    """Return whether stdout takes every character."""
    return "utf" in (sys.stdout.encoding or "").lower()
