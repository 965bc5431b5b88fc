"""The announcer: once, in order, whatever dies in between, and no channel waits for another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from bot.app import RunningBot, running
from bot.db import app_polls, mutes, outbox, subscriptions
from bot.db.wakeups import Topic
from bot.exceptions import StartupError
from bot.workers.outbox_dispatcher import IN_FLIGHT, LOOK_AGAIN_SECONDS
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.integration.workers.conftest import on_postgresql, on_sqlite
from tests.integration.workers.test_build_poller import ready, subscribed
from tests.support.builders import posted_ts
from tests.support.handing import Clock
from tests.support.stopping import stopped_after
from tests.support.waiting import PATIENCE, patience, until

Log = list[Any]
POST = "chat.postMessage"
LOOK_UP = "conversations.history"
HISTORY_SCOPES = {"channels:history", "groups:history", "im:history", "mpim:history"}
EVERY = [ready(str(number)) for number in range(1, 100)]


@pytest.fixture
async def watched(world: Environment) -> Environment:
    """#releases is subscribed to Courier, which has no builds yet, and the first look has been."""
    await world.start()
    await subscribed(world)
    await world.look()
    return world


@pytest.fixture
async def two(watched: Environment) -> Environment:
    """#beta is subscribed as well."""
    await subscribed(watched, "courier", watched.slack.channel("beta", members=(watched.ana,)))
    return watched


def beta(world: Environment) -> Any:
    return next(channel for channel in world.slack.channels.values() if channel.name == "beta")


async def record(world: Environment, *versions: str) -> None:
    """These builds are ready now, and the watch has written them down; nothing has been said yet."""
    for version in versions:
        world.applivery.build(world.courier, version=version)
    await world.bot.store.run(app_polls.request_poll, None)
    await world.bot.watch.step()


async def crash(world: Environment) -> None:
    """The process dies and another begins: nothing is handed in, and posts under way are not waited for."""
    assert not world.bot.running, "this world ticks by hand, so stopping it finishes nothing"
    await world.restart()


def posts(world: Environment) -> int:
    """Posts to channels, direct messages left out."""
    return len([call for call in world.slack.calls_of(POST) if str(call.args["channel"]).startswith("C")])


def events(log: Log, *names: str) -> list[str]:
    return [line["event"] for line in log if line["event"] in names]


# ------------------------------------------------------------------ dying in between


async def test_a_crash_between_record_and_post_loses_nothing(watched: Environment) -> None:
    await record(watched, "1", "2")
    await crash(watched)
    await watched.settle()
    assert watched.said() == EVERY[:2]
    assert not watched.slack.calls_of(LOOK_UP), "nobody had claimed them, so there is nothing to be unsure of"


async def test_a_crash_between_post_and_mark_repeats_nothing(watched: Environment) -> None:
    await record(watched, "1", "2")
    await watched.bot.announce.step()
    await watched.slack.until(lambda: watched.said() == EVERY[:1])  # stored; the process dies before it hears so
    await crash(watched)
    await watched.settle()
    assert watched.said() == EVERY[:2]
    assert watched.slack.calls_of(LOOK_UP)


async def test_a_crash_between_claim_and_post_loses_nothing(watched: Environment) -> None:
    await record(watched, "1", "2")
    watched.slack.faults.add(POST, Fault(drop=True))
    await watched.bot.announce.step()
    await watched.slack.until(lambda: watched.slack.calls_of(POST))
    await crash(watched)
    await watched.settle()
    assert watched.said() == EVERY[:2]
    assert watched.slack.calls_of(LOOK_UP), "it was looked for, and was not there"


async def test_outbox_lost_answer_found_by_metadata_not_repeated(watched: Environment) -> None:
    watched.slack.faults.add(POST, Fault(drop_after=True))
    await record(watched, "1", "2")
    await watched.settle()
    assert watched.said() == EVERY[:2]
    assert posts(watched) == 2
    card = watched.slack.messages(watched.releases)[0]
    key = card.metadata["event_payload"]["key"]
    build_id = key.split(":")[1]
    assert await watched.bot.store.run(posted_ts, watched.releases.id, build_id) == card.ts


