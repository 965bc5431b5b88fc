"""Which apps are polled, by whom, and when again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.db import app_polls, build_waiters, builds, subscriptions
from bot.db.connect import IN_MEMORY
from bot.db.database import Database
from tests.support.builders import NOON, build, look, subscribe


async def test_a_new_subscription_is_due_at_once(store: Database) -> None:
    assert await store.run(app_polls.poll_due_in) is None
    await subscribe(store)
    assert await store.run(app_polls.poll_due_in) == 0
    assert [app.app_id for app in await store.run(app_polls.claim_due_apps, 5, 60)] == ["app"]


async def test_an_app_is_claimed_by_one_at_a_time(store: Database) -> None:
    for number in range(20):
        await subscribe(store, app=f"app{number}")
    claims = await asyncio.gather(*(store.run(app_polls.claim_due_apps, 7, 60) for _ in range(5)))
    names = [app.app_id for claim in claims for app in claim]
    assert sorted(names) == sorted({f"app{number}" for number in range(20)})
    assert all(len(claim) <= 7 for claim in claims)
    assert 50 < (await store.run(app_polls.poll_due_in) or 0) <= 60


async def test_a_lapsed_lease_lets_another_poll(store: Database) -> None:
    await subscribe(store)
    [frozen] = await store.run(app_polls.claim_due_apps, 1, 0)
    [other] = await store.run(app_polls.claim_due_apps, 1, 60)
    assert (await store.run(builds.record_poll, "app", frozen.token, [], [], next_at_seconds=3600)).lease_lost
    await store.run(app_polls.record_failure, "app", frozen.token, 3600)
    assert 50 < (await store.run(app_polls.poll_due_in) or 0) <= 60
    assert not (await store.run(builds.record_poll, "app", other.token, [], [], next_at_seconds=30)).lease_lost
    assert 20 < (await store.run(app_polls.poll_due_in) or 0) <= 30


async def test_the_longest_due_app_comes_first(store: Database) -> None:
    for name in ("b", "a", "c"):
        await subscribe(store, app=name)
    found = [(await store.run(app_polls.claim_due_apps, 1, 60))[0].app_id for _ in range(3)]
    assert found == ["b", "a", "c"]


async def test_an_app_is_due_again_when_it_was_said_to_be(store: Database) -> None:
    await subscribe(store)
    await look(store, again_in=3600)
    assert await store.run(app_polls.claim_due_apps, 1, 60) == []
    assert 3500 < (await store.run(app_polls.poll_due_in) or 0) <= 3600
    [early] = await store.run(app_polls.claim_due_apps, 1, 60, only_due=False)
    assert early.baseline_done


async def test_app_poll_skips_unsubscribed_app_and_keeps_paused(store: Database) -> None:
    await subscribe(store, app="gone")
    await subscribe(store, app="paused")
    await store.run(subscriptions.remove_subscription, "C1", "gone")
    await store.run(subscriptions.pause_subscriptions, "C1", "archived")
    assert [app.app_id for app in await store.run(app_polls.claim_due_apps, 5, 60, only_due=False)] == ["paused"]


async def test_failures_are_counted_until_a_poll_succeeds(store: Database) -> None:
    await subscribe(store)
    for failures in range(3):
        [claimed] = await store.run(app_polls.claim_due_apps, 1, 60)
        assert claimed.failures == failures
        await store.run(app_polls.record_failure, "app", claimed.token, 0)
    await look(store, again_in=0)
    assert [app.failures for app in await store.run(app_polls.claim_due_apps, 1, 60)] == [0]


# ------------------------------------------------------------------ every app


async def test_app_poll_includes_apps_met_by_every_app_subscription(store: Database) -> None:
    every = await subscribe(store, app=None)
    await store.run(app_polls.ensure_apps, ["one", "two"], catalogue_seen_at=None)
    await store.run(app_polls.ensure_apps, ["two", "three"], catalogue_seen_at=NOON)
    since = {app.app_id: app.baseline_since for app in await store.run(app_polls.claim_due_apps, 5, 60)}
    assert since == {"one": every.created_at, "two": every.created_at, "three": NOON}


async def test_meeting_an_app_again_changes_nothing(store: Database) -> None:
    await subscribe(store)
    await look(store, again_in=3600)
    await store.run(app_polls.ensure_apps, ["app"], catalogue_seen_at=NOON)
    await store.run(app_polls.ensure_apps, [], catalogue_seen_at=NOON)
    assert await store.run(app_polls.claim_due_apps, 5, 60) == []


# ------------------------------------------------------------------ the webhook


async def test_app_polls_that_were_requested_come_first(store: Database) -> None:
    for number in range(20):
        await subscribe(store, app=f"app{number:02}")
    await store.run(app_polls.request_poll, ["app17"])
    claims = await store.run(app_polls.claim_due_apps, 3, 60)
    assert [(claim.app_id, claim.on_request) for claim in claims] == [
        ("app17", True),
        ("app00", False),
        ("app01", False),
    ]


async def test_the_doorbell_makes_the_named_apps_due(store: Database) -> None:
    for name in ("one", "two"):
        await subscribe(store, app=name)
    for claimed in await store.run(app_polls.claim_due_apps, 5, 60):
        await store.run(builds.record_poll, claimed.app_id, claimed.token, [], [], next_at_seconds=3600)
    await store.run(app_polls.request_poll, ["two", "never heard of"])
    assert [app.app_id for app in await store.run(app_polls.claim_due_apps, 5, 60)] == ["two"]
    await store.run(app_polls.request_poll, None)
    assert [app.app_id for app in await store.run(app_polls.claim_due_apps, 5, 60)] == ["one"]
    await store.run(app_polls.request_poll, [])
    assert await store.run(app_polls.claim_due_apps, 5, 60) == []


@pytest.mark.parametrize("recorded", [True, False])
async def test_a_ring_during_a_poll_means_one_more_poll_at_once(store: Database, recorded: bool) -> None:
    await subscribe(store)
    [claimed] = await store.run(app_polls.claim_due_apps, 1, 60)
    for _ in range(5):
        await store.run(app_polls.request_poll, ["app"])
    assert await store.run(app_polls.claim_due_apps, 1, 60) == []  # not beside the one under way
    if recorded:
        await store.run(builds.record_poll, "app", claimed.token, [], [], next_at_seconds=3600)
    else:
        await store.run(app_polls.record_failure, "app", claimed.token, 3600)
    assert await store.run(app_polls.poll_due_in) == 0
    await look(store, again_in=3600)
    assert (await store.run(app_polls.poll_due_in) or 0) > 3500


async def test_the_state_of_the_watching_can_be_told() -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    store = await Database.open(IN_MEMORY, clock=lambda: now[0])
    for name in ("one", "two", "three"):
        await subscribe(store, app=name)
    await look(store, app="one", again_in=0)
    now[0] += timedelta(minutes=10)
    await look(store, app="two", again_in=60)
    state = await store.run(app_polls.get_polling_stats)
    assert (state.apps, state.behind, state.never_polled) == (3, 2, 1)
    assert state.oldest_poll == datetime(2026, 1, 1, tzinfo=UTC)
    await store.close()


async def test_the_state_of_watching_nothing_can_be_told_too(store: Database) -> None:
    state = await store.run(app_polls.get_polling_stats)
    assert (state.apps, state.behind, state.never_polled, state.oldest_poll) == (0, 0, 0, None)


@pytest.mark.parametrize("watched_by", ["subscription", "every app", "waiter", "nobody"])
async def test_apps_counted_are_those_that_can_be_claimed(store: Database, watched_by: str) -> None:
    for app in ("one", "two"):
        await subscribe(store, app=app)
    await store.run(subscriptions.remove_subscription, "C1", "one")
    if watched_by == "waiter":
        await store.run(build_waiters.add_waiter, build("b1", app="one"), "T1", "U1")
    elif watched_by != "nobody":
        await subscribe(store, app="one" if watched_by == "subscription" else None)
    expected = ["two"] if watched_by == "nobody" else ["one", "two"]
    assert sorted(await store.run(app_polls.list_watched_apps)) == expected
    assert await store.run(app_polls.count_apps) == (len(expected), 0)
    assert (await store.run(app_polls.get_polling_stats)).apps == len(expected)
    assert await store.run(app_polls.find_watched_apps, ["one", "two"]) == set(expected)
    assert sorted(app.app_id for app in await store.run(app_polls.claim_due_apps, 9, 60)) == expected


async def test_app_poll_due_in_is_of_what_comes_first() -> None:
    """However many apps are leased, gone or far away."""
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    store = await Database.open(IN_MEMORY, clock=lambda: now[0])
    for number in range(10):
        await subscribe(store, app=f"app{number}")
        await look(store, app=f"app{number}", again_in=60 + number)
    await store.run(subscriptions.remove_subscription, "C1", "app0")
    assert await store.run(app_polls.poll_due_in) == 61
    now[0] += timedelta(seconds=62)
    assert await store.run(app_polls.poll_due_in) == 0
    await store.run(app_polls.claim_due_apps, 8, 0.5)
    assert await store.run(app_polls.poll_due_in) == 0.5
    assert await store.run(app_polls.poll_due_in, furthest_seconds=5) == 0, "one is further than it can be"
    await store.close()


async def test_app_polls_find_watched_ones_among_others(store: Database) -> None:
    await subscribe(store, app="one")
    await subscribe(store, app="two")
    await store.run(subscriptions.remove_subscription, "C1", "two")
    assert await store.run(app_polls.find_watched_apps, ["one", "two", "three"]) == {"one"}
    assert await store.run(app_polls.find_watched_apps, []) == set()
