"""A request of Slack's by either transport, verified, and what Slack is answered at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

OK = 200
TRY_AGAIN = 503  # https://docs.slack.dev/apis/events-api#retries; over Socket Mode it is not acknowledged


class IncomingRequest(Struct, frozen=True):
    """The parsed body, with the signature it came with over HTTP or its envelope of Socket Mode."""

    body: dict[str, Any]
    signature: str = ""
    envelope: str = ""


class Acknowledgement(Struct, frozen=True):
    """The response within Slack's three seconds: a status, and what it says, if anything."""

    status: int = OK
    body: dict[str, Any] | None = None


Receiver = Callable[[IncomingRequest], Awaitable[Acknowledgement]]
