"""Builds that one user sent to another."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SentBuild:
    """A build that one person sent to another."""

    id: int
    team_id: str
    sender: str
    recipient: str
    app_id: str
    build_id: str
