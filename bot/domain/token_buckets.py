"""Token buckets by key. https://en.wikipedia.org/wiki/Token_bucket"""

from __future__ import annotations

MOST_KEYS = 1000


class TokenBuckets:
    """Token buckets of `capacity` tokens that refill one token per `refill_seconds`; times are monotonic seconds."""

    def __init__(self, capacity: int, refill_seconds: float) -> None:
        self._span = capacity * refill_seconds
        self._refill = refill_seconds
        self._full_at: dict[str, float] = {}  # a missing key means a full bucket

    def wait(self, key: str, now: float) -> float:
        """Take a token and return 0, or return the seconds until one is available."""
        full_at = max(self._full_at.get(key, now), now) + self._refill
        missing = full_at - now - self._span
        if missing > 1e-9:
            return missing
        if len(self._full_at) >= MOST_KEYS:
            self._full_at = {known: at for known, at in self._full_at.items() if at > now}
        self._full_at[key] = full_at
        return 0.0