DUPLICATE = "duplicate_client_msg_id"


@on_sqlite
async def test_outbox_duplicate_error_triggers_lookup(watched: Environment) -> None:
    watched.slack.faults.add(POST, Fault(error_after=DUPLICATE))
    await record(watched, "1", "2")
    await watched.bot.announce.drain()
    assert (await watched.bot.store.run(outbox.delivery_due_in) or 0) < 5, (
        "nothing is under way, so no lease has to lapse"
    )
    await watched.settle()
    assert watched.said() == EVERY[:2]
    assert posts(watched) == 2


@pytest.mark.parametrize("times", [1, 3])
@on_sqlite
async def test_a_duplicate_that_is_not_there_is_posted(watched: Environment, times: int) -> None:
    watched.slack.faults.add(POST, Fault(error=DUPLICATE), times=times)
    await record(watched, "1", "2")
    await watched.settle()
    assert watched.said() == EVERY[:2]


@on_sqlite
async def test_a_duplicate_without_a_look_up_is_not_lost(watched: Environment) -> None:
    watched.slack.scopes.difference_update(HISTORY_SCOPES)
    watched.slack.faults.add(POST, Fault(error=DUPLICATE))
    await record(watched, "1")
    await watched.settle()
    assert watched.said() == EVERY[:1]


@on_sqlite
async def test_nothing_undocumented_is_sent_with_a_post(watched: Environment) -> None:
    await record(watched, "1")
    await watched.settle()
    [call] = [call for call in watched.slack.calls_of(POST) if call.args["channel"] == watched.releases.id]
    assert call.args.keys() <= {"channel", "text", "blocks", "metadata", "unfurl_links", "unfurl_media"}


@on_sqlite
async def test_outbox_lookup_reads_all_pages_and_matches_only_own(watched: Environment) -> None:
    watched.slack.faults.add(POST, Fault(drop_after=True))
    await record(watched, "1")
    await watched.bot.announce.drain()
    for number in range(250):  # everybody talks meanwhile; a page is 200 messages
        watched.slack.say(f"Courier 1 is ready? {number}", watched.ana, watched.releases)
    await watched.settle()
    assert posts(watched) == 1
    assert len(watched.slack.calls_of(LOOK_UP)) == 2


@on_sqlite
async def test_outbox_same_words_of_other_author_are_not_ours(watched: Environment) -> None:
    watched.slack.faults.add(POST, Fault(drop=True))
    await record(watched, "1")
    watched.slack.say(ready("1"), watched.bruno, watched.releases)
    await watched.settle()
    assert watched.said() == [ready("1"), ready("1")]


@on_sqlite
async def test_outbox_without_history_scope_warns_of_repeat(watched: Environment, log: Log) -> None:
    """No message is lost, and the log says that one may be repeated."""
    watched.slack.scopes -= HISTORY_SCOPES
    await watched.restart()
    watched.slack.faults.add(POST, Fault(drop=True))
    await record(watched, "1", "2")
    await watched.settle()
    assert watched.said() == EVERY[:2]
    assert events(log, "announce.cannot_look_up") == ["announce.cannot_look_up"]
    [off] = [line["off"] for line in log if line["event"] == "slack.features_off"]
    assert "channels:history" in off, "said at the start, before it matters"


@on_sqlite
async def test_outbox_does_not_repost_while_lookup_is_impossible(watched: Environment) -> None:
    watched.slack.faults.add(POST, Fault(drop_after=True))
    watched.slack.faults.add(LOOK_UP, Fault(error="internal_error"), times=2)
    await record(watched, "1", "2")
    await watched.settle()
    assert watched.said() == EVERY[:2]
    assert len(watched.slack.calls_of(LOOK_UP)) == 3


