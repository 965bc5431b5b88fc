"""A verified request from Slack over either transport, and its acknowledgement."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

OK = 200
TRY_AGAIN = 503  # https://docs.slack.dev/apis/events-api#retries; over Socket Mode it is not acknowledged


class IncomingRequest(Struct, frozen=True):
    """The parsed body, with its signature (HTTP) or its envelope (Socket Mode)."""

    body: dict[str, Any]
    signature: str = ""
    envelope: str = ""


class Acknowledgement(Struct, frozen=True):
    """The response within Slack's three seconds: a status and an optional body."""

    status: int = OK
    body: dict[str, Any] | None = None


Receiver = Callable[[IncomingRequest], Awaitable[Acknowledgement]]
