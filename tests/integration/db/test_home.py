"""What the Home tab and a welcome need of the store."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from bot.db import audit, build_waiters, build_watches, channel_welcome, database_info, outbox, subscriptions
from bot.db.database import Database
from bot.domain.audit import AuditAction, AuditEntry, AuditOutcome, Entrypoint
from bot.domain.model import App, Build, BuildEvent, Stage

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
APP = App("a1", "courier", "Courier")


async def had(
    store: Database, build: str | None, minutes: int, *, user: str = "U1", outcome: str = AuditOutcome.MINTED
) -> None:
    """A line of the ledger."""
    at = NOW + timedelta(minutes=minutes)
    await store.run(
        audit.add_entry,
        AuditEntry(at, "T1", user, AuditAction.GET, outcome, Entrypoint.COMMAND, app_id="a1", build_id=build),
    )


async def test_home_links_one_line_per_build_newest_first(store: Database) -> None:
    for build, minutes in (("b1", 1), ("b2", 2), ("b1", 3), ("b3", 0)):
        await had(store, build, minutes)
    await had(store, "b4", 9, user="U2")
    await had(store, "b5", 9, outcome="NotProcessed")
    await had(store, None, 9)
    found = await store.run(audit.list_links_received, "U1", 2)
    assert [(link.app_id, link.build_id, link.at) for link in found] == [
        ("a1", "b1", NOW + timedelta(minutes=3)),
        ("a1", "b2", NOW + timedelta(minutes=2)),
    ]


async def test_home_waiting_build_listed_until_told_or_stopped(store: Database) -> None:
    new_build, other = Build("b1", APP, Stage.PENDING), Build("b2", APP, Stage.PENDING)
    await store.run(build_waiters.add_waiter, new_build, "T1", "U1", "C1")
    await store.run(build_waiters.add_waiter, other, "T1", "U1")
    await store.run(build_waiters.add_waiter, new_build, "T1", "U2")
    assert [(build.id, place) for build, place in await store.run(build_watches.list_watched_builds, "U1")] == [
        ("b2", None),
        ("b1", "C1"),
    ]
    await store.run(build_watches.stop_watch, "b2", "U1")
    assert [build.id for build, _ in await store.run(build_watches.list_watched_builds, "U1")] == ["b1"]
    assert await store.run(build_watches.list_watched_builds, "U3") == []


async def test_subscriptions_are_found_by_who_made_them(store: Database) -> None:
    for channel, user in (("C1", "U1"), ("C2", "U2"), ("C3", "U1")):
        await store.run(subscriptions.add_subscription, "T1", channel, "a1", "Courier", (BuildEvent.FAILED,), "", user)
    found = await store.run(subscriptions.list_with_last_post, created_by="U1")
    assert [subscription.channel_id for subscription, _ in found] == ["C1", "C3"]


async def test_welcome_recorded_once_for_repeated_invitation_events(store: Database) -> None:
    await asyncio.gather(*(store.run(channel_welcome.enqueue_welcome, "C1") for _ in range(5)))
    assert (await store.run(outbox.get_backlog)).count == 1
    exchange = await store.run(outbox.commit_results_and_claim, (), 5, lease_seconds=5, pace_seconds=0)
    (claim,) = exchange.claims
    assert (claim.announcement.channel_id, str(claim.announcement.event)) == ("C1", "welcome")
    await store.run(channel_welcome.enqueue_welcome, "C1")
    assert (await store.run(outbox.get_backlog)).count == 1


async def test_a_subscribed_channel_is_never_welcomed(store: Database) -> None:
    subscription = await store.run(
        subscriptions.add_subscription, "T1", "C1", "a1", "Courier", (BuildEvent.FAILED,), "", "U1"
    )
    await store.run(channel_welcome.enqueue_welcome, "C1")
    await store.run(subscriptions.remove_subscription, "C1", subscription.id)
    await store.run(channel_welcome.enqueue_welcome, "C1")
    assert (await store.run(outbox.get_backlog)).count == 0


async def test_the_database_tells_its_own_version(store: Database) -> None:
    version = await store.run(database_info.engine_version)
    assert version[0].isdigit()
    assert " " not in version
