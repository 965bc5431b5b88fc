"""A request for a role: what was refused, to whom, and what an admin decided."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from bot.domain.model import GrantChange, Role


class RequestDecision(StrEnum):
    """What an admin answers: the role for the app that was asked about, for all apps, or not at all."""

    APP = "app"
    ALL = "all"
    DENIED = "denied"


class RoleRequest(Struct, frozen=True):
    """A role that a person lacks (for every app, if `app_id` is None), and what they were refused for it, and where.

    `decision` None: pending. Before it is asked for, `asked_at` is when they were refused. `granted` is what the
    decision has just changed; None when it changed nothing, or was made earlier.
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
    """The message about a request that one admin has."""

    user_id: str
    channel_id: str
    ts: str
