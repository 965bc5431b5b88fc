"""What channels are subscribed to: saved, muted and ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.db import mutes, subscriptions
from bot.db.database import Database
from bot.domain import filters
from bot.domain.audit import AuditAction, AuditOutcome, Entrypoint
from bot.domain.model import Actor, App, Build, BuildEvent, DeliveryOptions, Subscription
from bot.domain.mutes import mute_ends
from bot.services.audit import AuditLog


@dataclass(frozen=True, slots=True)
class Saved:
    """A subscription, whether it replaced one for the same app, and whether the channel's paused ones go on."""

    subscription: Subscription
    replaced: bool
    resumed: bool


class SubscriptionService:
    """The subscriptions of channels. Each method raises DatabaseUnavailable."""

    def __init__(self, store: Database, audit: AuditLog) -> None:
        self._store = store
        self._audit = audit

    async def of_channel(self, channel_id: str | None) -> list[Subscription]:
        """Return the subscriptions of a channel."""
        return await self._store.run(subscriptions.list_subscriptions, channel_id or "")

    async def with_last_post(
        self, channel_id: str | None = None, *, created_by: str | None = None
    ) -> list[tuple[Subscription, datetime | None]]:
        """Return the subscriptions of a channel (None: of all), or of one owner, with the time of their last post."""
        return await self._store.run(subscriptions.list_with_last_post, channel_id, created_by=created_by)

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
    ) -> Saved:
        """Save a subscription to an app (None: to every app, which is called `every_app`) with the builds of history.

        One for the same app is replaced. A channel that could not be posted to before can be now, so its deliveries
        that were held are released.
        """
        before = await self._store.run(subscriptions.list_subscriptions, channel_id)
        resumed = any(subscription.paused for subscription in before)
        if resumed:
            await self._store.run(mutes.release_channel, channel_id)
            await self._store.run(subscriptions.resume_subscriptions, channel_id)
        saved = await self._store.run(
            subscriptions.add_subscription,
            team_id=actor.team_id,
            channel_id=channel_id,
            app_id=app.id if app else None,
            app_name=app.name if app else every_app,
            events=events,
            query=query,
            created_by=actor.user_id,
            manner=options,
            # for every app at once the first poll finds out what is history
            baseline=baseline if app else (),
        )
        await self._audit.record(
            actor, entrypoint, AuditAction.SUBSCRIBE, filters.typed(events, query, options), app_id=saved.app_id
        )
        replaced = any(subscription.app_id == saved.app_id for subscription in before)
        return Saved(saved, replaced, resumed)

    async def end(self, actor: Actor, entrypoint: Entrypoint, subscription: Subscription) -> Subscription | None:
        """End a subscription and return it; None for one that has ended already."""
        removed = await self._store.run(subscriptions.remove_subscription, subscription.channel_id, subscription.id)
        if removed is not None:
            outcome = f"in {subscription.channel_id}"
            await self._audit.record(actor, entrypoint, AuditAction.UNSUBSCRIBE, outcome, app_id=subscription.app_id)
        return removed

    async def mute(
        self,
        actor: Actor,
        entrypoint: Entrypoint,
        found: Sequence[Subscription],
        until: datetime | None,
        now: datetime,
    ) -> list[Subscription]:
        """Hold what these subscriptions of one channel deliver until a time (aware; None: release what is held).

        Returns those that were muted before; when none was, there is nothing to release. `found` is not empty.
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
