"""The watch: what is news, to whom, and what becomes of builds that do odd things."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.applivery.rate_budget import Priority
from bot.db import app_polls, builds, subscriptions
from bot.domain.model import BuildEvent, Stage
from sandbox.faults import Fault
from sandbox.slack.message import FakeMessage
from tests.conftest import Environment, heads
from tests.integration.workers.conftest import on_sqlite
from tests.support.builders import stages
from tests.support.seeing import labels
from tests.support.stopping import stopped_after
from tests.support.waiting import patience

Log = list[Any]


def ready(version: str, *, app: str = "Courier", number: str = "1", platform: str = "iOS") -> str:
    return f"✅ {app} {version} ({number}) for {platform} is ready."


def lists(world: Environment) -> int:
    """How often Applivery was asked for a list of builds."""
    return len([request for request in world.applivery.requests if request.path.endswith("/builds")])


async def subscribed(world: Environment, words: str = "courier", channel: Any = None) -> None:
    answer = await world.ask(f"subscribe {words}", channel=channel)
    assert answer.text.startswith(("*Subscribed", "*Updated")), answer.text


@pytest.fixture
async def watched(world: Environment) -> Environment:
    """#releases is subscribed to Courier, which has no builds yet, and the first look has been."""
    await world.start()
    await subscribed(world)
    await world.look()
    return world


# ------------------------------------------------------------------ the baseline


async def test_poller_builds_at_first_poll_are_history(world: Environment) -> None:
    for number in range(3):
        world.applivery.build(world.courier, version=f"1.0.{number}")
    world.applivery.build(world.courier, version="1.1.0", status="error")
    await world.start()
    await subscribed(world)
    await world.look()
    await world.look()
    assert world.said() == []


@pytest.mark.parametrize("app", ["courier", "*"])
async def test_poller_build_after_subscription_before_poll_is_news(world: Environment, app: str) -> None:
    world.applivery.build(world.courier, version="1.0.0")
    await world.start()
    await subscribed(world, app)
    world.applivery.build(world.courier, version="2.0.0", created_at=datetime.now(UTC) + timedelta(seconds=1))
    await world.look()
    assert world.said() == [ready("2.0.0")]


async def test_the_first_build_of_an_empty_app_is_news(watched: Environment) -> None:
    watched.applivery.build(watched.courier, version="0.0.1")
    await watched.look()
    assert watched.said() == [ready("0.0.1")]


@pytest.mark.parametrize("status", ["pending", "thawing"])
@pytest.mark.parametrize("app", ["courier", "*"])
async def test_poller_build_in_progress_at_baseline_told_at_its_end(world: Environment, status: str, app: str) -> None:
    world.applivery.build(world.courier, version="1.0.0")
    build = world.applivery.build(world.courier, version="1.1.0", status=status)
    await world.start()
    await subscribed(world, app)
    await world.look()
    assert world.said() == []

    world.applivery.move(build, "processed")
    await world.look()
    assert world.said() == [ready("1.1.0")]


async def test_poller_second_channel_hears_no_history_of_watched_app(watched: Environment) -> None:
    beta = watched.slack.channel("beta", members=(watched.ana,))
    watched.applivery.build(watched.courier, version="1.0.0")  # not looked at yet: news to #releases only
    await subscribed(watched, "courier", beta)
    await watched.look()
    assert watched.said() == [ready("1.0.0")]
    assert watched.said(beta) == []

    watched.applivery.build(watched.courier, version="2.0.0")
    await watched.look()
    assert watched.said(beta) == [ready("2.0.0")]


async def test_subscribing_again_after_a_while_brings_no_history(watched: Environment) -> None:
    await watched.ask("unsubscribe courier")
    watched.applivery.build(watched.courier, version="1.0.0")
    await watched.look()
    await subscribed(watched)
    await watched.look()
    assert watched.said() == []

    watched.applivery.build(watched.courier, version="2.0.0")
    await watched.look()
    assert watched.said() == [ready("2.0.0")]


