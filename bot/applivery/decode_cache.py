"""Cache of decoded responses: a polled list rarely changes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_T = TypeVar("_T")
LARGEST = 2 * 1024 * 1024


class DecodeCache(Generic[_T]):
    """Caches the decoded form of the last response per request; used while the bytes are identical.

    Decoded values must be immutable, since they are shared. The cache holds `most` requests, and no response of more
    than `LARGEST` bytes.
    """

    def __init__(self, most: int = 8) -> None:
        self._most = most
        self._known: dict[Hashable, tuple[bytes, _T]] = {}

    def read(self, question: Hashable, body: bytes, decode: Callable[[bytes], _T]) -> _T:
        """Return `decode(body)`, cached if `body` equals the last one. Raises what `decode` raises."""
        known = self._known.pop(question, None)
        if known is None or known[0] != body:
            known = (body, decode(body))
        if len(body) > LARGEST:
            return known[1]
        self._known[question] = known  # moves it to the end: the least recently used comes first
        if len(self._known) > self._most:
            self._known.pop(next(iter(self._known)), None)
        return known[1]
