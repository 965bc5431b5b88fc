"""What came back when something was delivered to the app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Acknowledgement:
    """The outcome of one delivery: `seconds` until the answer, its `body`, or the `error` a person would see.

    `reason` is the word of x-slack-retry-reason for a failed one; `retry` is False when the app asked for none.
    """

    ok: bool
    seconds: float
    body: Any = None
    error: str | None = None
    reason: str = ""
    retry: bool = True
