"""Requests for a role: the refusal that led to one, and the decision of an admin."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from bot.domain.model import GrantChange, Role


class RequestDecision(StrEnum):
    """An admin's decision: the role for the requested app, for all apps, or denied."""

    APP = "app"
    ALL = "all"
    DENIED = "denied"


class RoleRequest(Struct, frozen=True):
    """A role that a person lacks (for all apps if `app_id` is None), and what was refused for it and where.

    `decision` None means pending. Until it is requested, `asked_at` is the time of the refusal. `granted` is what the
    decision has just changed; None if it changed nothing or was made earlier.
    """

    id: int
    team_id: str
    user_id: str
    role: Role
    app_id: str | None
    command: str
    channel_id: str | None
    asked_at: datetime
    decided_by: str | None = None
    decision: RequestDecision | None = None
    granted: GrantChange | None = None


class RequestCopy(Struct, frozen=True):
    """The message about a request that was sent to one admin."""

    user_id: str
    channel_id: str
    ts: str