async def test_a_stop_waits_for_the_post_under_way_and_marks_it(world: Environment) -> None:
    await world.start(jobs=True)
    await subscribed(world)
    world.slack.faults.add(POST, Fault(latency=0.2))
    world.applivery.build(world.courier, version="1")
    async with patience():
        while not world.slack.faults.fired:  # the post is under way
            await asyncio.sleep(0.01)
    await world.restart()
    assert world.said() == [ready("1")]
    assert (await world.bot.store.run(outbox.get_backlog)).count == 0, "marked before the end"
    assert not world.slack.calls_of(LOOK_UP)


async def begun(watched: Environment) -> bool:
    """Let the clock tick; return whether a post has arrived: a busy machine may not ask in time whether it may be."""
    await watched.bot.announce.step()
    await asyncio.sleep(0.1)
    return bool(watched.slack.faults.fired)


async def posted_again(watched: Environment, *, late_by: float, slack_seconds: float) -> None:
    """A post is on its way for so long that its lease has lapsed, and another has posted the same."""
    watched.slack.faults.add(POST, Fault(latency=late_by))
    watched.tuning = replace(watched.tuning, lease_seconds=0.6, slack_seconds=slack_seconds)
    await watched.restart()
    await record(watched, "1")
    await until(partial(begun, watched))
    await asyncio.sleep(await watched.bot.store.run(outbox.delivery_due_in) or 0)  # until the lease has lapsed
    await watched.bot.announce.step()
    await watched.slack.until(lambda: watched.said() == [ready("1")])


async def test_a_late_post_takes_itself_back(watched: Environment) -> None:
    """A frozen replica's post arrives after its lease has lapsed and another has posted the same."""
    await posted_again(watched, late_by=1.2, slack_seconds=5.0)
    await watched.slack.until(lambda: len(watched.said()) == 2)  # the late one
    await watched.settle()
    assert watched.said() == [ready("1")]
    assert len(watched.slack.calls_of("chat.delete")) == 1


async def test_a_late_post_without_an_answer_is_taken_back(watched: Environment) -> None:
    """As above, but the frozen replica has stopped waiting: it looks for its copy."""
    await posted_again(watched, late_by=1.5, slack_seconds=0.7)
    first = watched.slack.messages(watched.releases)[0].ts
    await watched.bot.announce.drain()
    await watched.slack.until(lambda: len(watched.said()) == 2)  # the late one
    await watched.slack.until(lambda: [each.ts for each in watched.slack.messages(watched.releases)] == [first])
    assert len(watched.slack.calls_of("chat.delete")) == 1


# ------------------------------------------------------------------ stopped in between


async def test_dispatcher_stopped_at_any_step_leaves_no_lease(two: Environment) -> None:
    two.tuning = replace(two.tuning, lease_seconds=60.0, slack_seconds=30.0)
    await two.restart()
    bot = two.bot
    for number in range(20):
        await record(two, str(number + 1))
        await stopped_after(number * 2, bot.announce.step())
        await bot.announce.drain_posts(PATIENCE)
        assert (await bot.store.run(outbox.delivery_due_in) or 0) < 1, f"leased, cancelled after {number * 2} turns"
    await two.settle()
    assert two.said() == two.said(beta(two)) == EVERY[:20]
    assert not two.slack.calls_of(LOOK_UP), "what was never begun is not looked for"


async def test_dispatcher_stopped_in_a_delete_ends_it(watched: Environment) -> None:
    await posted_again(watched, late_by=1.2, slack_seconds=5.0)
    await watched.slack.until(lambda: len(watched.said()) == 2)  # the late one
    watched.slack.faults.add("chat.delete", Fault(latency=PATIENCE))
    step = asyncio.create_task(watched.bot.announce.drain())
    await until(lambda: any(target == "chat.delete" for target, _ in watched.slack.faults.fired))
    step.cancel()
    await asyncio.wait((step,))
    await watched.bot.announce.drain_posts(PATIENCE)
    assert watched.said() == [ready("1")]


