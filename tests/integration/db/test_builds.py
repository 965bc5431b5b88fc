"""A stage moves once, from where it stood, and is announced by whoever moved it."""

from __future__ import annotations

import asyncio

from bot.db import app_polls, outbox
from bot.db import builds as stored_builds
from bot.db.database import Database
from bot.domain.model import BuildEvent, BuildTransition, NewDelivery, Stage
from tests.support.builders import build, look, said, stages, subscribe, take
from tests.support.sqlalchemy_core import run_core

READY = build("b1", Stage.READY)
NEWS = NewDelivery("C1", "b1", BuildEvent.PROCESSED)


async def test_a_build_moves_and_is_announced_in_one_go(store: Database) -> None:
    await subscribe(store)
    recorded = await look(store, [BuildTransition(READY, None)], [NEWS])
    assert (recorded.moved, recorded.announced, recorded.lease_lost) == (frozenset({"b1"}), 1, False)
    assert await stages(store, "app", ["b1"]) == {"b1": Stage.READY}
    [claim] = await take(store)
    assert claim.announcement.build == READY
    assert claim.announcement.event is BuildEvent.PROCESSED
    assert claim.announcement.key == "C1:b1:processed"


async def test_five_who_record_the_same_news_announce_it_once(store: Database) -> None:
    await subscribe(store)
    await store.run(
        stored_builds.record_poll,
        "app",
        None,
        [BuildTransition(build("b2", Stage.RUNNING), None)],
        [],
        next_at_seconds=60,
    )
    moved = build("b2", Stage.READY)
    changes = [BuildTransition(READY, None), BuildTransition(moved, Stage.RUNNING)]
    news = [NEWS, NewDelivery("C1", "b2", BuildEvent.PROCESSED)]
    [claimed] = await store.run(app_polls.claim_due_apps, 1, 60)
    tokens = [claimed.token, None, None, None, claimed.token]
    results = await asyncio.gather(
        *(store.run(stored_builds.record_poll, "app", t, changes, news, next_at_seconds=60) for t in tokens)
    )
    assert sum(result.announced for result in results) == 2
    assert sorted(build_id for result in results for build_id in result.moved) == ["b1", "b2"]
    assert [result.lease_lost for result in results].count(True) == 1
    assert (await store.run(outbox.get_backlog)).count == 2


async def test_recording_twice_changes_nothing_more(store: Database) -> None:
    await subscribe(store)
    await look(store, [BuildTransition(READY, None)], [NEWS])
    again = await look(store, [BuildTransition(READY, None)], [NEWS])
    assert (again.moved, again.announced) == (frozenset(), 0)
    stale = await look(store, [BuildTransition(build("b1", Stage.RUNNING), Stage.PENDING)], [NEWS])
    assert stale.moved == frozenset()
    assert await stages(store, "app", ["b1"]) == {"b1": Stage.READY}


async def test_only_what_moved_here_is_announced(store: Database) -> None:
    await subscribe(store)
    stranger = NewDelivery("C1", "b9", BuildEvent.PROCESSED)
    recorded = await look(store, [BuildTransition(READY, None)], [stranger, NEWS])
    assert recorded.announced == 1
    assert said(await take(store)) == [("C1", "b1")]


async def test_a_quiet_change_is_remembered_and_not_announced(store: Database) -> None:
    await subscribe(store)
    recorded = await look(store, [BuildTransition(READY, None, quiet=True)], [NEWS])
    assert (recorded.moved, recorded.announced) == (frozenset({"b1"}), 0)
    assert await take(store) == []


async def test_a_build_processed_again_is_not_announced_again(store: Database) -> None:
    await subscribe(store)
    await look(store, [BuildTransition(READY, None)], [NEWS])
    await look(store, [BuildTransition(build("b1", Stage.RUNNING), Stage.READY)])
    again = await look(store, [BuildTransition(READY, Stage.RUNNING)], [NEWS])
    assert (again.moved, again.announced) == (frozenset({"b1"}), 0)


async def test_known_builds_are_the_named_and_all_in_progress(store: Database) -> None:
    await subscribe(store)
    made = {"p": Stage.PENDING, "r": Stage.RUNNING, "u": Stage.UNKNOWN, "y": Stage.READY, "f": Stage.FAILED}
    await look(store, [BuildTransition(build(name, stage), None) for name, stage in made.items()])
    assert await stages(store, "app") == {"p": Stage.PENDING, "r": Stage.RUNNING, "u": Stage.UNKNOWN}
    assert await stages(store, "app", ["f", "r", "unknown"]) == {
        "p": Stage.PENDING,
        "r": Stage.RUNNING,
        "u": Stage.UNKNOWN,
        "f": Stage.FAILED,
    }
    assert await stages(store, "other") == {}


