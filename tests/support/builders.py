"""Builds, subscriptions and announcements, in a few words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from bot.db import app_polls, outbox, subscriptions
from bot.db import builds as stored_builds
from bot.db.builds import PollRecord
from bot.db.database import Database
from bot.db.outbox_types import DeliveryClaim, DeliveryResult, OutboxBatch
from bot.db.schema import outbox as table
from bot.db.transaction import Transaction
from bot.domain.model import App, Build, BuildEvent, BuildTransition, CardUpdate, NewDelivery, Stage, Subscription
from tests.support.sqlalchemy_core import core

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def build(name: str, stage: Stage = Stage.PENDING, *, app: str = "app", minute: int | None = None, **facts) -> Build:
    """Return a build of an app, uploaded so many minutes after noon."""
    created = None if minute is None else NOON + timedelta(minutes=minute)
    return Build(name, App(app, app, app.title()), stage, created_at=created, **facts)


async def stages(store: Database, app: str = "app", ids: Iterable[str] = ()) -> dict[str, Stage]:
    """Return the known stages of an app's builds."""
    return {build_id: known.stage for build_id, known in (await store.run(stored_builds.list_known, app, ids)).items()}


async def subscribe(
    store: Database, channel: str = "C1", app: str | None = "app", baseline=(), **options
) -> Subscription:
    """Subscribe a channel to all events of an app."""
    return await store.run(
        subscriptions.add_subscription,
        "T1",
        channel,
        app,
        "App",
        list(BuildEvent),
        "",
        "U1",
        baseline=baseline,
        **options,
    )


async def look(
    store: Database,
    changes: Iterable[BuildTransition] = (),
    announcements: Iterable[NewDelivery] = (),
    *,
    app: str = "app",
    again_in: float = 60,
) -> PollRecord:
    """Record a poll of an app with these changes, whether it is due or not."""
    claimed = [
        app_ for app_ in await store.run(app_polls.claim_due_apps, 100, 60, only_due=False) if app_.app_id == app
    ]
    return await store.run(
        stored_builds.record_poll,
        app,
        claimed[0].token,
        list(changes),
        list(announcements),
        next_at_seconds=again_in,
        baseline_done=True,
    )


async def fill(store: Database, channels: Iterable[str], builds: Iterable[str]) -> None:
    """Poll the app and announce these new builds, in order, in these channels."""
    names = list(channels)
    for channel in names:
        await subscribe(store, channel)
    news = [build(name, Stage.READY) for name in builds]
    await look(
        store,
        [BuildTransition(new, None) for new in news],
        [NewDelivery(channel, new.id, BuildEvent.PROCESSED) for new in news for channel in names],
    )


async def exchange(
    store: Database, done: Iterable[DeliveryResult] = (), room: int = 10, *, lease: float = 60, pace: float = 0
) -> OutboxBatch:
    """Commit results to the outbox and claim announcements."""
    return await store.run(outbox.commit_results_and_claim, list(done), room, lease_seconds=lease, pace_seconds=pace)


async def take(store: Database, room: int = 10, *, lease: float = 60) -> list[DeliveryClaim]:
    """Claim up to `room` announcements; a lease of 0 seconds has expired already."""
    return list((await exchange(store, room=room, lease=lease)).claims)


def said(claims: Iterable[DeliveryClaim]) -> list[tuple[str, str]]:
    """Return the channel and build of each claim."""
    return [(claim.announcement.channel_id, claim.announcement.build.id) for claim in claims]


def posted_ts(tx: Transaction, channel_id: str, build_id: str) -> str | None:
    """Return the ts of a channel's last message about a build, if any."""
    here = (table.c.channel_id == channel_id) & (table.c.build_id == build_id)
    query = sa.select(table.c.ts).where(here, table.c.ts.is_not(None))
    ts: str | None = core(
        tx, query.where(~table.c.event.startswith(CardUpdate.DETAILS)).order_by(table.c.id.desc()).limit(1)
    ).scalar()
    return ts
