"""The workspaces of an organisation that the app is installed for."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class RemovedWorkspace(Struct, frozen=True):
    """A workspace that the app was in; `removed_at` (aware) is when that was seen to be over, None while nobody saw."""

    id: str
    name: str
    removed_at: datetime | None