async def test_poller_every_app_subscription_reaches_later_app(world: Environment) -> None:
    await world.start()
    await subscribed(world, "*")
    await world.look()
    assert world.said() == []

    parcel = world.applivery.app("Parcel", slug="parcel")
    world.applivery.build(parcel, version="0.1.0", os="android")
    await asyncio.sleep(world.bot.settings.poll_idle_seconds)  # the list of apps is asked for once in that time
    await world.look()
    await world.look()
    assert world.said() == [ready("0.1.0", app="Parcel", platform="Android")]


# ------------------------------------------------------------------ how builds move


async def test_a_build_is_followed_from_upload_to_ready(watched: Environment) -> None:
    await subscribed(watched, "courier on:uploaded,processed,failed")
    build = watched.applivery.build(watched.courier, version="1.0.0", status="pending")
    await watched.look()
    watched.applivery.move(build, "in_progress")
    await watched.look()
    watched.applivery.move(build, "processed")
    await watched.look()
    [card] = watched.slack.messages(watched.releases)
    uploaded, running = (f"Courier 1.0.0 (1) for iOS {state}." for state in ("was uploaded", "is being processed"))
    assert heads(card) == [f"⏳ {uploaded}", f"⏳ {running}", ready("1.0.0")]


async def test_looking_again_says_nothing_again(watched: Environment) -> None:
    watched.applivery.build(watched.courier, version="1.0.0")
    for _ in range(3):
        await watched.look()
    assert watched.said() == [ready("1.0.0")]


@on_sqlite
async def test_a_failed_build_s_reason_comes_from_the_details(watched: Environment) -> None:
    build = watched.applivery.build(watched.courier, version="1.0.0", status="in_progress")
    await watched.look()
    watched.applivery.fail(build, error="No provisioning profile matches <com.acme>", code="5006")
    await watched.look()

    (card,) = watched.slack.messages(watched.releases)
    reason = "No provisioning profile matches &lt;com.acme&gt;"
    facts = "1.6 MB · by Build Robot"
    assert card.text == f"❌ Courier 1.0.0 (1) for iOS failed to process · {facts}. Applivery says: {reason}"
    assert f"failed to process\n{reason}" in card.blocks[0]["text"]["text"]
    assert [request.path for request in watched.applivery.requests if request.path.endswith(build.id)], (
        "only the details say why"
    )


@on_sqlite
async def test_poller_failure_without_available_reason_is_announced(watched: Environment) -> None:
    build = watched.applivery.build(watched.courier, version="1.0.0", status="in_progress")
    await watched.look()
    watched.applivery.fail(build, error="secret reason")
    watched.applivery.faults.add(f"GET */builds/{build.id}", Fault(status=403), times=None)
    await watched.look()

    (card,) = watched.slack.messages(watched.releases)
    assert heads(card) == ["❌ Courier 1.0.0 (1) for iOS failed to process."]
    assert "Applivery gave no reason" in str(card.blocks)


async def test_poller_card_shows_failure_after_ready(watched: Environment) -> None:
    build = watched.applivery.build(watched.courier, version="1.0.0")
    await watched.look()
    watched.applivery.fail(build, error="Signature revoked")
    await watched.look()
    await watched.look()
    [card] = watched.slack.messages(watched.releases)
    assert heads(card) == [ready("1.0.0"), "❌ Courier 1.0.0 (1) for iOS failed to process."]
    assert card.text.endswith("Applivery says: Signature revoked")
    assert "Get build" not in labels(card)


async def test_poller_two_uploads_at_once_announced_in_order(watched: Environment) -> None:
    watched.applivery.build(watched.courier, version="1.0.0", os="ios")
    watched.applivery.build(watched.courier, version="1.0.0", os="android")
    await watched.look()
    assert watched.said() == [ready("1.0.0"), ready("1.0.0", platform="Android")]


async def test_a_build_deleted_while_pending_is_forgotten(watched: Environment) -> None:
    build = watched.applivery.build(watched.courier, version="1.0.0", status="pending")
    await watched.look()
    watched.applivery.delete(build)
    await watched.look()
    asked = len([request for request in watched.applivery.requests if request.path.endswith(build.id)])
    assert asked == 1, "a build that is listed no longer is asked for once, to learn that it is gone"

    await watched.look()
    await watched.look()
    assert len([request for request in watched.applivery.requests if request.path.endswith(build.id)]) == asked
    assert await watched.bot.store.run(builds.list_known, watched.courier.id) == {}
    assert watched.said() == []


