"""A multipart form with one large file in it, written piece by piece: neither memory nor a disk ever holds it whole."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from bot.exceptions import FileReadError
from bot.i18n import Text

Pieces = AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class StreamedFile:
    """A file on its way: its name, its exact size in bytes, and how to read it from its start, as often as wanted.

    Entering what `open` gives begins to read; leaving it stops, wherever the file is. Reading raises a Problem of ours.
    """

    name: str
    size: int
    open: Callable[[], AbstractAsyncContextManager[Pieces]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SmallFile:
    """A small file that is sent beside the large one, such as an icon."""

    name: str
    kind: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class MultipartForm:
    """The form of one upload: text fields, small files by field, and the large file's own field, which comes last."""

    texts: Sequence[tuple[str, str]]
    smalls: Sequence[tuple[str, SmallFile]]
    file_field: str
    file: StreamedFile
    boundary: str = field(default_factory=lambda: f"applivery-bot-{secrets.token_hex(16)}")

    @property
    def content_type(self) -> str:
        """The header that names the boundary."""
        return f"multipart/form-data; boundary={self.boundary}"

    @property
    def length(self) -> int:
        """The bytes of the whole body: said beforehand, a server can tell a cut one from a whole one."""
        return len(self._head()) + self.file.size + len(self._tail())

    async def body(self, pieces: Pieces, sent: Callable[[int], None]) -> Pieces:
        """The body; `sent` hears the bytes of the file that were taken so far.

        Raises FileReadError when the file turns out shorter or longer than it was said to be.
        """
        yield self._head()
        count = 0
        async for piece in pieces:
            count += len(piece)
            if count > self.file.size:
                break
            yield piece
            sent(count)
        if count != self.file.size:
            raise FileReadError(
                Text("“{name}” has another size than it had when the upload began.", name=self.file.name),
                Text("Nothing was uploaded. Wait until no program writes to it, and try again."),
            )
        yield self._tail()

    def _head(self) -> bytes:
        parts = [self._part(name) + _bytes(text) + b"\r\n" for name, text in self.texts]
        parts += [self._part(name, file.name, file.kind) + file.content + b"\r\n" for name, file in self.smalls]
        return b"".join([*parts, self._part(self.file_field, self.file.name, "application/octet-stream")])

    def _tail(self) -> bytes:
        return f"\r\n--{self.boundary}--\r\n".encode()

    def _part(self, name: str, filename: str | None = None, kind: str | None = None) -> bytes:
        lines = [f"--{self.boundary}", f'Content-Disposition: form-data; name="{_quoted(name)}"']
        if filename is not None:
            lines[1] += f'; filename="{_quoted(filename)}"'
            lines.append(f"Content-Type: {kind}")
        return _bytes("\r\n".join([*lines, "", ""]))


def _quoted(text: str) -> str:
    """A name between quotes, as browsers write it. https://html.spec.whatwg.org/multipage/#multipart-form-data"""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _bytes(text: str) -> bytes:
    """The text as UTF-8; half a character, as names from elsewhere may have, becomes a question mark."""
    return text.encode("utf-8", "replace")
