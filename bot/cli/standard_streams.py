"""Standard streams that do not raise if their reader fails or has left."""

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
    """A file descriptor whose first failed write is stored in `lost` and not raised."""

    lost: OSError | None = None

    def write(self, data: ReadableBuffer) -> int:
        try:
            while (count := super().write(data)) is None:  # a full pipe that another program made non-blocking
                select.select((), (self,), ())
        except OSError as error:
            self.lost = self.lost or error
            return memoryview(data).nbytes
        return count


def guard() -> None:
    """Replace stdout and stderr by streams that never raise, and open closed ones.

    Otherwise the next file or connection would get the number of a closed one, and receive the output.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # opens the lowest free number, which is this one
    sys.stdin = sys.stdin or _opened(0, "r")
    sys.stdout = _guarded(sys.stdout, 1)
    sys.stderr = _guarded(sys.stderr, 2)


def _opened(number: int, mode: str) -> IO[str]:
    return open(number, mode, encoding="utf-8", closefd=False)


def _guarded(stream: TextIO | None, number: int) -> TextIO:
    sink = io.BufferedWriter(_GuardedFile(number, "wb", closefd=False))
    # Characters missing in the terminal's encoding are shown by their number instead of raising.
    return io.TextIOWrapper(
        sink, encoding=stream.encoding if stream else "utf-8", errors="backslashreplace", line_buffering=True
    )


def lost() -> str | None:
    """Return why output on stdout was lost; None if none was, or if its reader has left."""
    sys.stdout.flush()
    sink = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    error = sink.lost if isinstance(sink, _GuardedFile) else None
    return None if error is None or error.errno == errno.EPIPE else error.strerror or type(error).__name__


def unicode() -> bool:
    """Return whether stdout can encode every character."""
    return "utf" in (sys.stdout.encoding or "").lower()
