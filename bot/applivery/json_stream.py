"""Decode a long list item by item while the response arrives, so that it is never in memory as a whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

import msgspec

from bot.exceptions import ResponseTooLarge
from bot.http_client import crowded

_Item = TypeVar("_Item")
_Made_co = TypeVar("_Made_co", covariant=True)

# What may precede the list for it to be decoded while it arrives; in other responses it is found at the end.
_FACTS = rb'(?:"\w{1,40}"\s*:\s*(?:true|false|null|\d{1,12})\s*,\s*)*'  # pagination fields and `status`
_LIST = rb'"(?:data|items|docs)"\s*:\s*'
_OPENING = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\{\s*" + _FACTS + _LIST + rb"(?:\{\s*" + _FACTS + _LIST + rb")?)?\[\s*")
_LONGEST_OPENING = 1000
ITEM_BYTES = 16 * 1024 * 1024  # some fifty thousand downloads by one person
ITEMS = 100_000
_BETWEEN = b" \t\r\n,"
# The decoder's error has the end of the first value; https://github.com/jcrist/msgspec offers no other way.
_FAULT = re.compile(r"(trailing characters )?.*\(byte (\d+)\)")
_skim = msgspec.json.Decoder(msgspec.Raw)


class StreamDecoder(Protocol[_Made_co]):
    """Decoder of a response that arrives in pieces."""

    @property
    def pending(self) -> int:
        """How many bytes wait for the rest of their item."""

    def feed(self, piece: bytes) -> None:
        """Take the next piece."""

    def finish(self) -> _Made_co:
        """Return the result. Raises the AppliveryError that the response reports."""


class JsonArrayStream(Generic[_Item, _Made_co]):
    """Passes each item of a list to `take` once it is complete, and the rest of the response to `last`.

    `decode` converts an item's JSON (None: left out). The rest usually has an empty list, but all items when the
    response has an unexpected format: `last` handles those and errors as in a response that is read at once.
    """

    def __init__(
        self,
        decode: Callable[[bytes], _Item | None],
        take: Callable[[_Item], None],
        last: Callable[[bytes], _Made_co],
    ) -> None:
        self._decode = decode
        self._take = take
        self._last = last
        self._buffer = bytearray()
        self._opening: bytes | None = None
        self._whole = False  # the list is not split any more
        self._again_at = 0
        self._taken = 0

    @property
    def pending(self) -> int:
        """How many bytes wait for the rest of their item."""
        return len(self._buffer)

    def feed(self, piece: bytes) -> None:
        """Take the next piece. Raises ResponseTooLarge for an item that is too large, or too many items."""
        self._buffer += piece
        if self._opening is None and not self._whole:
            self._open()
        if self._opening is not None and not self._whole and len(self._buffer) >= self._again_at:
            self._take_whole_ones()
        if len(self._buffer) > ITEM_BYTES:
            raise ResponseTooLarge

    def _take_whole_ones(self) -> None:
        for text in self._cut():
            self._taken += 1
            if self._taken > ITEMS or crowded(text):
                raise ResponseTooLarge
            item = self._decode(text)
            if item is not None:
                self._take(item)

    def finish(self) -> _Made_co:
        """Return the result."""
        if crowded(self._buffer):
            raise ResponseTooLarge
        return self._last((self._opening or b"") + bytes(self._buffer))

    def _open(self) -> None:
        match = _OPENING.match(self._buffer)
        if match and match.end() < len(self._buffer):
            self._opening = bytes(self._buffer[: match.end()])
            del self._buffer[: match.end()]
        elif len(self._buffer) > _LONGEST_OPENING:
            self._whole = True

    def _cut(self) -> Iterator[bytes]:
        """Yield the complete items at the front of the buffer and remove them."""
        at, size = 0, len(self._buffer)
        with memoryview(self._buffer) as view:
            while (at := _after_blanks(view, at)) < size and view[at] != ord("]"):
                length = self._length(view[at:])
                if length is None:
                    break
                yield bytes(view[at : at + length])
                at += length
        del self._buffer[:at]
        # an incomplete item is checked again when its size has doubled, not with every piece
        self._again_at = min(2 * len(self._buffer), ITEM_BYTES) if len(self._buffer) > 100_000 else 0

    def _length(self, view: memoryview) -> int | None:
        """Return the length of the first value in bytes; None while it is incomplete, and for invalid JSON."""
        size = len(view)
        try:
            with view:
                _skim.decode(view)
        except msgspec.DecodeError as said:
            fault = _FAULT.search(str(said).removeprefix("JSON is malformed: "))
            if fault and fault[1]:
                return int(fault[2]) - 1
            # a truncated number is reported as malformed at the last byte, not as truncated
            self._whole = fault is not None and int(fault[2]) < size
        return None  # it ends with the buffer: a number may continue in the next piece


def _after_blanks(view: memoryview, at: int) -> int:
    while at < len(view) and view[at] in _BETWEEN:
        at += 1
    return at
