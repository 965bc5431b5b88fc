"""The progress message: a build's whole life in it, edited only when its words change; the end comes in any case."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.db import app_polls, build_watches, database_info
from bot.domain.model import Stage
from bot.slack.blocks import Message as Says
from bot.slack.views import builds
from sandbox.faults import Fault
from sandbox.slack import FakeMessage
from tests.conftest import Environment, texts
from tests.integration.workers.conftest import on_sqlite
from tests.support.handing import Clock, directs, downloaded, ready, rested, seen
from tests.support.seeing import controls, labels, link, press
from tests.support.stopping import stopped_after
from tests.support.waiting import patience
from tests.support.watching import TITLE, earlier, on_its_way, versions, watched

STUCK = f"{TITLE}: ⚠️ This build may be stuck"
BEING_PROCESSED = builds.STAGE_WORDS[Stage.RUNNING]
GIVEN_UP = f"Stopped watching {TITLE}: it has taken too long and may never finish."
DELETED = f"{TITLE} was deleted in Applivery before it was ready."


@pytest.fixture
def clock(world: Environment, tmp_path: Path) -> Clock:
    """A clock for everybody, on SQLite alone: PostgreSQL has its own, which no test can put forward."""
    world.database = f"sqlite:///{tmp_path / 'bot.db'}"
    return Clock(world)


def edits(world: Environment) -> int:
    """How often a message was edited."""
    return len(world.slack.calls_of("chat.update"))


def states(message: FakeMessage) -> list[str]:
    """The last word on the build in each version of a message."""
    return [text.removeprefix(f"{TITLE}: ") for text in versions(message)]


# ------------------------------------------------------------------ a whole life


@on_sqlite
async def test_progress_shown_to_ready_and_link_is_new_message(world: Environment, clock: Clock) -> None:
    await world.start()
    earlier(world)
    build = on_its_way(world, status="pending")
    message = await watched(world)
    world.applivery.move(build, "in_progress")
    for seconds in (180, 180, 90, 120):
        clock.forward(seconds=seconds)
        await world.look()
    assert directs(world, world.bruno) == [message], "so far nobody was notified of anything"
    world.applivery.move(build, "processed")
    await world.look()
    assert states(message) == [
        "⏳ waiting to be processed · about 8 min left (usually 8 min)",
        f"{BEING_PROCESSED} · about 5 min left (usually 8 min)",
        f"{BEING_PROCESSED} · about 2 min left (usually 8 min)",
        f"{BEING_PROCESSED} · under 1 min left (usually 8 min)",
        f"{BEING_PROCESSED} · longer than usual (8 min)",
        "✅ Ready. Your link is below.",
    ]
    [_, end] = directs(world, world.bruno)
    assert end.text.startswith(f"✅ {TITLE} is ready.")
    assert await downloaded(end) == 200
    assert await world.bot.progress.step() is None, "and then there is nothing more to do"


async def test_progress_failure_has_applivery_reason_code_and_button(world: Environment) -> None:
    await world.start()
    build = on_its_way(world)
    message = await watched(world)
    world.applivery.fail(build, "No valid *signing* block <!channel> & more", "1008")
    await world.look()
    reason = "No valid *signing* block &lt;!channel&gt; &amp; more (code 1008)"
    assert "`No valid *signing* block &lt;!channel&gt; &amp; more` (code 1008)" in message.text
    assert reason in seen(message)
    assert labels(message) == ["CI run", "Open in Applivery"]
    [_, end] = directs(world, world.bruno)
    assert reason in seen(end)
    [open_it] = [control.url for control in controls(message) if control.action == "open.dashboard"]
    assert build.id in open_it
    await world.look()
    assert len(directs(world, world.bruno)) == 2


async def test_a_message_is_edited_only_when_its_words_change(world: Environment) -> None:
    await world.start()
    earlier(world)
    build = on_its_way(world, status="pending")
    await watched(world)
    for _ in range(3):
        await world.look()
    assert edits(world) == 0
    world.applivery.move(build, "in_progress")
    for _ in range(3):
        await world.look()
    assert edits(world) == 1


async def test_progress_message_is_edited_only_after_some_seconds(world: Environment) -> None:
    world.tuning = replace(world.tuning, progress_seconds=60.0)
    await world.start()
    build = on_its_way(world, status="pending")
    message = await watched(world)
    world.applivery.move(build, "in_progress")
    await world.look()
    assert edits(world) == 0
    assert 50 < (await world.bot.progress.step() or 0) <= 60
    world.applivery.move(build, "processed")
    await world.look()
    assert link(directs(world, world.bruno)[1]), "what notifies does not wait for it"
    assert "waiting" in message.text


async def test_progress_makes_no_applivery_request_of_its_own(world: Environment) -> None:
    await world.start()
    on_its_way(world)
    await watched(world)
    await world.look()
    asked = len(world.applivery.requests)
    for _ in range(5):
        await world.bot.progress.step()
    assert len(world.applivery.requests) == asked


async def test_progress_two_watchers_have_own_messages_and_links(world: Environment) -> None:
    await world.start()
    build = on_its_way(world, status="pending")
    mine, hers = await watched(world), await watched(world, user=world.ana)
    assert mine.channel != hers.channel
    world.applivery.move(build, "processed")
    await world.look()
    assert states(mine)[-1] == states(hers)[-1] == "✅ Ready. Your link is below."
    assert link(directs(world, world.bruno)[1]) != link(directs(world, world.ana)[1])


@on_sqlite
async def test_progress_runs_as_worker(world: Environment) -> None:
    world.tuning = replace(world.tuning, progress_seconds=0.05)
    await world.start(jobs=True)
    build = on_its_way(world, status="pending")
    await world.ask("watch courier", user=world.bruno)
    await world.slack.until(lambda: directs(world, world.bruno))
    [message] = directs(world, world.bruno)
    world.applivery.move(build, "in_progress")
    await world.slack.until(lambda: "being processed" in message.text)
    world.applivery.move(build, "processed")
    await world.slack.until(lambda: "✅ Ready" in message.text and len(directs(world, world.bruno)) == 2)


async def test_progress_end_before_first_message_is_only_message(world: Environment) -> None:
    await world.start()
    build = on_its_way(world)
    await world.ask("watch courier", user=world.bruno)
    await rested(world)
    world.applivery.move(build, "processed")
    await world.look()
    [end] = directs(world, world.bruno)
    assert link(end)
    assert await world.bot.progress.step() is None


async def test_progress_end_recorded_before_request_is_ignored(world: Environment) -> None:
    """Applivery may process a build again: what the channel heard of it yesterday is not what it is doing now."""
    await world.start()
    await world.ask("subscribe courier")
    build = ready(world)
    await world.look()
    world.applivery.move(build, "in_progress")
    message = await watched(world)
    await world.look()
    assert versions(message) == [message.text]
    assert BEING_PROCESSED in message.text


# ------------------------------------------------------------------ late and stuck


@on_sqlite
async def test_progress_stuck_build_told_once_in_new_message(world: Environment, clock: Clock) -> None:
    await world.start()
    earlier(world)
    build = on_its_way(world)
    message = await watched(world)
    clock.forward(minutes=23)
    await world.look()
    assert "longer than usual" in message.text
    assert len(directs(world, world.bruno)) == 1
    clock.forward(minutes=2)
    for _ in range(3):
        await world.look()
        await world.look()
    assert message.text.startswith(STUCK)
    [_, alarm] = directs(world, world.bruno)
    assert alarm.text == message.text
    assert "uploaded <!date^" in alarm.text
    assert labels(alarm) == ["Stop watching", "Open in Applivery"]
    world.applivery.move(build, "processed")
    await world.look()
    assert "✅ Ready" in message.text
    assert link(directs(world, world.bruno)[2])


@on_sqlite
async def test_a_build_that_never_ends_is_watched_for_a_day(world: Environment, clock: Clock) -> None:
    await world.start()
    build = on_its_way(world)
    message = await watched(world)
    clock.forward(hours=23, minutes=59)
    await world.look()
    assert message.text.startswith(STUCK)
    clock.forward(minutes=2)
    for _ in range(3):
        await world.look()
    assert message.text == GIVEN_UP
    assert await world.bot.store.run(build_watches.watch_due_in) is None, "nothing of it is kept"
    [_, alarm, end] = directs(world, world.bruno)
    assert alarm.text.startswith(STUCK)
    assert end.text == GIVEN_UP, "an edit notifies nobody"
    assert labels(end) == ["Check again", "Open in Applivery"]
    assert await world.bot.store.run(app_polls.list_watched_apps) == set()
    looked = await (await press(world.slack, end, "Check again", user=world.bruno)).answer()
    assert "may never finish" in looked.text
    assert labels(looked) == ["Check again", "Open in Applivery"], "waiting is offered no more"
    assert (await world.ask("watch courier", user=world.bruno)).text == looked.text
    world.applivery.move(build, "processed")
    await world.look()
    assert len(directs(world, world.bruno)) == 3


@on_sqlite
async def test_progress_end_after_a_day_of_watching_is_not_told(world: Environment, clock: Clock) -> None:
    await world.start()
    build = on_its_way(world)
    message = await watched(world)
    clock.forward(hours=25)
    await world.look()
    told = texts(directs(world, world.bruno))
    world.applivery.move(build, "processed")
    await world.look()
    assert texts(directs(world, world.bruno)) == told
    assert message.text in told


@on_sqlite
async def test_without_anything_usual_it_is_stuck_after_half_an_hour(world: Environment, clock: Clock) -> None:
    await world.start()
    on_its_way(world)
    message = await watched(world)
    clock.forward(minutes=29)
    await world.look()
    assert "no time estimate yet" in message.text
    clock.forward(minutes=2)
    await world.look()
    assert message.text.startswith(STUCK)
    assert len(directs(world, world.bruno)) == 2


@on_sqlite
async def test_the_alarm_can_be_answered_with_stop(world: Environment, clock: Clock) -> None:
    await world.start()
    build = on_its_way(world)
    message = await watched(world)
    clock.forward(hours=1)
    await world.look()
    await press(world.slack, directs(world, world.bruno)[1], "Stop watching", user=world.bruno)
    await rested(world)
    world.applivery.move(build, "processed")
    await world.look()
    assert texts(directs(world, world.bruno)) == [f"Stopped watching {TITLE}."] * 2
    assert message.edited


@on_sqlite
async def test_nothing_is_called_stuck_that_was_not_looked_at(world: Environment, clock: Clock) -> None:
    """While Applivery is away nobody knows how far the build is: it may well be ready."""
    await world.start()
    earlier(world)
    build = on_its_way(world)
    message = await watched(world)
    await world.look()
    world.applivery.faults.add("*", Fault(status=500), times=None)
    clock.forward(hours=3)
    await world.look()
    assert "under 1 min left" in message.text
    assert directs(world, world.bruno) == [message]
    world.applivery.move(build, "processed")
    world.applivery.faults.clear()
    await world.look()
    assert "✅ Ready" in message.text
    assert len(directs(world, world.bruno)) == 2


# ------------------------------------------------------------------ deleted


async def test_progress_deleted_build_told_in_message_and_new_one(world: Environment) -> None:
    await world.start()
    build = on_its_way(world)
    message = await watched(world)
    await world.look()
    world.applivery.delete(build)
    for _ in range(3):
        await world.look()
    assert texts(directs(world, world.bruno)) == [DELETED, DELETED]
    assert directs(world, world.bruno)[0] is message
    assert await world.bot.store.run(app_polls.list_watched_apps) == set()
    assert await world.bot.progress.step() is None


async def test_progress_build_deleted_before_first_poll_told_by_name(world: Environment) -> None:
    """The message calls the build by its name."""
    await world.start()
    build = on_its_way(world)
    await watched(world)
    world.applivery.delete(build)
    await world.look()
    assert texts(directs(world, world.bruno)) == [DELETED, DELETED]


async def test_await_without_watch_told_of_deletion(world: Environment) -> None:
    await world.start()
    build = on_its_way(world)
    answer = await world.ask("get courier 2.4.0", user=world.bruno)
    await press(world.slack, answer, "Notify me", user=world.bruno)
    await rested(world)
    world.applivery.delete(build)
    for _ in range(2):
        await world.look()
    assert texts(directs(world, world.bruno)) == [DELETED]


async def test_a_channel_hears_nothing_of_a_deletion(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    build = on_its_way(world)
    await watched(world)
    await world.look()
    world.applivery.delete(build)
    await world.look()
    assert world.said() == []
    answer = await world.ask("subscribe courier on:deleted")
    assert "no event “deleted”" in answer.text


# ------------------------------------------------------------------ whatever happens in between


async def test_a_restart_in_the_middle_goes_on_in_the_same_message(world: Environment) -> None:
    await world.start()
    build = on_its_way(world, status="pending")
    message = await watched(world)
    await world.restart()
    world.applivery.move(build, "in_progress")
    await world.look()
    await world.stop()
    world.applivery.move(build, "processed")
    await world.start()
    await world.look()
    assert [state.split()[0] for state in states(message)] == ["⏳", "⏳", "✅"]
    assert link(directs(world, world.bruno)[1])
    assert len(directs(world, world.bruno)) == 2


@pytest.mark.parametrize("refusal", ["message_not_found", "cant_update_message", "edit_window_closed", "is_inactive"])
async def test_progress_uneditable_message_left_and_end_still_told(world: Environment, refusal: str) -> None:
    await world.start()
    build = on_its_way(world, status="pending")
    await watched(world)
    world.slack.faults.add("chat.update", Fault(error=refusal), times=None)
    world.applivery.move(build, "in_progress")
    await world.look()
    await world.look()
    assert edits(world) == 1
    world.applivery.move(build, "processed")
    await world.look()
    assert link(directs(world, world.bruno)[1])


async def test_progress_deleted_message_replaced_on_next_watch(world: Environment) -> None:
    await world.start()
    build = on_its_way(world, status="pending")
    message = await watched(world)
    world.slack.mailbox.delete(message)
    world.applivery.move(build, "in_progress")
    await world.look()
    assert "being processed" in (await watched(world)).text


@pytest.mark.parametrize(
    "trouble", [Fault(status=429, retry_after=0), Fault(status=500), Fault(drop=True), Fault(error="token_revoked")]
)
@on_sqlite
async def test_an_edit_that_failed_for_now_is_tried_again(world: Environment, clock: Clock, trouble: Fault) -> None:
    await world.start()
    build = on_its_way(world, status="pending")
    message = await watched(world)
    world.slack.faults.add("chat.update", trouble, times=4)
    world.applivery.move(build, "in_progress")
    await world.look()
    assert "waiting" in message.text
    world.slack.faults.clear()
    clock.forward(minutes=1)
    await world.look()
    assert "being processed" in message.text
    assert directs(world, world.bruno) == [message]


@on_sqlite
async def test_slack_that_asks_to_wait_gets_the_message_later(world: Environment, clock: Clock) -> None:
    await world.start()
    on_its_way(world)
    world.slack.faults.add("chat.postMessage", Fault(status=429, retry_after=2))
    await world.ask("watch courier", user=world.bruno)
    await rested(world)
    await world.look()
    assert directs(world, world.bruno) == []
    async with patience():  # the limit is Slack's and this machine's time
        while not directs(world, world.bruno):
            await asyncio.sleep(0.1)
            clock.forward(seconds=3)
            await world.look()
    assert len(directs(world, world.bruno)) == 1


@on_sqlite
async def test_progress_message_of_unknown_outcome_is_not_reposted(world: Environment, clock: Clock) -> None:
    await world.start()
    build = on_its_way(world)
    world.slack.faults.add("chat.postMessage", Fault(drop_after=True))
    await world.ask("watch courier", user=world.bruno)
    await rested(world)
    for _ in range(3):
        await world.look()
        clock.forward(minutes=5)
    assert len(directs(world, world.bruno)) == 1
    world.applivery.move(build, "processed")
    await world.look()
    assert link(directs(world, world.bruno)[1])


async def test_a_direct_message_that_is_refused_ends_it_quietly(world: Environment) -> None:
    await world.start()
    on_its_way(world)
    world.slack.faults.add("chat.postMessage", Fault(error="messages_tab_disabled"))
    await world.ask("watch courier", user=world.bruno)
    await rested(world)
    await world.look()
    assert directs(world, world.bruno) == []
    assert await world.bot.progress.step() is None


async def test_progress_crash_after_post_repeats_nothing(world: Environment) -> None:
    await world.start()
    build = on_its_way(world)
    await world.ask("watch courier", user=world.bruno)
    await rested(world)
    [row] = await world.bot.store.run(build_watches.lease_due_watches, 10, 0.0)
    assert await world.bot.store.run(build_watches.mark_post_attempted, row)
    await world.bot.slack_client.post(world.bruno.id, Says("Here it dies, and the lease lapses."))
    await world.look()
    assert len(directs(world, world.bruno)) == 1
    assert await world.bot.store.run(build_watches.watch_due_in) is None
    world.applivery.move(build, "processed")
    await world.look()
    assert link(directs(world, world.bruno)[1])


async def test_steps_at_the_same_time_make_one_message(world: Environment) -> None:
    await world.start()
    on_its_way(world)
    await world.ask("watch courier", user=world.bruno)
    await rested(world)
    await asyncio.gather(*(world.bot.progress.step() for _ in range(4)))
    assert len(directs(world, world.bruno)) == 1


async def test_stop_while_an_edit_is_under_way_has_the_last_word(world: Environment) -> None:
    await world.start()
    build = on_its_way(world, status="pending")
    message = await watched(world)
    world.applivery.move(build, "in_progress")
    world.slack.faults.add("chat.update", Fault(latency=0.3))
    look = asyncio.create_task(world.look())
    await world.slack.until(lambda: edits(world) == 1)
    await press(world.slack, message, "Stop watching", user=world.bruno)
    await rested(world)
    await look
    await world.look()
    assert message.text == f"Stopped watching {TITLE}."


async def test_a_stage_is_known_by_the_store_alone(world: Environment) -> None:
    await world.start()
    build = on_its_way(world, status="pending")
    await watched(world)
    world.applivery.move(build, "in_progress")
    await world.bot.store.run(app_polls.request_poll, None)
    await world.bot.watch.step()
    [row] = await world.bot.store.run(build_watches.lease_due_watches, 10, 0.0)
    assert row.build.stage is Stage.RUNNING
    assert row.seen_at is not None
    assert abs(await world.bot.store.run(database_info.current_time) - row.seen_at) < timedelta(minutes=1)


# ------------------------------------------------------------------ stopped in between


async def test_progress_stopped_at_any_step_is_due_at_once(world: Environment) -> None:
    await world.start()
    on_its_way(world)
    await world.ask("watch courier", user=world.bruno)
    await rested(world)
    await world.look()
    world.slack.faults.add("*", Fault(latency=5.0), times=None)
    for turns in range(0, 61, 4):
        await stopped_after(turns, world.bot.progress.step())
        await world.bot.progress.leases.release()
        assert await world.bot.store.run(build_watches.watch_due_in) == 0, f"leased, after {turns} turns"
    world.slack.faults.clear()
    await world.look()
    assert len(directs(world, world.bruno)) == 1
