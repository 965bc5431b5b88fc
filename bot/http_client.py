"""Every HTTP session that asks something of the outside: its proxy, one way to unpack an answer, and a limit on that.

aiohttp unpacks a received chunk at once, and hands the result out whole: 400 KiB of gzip are 600 MB then. So nothing is
unpacked there (`auto_decompress=False`), but here, piece by piece, and counted.
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

ANSWER_BYTES = 8 * 1024 * 1024  # unpacked; the largest of Slack's pages have 2 MB
PAGE_BYTES = 32 * 1024 * 1024  # a hundred builds, whose changelogs and metadata have no documented length
# Of JSON values, that is: each one is an object in memory, however few bytes it has in the answer.
CONTAINERS = 200_000
VALUES = 800_000
PIECE = 64 * 1024
SMALL_BYTES = 4 * 1024 * 1024
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
_CODINGS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def _turn() -> asyncio.Lock:
    return _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock())


class AnswerTooLarge(aiohttp.ClientError):
    """An answer has more bytes or values than are read."""


class BrokenPacking(aiohttp.ClientError):
    """An answer is packed in a way that was not asked for, or not as it says."""


def session(response: type[BoundedResponse] | None = None, **options: Any) -> aiohttp.ClientSession:
    """Return a session with bounded answers: `read`, `text` and `json` raise AnswerTooLarge beyond `most` bytes.

    Its requests go by way of the environment's proxies, and trust the certificates in `SSL_CERT_FILE`.
    """
    options["headers"] = {"Accept-Encoding": "gzip, deflate", **options.get("headers", {})}
    return aiohttp.ClientSession(
        auto_decompress=False,
        request_class=proxied_requests(),
        response_class=response or BoundedResponse,
        **options,
    )


class BoundedResponse(aiohttp.ClientResponse):
    """A response with a limit on its size in memory, also where Slack's SDK reads it."""

    most = ANSWER_BYTES

    async def read(self) -> bytes:
        """Return the whole body, unpacked. Raises AnswerTooLarge or BrokenPacking, and hangs up then."""
        if self._body is None:
            try:
                self._body = await self._whole()
            except BaseException:
                self.close()
                raise
        return await super().read()

    async def _whole(self) -> bytes:
        """Return all pieces in one; beyond `SMALL_BYTES` one answer at a time, which limits the memory."""
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
        """The body's unpacked bytes as they come. Raises AnswerTooLarge after so many, packed or not."""
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
    """One that may be as large as a page of builds."""

    most = PAGE_BYTES


class Unpacker:
    """Undoes a content coding, at most `PIECE` bytes at a time."""

    def __init__(self, coding: str) -> None:
        """Raises BrokenPacking for a coding that `session` does not ask for."""
        name = coding.strip().lower()
        if name not in ("", "identity") and name not in _CODINGS:
            raise BrokenPacking
        self._window = _CODINGS.get(name)
        self._stream: Any = None

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """What comes out of the next bytes. Raises BrokenPacking."""
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
            if self._stream is None or self._stream.eof:  # several gzip members may follow each other
                self._stream = self._fresh(packed)
            out = self._stream.decompress(packed, PIECE)
            yield out
            # at its end the rest is in `unused_data`, and asking for more of this one would never end
            while not self._stream.eof and (self._stream.unconsumed_tail or len(out) == PIECE):
                out = self._stream.decompress(self._stream.unconsumed_tail, PIECE)
                yield out
            packed = self._stream.unused_data

    def _fresh(self, packed: bytes) -> Any:
        """Begin; what is called deflate comes without its header from some servers (RFC 9110, 8.4.1.2)."""
        bare = self._window == zlib.MAX_WBITS and packed[0] & 0x0F != zlib.DEFLATED
        return zlib.decompressobj(-zlib.MAX_WBITS if bare else self._window or 0)


def crowded(body: bytes | bytearray) -> bool:
    """Return whether JSON has so many small values that they would take far more memory than their text.

    Counts what begins or follows one, in strings too: no honest answer comes near.
    """
    return body.count(b"{") + body.count(b"[") > CONTAINERS or body.count(b",") > VALUES
