"""The last few answers and what they were read as: a list that is asked for again mostly says the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_T = TypeVar("_T")
LARGEST = 2 * 1024 * 1024


class DecodeCache(Generic[_T]):
    """Saves reading an answer anew that is the same, byte for byte, as the last one to the same question.

    What is read has to be immutable, since it is given out again. Of `most` questions the last answer is kept, unless
    it has more than `LARGEST` bytes.
    """

    def __init__(self, most: int = 8) -> None:
        self._most = most
        self._known: dict[Hashable, tuple[bytes, _T]] = {}

    def read(self, question: Hashable, body: bytes, decode: Callable[[bytes], _T]) -> _T:
        """Return what `decode` makes of `body`, or made of it the last time; raises what `decode` raises."""
        known = self._known.pop(question, None)
        if known is None or known[0] != body:
            known = (body, decode(body))
        if len(body) > LARGEST:
            return known[1]
        self._known[question] = known  # at the end: the least recently used comes first
        if len(self._known) > self._most:
            self._known.pop(next(iter(self._known)), None)
        return known[1]
