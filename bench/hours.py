"""A fake clock in a shared file: one program sets the time, and the others read it."""

from __future__ import annotations

import mmap
import struct
from datetime import UTC, datetime
from pathlib import Path

_TIME = struct.Struct("d")


class SharedClock:
    """The fake time, in a file of eight bytes that several processes share."""

    def __init__(self, file: Path) -> None:
        if not file.exists():
            file.write_bytes(_TIME.pack(0.0))
        with file.open("r+b") as opened:
            self._shared = mmap.mmap(opened.fileno(), _TIME.size)

    def set(self, at: datetime) -> None:
        """Set the time (aware)."""
        _TIME.pack_into(self._shared, 0, at.timestamp())

    def now(self) -> datetime:
        """Return the time, aware and in UTC."""
        return datetime.fromtimestamp(_TIME.unpack_from(self._shared, 0)[0], UTC)
