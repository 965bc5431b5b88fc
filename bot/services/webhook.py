"""Applivery's webhook: poll the apps it names now; regular polling remains the fallback."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import msgspec

from bot.db import access, app_polls, builds, database_info, subscriptions
from bot.db.database import Database
from bot.domain import delivery_options
from bot.domain.model import BuildEvent, NewDelivery, Subscription
from bot.domain.token_buckets import TokenBuckets
from bot.exceptions import DatabaseUnavailable

POLLS_AT_ONCE, POLL_SECONDS = 5, 10.0  # for one app: 365 an hour at most
NOTICES_AT_ONCE, NOTICE_SECONDS = 3, 300.0

_ID = re.compile(rb"[0-9a-fA-F]{24}(?![0-9a-fA-F])")
# https://docs.applivery.com/en/app-distribution/integrations/webhooks
_FEEDBACK = re.compile(rb"\b(feedback|bug)_created\b")


class WebhookHandler:
    """Triggers polls of the apps in the body, which is not trusted otherwise.

    Anyone who knows the URL can call it any number of times, so polls are limited: a few at once per app and then at
    intervals, in total `per_hour`, a quarter of them at once. Feedback, which cannot be verified, has a lower limit.
    """

    def __init__(self, store: Database, *, per_hour: int = 2000, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._polls = TokenBuckets(POLLS_AT_ONCE, POLL_SECONDS)
        at_once = max(per_hour // 4, 1)
        self._all_polls = TokenBuckets(at_once, 3600 / max(per_hour - at_once, 1))
        self._notices = TokenBuckets(NOTICES_AT_ONCE, NOTICE_SECONDS)
        self._delayed_polls: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """Cancel delayed polls; regular polling replaces them."""
        for handle in self._delayed_polls.values():
            handle.cancel()
        for task in self._tasks:
            task.cancel()

    async def handle_webhook(self, body: bytes) -> None:
        """Make the watched apps whose id is in the body due, or all watched apps if it has none.

        The payload is not documented, so ids are looked for anywhere in it, in any format. Feedback is announced to its
        subscribers, once each, without any text of the body. Raises DatabaseUnavailable.
        """
        named = {found.decode().lower() for found in _ID.findall(body)}
        watched = await self._store.run(app_polls.find_watched_apps, named) if named else set()
        every = watched or await self._store.run(app_polls.list_watched_apps)
        if now_due := {app_id for app_id in sorted(every) if self._may_poll(app_id)}:
            await self._store.run(app_polls.request_poll, now_due)
        if kind := _FEEDBACK.search(body):
            await self._announce_feedback(kind[1].decode(), watched, named - watched, body)

    def _may_poll(self, app_id: str) -> bool:
        """Return whether the app may be polled now; if not, schedule it, or leave it to regular polling."""
        now = self._clock()
        wait = self._polls.wait(app_id, now) or self._all_polls.wait("", now)
        if not wait:
            return True
        if app_id not in self._delayed_polls:
            self._delayed_polls[app_id] = asyncio.get_running_loop().call_later(wait, self._poll_later, app_id)
        return False

    def _poll_later(self, app_id: str) -> None:
        del self._delayed_polls[app_id]
        if self._may_poll(app_id):
            task = asyncio.create_task(self._request_poll(app_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _request_poll(self, app_id: str) -> None:
        with suppress(DatabaseUnavailable):  # regular polling is the fallback
            await self._store.run(app_polls.request_poll, [app_id])

    async def _announce_feedback(self, kind: str, apps: Iterable[str], others: set[str], body: bytes) -> None:
        """Announce feedback once: Applivery's API cannot list it, so the other ids in the body identify it."""
        which = hashlib.blake2b("".join(sorted(others)).encode() or body, digest_size=8).hexdigest()
        allowed = await self._store.cached(access.list_allowed_channels)
        for app_id in apps:
            if self._notices.wait(app_id, self._clock()):
                continue
            name = f"{kind}/{app_id}/{which}"
            listening = await self._store.run(subscriptions.list_subscriptions, about=app_id)
            deliveries = [
                await self._new_delivery(subscription, kind, name)
                for subscription in listening
                if BuildEvent.FEEDBACK in subscription.events
                and subscription.channel_id in allowed.get(app_id, {subscription.channel_id})
            ]
            if deliveries:
                await self._store.run(builds.enqueue_deliveries, app_id, deliveries)

    async def _new_delivery(self, subscription: Subscription, kind: str, name: str) -> NewDelivery:
        return NewDelivery(
            subscription.channel_id,
            name,
            BuildEvent.FEEDBACK,
            card=name,
            manner=subscription.manner,
            subscription_id=subscription.id,
            held_until=delivery_options.held_until(subscription, await self._store.run(database_info.current_time)),
            fact=msgspec.json.encode({"kind": kind}).decode(),
        )