@on_postgresql
async def test_dispatcher_that_stops_wakes_the_others(watched: Environment) -> None:
    await record(watched, "1", "2")
    async with running(watched.settings(), watched.tuning, jobs=False) as other:
        await watched.bot.announce.step()
        while await other.store.wait(Topic.OUTBOX, 0.2):
            pass  # of what was recorded
        await watched.bot.announce.drain_posts(PATIENCE)
        async with patience():
            assert await other.store.wait(Topic.OUTBOX, None)


# ------------------------------------------------------------------ order and pace


async def test_a_channel_hears_of_builds_in_their_order(two: Environment) -> None:
    await record(two, *map(str, range(1, 8)))
    await record(two, *map(str, range(8, 15)))
    await two.bot.announce.drain()
    assert two.said() == two.said(beta(two)) == EVERY[:14]


async def test_outbox_waiting_message_keeps_order_of_its_channel(watched: Environment) -> None:
    watched.slack.faults.add(POST, Fault(status=429, retry_after=0.2))
    await record(watched, "1", "2", "3")
    await watched.settle()
    assert watched.said() == EVERY[:3]


async def test_a_slow_channel_delays_no_other(world: Environment) -> None:
    world.tuning = replace(world.tuning, lease_seconds=20.0, slack_seconds=10.0)
    await world.start()
    for channel in (world.releases, world.slack.channel("beta", members=(world.ana,))):
        await subscribed(world, "courier", channel)
    await world.look()
    world.slack.faults.add(POST, Fault(latency=2.0))  # one of the two meets it; a busy machine posts three in less
    await record(world, "1", "2", "3")
    draining = asyncio.create_task(world.bot.announce.drain())
    await world.slack.until(lambda: EVERY[:3] in (world.said(), world.said(beta(world))))
    assert [] in (world.said(), world.said(beta(world))), "the other one has not even got its first"
    await draining
    assert world.said() == world.said(beta(world)) == EVERY[:3]


async def test_outbox_with_no_room_left_waits_for_a_post_to_end(watched: Environment) -> None:
    for number in range(IN_FLIGHT):
        await subscribed(watched, "courier", watched.slack.channel(f"c{number}", members=(watched.ana,)))
    for _ in range(IN_FLIGHT):
        watched.slack.faults.add(POST, Fault(latency=0.3))
    await record(watched, "1")
    for _ in range(2):
        assert await watched.bot.announce.step() == LOOK_AGAIN_SECONDS
    assert await watched.bot.store.run(outbox.delivery_due_in) == 0, "one more channel is due"
    await watched.bot.announce.drain()
    assert posts(watched) == IN_FLIGHT + 1


@on_sqlite
async def test_a_channel_gets_one_message_a_second_at_most(watched: Environment) -> None:
    watched.tuning = replace(watched.tuning, pace_seconds=0.25)
    await watched.restart()
    await record(watched, "1", "2", "3")
    await watched.settle()
    first, second, third = (call.at for call in watched.slack.calls_of(POST))
    assert second - first >= 0.2
    assert third - second >= 0.2
    assert watched.said() == EVERY[:3]


# ------------------------------------------------------------------ Slack refuses


async def test_after_a_429_slack_is_left_alone_for_as_long_as_it_said(two: Environment) -> None:
    two.slack.faults.add(POST, Fault(status=429, retry_after=0.5))
    await record(two, "1", "2")
    await two.settle()
    assert two.said() == two.said(beta(two)) == EVERY[:2]
    refused = next(call for call in two.slack.calls_of(POST) if call.status == 429)
    again = [call for call in two.slack.calls_of(POST) if call.args["channel"] == refused.args["channel"]]
    assert again[1].at - again[0].at >= 0.5
    assert len(again) == 3
    assert not two.slack.calls_of(LOOK_UP), "a refused post is not there, for certain"