async def test_a_build_deleted_before_its_card_is_said_to_be(watched: Environment) -> None:
    build = watched.applivery.build(watched.courier, version="1.0.0")
    await watched.bot.store.run(app_polls.request_poll, None)
    await watched.bot.watch.step()
    watched.applivery.delete(build)
    await watched.look()
    assert watched.said() == ["⛔ Courier 1.0.0 (1) for iOS was deleted in Applivery."]


# ------------------------------------------------------------------ long lists


@pytest.mark.parametrize("largest_page", [100, 20])
async def test_poller_more_builds_than_a_page_announced_in_order(watched: Environment, largest_page: int) -> None:
    watched.applivery.largest_page = largest_page  # what any `limit` is silently held to
    versions = [f"1.0.{number}" for number in range(60)]
    for version in versions:
        watched.applivery.build(watched.courier, version=version)
    await watched.look()
    assert watched.said() == [ready(version) for version in versions]


@on_sqlite
async def test_a_long_absence_is_caught_up_on_in_steps_that_are_kept(watched: Environment) -> None:
    await watched.restart(poll_idle_seconds=60)
    for number in range(1, 251):
        watched.applivery.build(watched.courier, version=str(number))
    await watched.bot.store.run(app_polls.request_poll, None)
    told = []
    for _ in range(3):
        due = await watched.bot.watch.step()
        assert due is not None
        await watched.bot.announce.drain()
        told.append((len(watched.said()), due > 0))
    assert told == [(100, False), (200, False), (250, True)], "what is left is due at once"
    assert watched.said() == [ready(str(number)) for number in range(1, 251)]


@on_sqlite
async def test_a_list_is_read_only_as_far_as_what_is_known(watched: Environment) -> None:
    for number in range(70):
        watched.applivery.build(watched.courier, version=f"1.0.{number}")
    await watched.look()
    before = lists(watched)
    watched.applivery.build(watched.courier, version="2.0.0")
    await watched.look()
    assert lists(watched) - before == 1


async def test_poller_pending_build_beyond_first_page_is_followed(watched: Environment) -> None:
    slow = watched.applivery.build(watched.courier, version="0.9.0", status="pending")
    await watched.look()
    for _ in range(2):
        for number in range(30):
            watched.applivery.build(watched.courier, version=f"1.0.{number}", status="in_progress")
        await watched.look()
    assert watched.said() == []

    watched.applivery.move(slow, "processed")
    await watched.look()
    assert watched.said() == [ready("0.9.0")]


# ------------------------------------------------------------------ who hears it


async def test_poller_same_build_announced_in_each_subscribed_channel(watched: Environment) -> None:
    beta = watched.slack.channel("beta", members=(watched.ana,))
    silent = watched.slack.channel("silent", members=(watched.ana,))
    await subscribed(watched, "courier", beta)
    watched.applivery.build(watched.courier, version="1.0.0")
    await watched.look()
    assert watched.said() == watched.said(beta) == [ready("1.0.0")]
    assert watched.said(silent) == []


async def test_two_subscriptions_of_one_channel_are_one_announcement(watched: Environment) -> None:
    await subscribed(watched, "*")
    watched.applivery.build(watched.courier, version="1.0.0")
    await watched.look()
    assert watched.said() == [ready("1.0.0")]


@on_sqlite
async def test_each_channel_hears_what_its_own_filter_lets_through(world: Environment) -> None:
    await world.start()
    wishes = {
        "releases": "courier branch:release/* -tag:nightly",
        "android": "courier os:android",
        "nightly": "courier tag:nightly",
        "broken": "courier on:failed",
        "parcel": "parcel",
    }
    world.applivery.app("Parcel", slug="parcel")
    channels = {name: world.slack.channel(name, members=(world.ana,)) for name in wishes}
    for name, words in wishes.items():
        await subscribed(world, words, channels[name])
    await world.look()

    world.applivery.build(world.courier, version="1", branch="release/1", os="ios")
    world.applivery.build(world.courier, version="2", branch="release/1", os="android", tags=("nightly",))
    world.applivery.build(world.courier, version="3", branch="main", os="ios")
    world.applivery.build(world.courier, version="4", branch="release/2", os="android", status="error")
    await world.look()

    heard = {name: [text.split()[2] for text in world.said(channel)] for name, channel in channels.items()}
    assert heard == {
        "releases": ["1", "4"],
        "android": ["2", "4"],
        "nightly": ["2"],
        "broken": ["4"],
        "parcel": [],
    }


