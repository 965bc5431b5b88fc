"""Subscriptions, and what a channel is to hear from the moment it asks."""

from __future__ import annotations

import itertools

from bot.db import app_polls, builds, database_info, subscriptions
from bot.db.database import Database
from bot.db.outbox_types import DeliveryResult
from bot.domain.builds import announcements, changes
from bot.domain.model import Build, BuildEvent, Stage
from bot.domain.states import ResultKind
from tests.support.builders import NOON, build, exchange, fill, said, subscribe, take
from tests.support.waiting import busyness


async def poll(store: Database, *listed: Build, app: str = "app") -> None:
    """What jobs/watch does: claim, compare, decide, record; `listed` is newest first."""
    [claimed] = [
        claimed_app
        for claimed_app in await store.run(app_polls.claim_due_apps, 9, 60, only_due=False)
        if claimed_app.app_id == app
    ]
    known = await store.run(builds.list_known, app, [build.id for build in listed])
    stages = {build_id: known_build.stage for build_id, known_build in known.items()}
    news = changes(stages, listed, baseline=not claimed.baseline_done, since=claimed.baseline_since)
    wishes = [
        subscription
        for subscription in await store.run(subscriptions.list_subscriptions)
        if subscription.app_id in (app, None)
    ]
    wanted = announcements(news, wishes, now=await store.run(database_info.current_time))
    await store.run(builds.record_poll, app, claimed.token, news, wanted, next_at_seconds=60)


async def heard(store: Database) -> list[tuple[str, str, str]]:
    """Everything there is to say, said: channel, build and event."""
    found = []
    while claims := await take(store):
        found += [(c.announcement.channel_id, c.announcement.build.id, str(c.announcement.event)) for c in claims]
        await exchange(
            store, [DeliveryResult.of(claim, ResultKind.POSTED, ts=f"1.{claim.announcement.id}") for claim in claims], 0
        )
    return sorted(found)


async def test_a_subscription_is_what_was_asked_for(store: Database) -> None:
    made = await store.run(
        subscriptions.add_subscription,
        "T1",
        "C1",
        "app",
        "App",
        [BuildEvent.PROCESSED, BuildEvent.FAILED],
        "branch:main",
        "U1",
    )
    assert (made.team_id, made.channel_id, made.app_id, made.app_name) == ("T1", "C1", "app", "App")
    assert (made.events, made.query, made.created_by) == (
        (BuildEvent.PROCESSED, BuildEvent.FAILED),
        "branch:main",
        "U1",
    )
    assert made.paused is None
    assert abs((made.created_at - await store.run(database_info.current_time)).total_seconds()) < 10 * busyness()
    assert await store.run(subscriptions.list_subscriptions, "C1") == [made]
    assert await store.run(subscriptions.list_subscriptions, "C2") == []


async def test_subscription_same_channel_and_app_replaced_with_same_id(store: Database) -> None:
    first = await store.run(
        subscriptions.add_subscription, "T1", "C1", None, "every app", [BuildEvent.FAILED], "", "U1"
    )
    await store.run(subscriptions.pause_subscriptions, "C1", "the bot was removed")
    second = await store.run(
        subscriptions.add_subscription, "T1", "C1", None, "every app", [BuildEvent.PROCESSED], "os:ios", "U2"
    )
    assert second.id == first.id
    assert second.app_id is None
    assert await store.run(subscriptions.list_subscriptions) == [second]
    assert (second.created_by, second.query, second.paused) == ("U2", "os:ios", None)


async def test_subscription_removed_by_id_or_app_only_in_its_channel(store: Database) -> None:
    first, second, every = await subscribe(store), await subscribe(store, app="two"), await subscribe(store, app=None)
    assert await store.run(subscriptions.remove_subscription, "C2", first.id) is None
    assert await store.run(subscriptions.remove_subscription, "C1", first.id) == first
    assert await store.run(subscriptions.remove_subscription, "C1", first.id) is None
    assert await store.run(subscriptions.remove_subscription, "C1", "two") == second
    assert await store.run(subscriptions.remove_subscription, "C1", "*") == every
    assert await store.run(subscriptions.list_subscriptions) == []


