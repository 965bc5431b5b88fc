"""Who has opened how many links that do not exist."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

LIMIT = 30  # a minute: a person does not get there, and 128 bits would stand far more
WINDOW = 60.0
ADDRESSES = 10_000  # remembered at most


class Guesses:
    """Unknown tickets by address within a minute; in this process only, and `clock` counts seconds."""

    def __init__(self, limit: int = LIMIT, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def too_many(self, address: str) -> bool:
        """Whether this address has guessed too often to be answered."""
        since, count = self._seen.get(address, (0.0, 0))
        return count >= self._limit and self._clock() - since < WINDOW

    def add(self, address: str) -> None:
        """Count one."""
        now = self._clock()
        since, count = self._seen.pop(address, (now, 0))
        self._seen[address] = (since, count + 1) if now - since < WINDOW else (now, 1)
        while len(self._seen) > ADDRESSES:
            self._seen.popitem(last=False)


def address_of(peer: str | None, forwarded: str | None) -> str:
    """Who asks: the peer, or, when that is a proxy of ours, the last address in X-Forwarded-For, which it has added.

    An IPv6 network counts as one: its owner has 2^64 addresses in it.
    """
    found = _ip(peer)
    if found and (found.is_private or found.is_loopback) and forwarded:
        found = _ip(forwarded.rpartition(",")[2].strip()) or found
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _ip(text: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text or "")
    except ValueError:
        return None