async def test_poller_news_for_paused_subscription_is_kept(watched: Environment) -> None:
    watched.releases.archived = True
    await watched.bot.store.run(subscriptions.pause_subscriptions, watched.releases.id, "is_archived")
    watched.applivery.build(watched.courier, version="1.0.0")
    await watched.look()
    assert watched.said() == []

    watched.releases.archived = False
    watched.bot.pausing.check_now(watched.releases.id)
    await watched.bot.pausing.step()
    await watched.look()
    assert watched.said() == [ready("1.0.0")]


# ------------------------------------------------------------------ odd answers


@on_sqlite
async def test_poller_unknown_words_and_fields_stop_nothing(watched: Environment) -> None:
    watched.applivery.build(
        watched.courier, version="1.0.0", status="defrosting", deployer=["a list"], info="words", error={"odd": [1]}
    )
    watched.applivery.build(watched.courier, version="2.0.0", status="success", uploader={}, size="12")
    watched.applivery.builds[-1].wire["tags"] = None
    watched.applivery.build(watched.courier, version="3.0.0", status=None, brand_new={"deep": {"er": 1}})
    watched.applivery.build(watched.courier, version=None, number=None, os=None, status="failed", createdAt="noon")

    def odder(body: Any) -> Any:
        body["data"]["items"] += [None, "words", {}, {"id": None}, 7, [], {"status": "processed"}]
        body["data"]["weather"] = "fine"
        return body

    watched.applivery.reshape("GET */builds", odder)
    await watched.look()
    await watched.look()
    said = watched.said()
    assert len(said) == 2
    assert ready("2.0.0") in said
    assert [text for text in said if text.startswith("❌ Courier")]


@on_sqlite
async def test_poller_build_with_unusable_id_blocks_no_other(watched: Environment) -> None:
    odd = watched.applivery.build(watched.courier, version="1.0.0", status="pending", id="../../odd id")
    await watched.look()
    watched.applivery.delete(odd)  # it is listed no longer, and cannot be asked for
    watched.applivery.build(watched.courier, version="2.0.0")
    await watched.look()
    assert watched.said() == [ready("2.0.0")]


@on_sqlite
async def test_poller_non_json_answer_is_outage_of_that_poll_only(watched: Environment, log: Log) -> None:
    watched.applivery.build(watched.courier, version="1.0.0")
    watched.applivery.faults.add("GET */builds", Fault(body="<html>maintenance</html>"))
    await watched.look()
    assert watched.said() == []

    await watched.look()
    assert watched.said() == [ready("1.0.0")]
    told = [line for line in log if line["event"].endswith((".away", ".back"))]
    assert [line["event"] for line in told] == ["watch.app.away", "watch.app.back"]
    assert {line["app"] for line in told} == {watched.courier.id}


# ------------------------------------------------------------------ Applivery away


@pytest.mark.parametrize("trouble", [Fault(status=503), Fault(status=401, code=4004)])
@on_sqlite
async def test_poller_after_applivery_outage_announces_all_once(watched: Environment, log: Log, trouble: Fault) -> None:
    build = watched.applivery.build(watched.courier, version="1.0.0", status="in_progress")
    await watched.look()
    watched.applivery.faults.add("GET *", trouble, times=None)
    for _ in range(2):
        await watched.look()
    watched.applivery.move(build, "processed")
    watched.applivery.build(watched.courier, version="2.0.0")
    assert watched.said() == []

    watched.applivery.faults.clear()
    for _ in range(3):
        await watched.look()
    assert watched.said() == [ready("1.0.0"), ready("2.0.0")]
    told = [line for line in log if line["event"] in ("applivery.away", "applivery.back")]
    assert [line["event"] for line in told] == ["applivery.away", "applivery.back"]
    assert told[1]["failures"] == 2