@on_sqlite
async def test_outbox_5xx_storm_is_one_outage_and_all_arrive_once(two: Environment, log: Log) -> None:
    two.slack.faults.add(POST, Fault(status=503, body="upstream connect error"), times=2)
    two.slack.faults.add(POST, Fault(status=500), times=1)
    two.slack.faults.add(POST, Fault(error="internal_error"), times=1)
    await record(two, "1", "2")
    await two.settle()
    assert two.said() == two.said(beta(two)) == EVERY[:2]
    assert events(log, "slack.away", "slack.back", "announce.error") == ["slack.away", "slack.back"]


@on_sqlite
async def test_a_revoked_token_loses_nothing(watched: Environment, log: Log) -> None:
    watched.slack.revoke()
    await record(watched, "1")
    await watched.bot.announce.drain()
    assert watched.said() == []
    assert events(log, "slack.away") == ["slack.away"]
    assert 50 < (await watched.bot.store.run(outbox.delivery_due_in) or 0) <= 60
    assert (await watched.bot.store.run(outbox.get_backlog)).count == 1


@pytest.mark.parametrize("cause", ["archived", "removed"])
async def test_outbox_refusing_channel_pauses_and_tells_maker_once(two: Environment, cause: str) -> None:
    if cause == "archived":
        two.releases.archived = True
    else:
        two.releases.members.remove(two.slack.bot_user_id)
    await record(two, "1", "2")
    await two.settle()
    await record(two, "3")
    await two.settle()

    assert two.said() == []
    assert two.said(beta(two)) == EVERY[:3], "the other channel is not delayed"
    (told,) = two.slack.messages(two.slack.dm(two.ana))
    assert told.text.startswith("⚠️ *Courier is paused in <#")
    assert f"<#{two.releases.id}>" in told.text
    assert ("archived" if cause == "archived" else "isn't in the channel") in told.text
    (paused,) = await two.bot.store.run(subscriptions.list_subscriptions, two.releases.id)
    assert paused.paused


@on_sqlite
async def test_each_maker_of_a_channel_s_subscriptions_is_told(watched: Environment) -> None:
    watched.bruno.admin = True
    watched.applivery.app("Parcel", slug="parcel")
    await watched.ask("subscribe parcel", user=watched.bruno)
    watched.releases.archived = True
    await record(watched, "1")
    await watched.settle()
    for maker, what in ((watched.ana, "Courier"), (watched.bruno, "Parcel")):
        (told,) = watched.slack.messages(watched.slack.dm(maker))
        assert told.text.startswith(f"⚠️ *{what} is paused in ")


@on_sqlite
async def test_a_maker_who_cannot_be_told_stops_nothing(two: Environment, log: Log) -> None:
    two.releases.archived = two.slack.dm(two.ana).archived = True
    await record(two, "1")
    await two.settle()
    assert two.said(beta(two)) == EVERY[:1]
    (paused,) = await two.bot.store.run(subscriptions.list_subscriptions, two.releases.id)
    assert paused.paused


@on_sqlite
async def test_outbox_held_messages_follow_first_success(watched: Environment) -> None:
    watched.releases.members.remove(watched.slack.bot_user_id)
    await record(watched, "1")
    await watched.settle()
    assert watched.said() == []
    watched.releases.members.append(watched.slack.bot_user_id)
    await record(watched, "2")
    await watched.settle()
    assert watched.said() == [ready("2"), ready("1")]
    (subscription,) = await watched.bot.store.run(subscriptions.list_subscriptions)
    assert subscription.paused is None


@on_sqlite
async def test_a_card_slack_will_not_take_is_said_as_plain_text(watched: Environment, log: Log) -> None:
    watched.slack.faults.add(POST, Fault(error="invalid_blocks"))
    await record(watched, "1", "2")
    await watched.settle()
    assert watched.said() == EVERY[:2]
    assert watched.slack.messages(watched.releases)[0].blocks == []
    assert watched.slack.messages(watched.releases)[0].metadata is not None, "it can be found again"
    assert events(log, "announce.card_refused")


