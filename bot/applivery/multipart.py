"""A multipart form with one large file, streamed: never in memory or on disk as a whole.

aiohttp's MultipartWriter has no length for a stream, so a form of it would be sent without Content-Length.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from bot.exceptions import FileReadError
from bot.i18n import Text

Pieces = AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class StreamedFile:
    """A file to upload: its name, its size in bytes, and a function to read it, any number of times.

    `open` returns a context manager with the pieces; leaving it stops reading. Reading raises BotErrors.
    """

    name: str
    size: int
    open: Callable[[], AbstractAsyncContextManager[Pieces]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SmallFile:
    """A small file sent with the large one, such as an icon."""

    name: str
    kind: str
    content: bytes = field(repr=False)


class MultipartForm(Struct, frozen=True):
    """The form of one upload: text fields, small files by field, and the large file's field, which is last."""

    texts: Sequence[tuple[str, str]]
    smalls: Sequence[tuple[str, SmallFile]]
    file_field: str
    file: StreamedFile
    boundary: str = msgspec.field(default_factory=lambda: f"applivery-bot-{secrets.token_hex(16)}")

    @property
    def content_type(self) -> str:
        """Return the value of the Content-Type header, with the boundary."""
        return f"multipart/form-data; boundary={self.boundary}"

    @property
    def length(self) -> int:
        """Return the length of the body in bytes: with a Content-Length a server can detect a truncated one."""
        return len(self._head()) + self.file.size + len(self._tail())

    async def body(self, pieces: Pieces, sent: Callable[[int], None]) -> Pieces:
        """Yield the body; `sent` is called with the bytes of the file sent so far.

        Raises FileReadError when the file is shorter or longer than its `size`.
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
                Text("“{name}” changed its size during the upload.", name=self.file.name),
                Text("Nothing was uploaded. Wait until the file is complete, then try again."),
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
    """Return a name for use within quotes, encoded as by browsers.
    https://html.spec.whatwg.org/multipage/#multipart-form-data
    """
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _bytes(text: str) -> bytes:
    """Return the text as UTF-8, with a question mark for each lone surrogate."""
    return text.encode("utf-8", "replace")
