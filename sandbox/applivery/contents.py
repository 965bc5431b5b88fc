"""The bytes behind a fake file: kept when they are few, invented on the fly when they are many."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

CHUNK = 64 * 1024
KEPT_BYTES = 1024 * 1024  # an uploaded file above this is measured, not kept
Read = Callable[[], bytes]
_MAGIC = b"PK\x03\x04"  # ipa, apk and aab are zip archives


@dataclass(frozen=True)
class FileContent:
    """A file of exactly `size` bytes; without `kept` they are invented from `seed`, the same ones every time."""

    name: str
    mimetype: str
    size: int
    seed: str = ""
    kept: bytes | None = field(default=None, repr=False)
    digest: str = ""  # SHA-256 of what came, for an uploaded file

    def chunks(self) -> Iterator[bytes]:
        """Give the bytes in pieces of at most 64 KiB; never holds an invented file in memory."""
        if self.kept is not None:
            for start in range(0, self.size, CHUNK):
                yield self.kept[start : start + CHUNK]
            return
        block = hashlib.shake_256(self.seed.encode()).digest(CHUNK)
        first = _MAGIC + block[len(_MAGIC) :]
        for start in range(0, self.size, CHUNK):
            yield (first if start == 0 else block)[: self.size - start]

    def bytes(self) -> bytes:
        """Give the whole file at once."""
        return b"".join(self.chunks())

    def dump(self) -> dict[str, str | int | bool]:
        """Give what `load` takes, fit for JSON; bytes that were kept are not in it."""
        return {
            "name": self.name,
            "mimetype": self.mimetype,
            "size": self.size,
            "seed": self.seed,
            "kept": self.is_kept,
        }

    @property
    def is_kept(self) -> bool:
        """Whether these are bytes that came, not invented ones."""
        return self.kept is not None

    @classmethod
    def load(cls, data: dict[str, str], read: Read) -> FileContent:
        """Take back what `dump` gave; `read` gives the bytes that were kept. Older dumps have them in base64."""
        kept = None
        if data["kept"]:
            kept = base64.b64decode(data["kept"]) if isinstance(data["kept"], str) else read()
        return cls(data["name"], data["mimetype"], int(data["size"]), data["seed"], kept)


def keep(name: str, mimetype: str, content: bytes) -> FileContent:
    """Give the FileContent that is exactly these bytes."""
    return FileContent(name, mimetype, len(content), kept=content)
