"""What builds may turn into: words nobody knows, ends that never come, and newest builds that go away again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.db import app_polls, build_waiters
from sandbox.faults import Fault
from sandbox.slack.message import FakeMessage
from tests.conftest import Environment, heads, texts
from tests.integration.workers.conftest import on_sqlite
from tests.support.handing import Clock, directs, ready, rested, seen
from tests.support.seeing import labels, press
from tests.support.watching import TITLE, on_its_way, watched

UNKNOWN = "unknown status `pending_deletion`"
AGES_AGO = timedelta(days=200)
HOUR = 3600.0


@pytest.fixture
def clock(world: Environment, tmp_path: Path) -> Clock:
    """A clock for everybody, on SQLite alone."""
    world.database = f"sqlite:///{tmp_path / 'bot.db'}"
    return Clock(world)


def ago(much: timedelta) -> datetime:
    return datetime.now(UTC) - much


def lists(world: Environment) -> int:
    return len([request for request in world.applivery.requests if request.path.endswith("/builds")])


def details(world: Environment) -> int:
    return len([request for request in world.applivery.requests if "/builds/" in request.path])


def cards(world: Environment) -> list[FakeMessage]:
    return world.slack.messages(world.releases)


async def subscribed(world: Environment, words: str = "", **settings: Any) -> None:
    await world.start(**settings)
    await world.ask(f"subscribe courier {words}")
    await world.look()


def unlisted(world: Environment) -> Callable[[], None]:
    """Let the list of builds be empty, until what this gives is called."""
    empty = [True]

    def reshape(body: Any) -> Any:
        return {**body, "data": {**body["data"], "items": [], "totalDocs": 0}} if empty else body

    world.applivery.reshape("GET /v1/organizations/*/builds", reshape)
    return empty.clear


async def hours(world: Environment, clock: Clock, many: float) -> tuple[int, int]:
    """Let so much time go by, looking whenever a look is due; how often a list and a build were asked for."""
    before, left = (lists(world), details(world)), many * HOUR
    while left > 0:
        pause = min(await world.bot.watch.step() or 0, left)
        clock.forward(seconds=pause + 0.001)
        left -= pause + 0.001
    return lists(world) - before[0], details(world) - before[1]


# ------------------------------------------------------------------ how often it is looked


@pytest.mark.parametrize("status", ["pending_deletion", "thawing", "pending", "in_progress", "", None, 7, {"is": "x"}])
@on_sqlite
async def test_old_unfinished_builds_cost_no_looks(world: Environment, clock: Clock, status: Any) -> None:
    world.applivery.build(world.courier, status=status, created_at=ago(AGES_AGO))
    await subscribed(world, poll_busy_seconds=5, poll_idle_seconds=60)
    listed, asked = await hours(world, clock, 1)
    assert 50 <= listed <= 70, "once a minute"
    assert asked == 0


@pytest.mark.parametrize("status", ["pending", "in_progress", "thawing"])
@on_sqlite
async def test_fast_polling_ends_after_half_an_hour(world: Environment, clock: Clock, status: str) -> None:
    await subscribed(world, poll_busy_seconds=20, poll_idle_seconds=60)
    world.applivery.build(world.courier, status=status)
    assert 105 <= (await hours(world, clock, 1))[0] <= 130, "90 in the first half hour, 30 in the other"
    assert 50 <= (await hours(world, clock, 1))[0] <= 70


@on_sqlite
async def test_a_processed_build_to_be_deleted_costs_no_looks(world: Environment, clock: Clock) -> None:
    build = world.applivery.build(world.courier, created_at=ago(AGES_AGO))
    await subscribed(world, poll_busy_seconds=5, poll_idle_seconds=60)
    world.applivery.move(build, "pending_deletion")
    assert (await hours(world, clock, 1))[0] <= 70


@on_sqlite
async def test_a_build_processed_again_is_polled_fast_again(world: Environment, clock: Clock) -> None:
    build = world.applivery.build(world.courier, created_at=ago(AGES_AGO))
    await subscribed(world, poll_busy_seconds=20, poll_idle_seconds=60)
    world.applivery.move(build, "in_progress")
    assert (await hours(world, clock, 0.5))[0] >= 80


@on_sqlite
async def test_an_unlisted_unfinished_build_is_left_alone_after_a_day(world: Environment, clock: Clock) -> None:
    await subscribed(world, poll_busy_seconds=600, poll_idle_seconds=600)
    build = world.applivery.build(world.courier, status="in_progress")
    await world.look()
    listed = unlisted(world)
    assert (await hours(world, clock, 2))[1] >= 10
    await hours(world, clock, 22)
    assert (await hours(world, clock, 2))[1] == 0
    listed()
    world.applivery.move(build, "processed")
    await world.look()
    assert heads(cards(world)[0]) == ["✅ Courier 1.0.0 (1) for iOS is ready."], "the list still tells"


# ------------------------------------------------------------------ words nobody knows


@pytest.mark.parametrize("typed", ["get courier 2.4.0", "status courier", "watch courier", "builds courier"])
async def test_an_unknown_status_is_said_as_unknown(world: Environment, typed: str) -> None:
    await world.start()
    ready(world, status="pending_deletion", created_at=ago(AGES_AGO))
    answer = await world.ask(typed, user=world.bruno)
    assert UNKNOWN in answer.text
    assert UNKNOWN in seen(answer)
    assert "processed" not in answer.text
    assert not {"Notify me", "Watch", "Get build"} & set(labels(answer))
    assert ("Open in Applivery" in labels(answer)) is not typed.startswith("builds")
    assert await world.bot.store.run(app_polls.list_watched_apps) == set()


@pytest.mark.parametrize("status", ["In_Progress", "IN PROGRESS", "in-progress", "inProgress"])
async def test_a_known_status_is_known_in_any_spelling(world: Environment, status: str) -> None:
    await world.start()
    ready(world, status=status)
    assert "being processed" in (await world.ask("get courier 2.4.0")).text


async def test_an_old_button_does_not_wait_for_an_unknown_status(world: Environment) -> None:
    await world.start()
    build = on_its_way(world)
    answer = await world.ask("get courier 2.4.0", user=world.bruno)
    world.applivery.move(build, "pending_deletion")
    told = await (await press(world.slack, answer, "Notify me", user=world.bruno)).answer()
    assert UNKNOWN in told.text
    assert await world.bot.store.run(app_polls.list_watched_apps) == set()


async def test_poller_watcher_told_once_of_unknown_status(world: Environment) -> None:
    await world.start()
    build = on_its_way(world)
    message = await watched(world)
    world.applivery.move(build, "pending_deletion")
    for _ in range(3):
        await world.look()
    words = f"Stopped watching {TITLE}: {UNKNOWN}."
    assert texts(directs(world, world.bruno)) == [words, words]
    assert message is directs(world, world.bruno)[0]
    assert labels(message) == ["Check again", "Open in Applivery"]
    assert await world.bot.store.run(app_polls.list_watched_apps) == set()
    assert await world.bot.progress.step() is None


async def test_poller_waiting_user_told_once_of_unknown_status(world: Environment) -> None:
    await world.start()
    build = on_its_way(world)
    answer = await world.ask("get courier 2.4.0", user=world.bruno)
    await press(world.slack, answer, "Notify me", user=world.bruno)
    await rested(world)
    for status in ("pending_deletion", "thawing"):
        world.applivery.move(build, status)
        await world.look()
    [told] = texts(directs(world, world.bruno))
    assert UNKNOWN in told


async def test_poller_repeated_waiter_is_told_again(world: Environment) -> None:
    await world.start()
    build = on_its_way(world)
    for told in (1, 2):
        world.applivery.move(build, "in_progress")
        answer = await world.ask("get courier 2.4.0", user=world.bruno)
        await press(world.slack, answer, "Notify me", user=world.bruno)
        await rested(world)
        world.applivery.move(build, "pending_deletion")
        await world.look()
        assert len(directs(world, world.bruno)) == told


async def test_poller_waiter_of_reprocessing_is_told_its_end(world: Environment) -> None:
    await subscribed(world)
    build = ready(world)
    await world.look()
    world.applivery.move(build, "in_progress")
    answer = await world.ask("get courier 2.4.0", user=world.bruno)
    await press(world.slack, answer, "Notify me", user=world.bruno)
    await rested(world)
    world.applivery.move(build, "processed")  # no look has seen it in between
    for _ in range(2):
        await world.look()
    [told] = texts(directs(world, world.bruno))
    assert told.startswith(f"✅ {TITLE} is ready.")
    assert await world.bot.store.run(build_waiters.list_waiters, world.courier.id) == {}


async def test_home_says_an_unknown_status_as_unknown(world: Environment) -> None:
    await world.start()
    ready(world, status="pending_deletion")
    await world.slack.home(world.bruno)
    await rested(world)
    home = world.slack.home_of(world.bruno)
    assert home
    assert UNKNOWN in seen(home)


@on_sqlite
async def test_a_card_says_an_unknown_status_as_unknown(world: Environment) -> None:
    await subscribed(world, "on:uploaded,processed,failed")
    build = world.applivery.build(world.courier)
    await world.look()
    for status in ("pending_deletion", "being_shredded"):
        world.applivery.move(build, status)
        await world.look()
        [card] = cards(world)
        assert heads(card)[-1] == f"⚠️ Courier 1.0.0 (1) for iOS: unknown status `{status}`."
        assert "Get build" not in labels(card)
    world.applivery.move(build, "processed")
    await world.look()
    assert "Get build" in labels(cards(world)[0])


@pytest.mark.parametrize("status", ["<!channel> *x* `y`", "a" * 4000, "\u202e\u2066", "🚀"])
async def test_a_strange_status_is_inert(world: Environment, status: str) -> None:
    await world.start()
    ready(world, status=status)
    answer = await world.ask("status courier")
    assert "unknown status" in answer.text
    assert "<!channel>" not in answer.text + seen(answer)


# ------------------------------------------------------------------ the newest one goes away


async def test_a_deleted_build_supersedes_nothing(world: Environment) -> None:
    await subscribed(world)
    older = world.applivery.build(
        world.courier, version="1.0.0", status="in_progress", created_at=ago(timedelta(hours=1))
    )
    newest = world.applivery.build(world.courier, version="2.0.0")
    await world.look()
    world.applivery.delete(newest)
    world.applivery.move(older, "processed")
    await world.look()
    gone, card = cards(world)
    assert heads(card) == ["✅ Courier 1.0.0 (1) for iOS is ready."]
    assert heads(gone)[-1] == "⛔ Courier 2.0.0 (1) for iOS was deleted in Applivery."
    assert "Get build" not in labels(gone)


@pytest.mark.parametrize("end", ["deleted", "recalled", "error", "pending_deletion", "in_progress"])
async def test_a_card_is_corrected_when_the_newer_build_goes_away(world: Environment, end: str) -> None:
    await subscribed(world)
    world.applivery.build(world.courier, version="1.0.0")
    world.applivery.build(world.courier, version="1.1.0")
    await world.look()
    newest = world.applivery.build(world.courier, version="2.0.0")
    await world.look()
    assert heads(cards(world)[1])[-1] == "Courier 1.1.0 (1) for iOS was superseded by 2.0.0."
    if end == "deleted":
        world.applivery.delete(newest)
    elif end == "recalled":
        await world.ask('recall courier 2.0.0 "crash"')
    else:
        world.applivery.move(newest, end)
    await world.look()
    oldest, old, _ = cards(world)
    assert heads(oldest)[-1].endswith("was superseded by 1.1.0.")
    assert heads(old)[-1] == "✅ Courier 1.1.0 (1) for iOS is ready."
    assert "superseded" not in seen(old)
    if end in ("error", "in_progress", "pending_deletion"):
        world.applivery.move(newest, "processed")
        await world.look()
        assert heads(old)[-1].endswith("superseded by 2.0.0."), "it is back"


@pytest.mark.parametrize("made", ["2100-01-01T00:00:00.000Z", None, "soon", 0])
async def test_poller_build_with_odd_date_supersedes_earlier_ones(world: Environment, made: Any) -> None:
    await subscribed(world)
    for version, created in (("1.0.0", ago(timedelta(hours=2))), ("2.0.0", None), ("3.0.0", None)):
        about = {"createdAt": made} if version == "2.0.0" and made != 0 else {}
        world.applivery.build(world.courier, version=version, created_at=created, **about)
        await world.look()
    first, second, third = (heads(card)[-1] for card in cards(world))
    assert first.endswith("superseded by 2.0.0.")
    assert second.endswith("superseded by 3.0.0.")
    assert third == "✅ Courier 3.0.0 (1) for iOS is ready."


async def test_builds_of_one_moment_follow_in_the_order_they_were_seen(world: Environment) -> None:
    await subscribed(world)
    at = ago(timedelta(minutes=1))
    for version in ("1.0.0", "2.0.0", "3.0.0"):
        world.applivery.build(world.courier, version=version, created_at=at)
        await world.look()
    assert [heads(card)[-1].rpartition(" ")[2] for card in cards(world)] == ["2.0.0.", "3.0.0.", "ready."]


async def test_poller_unlisted_build_is_gone_only_when_confirmed(world: Environment) -> None:
    await subscribed(world)
    build = world.applivery.build(world.courier)
    await world.look()
    listed = unlisted(world)
    for fault in (Fault(status=500), Fault(status=403)):
        world.applivery.faults.add(f"GET */builds/{build.id}", fault, times=1)
        await world.look()
    for _ in range(3):
        await world.look()
    assert heads(cards(world)[0]) == ["✅ Courier 1.0.0 (1) for iOS is ready."]
    assert details(world) <= 8, "it is asked for now and then, and not at each look"
    listed()
    await world.look()
    assert len(cards(world)) == 1


async def test_an_old_build_that_moves_up_the_list_is_no_news(world: Environment) -> None:
    for number in range(60):
        world.applivery.build(world.courier, number=str(number), created_at=ago(timedelta(days=90 - number)))
    await subscribed(world)
    newest = world.applivery.build(world.courier, version="2.0.0")
    await world.look()
    world.applivery.delete(newest)
    world.applivery.delete(world.applivery.builds[-1])
    for _ in range(2):
        await world.look()
    assert len(cards(world)) == 1


async def test_a_build_that_comes_back_has_its_card_back(world: Environment) -> None:
    await subscribed(world)
    build = world.applivery.build(world.courier)
    await world.look()
    world.applivery.delete(build)
    await world.look()
    world.applivery.builds.append(build)
    await world.look()
    [card] = cards(world)
    assert heads(card)[-1] == "✅ Courier 1.0.0 (1) for iOS is ready."
    assert "Get build" in labels(card)
