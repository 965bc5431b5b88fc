"""Living cards in the world: one message for each build, edited in place, whatever becomes of it or the channel."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.db import access, app_polls, mutes, outbox, recalls, subscriptions
from bot.db.wakeups import Topic
from bot.domain import changelogs, delivery_options, filters, grammar
from bot.services.webhook import WebhookHandler
from sandbox.faults import Fault
from sandbox.slack.message import FakeMessage
from tests.conftest import Environment, heads
from tests.integration.workers.conftest import on_sqlite
from tests.integration.workers.test_build_poller import ready
from tests.support.handing import Clock, directs, seen
from tests.support.seeing import labels
from tests.support.waiting import patience

POST, EDIT, REPLIES = "chat.postMessage", "chat.update", "conversations.replies"
LONG = "\n".join(f"- change {number} that somebody made" for number in range(200))
PIECES = len(changelogs.pieces(LONG))
UPLOADED = "⏳ Courier 1.0.0 (1) for iOS was uploaded."
RUNNING = "⏳ Courier 1.0.0 (1) for iOS is being processed."
FAILED = "❌ Courier 1.0.0 (1) for iOS failed to process."
MADRID = "Europe/Madrid"


async def listen(world: Environment, words: str = "", channel: Any = None, *, every: bool = False) -> int:
    """A subscription of a channel (#releases) to Courier, or every app, in these words; returns its id."""
    typed = grammar.parse(words)
    wish = await world.bot.store.run(
        subscriptions.add_subscription,
        world.slack.team_id,
        (channel or world.releases).id,
        None if every else world.courier.id,
        "Courier",
        filters.events(typed),
        filters.query(typed),
        world.ana.id,
        manner=delivery_options.manner(typed, MADRID),
    )
    await world.look()
    return wish.id


def cards(world: Environment, channel: Any = None) -> list[FakeMessage]:
    return world.slack.messages(channel or world.releases)


def thread(world: Environment, card: FakeMessage) -> list[FakeMessage]:
    return world.slack.messages(world.releases, card.ts)


def in_order(replies: list[FakeMessage]) -> bool:
    """Whether these are the pieces of the long changelog, each once."""
    counts = [f"what's new ({number} of {PIECES}):" for number in range(1, PIECES + 1)]
    return len(replies) == PIECES and all(count in reply.text for count, reply in zip(counts, replies, strict=True))


def posts(world: Environment) -> list[Any]:
    return [call for call in world.slack.calls_of(POST) if str(call.args["channel"]).startswith("C")]


@pytest.fixture
async def started(world: Environment) -> Environment:
    await world.start()
    return world


# ------------------------------------------------------------------ one card for a build


@pytest.mark.parametrize("end", ["processed", "error"])
async def test_card_is_one_message_edited_until_build_ends(started: Environment, end: str) -> None:
    await listen(started, "on:uploaded,processed,failed")
    build = started.applivery.build(started.courier, status="pending")
    for status in ("pending", "in_progress", "in_progress", end, end):
        started.applivery.move(build, status)
        await started.look()
    [card] = cards(started)
    assert heads(card) == [UPLOADED, RUNNING, ready("1.0.0") if end == "processed" else FAILED]
    assert ("Get build" in labels(card)) is (end == "processed")
    assert len(posts(started)) == 1, "everything after the first word is silent"


async def test_card_for_end_events_only_appears_at_build_end(started: Environment) -> None:
    await listen(started)
    build = started.applivery.build(started.courier, status="pending")
    await started.look()
    assert cards(started) == []
    started.applivery.move(build, "processed")
    await started.look()
    [card] = cards(started)
    assert heads(card) == [ready("1.0.0")]


async def test_a_card_lives_on_over_a_restart(started: Environment) -> None:
    await listen(started, "on:uploaded,processed")
    build = started.applivery.build(started.courier, status="pending")
    await started.look()
    await started.restart()
    started.applivery.move(build, "processed")
    await started.look()
    [card] = cards(started)
    assert heads(card) == [UPLOADED, ready("1.0.0")]


async def test_card_changes_silently_with_build_edited_in_applivery(started: Environment) -> None:
    await listen(started)
    build = started.applivery.build(started.courier)
    await started.look()
    started.applivery.edit(build, {"changelog": "Fixed the login", "tags": ["beta"]})
    await started.look()
    await started.look()
    [card] = cards(started)
    assert len(card.history) == 1
    assert "\nFixed the login" in seen(card)
    assert len(posts(started)) == 1


async def test_card_not_posted_for_edit_of_unannounced_build(started: Environment) -> None:
    build = started.applivery.build(started.courier)
    await listen(started)
    started.applivery.edit(build, {"changelog": "Fixed the login"})
    await started.look()
    assert cards(started) == []
    assert (await started.bot.store.run(outbox.get_backlog)).count == 0


# ------------------------------------------------------------------ superseded, recalled, grouped


async def test_card_superseded_by_newer_build_of_same_line(started: Environment) -> None:
    await listen(started)
    for number, about in enumerate(
        ({"branch": "release/1.0"}, {"branch": "main"}, {"branch": "release/1.0", "os": "android"})
    ):
        started.applivery.build(started.courier, number=str(number), **about)
        await started.look()
    started.applivery.build(started.courier, version="1.1.0", number="9", branch="release/1.1")
    await started.look()
    old, other_branch, other_platform, new = cards(started)
    assert heads(old) == [ready("1.0.0", number="0"), "Courier 1.0.0 (0) for iOS was superseded by 1.1.0."]
    assert labels(old) == ["Get 1.1.0"]
    assert not other_branch.edited
    assert not other_platform.edited
    assert heads(new) == [ready("1.1.0", number="9")]


async def test_card_kept_where_newer_build_is_not_announced(started: Environment) -> None:
    beta = started.slack.channel("beta", members=(started.ana,))
    await listen(started)
    await listen(started, "-tag:nightly", beta)
    started.applivery.build(started.courier)
    await started.look()
    started.applivery.build(started.courier, version="2.0.0", tags=("nightly",))
    await started.look()
    assert ["superseded" in message.text for message in cards(started)] == [True, False]
    assert ["superseded" in message.text for message in cards(started, beta)] == [False]


async def test_card_of_two_ready_builds_superseded_in_order(started: Environment) -> None:
    await listen(started)
    for number in ("1", "2", "3"):
        started.applivery.build(started.courier, number=number)
    await started.look()
    assert [("superseded" in message.text, len(message.history)) for message in cards(started)] == [
        (True, 0),
        (True, 0),
        (False, 0),
    ], "each is right from its first word"


async def test_every_card_of_a_recalled_build_says_so_wherever_it_is(started: Environment) -> None:
    beta = started.slack.channel("beta", members=(started.ana,))
    await listen(started, "mention:S0BETA")
    await listen(started, "format:compact", beta)
    started.applivery.build(started.courier)
    await started.look()
    [claimed] = (await started.bot.applivery.builds(await the_app(started))).items
    await started.bot.store.run(recalls.recall_build, claimed, "Crashes at the login", started.bruno.id)
    await started.look()
    for channel in (started.releases, beta):
        [card] = cards(started, channel)
        assert card.text.endswith("Recalled: Crashes at the login")
        assert "Get build" not in labels(card)
    await started.bot.store.run(recalls.undo_recall, claimed)
    await started.look()
    assert all("Get build" in labels(card) for channel in (started.releases, beta) for card in cards(started, channel))
    assert len(posts(started)) == 2


async def the_app(world: Environment) -> Any:
    [app] = [candidate for candidate in (await world.bot.applivery.apps()) if candidate.id == world.courier.id]
    return app


async def test_card_shared_by_platforms_of_version_where_requested(started: Environment) -> None:
    beta = started.slack.channel("beta", members=(started.ana,))
    await listen(started, "group:version")
    await listen(started, "", beta)
    started.applivery.build(started.courier, version="2.4.0", number="173")
    android = started.applivery.build(started.courier, version="2.4.0", number="174", os="android", status="pending")
    await started.look()
    started.applivery.move(android, "processed")
    await started.look()
    [card] = cards(started)
    assert [message.text.partition(":")[0] for message in (*card.history, card)][-1] == "Courier 2.4.0"
    assert card.text == "Courier 2.4.0: ✅ iOS (173) is ready; ✅ Android (174) is ready."
    assert [label for label in labels(card) if label.startswith("Get")] == ["Get iOS", "Get Android"]
    assert len(cards(started, beta)) == 2

    started.applivery.build(started.courier, version="2.5.0", number="180")
    await started.look()
    assert len(cards(started)) == 2
    assert "iOS (173) was superseded by 2.5.0; ✅ Android (174) is ready" in cards(started)[0].text


async def test_the_compact_format_is_one_line(started: Environment) -> None:
    await listen(started, 'format:compact label:"Beta"')
    started.applivery.build(started.courier, changelog=LONG)
    await started.look()
    [card] = cards(started)
    assert card.text.startswith("[Beta] ✅ Courier 1.0.0 (1) for iOS is ready")
    assert [block["type"] for block in card.blocks] == ["section"]


async def test_card_mentions_group_and_its_thread_never_does(started: Environment) -> None:
    await listen(started, "mention:S0BETA")
    started.applivery.build(started.courier, changelog=LONG)
    await started.look()
    [card] = cards(started)
    assert card.text.count("<!subteam^S0BETA>") == 1
    assert all("S0BETA" not in f"{reply.text}{reply.blocks}" for reply in thread(started, card))


# ------------------------------------------------------------------ the card is gone, Slack stumbles


async def test_where_the_card_was_taken_away_a_new_stage_is_told_again(started: Environment) -> None:
    await listen(started, "on:uploaded,processed")
    build = started.applivery.build(started.courier, status="pending")
    await started.look()
    started.slack.mailbox.delete(cards(started)[0])
    started.applivery.move(build, "processed")
    await started.look()
    [card] = cards(started)
    assert heads(card) == [ready("1.0.0")]
    started.applivery.edit(build, {"changelog": "Fixed the login"})
    await started.look()
    assert cards(started) == [card]
    assert "\nFixed the login" in seen(card), "the new card is the one that lives on"


async def test_card_deleted_is_not_reposted_for_mere_change(started: Environment) -> None:
    await listen(started)
    build = started.applivery.build(started.courier)
    await started.look()
    started.slack.mailbox.delete(cards(started)[0])
    started.applivery.edit(build, {"changelog": "Fixed the login"})
    await started.look()
    started.applivery.build(started.courier, version="2.0.0")
    await started.look()
    assert [heads(message) for message in cards(started)] == [[ready("2.0.0")]]
    assert (await started.bot.store.run(outbox.get_backlog)).count == 0


@pytest.mark.parametrize(
    "fault", [Fault(drop=True), Fault(drop_after=True), Fault(status=503), Fault(status=429, retry_after=1)]
)
@on_sqlite
async def test_card_failed_edit_is_repeated_until_correct(started: Environment, fault: Fault) -> None:
    await listen(started, "on:uploaded,processed")
    build = started.applivery.build(started.courier, status="pending")
    await started.look()
    started.slack.faults.add(EDIT, fault)
    started.applivery.move(build, "processed")
    await started.look()
    await started.settle()
    [card] = cards(started)
    assert heads(card)[-1] == ready("1.0.0")
    assert len(posts(started)) == 1
    assert len(started.slack.calls_of(EDIT)) == 2


async def test_a_crash_in_the_middle_of_an_edit_leaves_the_card_right(started: Environment) -> None:
    await listen(started, "on:uploaded,processed")
    build = started.applivery.build(started.courier, status="pending")
    await started.look()
    started.applivery.move(build, "processed")
    await started.bot.store.run(app_polls.request_poll, None)
    await started.bot.watch.step()
    await started.bot.announce.step()
    await started.slack.until(lambda: cards(started)[0].edited)  # the process dies before it hears so
    await started.restart()
    await started.settle()
    [card] = cards(started)
    assert heads(card)[-1] == ready("1.0.0")
    assert len(posts(started)) == 1


# ------------------------------------------------------------------ the thread


async def test_the_whole_changelog_stands_in_the_thread_once(started: Environment) -> None:
    await listen(started)
    build = started.applivery.build(started.courier, changelog=LONG)
    for _ in range(2):
        await started.look()
    started.applivery.edit(build, {"tags": ["beta"]})
    await started.look()
    [card] = cards(started)
    replies = thread(started, card)
    assert in_order(replies)
    assert "iOS 15.0+" in seen(replies[0])
    assert all(f"change {number} that" in "".join(map(seen, replies)) for number in range(200))
    assert not any(reply.reply_broadcast for reply in replies)


@pytest.mark.parametrize("words", ["threads:off", "digest:daily"])
async def test_nothing_stands_in_a_thread_where_that_was_not_wanted(started: Environment, words: str) -> None:
    await listen(started, words)
    started.applivery.build(started.courier, changelog=LONG)
    await started.look()
    assert not any(call.args.get("thread_ts") for call in posts(started))


@pytest.mark.parametrize("fault", [Fault(drop=True), Fault(drop_after=True)])
async def test_card_thread_reply_of_unknown_outcome_is_looked_up(started: Environment, fault: Fault) -> None:
    await listen(started)
    started.applivery.build(started.courier, changelog=LONG)
    await started.bot.store.run(app_polls.request_poll, None)
    await started.bot.watch.step()
    async with patience():
        while not cards(started):  # on a busy machine its first post may be given up
            await started.bot.announce.step()
            await asyncio.sleep(0.01)
    started.slack.faults.add(POST, fault)
    await started.settle()
    [card] = cards(started)
    assert in_order(thread(started, card))
    assert started.slack.calls_of(REPLIES)


async def test_card_crash_before_details_loses_and_repeats_nothing(started: Environment) -> None:
    await listen(started)
    started.applivery.build(started.courier, changelog=LONG)
    await started.bot.store.run(app_polls.request_poll, None)
    await started.bot.watch.step()
    for said in range(1, PIECES + 2):  # each post is stored, and the process dies before it hears so
        async with patience():
            while len(posts(started)) < said:
                await started.bot.store.wait(Topic.OUTBOX, await started.bot.store.run(outbox.delivery_due_in) or 0)
                await started.bot.announce.step()
                await asyncio.sleep(0.01)
        await started.restart()
    await started.settle()
    [card] = cards(started)
    assert in_order(thread(started, card))
    assert len(posts(started)) == PIECES + 1


async def test_where_the_card_was_taken_away_its_details_are_not_told(started: Environment) -> None:
    await listen(started)
    started.applivery.build(started.courier, changelog=LONG)
    await started.bot.store.run(app_polls.request_poll, None)
    await started.bot.watch.step()
    await started.bot.announce.step()
    await started.slack.until(lambda: cards(started))
    started.slack.mailbox.delete(cards(started)[0])
    await started.settle()
    assert cards(started) == []
    assert (await started.bot.store.run(outbox.get_backlog)).count == 0


# ------------------------------------------------------------------ kept back


@pytest.fixture
async def clock(world: Environment) -> Clock:
    """The clock of the bot, which moves by hand; it is eight in the evening in Madrid."""
    clock = Clock(world)
    evening = datetime.now(UTC).replace(hour=20, minute=0, second=0, microsecond=0) + timedelta(days=1)
    clock.forward(seconds=(evening - datetime.now(UTC)).total_seconds())
    await world.start()
    return clock


async def tick(world: Environment) -> None:
    await world.bot.hold.step()
    await world.bot.announce.drain()


def made(world: Environment, clock: Clock, version: str, **about: Any) -> Any:
    return world.applivery.build(world.courier, version=version, created_at=clock(), **about)


@on_sqlite
async def test_a_digest_is_one_message_at_its_time(world: Environment, clock: Clock) -> None:
    await listen(world, "digest:daily@09:00 tz:UTC")
    for version in ("1", "2"):
        clock.forward(minutes=1)
        made(world, clock, version)
        await world.look()
        await tick(world)
    clock.forward(hours=12)
    await tick(world)
    assert cards(world) == []
    wait = await world.bot.hold.step()
    assert wait is not None
    assert 0 < wait < 3600
    clock.forward(hours=1)
    await tick(world)
    [card] = cards(world)
    assert card.text.startswith("2 builds of Courier: ✅ Courier 2 (1) for iOS is ready; Courier 1 (1) for iOS")
    await tick(world)
    assert cards(world) == [card]


@on_sqlite
async def test_card_events_in_quiet_hours_told_afterwards(world: Environment, clock: Clock) -> None:
    await listen(world, "quiet:22:00-08:00 tz:UTC")
    made(world, clock, "1")
    await world.look()
    assert world.said() == [ready("1")], "it is only eight"
    clock.forward(hours=3)
    build = made(world, clock, "2", status="pending", branch="main")
    await world.look()
    clock.forward(hours=2)
    world.applivery.move(build, "processed")
    await world.look()
    assert len(cards(world)) == 1
    clock.forward(hours=8)
    await tick(world)
    assert world.said() == [ready("1"), ready("2")]
    clock.forward(minutes=1)
    made(world, clock, "3")
    await world.look()
    assert len(cards(world)) == 3


@on_sqlite
async def test_card_muted_channel_gets_one_message_afterwards(world: Environment, clock: Clock) -> None:
    wish = await listen(world)
    await world.bot.store.run(mutes.mute_subscriptions, world.releases.id, [wish], clock() + timedelta(hours=4))
    for version in ("1", "2", "3"):
        clock.forward(minutes=1)
        made(world, clock, version, branch=version)
        await world.look()
    clock.forward(hours=3)
    await tick(world)
    assert cards(world) == []
    clock.forward(hours=1)
    await tick(world)
    [card] = cards(world)
    assert card.text.startswith("3 builds of Courier")


@on_sqlite
async def test_a_mute_silences_no_edit_of_what_was_told_before(world: Environment, clock: Clock) -> None:
    wish = await listen(world, "on:uploaded,processed")
    build = made(world, clock, "1.0.0", status="pending")
    await world.look()
    await world.bot.store.run(mutes.mute_subscriptions, world.releases.id, [wish], clock() + timedelta(hours=4))
    world.applivery.move(build, "in_progress")
    await world.look()
    [card] = cards(world)
    assert heads(card) == [UPLOADED, RUNNING]


@on_sqlite
async def test_unmuting_by_hand_tells_at_once(world: Environment, clock: Clock) -> None:
    wish = await listen(world)
    await world.bot.store.run(mutes.mute_subscriptions, world.releases.id, [wish], clock() + timedelta(hours=4))
    clock.forward(minutes=1)
    made(world, clock, "1")
    await world.look()
    await world.bot.store.run(mutes.mute_subscriptions, world.releases.id, [wish], None)
    await tick(world)
    assert world.said() == [ready("1")]


async def test_with_the_jobs_running_what_was_held_comes_by_itself(world: Environment) -> None:
    await world.start(jobs=True)
    wish = await listen(world)
    await world.bot.store.run(
        mutes.mute_subscriptions, world.releases.id, [wish], datetime.now(UTC) + timedelta(seconds=1)
    )
    world.applivery.build(world.courier, version="1", created_at=datetime.now(UTC) + timedelta(seconds=1))
    await world.slack.until(lambda: world.said() == [ready("1")])


# ------------------------------------------------------------------ channels that cannot be spoken in


def shut(world: Environment, how: str) -> None:
    if how == "archived":
        world.releases.archived = True
    else:
        world.releases.members.remove(world.slack.bot_user_id)


def reopen(world: Environment, how: str) -> None:
    if how == "archived":
        world.releases.archived = False
    else:
        world.releases.members.append(world.slack.bot_user_id)


async def new_builds(world: Environment, *versions: str) -> None:
    for version in versions:
        world.applivery.build(world.courier, version=version, branch=version)
        await world.look()


@pytest.mark.parametrize("how", ["archived", "removed"])
async def test_card_paused_channel_gets_one_message_when_back(started: Environment, how: str) -> None:
    await listen(started)
    shut(started, how)
    await new_builds(started, "1", "2", "3")
    await started.bot.pausing.step()
    assert cards(started) == []
    assert len(directs(started, started.ana)) == 1, "its maker is told once"

    reopen(started, how)
    started.bot.pausing.check_now(started.releases.id)
    await started.bot.pausing.step()
    await started.bot.announce.drain()
    [card] = cards(started)
    assert card.text.startswith("3 builds of Courier: ✅ Courier 3")
    [wish] = await started.bot.store.run(subscriptions.list_subscriptions)
    assert wish.paused is None
    await new_builds(started, "4")
    assert started.said()[1:] == [ready("4")]
    assert len(directs(started, started.ana)) == 1


async def test_card_posted_before_pause_is_updated_when_channel_back(started: Environment) -> None:
    await listen(started, "on:uploaded,processed")
    build = started.applivery.build(started.courier, status="pending")
    await started.look()
    shut(started, "archived")
    started.applivery.move(build, "processed")
    await started.look()
    reopen(started, "archived")
    await started.bot.pausing.step()
    await started.bot.announce.drain()
    [card] = cards(started)
    assert heads(card) == [UPLOADED, ready("1.0.0")]


async def test_a_paused_channel_is_looked_at_again_after_a_restart(started: Environment) -> None:
    await listen(started)
    shut(started, "removed")
    await new_builds(started, "1")
    reopen(started, "removed")
    await started.restart()
    await started.bot.pausing.step()
    await started.bot.announce.drain()
    assert started.said() == [ready("1")]
    assert await started.bot.pausing.step() is None


async def test_card_edit_of_old_card_does_not_resume_channel(started: Environment) -> None:
    """An old card that can still be edited does not end the pause of its channel."""
    await listen(started)
    await new_builds(started, "1")
    shut(started, "removed")
    for _ in range(2):
        await started.bot.pausing.step()
        started.applivery.build(started.courier, version="2", branch="1")
        await started.look()
    assert "superseded by 2" in cards(started)[0].text, "Slack lets the bot edit its messages where it has left"
    [wish] = await started.bot.store.run(subscriptions.list_subscriptions)
    assert wish.paused == "not_in_channel"
    assert len(directs(started, started.ana)) == 1, "its maker is told once"


async def test_paused_channel_is_checked_less_and_less_often(started: Environment) -> None:
    await listen(started)
    shut(started, "removed")
    await new_builds(started, "1")
    before = len(started.slack.calls_of("conversations.info"))  # whether the card may be posted there
    waits = [await started.bot.pausing.step() or 0 for _ in range(3)]
    assert len(started.slack.calls_of("conversations.info")) == before + 1, "its time has not come again"
    assert all(3 < wait <= 5 for wait in waits)
    started.bot.pausing.check_now(started.releases.id)
    await started.bot.pausing.step()
    assert len(started.slack.calls_of("conversations.info")) == before + 2


async def test_card_held_for_removed_subscription_is_never_posted(started: Environment) -> None:
    wish = await listen(started)
    shut(started, "archived")
    await new_builds(started, "1")
    await started.bot.store.run(subscriptions.remove_subscription, started.releases.id, wish)
    reopen(started, "archived")
    await started.bot.pausing.step()
    await started.bot.announce.drain()
    assert cards(started) == []


# ------------------------------------------------------------------ feedback and certificates


def rung(kind: str, app: Any, which: str) -> bytes:
    return json.dumps({"action": kind, "application": {"id": str(app)}, "feedback": {"id": which}}).encode()


async def test_feedback_is_told_once_where_it_was_asked_for(started: Environment) -> None:
    beta = started.slack.channel("beta", members=(started.ana,))
    await listen(started, "on:feedback")
    await listen(started, "", beta)
    for which in ("a" * 24, "a" * 24, "b" * 24):
        await WebhookHandler(started.bot.store).handle_webhook(rung("feedback_created", started.courier.id, which))
        await started.bot.announce.drain()
    await WebhookHandler(started.bot.store).handle_webhook(rung("bug_created", started.courier.id, "a" * 24))
    await started.look()
    told = "*New feedback on Courier*"
    assert started.said() == [told, told, "*New bug report for Courier*"]
    assert cards(started, beta) == []


async def test_feedback_of_unknown_app_is_not_told(started: Environment) -> None:
    await listen(started, "on:feedback", every=True)
    for app in ("f" * 24, "<!channel>"):
        await WebhookHandler(started.bot.store).handle_webhook(rung("feedback_created", app, "a" * 24))
        await started.look()
    assert cards(started) == []
    assert (await started.bot.store.run(outbox.get_backlog)).count == 0


async def test_not_a_word_of_the_body_is_told(started: Environment) -> None:
    await listen(started, "on:feedback")
    body = rung("feedback_created", started.courier.id, "a" * 24)[:-1] + b', "text": "<!channel> evil.test"}'
    await WebhookHandler(started.bot.store).handle_webhook(body)
    await started.look()
    [told] = cards(started)
    assert "evil" not in f"{told.text}{told.blocks}"


async def test_feedback_told_only_where_its_app_may_be_used(started: Environment) -> None:
    beta = started.slack.channel("beta", members=(started.ana,))
    await listen(started, "on:feedback", every=True)
    await listen(started, "on:feedback", beta, every=True)
    await started.bot.store.run(access.allow_channel, started.courier.id, beta.id, started.ana.id)
    await WebhookHandler(started.bot.store).handle_webhook(rung("feedback_created", started.courier.id, "a" * 24))
    await started.look()
    assert cards(started) == []
    assert len(cards(started, beta)) == 1


async def test_feedback_of_an_app_that_is_gone_ends_quietly(started: Environment) -> None:
    await listen(started, "on:feedback,processed")
    await WebhookHandler(started.bot.store).handle_webhook(rung("feedback_created", started.courier.id, "a" * 24))
    started.applivery.apps.remove(started.courier)
    await started.settle()
    assert cards(started) == []
    assert (await started.bot.store.run(outbox.get_backlog)).count == 0


def signed_until(world: Environment, days: float) -> dict[str, Any]:
    expires = datetime.now(UTC) + timedelta(days=days)
    profile = {"ExpirationDate": expires.isoformat(), "signingType": "enterprise", "ProvisionsAllDevices": True}
    return {"ios": {"mobileprovision": profile}}


async def test_certificate_expiry_told_once_in_subscribed_channel(started: Environment) -> None:
    beta = started.slack.channel("beta", members=(started.ana,))
    started.applivery.build(started.courier, version="0.9.0", info=signed_until(started, 3))
    started.applivery.build(started.courier, info=signed_until(started, 5.5))
    await listen(started, "on:cert")
    await listen(started, "on:failed", beta)
    for _ in range(3):
        await started.look()
    [told] = cards(started)
    assert told.text == ("⚠️ Courier 1.0.0 (1) for iOS: Its profile expires in 5 days. Sign and upload a new build.")
    assert cards(started, beta) == []


async def test_certificate_warning_survives_edit_of_its_build(started: Environment) -> None:
    await listen(started, "on:cert,processed")
    build = started.applivery.build(started.courier, info=signed_until(started, 5.5), disabled=True)
    await started.look()
    await started.look()
    card, warning = cards(started)
    assert warning.text.startswith("⚠️ Courier 1.0.0 (1) for iOS: Its profile expires in 5 days.")
    assert "⚠️ Its profile expires in 5 days." in seen(thread(started, card)[0])
    started.applivery.edit(build, {"changelog": "new"})
    await started.look()
    assert card.edited
    assert not warning.edited