async def test_forgotten_build_is_not_followed_and_new_when_back(store: Database) -> None:
    await subscribe(store)
    pending = build("b1")
    await look(store, [BuildTransition(pending, None)], [NewDelivery("C1", "b1", BuildEvent.UPLOADED)])
    await store.run(stored_builds.mark_deleted, "app", "b1")
    assert await stages(store, "app", ["b1"]) == {}
    [claim] = await take(store)  # what was to be said of it can still be said
    assert claim.announcement.build == pending
    back = await look(store, [BuildTransition(READY, None)], [NewDelivery("C1", "b1", BuildEvent.UPLOADED), NEWS])
    assert (back.moved, back.announced) == (frozenset({"b1"}), 2), "the card that is being sent is shown anew as well"
    assert await stages(store, "app", ["b1"]) == {"b1": Stage.READY}


async def test_poll_without_lease_does_not_change_schedule(store: Database) -> None:
    await subscribe(store)
    recorded = await store.run(
        stored_builds.record_poll, "app", None, [BuildTransition(READY, None)], [NEWS], next_at_seconds=3600
    )
    assert recorded.announced == 1
    [claimed] = await store.run(app_polls.claim_due_apps, 1, 60)
    assert not claimed.baseline_done


async def test_a_baseline_not_yet_complete_stays_open(store: Database) -> None:
    await subscribe(store)
    for done in (False, True):
        [claimed] = await store.run(app_polls.claim_due_apps, 1, 60)
        assert not claimed.baseline_done
        await store.run(stored_builds.record_poll, "app", claimed.token, [], [], next_at_seconds=0, baseline_done=done)
    assert [app.baseline_done for app in await store.run(app_polls.claim_due_apps, 1, 60)] == [True]


async def test_a_thousand_builds_are_one_commit(store: Database) -> None:
    await subscribe(store)
    builds = [build(f"b{n}", Stage.RUNNING) for n in range(1000)]
    await look(store, [BuildTransition(each_build, None) for each_build in builds])
    ready = [build(f"b{n}", Stage.READY) for n in range(1000)]
    news = [NewDelivery(f"C{n % 3}", f"b{n}", BuildEvent.PROCESSED) for n in range(1000)]
    recorded = await look(store, [BuildTransition(each_build, Stage.RUNNING) for each_build in ready], news)
    assert (len(recorded.moved), recorded.announced) == (1000, 1000)


async def test_facts_written_by_an_older_or_newer_version_are_read(store: Database) -> None:
    await subscribe(store)
    await look(store, [BuildTransition(READY, None)], [NEWS])
    facts = (
        '{"id": "b1", "app": {"id": "app", "slug": "app", "name": "App", "owner": "?"}, "stage": "ready", "mood": 7}'
    )
    await _rewrite(store, "UPDATE builds SET snapshot = :value", facts)
    [claim] = await take(store)
    assert claim.announcement.build == READY


async def test_newer_version_announcement_is_left_to_it(store: Database) -> None:
    """An older replica neither ends it nor passes it by, and posts to other channels meanwhile."""
    await subscribe(store)
    await subscribe(store, "C2")
    await look(store, [BuildTransition(READY, None)], [NEWS, NewDelivery("C2", "b1", BuildEvent.PROCESSED)])
    await _rewrite(store, "UPDATE outbox SET event = :value WHERE channel_id = 'C1'", "from the future")
    assert said(await take(store)) == [("C2", "b1")]
    assert 0 < (await store.run(outbox.delivery_due_in) or 0) <= 60
    await _rewrite(store, "UPDATE outbox SET event = :value WHERE channel_id = 'C1'", BuildEvent.PROCESSED)
    await _rewrite(store, "UPDATE channel_leases SET next_send_at = :value", 0)
    [claim] = await take(store)
    assert said([claim]) == [("C1", "b1")]
    assert not claim.unsure


async def test_unreadable_announcement_does_not_block_its_channel(store: Database) -> None:
    await subscribe(store)
    new = [READY, build("b2", Stage.READY)]
    await look(
        store, [BuildTransition(b, None) for b in new], [NewDelivery("C1", b.id, BuildEvent.PROCESSED) for b in new]
    )
    await _rewrite(store, "UPDATE outbox SET event = :value WHERE build_id = 'b1'", "from the future")
    await _rewrite(store, "UPDATE outbox SET created_at = created_at - :value", 660_000_000)
    assert said(await take(store)) == [("C1", "b2")]


async def _rewrite(store: Database, statement: str, value: str | int) -> None:
    import sqlalchemy as sa

    await run_core(store._runner, lambda connection: connection.execute(sa.text(statement), {"value": value}))
