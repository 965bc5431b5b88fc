"""The doorbell: Applivery's webhook makes the apps it names due now; polling remains the safety net."""

from __future__ import annotations

import re

from bot.store.store import Store

_ID = re.compile(rb"[0-9a-fA-F]{24}(?![0-9a-fA-F])")


class Bell:
    """Wakes the watch; what the body says is a hint about where to look, and nothing else."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def ring(self, body: bytes) -> None:
        """Make the watched apps whose id stands in the body due, or all of them when none does.

        The payload is not documented, so ids are looked for anywhere in it, in any format. Raises StoreDown.
        """
        named = {found.decode().lower() for found in _ID.findall(body)}
        watched = await self._store.watched_apps()
        await self._store.mark_due(named & watched or None)
