"""A Work Object's flexpane, as one user has it before them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class FakePane:
    """What is shown beside the messages: the details that the app sent, or its `error`; None until it answers.

    `reference` is the `external_ref` of the entity that was opened. https://docs.slack.dev/messaging/work-objects-overview
    """

    user: str
    channel: str
    message_ts: str
    url: str
    reference: dict[str, Any]
    trigger_id: str
    entity: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    blocks: list[dict[str, Any]] = field(default_factory=list)