@on_sqlite
async def test_poller_unlistable_app_delays_no_other_and_logs_once(watched: Environment, log: Log) -> None:
    parcel = watched.applivery.app("Parcel", slug="parcel")
    await subscribed(watched, "parcel")
    watched.applivery.faults.add(f"GET */apps/{watched.courier.id}/builds", Fault(status=403), times=None)
    watched.applivery.build(watched.courier, version="1.0.0")
    watched.applivery.build(parcel, version="7.0.0")
    for _ in range(3):
        await watched.look()
    assert watched.said() == [ready("7.0.0", app="Parcel")]
    assert [line["event"] for line in log if "away" in line["event"] or "back" in line["event"]] == ["watch.app.away"]


@on_sqlite
async def test_looks_at_an_app_that_fails_come_slower_and_slower(watched: Environment) -> None:
    watched.applivery.faults.add("GET */builds", Fault(status=403), times=None)
    waits = []
    for _ in range(3):
        await watched.look()
        waits.append(await watched.bot.store.run(app_polls.poll_due_in))
    assert [round(wait or 0) for wait in waits] == [1, 2, 4]


# ------------------------------------------------------------------ what is remembered


async def test_a_look_that_died_before_it_recorded_is_done_again(watched: Environment) -> None:
    watched.applivery.build(watched.courier, version="1.0.0")
    # whoever took this is dead
    (claim,) = await watched.bot.store.run(app_polls.claim_due_apps, 8, 0.3, only_due=False)
    assert claim.app_id == watched.courier.id
    await watched.restart(jobs=True, poll_idle_seconds=60)
    await watched.slack.until(lambda: watched.said() == [ready("1.0.0")])


async def test_poller_interrupted_poll_is_repeated_after_start(watched: Environment) -> None:
    """Without waiting for the two minutes of its lease."""
    await watched.restart(jobs=True, poll_idle_seconds=60)
    watched.applivery.build(watched.courier, version="1.0.0")
    watched.applivery.faults.add("GET */builds", Fault(latency=5.0))
    await watched.bot.store.run(app_polls.request_poll, None)
    async with patience():
        while not watched.applivery.faults.fired:  # the request is under way
            await asyncio.sleep(0.01)
    await watched.restart(jobs=True, poll_idle_seconds=60)
    await watched.slack.until(lambda: watched.said() == [ready("1.0.0")])


async def test_poller_leased_app_is_not_polled_elsewhere(watched: Environment) -> None:
    await watched.bot.store.run(app_polls.claim_due_apps, 8, 60, only_due=False)
    before = lists(watched)
    await watched.look()
    assert lists(watched) == before


async def test_poller_keeps_its_lease_while_applivery_is_slow(watched: Environment) -> None:
    watched.tuning = replace(watched.tuning, watch_lease_seconds=1.0)
    await watched.restart()
    store = watched.bot.store
    await store.run(app_polls.request_poll, None)
    watched.applivery.faults.add("GET */builds", Fault(latency=2.5))
    look = asyncio.create_task(watched.bot.watch.step())
    async with patience():
        while not watched.applivery.faults.fired:
            await asyncio.sleep(0.01)
    for _ in range(16):
        await asyncio.sleep(0.1)
        assert await store.run(app_polls.claim_due_apps, 8, 60) == []
    await look
    assert await store.run(app_polls.claim_due_apps, 8, 60, only_due=False), "it is free again at the end"


async def test_poller_takes_over_apps_of_stopped_replica(watched: Environment) -> None:
    """It has recorded its look and tells nobody that it is gone; without waiting for the lease that it had."""
    await watched.restart(poll_idle_seconds=7)
    store = watched.bot.store
    (claim,) = await store.run(app_polls.claim_due_apps, 8, 120, only_due=False)
    wait = await watched.bot.watch.step()
    await store.run(builds.record_poll, claim.app_id, claim.token, (), (), next_at_seconds=5, baseline_done=True)
    assert 0 < (wait or 0) <= 7


