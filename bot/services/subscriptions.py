"""Subscriptions of channels: save, mute and end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from msgspec import Struct

from bot.db import access_pauses, mutes, subscriptions
from bot.db.database import Database
from bot.db.subscriptions import SubscriptionsPage
from bot.domain import filters
from bot.domain.audit import AuditAction, AuditOutcome, Entrypoint
from bot.domain.model import Actor, App, Build, BuildEvent, DeliveryOptions, SharedAs, Subscription
from bot.domain.mutes import mute_ends
from bot.domain.states import PauseReason
from bot.domain.subscription_changes import SubscriptionChange
from bot.services.audit import AuditLog


class Saved(Struct, frozen=True):
    """A subscription, the key to undo the change (empty for a new one), and whether its channel was resumed."""

    subscription: Subscription
    undo: str
    resumed: bool


class SubscriptionService:
    """The subscriptions of channels. Each method raises DatabaseUnavailable."""

    def __init__(self, store: Database, audit: AuditLog) -> None:
        self._store = store
        self._audit = audit

    async def of_channel(self, channel_id: str | None) -> list[Subscription]:
        """Return the subscriptions of a channel."""
        return await self._store.run(subscriptions.list_subscriptions, channel_id or "")

    async def of_app(self, app: App) -> list[Subscription]:
        """Return the subscriptions to an app, without those to every app."""
        found = await self._store.run(subscriptions.list_subscriptions, about=app.id)
        return [subscription for subscription in found if subscription.app_id == app.id]

    async def made_by(self, user_id: str) -> list[tuple[Subscription, datetime | None]]:
        """Return the subscriptions a user created, each with the time of its last post."""
        return await self._store.run(subscriptions.list_with_last_post, user_id)

    async def page(
        self, channel_id: str | None, number: int, size: int, *, app_ids: Collection[str] | None = None
    ) -> SubscriptionsPage:
        """Return a page of a channel's subscriptions (None: of all) to these apps (None: to any), or the nearest."""
        return await self._store.run(subscriptions.list_page, channel_id, number, size, app_ids=app_ids)

    async def find(self, channel_id: str, app: App | None) -> Subscription | None:
        """Return the subscription of a channel to an app (None: to every app)."""
        app_id = app.id if app else None
        return next((found for found in await self.of_channel(channel_id) if found.app_id == app_id), None)

    async def save(
        self,
        actor: Actor,
        entrypoint: Entrypoint,
        *,
        channel_id: str,
        app: App | None,
        every_app: str,
        events: Sequence[BuildEvent],
        query: str,
        options: DeliveryOptions,
        baseline: Sequence[Build],
        expected: Subscription | None,
    ) -> Saved | None:
        """Save a subscription to an app (None: every app, named `every_app`) with the baseline of its builds.

        It replaces the `expected` one; save nothing and return None when the channel has another one by now.
        """
        resumed = await self.resume(channel_id)
        saved = await self._store.run(
            subscriptions.change_subscription,
            expected,
            team_id=actor.team_id,
            channel_id=channel_id,
            app_id=app.id if app else None,
            app_name=app.name if app else every_app,
            events=events,
            query=query,
            created_by=actor.user_id,
            manner=options,
            # for every app, the first poll sets the baseline
            baseline=baseline if app else (),
        )
        if saved is None:
            return None
        subscription, undo = saved
        await self._audit.record(
            actor, entrypoint, AuditAction.SUBSCRIBE, filters.typed(events, query, options), app_id=subscription.app_id
        )
        return Saved(subscription, undo, resumed)

    async def resume(self, channel_id: str) -> bool:
        """Resume a channel that accepts messages again; return whether it was paused."""
        paused = any(subscription.paused for subscription in await self.of_channel(channel_id))
        if paused:
            await self._store.run(mutes.release_channel, channel_id)
            await self._store.run(subscriptions.resume_subscriptions, channel_id)
        return paused

    async def decide_sharing(
        self, actor: Actor, entrypoint: Entrypoint, subscription: Subscription, shared: SharedAs
    ) -> None:
        """Record what another organisation may see of a subscription, and resume it."""
        await self._store.run(subscriptions.decide_sharing, subscription.channel_id, shared, number=subscription.id)
        if subscription.paused == PauseReason.SHARED:
            await self._store.run(access_pauses.resume_subscription, subscription.id)
        await self._audit.record(
            actor, entrypoint, AuditAction.SUBSCRIBE, f"shared {shared}", app_id=subscription.app_id
        )

    async def end(
        self, actor: Actor, entrypoint: Entrypoint, subscription: Subscription
    ) -> tuple[Subscription, str] | None:
        """End a subscription and return it with the key to undo that; None if it has ended already."""
        removed = await self._store.run(subscriptions.end_subscription, subscription.channel_id, subscription.id)
        if removed is not None:
            outcome = f"in {subscription.channel_id}"
            await self._audit.record(actor, entrypoint, AuditAction.UNSUBSCRIBE, outcome, app_id=subscription.app_id)
        return removed

    async def change(self, key: str) -> SubscriptionChange | None:
        """Return the change with this key; None when it is too old to be undone."""
        return await self._store.run(subscriptions.get_change, key)

    async def undo(
        self, actor: Actor, entrypoint: Entrypoint, change: SubscriptionChange, baseline: Sequence[Build]
    ) -> Subscription | None:
        """Restore a subscription as it was before a change; None when it was changed again since."""
        before = change.before
        restored = await self._store.run(subscriptions.undo_change, change, baseline if before.app_id else ())
        if restored is not None:
            outcome = filters.typed(before.events, before.query, before.manner)
            await self._audit.record(actor, entrypoint, AuditAction.SUBSCRIBE, outcome, app_id=before.app_id)
        return restored

    async def mute(
        self,
        actor: Actor,
        entrypoint: Entrypoint,
        found: Sequence[Subscription],
        until: datetime | None,
        now: datetime,
    ) -> list[Subscription]:
        """Mute these subscriptions of one channel until a time (aware; None: unmute).

        Returns those that were muted before; without any, unmuting does nothing. `found` is not empty.
        """
        muted = [subscription for subscription in found if mute_ends(subscription, now)]
        changed = found if until else muted
        if changed:
            await self._store.run(
                mutes.mute_subscriptions, found[0].channel_id, [subscription.id for subscription in changed], until
            )
            outcome = f"until {until:%Y-%m-%d %H:%M} UTC" if until else AuditOutcome.UNMUTED
            app_id = found[0].app_id if len(found) == 1 else None
            await self._audit.record(actor, entrypoint, AuditAction.MUTE, outcome, app_id=app_id)
        return muted
