"""HTTP sessions for outgoing requests: proxies, and decompression with a limit.

aiohttp decompresses a received chunk at once: 400 KiB of gzip can become 600 MB. So that is disabled
(`auto_decompress=False`), and responses are decompressed here in pieces, up to a limit.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp

from bot.http_proxy import proxied_requests

ANSWER_BYTES = 8 * 1024 * 1024  # decompressed; Slack's largest pages have 2 MB
PAGE_BYTES = 32 * 1024 * 1024  # a hundred builds, whose changelogs and metadata have no documented length
# Number of JSON values: each is an object in memory, however small it is in the response.
CONTAINERS = 200_000
VALUES = 800_000
PIECE = 64 * 1024
SMALL_BYTES = 4 * 1024 * 1024
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
_CODINGS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def _turn() -> asyncio.Lock:
    return _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock())


class AnswerTooLarge(aiohttp.ClientError):
    """A response has more bytes or values than are read."""


class BrokenPacking(aiohttp.ClientError):
    """A response has an unsupported content coding, or is not valid in its coding."""


def session(response: type[BoundedResponse] | None = None, **options: Any) -> aiohttp.ClientSession:
    """Return a session with bounded responses: `read`, `text` and `json` raise AnswerTooLarge beyond their limit.

    It uses the environment's proxies and trusts the certificates in `SSL_CERT_FILE`.
    """
    options["headers"] = {"Accept-Encoding": "gzip, deflate", **options.get("headers", {})}
    return aiohttp.ClientSession(
        auto_decompress=False,
        request_class=proxied_requests(),
        response_class=response or BoundedResponse,
        **options,
    )


class BoundedResponse(aiohttp.ClientResponse):
    """A response with a limit on its size in memory, even when Slack's SDK reads it."""

    most = ANSWER_BYTES

    async def read(self) -> bytes:
        """Return the whole decompressed body. Closes the connection when it raises AnswerTooLarge or BrokenPacking."""
        if self._body is None:
            try:
                self._body = await self._whole()
            except BaseException:
                self.close()
                raise
        return await super().read()

    async def _whole(self) -> bytes:
        """Return the joined pieces; beyond `SMALL_BYTES` one response at a time, to limit memory."""
        body, turn = BytesIO(), None
        try:
            async for piece in self.pieces(self.most):
                if turn is None and body.tell() + len(piece) > SMALL_BYTES:
                    await _turn().acquire()
                    turn = _turn()
                body.write(piece)
            found = body.getvalue()  # the buffer itself, not a copy of it
        finally:
            if turn is not None:
                turn.release()
        if crowded(found):
            raise AnswerTooLarge
        return found

    async def pieces(self, most: int) -> AsyncIterator[bytes]:
        """Yield the decompressed body as it arrives. Raises AnswerTooLarge beyond `most` bytes, compressed or not."""
        unpacker = Unpacker(self.headers.get("Content-Encoding", ""))
        packed = unpacked = 0
        async for come in self.content.iter_any():
            packed += len(come)
            for piece in unpacker.feed(come):
                unpacked += len(piece)
                if max(packed, unpacked) > most:
                    raise AnswerTooLarge
                yield piece
            if packed > most:
                raise AnswerTooLarge
        unpacker.finish()


class LargeResponse(BoundedResponse):
    """A response that may be as large as a page of builds."""

    most = PAGE_BYTES


class Unpacker:
    """Decompresses a content coding, at most `PIECE` bytes at a time."""

    def __init__(self, coding: str) -> None:
        """Raise BrokenPacking for a coding that `session` does not request."""
        name = coding.strip().lower()
        if name not in ("", "identity") and name not in _CODINGS:
            raise BrokenPacking
        self._window = _CODINGS.get(name)
        self._stream: Any = None

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """Yield the decompressed next bytes. Raises BrokenPacking."""
        if self._window is None:
            yield packed
            return
        try:
            yield from self._inflated(packed)
        except zlib.error:
            raise BrokenPacking from None

    def finish(self) -> None:
        """Raise BrokenPacking when something is missing at the end."""
        if self._stream is not None and not self._stream.eof:
            raise BrokenPacking

    def _inflated(self, packed: bytes) -> Iterator[bytes]:
        while packed:
            if self._stream is None or self._stream.eof:  # a stream may have several gzip members
                self._stream = self._fresh(packed)
            out = self._stream.decompress(packed, PIECE)
            yield out
            # at its end the rest is in `unused_data`; decompressing more with this one would loop forever
            while not self._stream.eof and (self._stream.unconsumed_tail or len(out) == PIECE):
                out = self._stream.decompress(self._stream.unconsumed_tail, PIECE)
                yield out
            packed = self._stream.unused_data

    def _fresh(self, packed: bytes) -> Any:
        """Start decompressing; some servers send `deflate` without its header (RFC 9110, 8.4.1.2)."""
        bare = self._window == zlib.MAX_WBITS and packed[0] & 0x0F != zlib.DEFLATED
        return zlib.decompressobj(-zlib.MAX_WBITS if bare else self._window or 0)


def crowded(body: bytes | bytearray) -> bool:
    """Return whether JSON has so many small values that they would take far more memory than their text.

    Counts separators, in strings too: no valid response comes near the limit.
    """
    return body.count(b"{") + body.count(b"[") > CONTAINERS or body.count(b",") > VALUES