async def test_subscriptions_are_listed_by_page_place_and_maker(store: Database) -> None:
    made = [
        await store.run(subscriptions.add_subscription, "T1", channel, app, "A", [BuildEvent.FAILED], "", user)
        for channel, app, user in (("C1", "a1", "U1"), ("C2", "a1", "U2"), ("C1", "a2", "U3"), ("C3", None, "U1"))
    ]
    first = await store.run(subscriptions.list_subscriptions_after, 0, 3)
    assert first == made[:3]
    assert await store.run(subscriptions.list_subscriptions_after, first[-1].id, 3) == made[3:]
    assert await store.run(subscriptions.list_subscriptions_near, {"C1"}, {"U2", "U4"}) == made[:3]
    assert await store.run(subscriptions.list_subscriptions_near, (), {"U1"}) == [made[0], made[3]]
    assert await store.run(subscriptions.find_subscribed, {"C2", "C3", "C4"}) == {"C2", "C3"}


async def test_pausing_says_which_ones_are_newly_paused(store: Database) -> None:
    await subscribe(store)
    assert [s.paused for s in await store.run(subscriptions.pause_subscriptions, "C1", "archived")] == ["archived"]
    await subscribe(store, app="two")
    assert [s.app_id for s in await store.run(subscriptions.pause_subscriptions, "C1", "archived since")] == ["two"]
    assert [s.paused for s in await store.run(subscriptions.resume_subscriptions, "C1")] == [None, None]
    assert await store.run(subscriptions.resume_subscriptions, "C1") == []


async def test_the_last_post_is_known_per_subscription(store: Database) -> None:
    await fill(store, ["C1"], ["b1"])
    await subscribe(store, app="two")
    await subscribe(store, app=None)
    await heard(store)
    found = (await store.run(subscriptions.list_page, "C1", 0, 10)).found
    last = {subscription.app_id: at for subscription, at in found}
    assert last["two"] is None
    assert last["app"] is not None
    assert last[None] == last["app"]


async def test_pages_hold_each_subscription_once(store: Database) -> None:
    made = [
        (channel, app)
        for channel, app in itertools.product(("C3", "C1", "C2"), ("two", "one", None))
        if await subscribe(store, channel, app)
    ]
    pages = [await store.run(subscriptions.list_page, None, number, 4) for number in range(3)]
    assert [(page.number, page.pages, len(page.found)) for page in pages] == [(0, 3, 4), (1, 3, 4), (2, 3, 1)]
    found = [subscription for page in pages for subscription, _ in page.found]
    assert [(each.channel_id, each.id) for each in found] == sorted((each.channel_id, each.id) for each in found)
    assert sorted((each.channel_id, str(each.app_id)) for each in found) == sorted((at, str(app)) for at, app in made)
    assert await store.run(subscriptions.list_page, None, 99, 4) == pages[-1]


async def test_a_page_may_be_of_some_apps_only(store: Database) -> None:
    for app in ("one", "two", None):
        await subscribe(store, "C1", app)
    some = await store.run(subscriptions.list_page, "C1", 0, 10, app_ids=["two"])
    assert ([each.app_id for each, _ in some.found], some.pages) == (["two"], 1)
    assert await store.run(subscriptions.list_page, "C1", 3, 10, app_ids=[]) == ([], 0, 0)


# ------------------------------------------------------------------ from when on


async def test_nothing_from_before_the_subscription_is_announced(store: Database) -> None:
    old, running = build("old", Stage.READY, minute=1), build("running", Stage.RUNNING, minute=2)
    await subscribe(store, baseline=[running, old])
    older = build("older", Stage.READY, minute=0)  # on a page the baseline did not reach
    await poll(store, running, old, older)
    assert await heard(store) == []


async def test_subscription_follows_build_in_progress_to_its_end(store: Database) -> None:
    await subscribe(store, baseline=[build("b1", Stage.RUNNING, minute=2)])
    await poll(store, build("b1", Stage.READY, minute=2))
    assert await heard(store) == [("C1", "b1", "processed")]


async def test_subscription_does_not_miss_build_after_first_list(store: Database) -> None:
    """A build between the list and the subscription is not missed."""
    await subscribe(store, baseline=[build("b1", Stage.READY, minute=1)])
    await poll(store, build("b2", Stage.READY, minute=2), build("b1", Stage.READY, minute=1))
    assert await heard(store) == [("C1", "b2", "processed"), ("C1", "b2", "uploaded")]


