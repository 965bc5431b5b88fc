"""The workspaces of an organisation that the app is installed for."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class RemovedWorkspace(Struct, frozen=True):
    """A workspace that the app was in; `removed_at` (aware) is when its removal was noticed, None before."""

    id: str
    name: str
    removed_at: datetime | None
