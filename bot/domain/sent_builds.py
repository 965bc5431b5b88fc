"""Builds that one user sent to another."""

from __future__ import annotations

from msgspec import Struct


class SentBuild(Struct, frozen=True):
    """A build that one person sent to another."""

    id: int
    team_id: str
    sender: str
    recipient: str
    app_id: str
    build_id: str