async def test_the_first_build_of_an_app_without_builds_is_announced(store: Database) -> None:
    await subscribe(store)
    [claimed] = await store.run(app_polls.claim_due_apps, 1, 60)
    assert claimed.baseline_since is not None
    assert not claimed.baseline_done
    assert abs((claimed.baseline_since - await store.run(database_info.current_time)).total_seconds()) < 10 * busyness()


async def test_subscription_second_channel_hears_only_later_news(store: Database) -> None:
    """The first channel misses nothing."""
    await subscribe(store, "C1", baseline=[build("b1", Stage.READY, minute=1)])
    await poll(store, build("b1", Stage.READY, minute=1))
    unpolled, running = build("b2", Stage.READY, minute=2), build("b3", Stage.RUNNING, minute=3)
    await subscribe(store, "C2", baseline=[running, unpolled])
    await poll(store, build("b3", Stage.READY, minute=3), unpolled)
    assert await heard(store) == [
        ("C1", "b2", "processed"),
        ("C1", "b2", "uploaded"),
        ("C1", "b3", "processed"),
        ("C1", "b3", "uploaded"),
        ("C2", "b3", "processed"),
    ]


async def test_subscription_replaced_loses_no_build_in_progress(store: Database) -> None:
    await subscribe(store, baseline=[build("b1", Stage.READY, minute=1)])
    await poll(store, build("b1", Stage.READY, minute=1))
    unpolled = build("b2", Stage.READY, minute=2)
    await subscribe(store, baseline=[unpolled])
    await poll(store, unpolled)
    assert await heard(store) == [("C1", "b2", "processed"), ("C1", "b2", "uploaded")]


async def test_subscription_widened_loses_no_build_in_progress(store: Database) -> None:
    """A build on its way to the narrow subscription is announced by the wider one."""
    await subscribe(store, baseline=[build("b1", Stage.READY, minute=1)])
    await poll(store, build("b1", Stage.READY, minute=1))
    unpolled = build("b2", Stage.READY, minute=2)
    await subscribe(store, app=None, baseline=[unpolled])
    await poll(store, unpolled)
    assert await heard(store) == [("C1", "b2", "processed"), ("C1", "b2", "uploaded")]


async def test_subscription_ignores_changes_while_app_unsubscribed(store: Database) -> None:
    await subscribe(store, baseline=[build("b1", Stage.RUNNING, minute=1)])
    await store.run(subscriptions.remove_subscription, "C1", "app")
    listed = [build("b2", Stage.READY, minute=2), build("b1", Stage.READY, minute=1)]
    await subscribe(store, "C2", baseline=listed)
    await poll(store, *listed, build("b0", Stage.READY, minute=0))
    assert await heard(store) == []


async def test_subscription_to_every_app_restarts_forgotten_apps(store: Database) -> None:
    await subscribe(store, baseline=[build("b1", Stage.RUNNING, minute=1)])
    await store.run(subscriptions.remove_subscription, "C1", "app")
    await subscribe(store, "C2", app=None)
    await poll(store, build("b1", Stage.READY, minute=1))
    assert await heard(store) == []


async def test_subscription_during_poll_repeats_the_poll(store: Database) -> None:
    """A poll under way when a user subscribes is repeated for the new subscription."""
    await subscribe(store, "C1", baseline=[build("b1", Stage.READY, minute=1)])
    [claimed] = await store.run(app_polls.claim_due_apps, 1, 60)
    before = await store.run(subscriptions.list_subscriptions)
    new = build("b2", Stage.READY, minute=2)
    await subscribe(store, "C2", baseline=[build("b1", Stage.READY, minute=1)])
    news = changes({}, [new], baseline=False)
    recorded = await store.run(
        builds.record_poll, "app", claimed.token, news, announcements(news, before, now=NOON), next_at_seconds=60
    )
    assert recorded.lease_lost
    assert await store.run(app_polls.poll_due_in) == 0
    await poll(store, new)
    assert {(channel, event) for channel, _, event in await heard(store)} == {
        (channel, event) for channel in ("C1", "C2") for event in ("uploaded", "processed")
    }


async def test_the_order_of_a_channel_is_the_order_of_the_changes(store: Database) -> None:
    await fill(store, ["C1"], [f"b{n}" for n in range(30)])
    found = []
    while claims := await take(store):
        found += said(claims)
        await exchange(store, [DeliveryResult.of(claims[0], ResultKind.POSTED, ts="1.1")], 0)
    assert found == [("C1", f"b{n}") for n in range(30)]