@on_sqlite
async def test_outbox_unacceptable_message_ends_and_blocks_nothing(watched: Environment) -> None:
    watched.slack.faults.add(POST, Fault(error="invalid_blocks"))
    watched.slack.faults.add(POST, Fault(error="msg_too_long"))
    await record(watched, "1", "2")
    await watched.settle()
    assert watched.said() == [ready("2")]
    (subscription,) = await watched.bot.store.run(subscriptions.list_subscriptions)
    assert subscription.paused is None, "it was the message, not the channel"


@on_sqlite
async def test_a_refusal_of_an_unknown_kind_is_tried_again_later(watched: Environment) -> None:
    watched.slack.faults.add(POST, Fault(error="new_policy_denied"))
    await record(watched, "1")
    await watched.bot.announce.drain()
    assert watched.said() == []
    assert 50 < (await watched.bot.store.run(outbox.delivery_due_in) or 0) <= 60


@on_sqlite
async def test_outbox_unknown_kind_set_aside_after_minutes(world: Environment, log: Log) -> None:
    """The messages after it are posted."""
    clock = await timed(world)
    world.slack.faults.add(POST, Fault(error="new_policy_denied"), times=3)
    await record(world, "1", "2")
    await world.bot.announce.drain()
    clock.forward(minutes=9)
    await world.bot.announce.drain()
    assert world.said() == []
    clock.forward(minutes=2)
    await world.bot.announce.drain()
    assert world.said() == [ready("2")]
    [aside] = [line for line in log if line["event"] == "announce.set_aside"]
    assert (aside["code"], aside["channel"]) == ("new_policy_denied", world.releases.id)
    assert world.bot.metrics.registry.get_sample_value("applivery_bot_announcements_set_aside_total") == 1
    (subscription,) = await world.bot.store.run(subscriptions.list_subscriptions)
    assert subscription.paused is None


@on_sqlite
async def test_outbox_repeated_refusal_pauses_channel_and_keeps_rest(world: Environment) -> None:
    """When the next message is refused too, the channel is at fault and no further message is dropped."""
    clock = await timed(world)
    world.slack.faults.add(POST, Fault(error="a_new_error"), times=None)
    await record(world, "1", "2", "3")
    for _ in range(8):
        await world.bot.announce.drain()
        clock.forward(minutes=11)
    assert world.said() == []
    (subscription,) = await world.bot.store.run(subscriptions.list_subscriptions)
    assert subscription.paused == "a_new_error"
    world.slack.faults.clear()
    await record(world, "4")
    await world.settle()
    assert world.said()[0] == ready("4")
    assert all(any(version in said for said in world.said()) for version in "23"), world.said()


async def timed(world: Environment) -> Clock:
    """A watched world, as `watched` is, whose clock can be put forward."""
    clock = Clock(world)
    await world.start()
    await subscribed(world)
    await world.look()
    return clock


@on_sqlite
async def test_outbox_malformed_answer_loses_and_repeats_nothing(watched: Environment, log: Log) -> None:
    watched.slack.faults.add(POST, Fault(body="<html>gateway</html>"))
    watched.slack.faults.add(POST, Fault(body="{}"))
    await record(watched, "1", "2")
    await watched.settle()
    assert watched.said() == EVERY[:2]
    assert not events(log, "announce.error")


# ------------------------------------------------------------------ two replicas


@pytest.fixture
async def replicas(world: Environment) -> Any:
    """Start n bots on one PostgreSQL; they end with the test."""
    async with AsyncExitStack() as stack:

        async def start(count: int, *, jobs: bool, every: float = 0.05) -> list[RunningBot]:
            settings = world.settings(poll_idle_seconds=every, poll_busy_seconds=every)
            return [await stack.enter_async_context(running(settings, world.tuning, jobs=jobs)) for _ in range(count)]

        yield start