async def test_poller_stage_and_meaning_survive_restart(watched: Environment) -> None:
    build = watched.applivery.build(watched.courier, version="1.0.0", status="in_progress")
    await watched.look()
    await watched.restart()
    assert await stages(watched.bot.store, watched.courier.id) == {build.id: Stage.RUNNING}

    watched.applivery.move(build, "processed")
    await watched.look()
    await watched.restart()
    await watched.look()
    assert watched.said() == [ready("1.0.0")]


async def test_poller_news_recorded_with_channel_and_event_as_key(watched: Environment) -> None:
    build = watched.applivery.build(watched.courier, version="1.0.0")
    await watched.look()
    card: FakeMessage = watched.slack.messages(watched.releases)[0]
    assert card.metadata is not None
    assert card.metadata["event_payload"]["key"] == f"{watched.releases.id}:{build.id}:{BuildEvent.PROCESSED}"


# ------------------------------------------------------------------ waking up


@on_sqlite
async def test_poller_polls_often_while_build_runs_else_seldom(watched: Environment) -> None:
    await watched.restart(poll_busy_seconds=5, poll_idle_seconds=60)
    build = watched.applivery.build(watched.courier, status="in_progress")
    await watched.look()
    assert 4 < (await watched.bot.store.run(app_polls.poll_due_in) or 0) < 6

    watched.applivery.move(build, "processed")
    await watched.look()
    assert 53 < (await watched.bot.store.run(app_polls.poll_due_in) or 0) < 67


async def test_a_new_subscription_is_looked_at_at_once(world: Environment) -> None:
    await world.start(jobs=True, poll_idle_seconds=3600)
    before = lists(world)
    await subscribed(world)
    await world.applivery.until(lambda: lists(world) > before + 1)  # the command's own look, and the watch's


async def test_the_clock_alone_brings_the_news(world: Environment) -> None:
    await world.start(jobs=True)
    await subscribed(world)
    build = world.applivery.build(world.courier, version="1.0.0", status="pending")
    before = lists(world)
    await world.applivery.until(lambda: lists(world) >= before + 2)
    world.applivery.move(build, "processed")
    await world.slack.until(lambda: world.said() == [ready("1.0.0")])


@on_sqlite
async def test_poller_says_once_that_the_hour_is_too_short(world: Environment, log: Log) -> None:
    for number in range(20):
        world.applivery.app(f"App {number}", slug=f"app-{number}")
    await world.start(poll_idle_seconds=60, applivery_requests_per_hour=100)
    await subscribed(world, "*")
    for _ in range(3):
        await world.look()
        world.bot.watch._counts_until = 0.0
    (line,) = [line for line in log if line["event"] == "watch.polls_stretched"]
    assert (line["apps"], line["wanted"]) == (21, 60)
    assert line["seconds"] > 600
    said = (await world.ask("status")).text
    assert "× less often" in said


@on_sqlite
async def test_poller_without_a_request_left_waits_and_blames_no_one(world: Environment, log: Log) -> None:
    await world.start(applivery_requests_per_hour=100)
    await subscribed(world)
    await world.look()
    budget = world.bot.applivery.budget
    while not budget.wait(Priority.POLLING):
        budget.take(Priority.POLLING)
    before = lists(world)
    await world.look()
    assert lists(world) == before
    store, watch = world.bot.store, world.bot.watch
    assert 50 < (await store.run(app_polls.poll_due_in) or 0) <= 60
    assert (watch.attempts.failures, watch.outage.failures) == (0, 0)
    assert not [line for line in log if line["event"] == "applivery.away"]
    (claim,) = await store.run(app_polls.claim_due_apps, 1, 60, only_due=False)
    assert claim.on_request, "what a webhook or a person wanted is wanted still"
    assert claim.failures == 0


async def test_poller_stopped_at_any_step_leaves_no_lease(watched: Environment) -> None:
    watch, store = watched.bot.watch, watched.bot.store
    watched.applivery.faults.add("GET */builds", Fault(latency=5.0), times=None)
    for turns in range(0, 61, 4):
        await store.run(app_polls.request_poll, None)
        assert await stopped_after(turns, watch.step())
        await watch.leases.release()
        assert await store.run(app_polls.poll_due_in) == 0, f"leased, cancelled after {turns} turns"
