"""The doorbell: Applivery's webhook makes the apps it names due now; polling remains the safety net."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

import msgspec

from bot.domain import manners
from bot.domain.model import Event, NewAnnouncement, Subscription
from bot.store.store import Store

_ID = re.compile(rb"[0-9a-fA-F]{24}(?![0-9a-fA-F])")
# https://docs.applivery.com/en/app-distribution/integrations/webhooks
_FEEDBACK = re.compile(rb"\b(feedback|bug)_created\b")


class Bell:
    """Wakes the watch; what the body says is a hint about where to look, and nothing else."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def ring(self, body: bytes) -> None:
        """Make the watched apps whose id stands in the body due, or all of them when none does.

        The payload is not documented, so ids are looked for anywhere in it, in any format. That there is feedback is
        told where it was asked for, once for each, without a word of the body. Raises StoreDown.
        """
        named = {found.decode().lower() for found in _ID.findall(body)}
        watched = named & await self._store.watched_apps()
        await self._store.mark_due(watched or None)
        if kind := _FEEDBACK.search(body):
            await self._tell_of_feedback(kind[1].decode(), watched, named - watched, body)

    async def _tell_of_feedback(self, kind: str, apps: Iterable[str], others: set[str], body: bytes) -> None:
        """Applivery has no call that lists feedback, so the ids beside the app's are what tells one from another."""
        which = hashlib.blake2b("".join(sorted(others)).encode() or body, digest_size=8).hexdigest()
        wishes = [one for one in await self._store.subscriptions() if Event.FEEDBACK in one.events]
        allowed = await self._store.allowed_channels()
        for app_id in apps:
            name = f"{kind}/{app_id}/{which}"
            listening = [one for one in wishes if one.channel_id in allowed.get(app_id, {one.channel_id})]
            news = [await self._news(one, kind, name) for one in listening if one.app_id in (app_id, None)]
            await self._store.announce(app_id, news)

    async def _news(self, wish: Subscription, kind: str, name: str) -> NewAnnouncement:
        return NewAnnouncement(
            wish.channel_id,
            name,
            Event.FEEDBACK,
            card=name,
            manner=wish.manner,
            subscription_id=wish.id,
            held_until=manners.held_until(wish, await self._store.now()),
            fact=msgspec.json.encode({"kind": kind}).decode(),
        )