@on_postgresql
async def test_two_replicas_share_the_polling(watched: Environment, replicas: Callable[..., Any]) -> None:
    apps = [watched.applivery.app(f"App {number}", slug=f"app-{number}") for number in range(12)]
    for app in apps:
        await subscribed(watched, app.slug)
    await watched.stop()
    item, other = await replicas(2, jobs=False, every=3600)
    for _ in range(3):
        await item.store.run(app_polls.request_poll, None)
        before = len(watched.applivery.requests)
        await asyncio.gather(item.watch.step(), other.watch.step())
        await asyncio.gather(item.watch.step(), other.watch.step())  # each takes eight at a time
        asked = [r.path for r in watched.applivery.requests[before:] if r.path.endswith("/builds")]
        assert len(asked) == len(set(asked)) == 13, "every app once, whoever asks"


@on_postgresql
async def test_two_replicas_never_post_twice(two: Environment, replicas: Callable[..., Any]) -> None:
    await two.stop()
    first, other = await replicas(2, jobs=False)
    for number in range(1, 25):
        two.applivery.build(two.courier, version=str(number))
        if number % 3 == 0:
            await first.store.run(app_polls.request_poll, None)
            await asyncio.gather(first.watch.step(), other.watch.step())
            await asyncio.gather(first.announce.drain(), other.announce.drain())
    await asyncio.gather(two.settle(first), two.settle(other))
    assert two.said() == two.said(beta(two)) == EVERY[:24]
    assert posts(two) == 48


@on_postgresql
async def test_two_running_replicas_are_as_good_as_one(two: Environment, replicas: Callable[..., Any]) -> None:
    await two.stop()
    await replicas(2, jobs=True)
    for number in range(1, 31):
        two.applivery.build(two.courier, version=str(number))
        if number % 5 == 0:
            await two.slack.until(lambda number=number: len(two.said()) == len(two.said(beta(two))) == number)
    assert two.said() == two.said(beta(two)) == EVERY[:30]


@on_postgresql
async def test_when_one_of_two_replicas_dies_the_other_goes_on(two: Environment, replicas: Callable[..., Any]) -> None:
    await two.stop()
    dying, living = await replicas(2, jobs=False)
    two.bot = dying
    await record(two, "1", "2", "3")
    two.slack.faults.add(POST, Fault(drop_after=True), times=2)
    await dying.announce.step()  # it has claimed both channels, posts, and is never heard of again
    await two.slack.until(lambda: len(two.said()) == len(two.said(beta(two))) == 1)
    await two.settle(living)
    assert two.said() == two.said(beta(two)) == EVERY[:3]


@on_sqlite
async def test_a_second_process_on_sqlite_is_refused_with_words(watched: Environment) -> None:
    with pytest.raises(StartupError, match=r"Another process \(id \d+\) is using the database .*PostgreSQL"):
        async with running(watched.settings(), watched.tuning):
            pass
    await record(watched, "1")
    await watched.settle()
    assert watched.said() == [ready("1")], "the first one was not disturbed"


# ------------------------------------------------------------------ what is measured


@on_sqlite
async def test_outbox_delay_measured_from_earliest_allowed_time(world: Environment) -> None:
    later = timedelta()
    world.tuning = replace(world.tuning, clock=lambda: datetime.now(UTC) + later)
    bot = await world.start()
    await subscribed(world)
    await world.look()
    await record(world, "1")
    later = timedelta(seconds=40)
    await bot.announce.drain()
    assert 40 <= _lag(bot, "sum") < 50
    [wish] = await bot.store.run(subscriptions.list_subscriptions)
    await bot.store.run(mutes.mute_subscriptions, world.releases.id, [wish.id], bot.tuning.clock() + timedelta(hours=1))
    await record(world, "2")
    await bot.announce.drain()
    later += timedelta(hours=1)
    await bot.hold.step()  # kept back for an hour because somebody wished it: that is not late
    await bot.announce.drain()
    assert world.said() == [ready("1"), ready("2")]
    assert _lag(bot, "count") == 3  # two cards, and the first says that it is not the newest
    assert _lag(bot, "sum") < 50


def _lag(bot: RunningBot, what: str) -> float:
    return bot.metrics.registry.get_sample_value(f"applivery_bot_announcement_lag_seconds_{what}") or 0.0
