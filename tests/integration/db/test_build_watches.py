"""Progress messages as they are remembered: whose they are, what is known of their build, and who may change them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.db import app_polls, build_waiters, build_watches, builds, database_info
from bot.db.build_watches import BuildWatch
from bot.db.database import Database
from bot.db.wakeups import Topic
from bot.domain.model import Build, BuildEvent, BuildTransition, Stage
from bot.domain.states import WatchState
from tests.support.builders import build, look, take

USUAL = timedelta(minutes=8)
PENDING, RUNNING, READY = (build("b1", stage) for stage in (Stage.PENDING, Stage.RUNNING, Stage.READY))


async def follow(store: Database, build: Build = PENDING, user: str = "U1", usual: timedelta | None = USUAL) -> bool:
    await store.run(build_waiters.add_waiter, build, "T1", user)
    return await store.run(build_watches.add_watch, build, user, usual)


async def taken(store: Database, lease: float = 0.0) -> list[BuildWatch]:
    return sorted(await store.run(build_watches.lease_due_watches, 10, lease), key=lambda watch: watch.user_id)


async def heard(store: Database) -> list[tuple[str, BuildEvent]]:
    """What is said next, to whom."""
    claims = [claim.announcement for claim in await take(store)]
    return [(delivery.channel_id, delivery.event) for delivery in claims]


async def test_watch_new_has_no_message_and_stores_build_as_seen(store: Database) -> None:
    assert await follow(store)
    [watch] = await taken(store)
    assert (watch.build, watch.user_id, watch.usual, watch.standing) == (PENDING, "U1", USUAL, WatchState.OPEN)
    assert (watch.channel, watch.ts, watch.shown, watch.alarmed, watch.seen_at) == (None, None, "", False, None)
    assert abs(watch.started_at - await store.run(database_info.current_time)) < timedelta(seconds=30)


@pytest.mark.parametrize("usual", [None, timedelta(milliseconds=1500), timedelta(days=1)])
async def test_watch_usual_duration_is_stored(store: Database, usual: timedelta | None) -> None:
    await follow(store, usual=usual)
    assert [watch.usual for watch in await taken(store)] == [usual]


async def test_watch_repeated_keeps_existing_row(store: Database) -> None:
    assert await follow(store)
    [watch] = await taken(store)
    await store.run(build_watches.record_shown, watch, "D1", "1.1", "Running", again_in=0.0)
    assert not await follow(store, usual=None)
    [same] = await taken(store)
    assert (same.ts, same.shown, same.usual, same.started_at) == ("1.1", "Running", USUAL, watch.started_at)


async def test_watch_without_await_is_refused(store: Database) -> None:
    assert not await store.run(build_watches.add_watch, PENDING, "U1", USUAL)
    assert await store.run(build_watches.watch_due_in) is None


async def test_each_person_has_a_message_of_their_own(store: Database) -> None:
    await follow(store)
    await follow(store, user="U2")
    mine, hers = await taken(store)
    await store.run(build_watches.record_shown, mine, "D1", "1.1", "Running", again_in=0.0)
    await store.run(build_watches.end_watch, hers)
    assert [(watch.user_id, watch.ts) for watch in await taken(store)] == [("U1", "1.1")]


async def test_watch_claimed_is_exclusive_until_released(store: Database) -> None:
    await follow(store)
    every = [watch for many in await asyncio.gather(*(taken(store, 60.0) for _ in range(5))) for watch in many]
    assert len(every) == 1
    assert 50 < (await store.run(build_watches.watch_due_in) or 0) <= 60
    await store.run(build_watches.record_shown, every[0], "D1", "1.1", "Running", again_in=5.0)
    assert await taken(store) == []
    assert 4 < (await store.run(build_watches.watch_due_in) or 0) <= 5
    await store.run(build_watches.postpone_watch, every[0], 0.0)
    assert len(await taken(store)) == 1


async def test_only_so_many_are_taken_the_longest_due_first(store: Database) -> None:
    for user in ("U1", "U2", "U3"):
        await follow(store, user=user)
    first = await store.run(build_watches.lease_due_watches, 2, 60.0)
    assert {watch.user_id for watch in first} == {"U1", "U2"}
    assert await store.run(build_watches.watch_due_in) == 0.0


async def test_watch_news_is_what_was_recorded_since_the_request(store: Database) -> None:
    await store.run(app_polls.ensure_apps, ["app"], catalogue_seen_at=None)
    await store.run(build_waiters.add_waiter, build("b0"), "T1", "U9")  # so that the app is watched
    await look(store, [BuildTransition(READY, None)])
    await follow(store, RUNNING)
    [watch] = await taken(store)
    assert watch.build.stage is Stage.RUNNING
    assert watch.seen_at is not None
    await look(store, [BuildTransition(RUNNING, Stage.READY)])
    await look(store, [BuildTransition(build("b1", Stage.FAILED, error="No", error_code="7"), Stage.RUNNING)])
    [watch] = await taken(store)
    assert (watch.build.stage, watch.build.error, watch.build.error_code) == (Stage.FAILED, "No", "7")


async def test_watch_message_posted_once_and_retried_when_refused(store: Database) -> None:
    await follow(store)
    [watch] = await taken(store)
    assert await store.run(build_watches.mark_post_attempted, watch)
    assert not await store.run(build_watches.mark_post_attempted, watch)
    await store.run(build_watches.postpone_watch, watch, 0.0)
    assert await store.run(build_watches.mark_post_attempted, watch)


async def test_watch_stopped_ends_await_and_can_restart(store: Database) -> None:
    await follow(store)
    [watch] = await taken(store)
    await store.run(build_watches.record_shown, watch, "D1", "1.1", "Running", again_in=0.0)
    for _ in range(2):
        await store.run(build_watches.stop_watch, "b1", "U1")
    assert await store.run(build_waiters.list_waiters, "app") == {}
    assert [(each.standing, each.ts) for each in await taken(store)] == [(WatchState.STOPPED, "1.1")]
    assert await follow(store)
    [anew] = await taken(store)
    assert (anew.standing, anew.ts, anew.shown) == (WatchState.OPEN, None, "")


async def test_watch_result_for_earlier_request_changes_nothing(store: Database) -> None:
    await follow(store)
    [old] = await taken(store)
    await store.run(build_watches.stop_watch, "b1", "U1")
    await follow(store)
    await store.run(build_watches.record_shown, old, "D1", "1.1", "Running", again_in=60.0)
    await store.run(build_watches.enqueue_stuck, old)
    await store.run(build_watches.end_watch, old)
    assert not await store.run(build_watches.mark_post_attempted, old)
    assert [(watch.ts, watch.alarmed) for watch in await taken(store)] == [(None, False)]
    assert await heard(store) == []


async def test_the_alarm_is_said_once(store: Database) -> None:
    await store.run(app_polls.ensure_apps, ["app"], catalogue_seen_at=None)
    await follow(store, RUNNING)
    await look(store, [BuildTransition(RUNNING, None)])
    [watch] = await taken(store)
    await asyncio.gather(*(store.run(build_watches.enqueue_stuck, watch) for _ in range(3)))
    assert await heard(store) == [("U1", BuildEvent.STUCK)]
    assert [each.alarmed for each in await taken(store)] == [True]


@pytest.mark.parametrize("recorded", [True, False])
async def test_watch_deletion_told_once_to_all_waiting_by_build_name(store: Database, recorded: bool) -> None:
    named = build("b1", version="2.4.0")
    await store.run(app_polls.ensure_apps, ["app"], catalogue_seen_at=None)
    await follow(store, named)
    await store.run(build_waiters.add_waiter, named, "T1", "U2")
    await store.run(build_waiters.add_waiter, build("b2"), "T1", "U3")
    if recorded:
        await look(store, [BuildTransition(named, None)])
    for _ in range(2):
        await store.run(build_watches.enqueue_deleted, "app", "b1")
        await store.run(builds.mark_deleted, "app", "b1")
    assert await store.run(build_waiters.list_waiters, "app") == {"b2": ["U3"]}
    claims = [claim.announcement for claim in await take(store)]
    assert sorted((delivery.channel_id, delivery.event) for delivery in claims) == [
        ("U1", BuildEvent.DELETED),
        ("U2", BuildEvent.DELETED),
    ]
    assert {delivery.build.version for delivery in claims} == {"2.4.0"}
    assert [watch.standing for watch in await taken(store)] == [WatchState.DELETED]
    assert "b1" not in await store.run(builds.list_known, "app", ["b1"])


async def test_watch_deletion_without_waiters_is_not_told(store: Database) -> None:
    await follow(store)
    await store.run(build_watches.stop_watch, "b1", "U1")
    await store.run(build_watches.enqueue_deleted, "app", "b1")
    assert await heard(store) == []
    assert [watch.standing for watch in await taken(store)] == [WatchState.STOPPED]


async def test_watch_added_wakes_progress_updater(store: Database) -> None:
    waiting = asyncio.create_task(store.wait(Topic.BUILD_WATCHES, 5))
    await asyncio.sleep(0)
    await follow(store)
    assert await waiting
