"""What is kept back: released in time and together, moved by a mute, dropped with its subscription."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from bot.db import builds, database_info, mutes, outbox, recalls, subscriptions
from bot.db.database import Database
from bot.db.outbox_types import DeliveryClaim, DeliveryResult
from bot.db.wakeups import Topic
from bot.domain.model import BuildEvent, BuildTransition, CardUpdate, DeliveryOptions, NewDelivery, Stage, Subscription
from bot.domain.states import ResultKind
from tests.integration.db.test_outbox_enqueue import say
from tests.support.builders import build, exchange, fill, look, said, subscribe, take

HOUR = timedelta(hours=1)
SECONDS = HOUR.total_seconds()


async def keep(
    store: Database,
    wish: Subscription,
    *names: str,
    ago: timedelta = -HOUR,
    event: BuildEvent | CardUpdate = BuildEvent.PROCESSED,
) -> None:
    """New builds of which a channel is to hear so long ago, or later."""
    until = await store.run(database_info.current_time) - ago
    card = (
        f"held/{wish.id}/{int(until.timestamp())}"
        if event in (BuildEvent.PROCESSED, BuildEvent.UPLOADED)
        else f"{event}/x"
    )
    await look(
        store,
        [BuildTransition(build(name, Stage.READY), None) for name in names],
        [
            NewDelivery(wish.channel_id, name, event, card=card, subscription_id=wish.id, held_until=until)
            for name in names
        ],
    )


async def mute(store: Database, wish: Subscription, until: datetime | None) -> None:
    """Mute a subscription of #C1 until then; None ends its mute."""
    await store.run(mutes.mute_subscriptions, wish.channel_id, [wish.id], until)


def on_cards(claims: list[DeliveryClaim]) -> list[list[str]]:
    """The builds on each card that was shown."""
    return [[entry.build.id for entry in claim.announcement.shown] for claim in claims]


async def release(store: Database) -> float | None:
    """Wait until what is held is due, and release it."""
    await asyncio.sleep(await store.run(mutes.release_held) or 0)
    return await store.run(mutes.release_held)


# ------------------------------------------------------------------ in time


async def test_mute_held_message_not_posted_before_its_time(store: Database) -> None:
    await keep(store, await subscribe(store), "b1")
    assert SECONDS - 60 < (await store.run(mutes.release_held) or 0) <= SECONDS
    assert await take(store) == []
    assert (await store.run(outbox.get_backlog)).count == 0


async def test_when_nothing_is_held_there_is_nothing_to_wake_for(store: Database) -> None:
    assert await store.run(mutes.release_held) is None


async def test_held_look_that_moves_nothing_wakes_for_no_other(store: Database) -> None:
    await keep(store, await subscribe(store), "b1")
    await store.wait(Topic.HELD, 0)
    await store.run(mutes.release_held)
    assert not await store.wait(Topic.HELD, 0)


async def test_mute_held_messages_share_one_card(store: Database) -> None:
    wish = await subscribe(store)
    await keep(store, wish, "b1", "b2", "b3", ago=HOUR)
    assert await store.run(mutes.release_held) is None
    assert on_cards(await say(store)) == [["b1", "b2", "b3"]]
    assert await store.run(mutes.release_held) is None
    assert await say(store) == []


async def test_mute_held_news_told_to_channel_without_messages(store: Database) -> None:
    await keep(store, replace(await subscribe(store), channel_id="C9"), "b1", ago=HOUR)
    await store.run(mutes.release_held)
    assert said(await say(store)) == [("C9", "b1")]


async def test_mute_later_message_stays_when_other_is_released(store: Database) -> None:
    wish = await subscribe(store)
    await keep(store, wish, "b1", ago=HOUR)
    await keep(store, wish, "b2")
    assert SECONDS - 60 < (await store.run(mutes.release_held) or 0) <= SECONDS
    assert on_cards(await say(store)) == [["b1"]]


async def test_a_card_of_held_builds_is_edited_as_any_other(store: Database) -> None:
    await keep(store, await subscribe(store), "b1", "b2", ago=HOUR)
    await store.run(mutes.release_held)
    await say(store)
    await store.run(recalls.recall_build, build("b2", Stage.READY), "bad", "U9")
    [again] = await say(store)
    assert again.card_ts == "1.1"
    assert [bool(entry.recall) for entry in again.announcement.shown] == [False, True]


# ------------------------------------------------------------------ mutes


async def test_mute_recorded_only_for_own_subscriptions_of_channel(store: Database) -> None:
    first, second, other = await subscribe(store), await subscribe(store, app="app2"), await subscribe(store, "C2")
    until = await store.run(database_info.current_time) + HOUR
    muted = await store.run(mutes.mute_subscriptions, "C1", [second.id, first.id, other.id], until)
    assert [(each.id, each.muted_until) for each in muted] == [(first.id, until), (second.id, until)]
    assert [each.muted_until for each in await store.run(subscriptions.list_subscriptions, "C2")] == [None]
    await store.run(mutes.mute_subscriptions, "C1", [first.id], None)
    assert [each.muted_until for each in await store.run(subscriptions.list_subscriptions, "C1")] == [None, until]


async def test_a_mute_that_comes_over_a_digest_holds_it_back(store: Database) -> None:
    wish = await subscribe(store)
    await keep(store, wish, "b1", "b2", ago=HOUR)
    await keep(store, replace(wish, id=99, channel_id="C2"), "b3", ago=HOUR)
    await store.run(mutes.mute_subscriptions, "C1", [wish.id], await store.run(database_info.current_time) + HOUR)
    assert SECONDS - 60 < (await store.run(mutes.release_held) or 0) <= SECONDS
    assert said(await say(store)) == [("C2", "b3")], "whoever is not muted hears of theirs"


async def test_when_the_mute_is_over_what_it_came_over_is_said(store: Database) -> None:
    wish = await subscribe(store)
    await keep(store, wish, "b1", ago=HOUR)
    await store.run(
        mutes.mute_subscriptions, "C1", [wish.id], await store.run(database_info.current_time) + timedelta(seconds=0.3)
    )
    await keep(store, wish, "b2", ago=HOUR)
    assert await release(store) is None
    assert on_cards(await say(store)) == [["b1", "b2"]]


async def test_unmuting_says_at_once_what_the_mute_had_kept_back(store: Database) -> None:
    wish = await subscribe(store)
    await store.run(mutes.mute_subscriptions, "C1", [wish.id], await store.run(database_info.current_time) + HOUR)
    for name in ("b1", "b2"):
        await held_by_mute(store, name, wish)
    await store.run(mutes.release_held)
    assert await say(store) == []
    await store.run(mutes.mute_subscriptions, "C1", [wish.id], None)
    await store.run(mutes.release_held)
    assert on_cards(await say(store)) == [["b1", "b2"]]


async def held_by_mute(store: Database, name: str, wish: Subscription) -> None:
    [muted] = [
        subscription for subscription in await store.run(subscriptions.list_subscriptions) if subscription.id == wish.id
    ]
    assert muted.muted_until
    card = f"held/{wish.id}/{int(muted.muted_until.timestamp())}"
    new = NewDelivery(
        "C1", name, BuildEvent.PROCESSED, card=card, subscription_id=wish.id, held_until=muted.muted_until
    )
    await look(store, [BuildTransition(build(name, Stage.READY), None)], [new])


async def test_a_mute_made_longer_or_shorter_takes_what_it_holds_along(store: Database) -> None:
    wish = await subscribe(store)
    for number, seconds in enumerate((3600, 7200, 0.3)):
        await store.run(
            mutes.mute_subscriptions,
            "C1",
            [wish.id],
            await store.run(database_info.current_time) + timedelta(seconds=seconds),
        )
        await held_by_mute(store, f"b{number}", wish)
    assert await release(store) is None
    assert on_cards(await say(store)) == [["b0", "b1", "b2"]]


async def test_unmuting_leaves_a_digest_to_its_own_time(store: Database) -> None:
    now = await store.run(database_info.current_time)
    wish = await subscribe(store, manner=DeliveryOptions(digest=f"daily@{now + 3 * HOUR:%H:%M}"))
    await mute(store, wish, now + HOUR)
    await keep(store, wish, "b1", ago=-3 * HOUR)
    await mute(store, wish, None)
    assert (await store.run(mutes.release_held) or 0) > SECONDS * 2
    assert await say(store) == []


async def test_mute_beyond_next_digest_holds_until_one_after(store: Database) -> None:
    now = await store.run(database_info.current_time)
    wish = await subscribe(store, manner=DeliveryOptions(digest=f"daily@{now + HOUR:%H:%M}"))
    await keep(store, wish, "b1")
    await mute(store, wish, now + 2 * HOUR)
    assert 24 * SECONDS < (await store.run(mutes.release_held) or 0) <= 25 * SECONDS


def quiet(now: datetime, start: timedelta, end: timedelta) -> DeliveryOptions:
    """Quiet hours from and until so long after now (UTC)."""
    return DeliveryOptions(quiet=f"{now + start:%H:%M}-{now + end:%H:%M}")


async def test_unmute_outside_quiet_hours_releases_at_once(store: Database) -> None:
    now = await store.run(database_info.current_time)
    wish = await subscribe(store, manner=quiet(now, HOUR, 3 * HOUR))
    await mute(store, wish, now + 2 * HOUR)
    await keep(store, wish, "b1", ago=-3 * HOUR)
    await mute(store, wish, None)
    assert await store.run(mutes.release_held) is None
    assert on_cards(await say(store)) == [["b1"]]


async def test_unmute_within_quiet_hours_holds_until_their_end(store: Database) -> None:
    now = await store.run(database_info.current_time)
    wish = await subscribe(store, manner=quiet(now, -HOUR, 2 * HOUR))
    await mute(store, wish, now + 3 * HOUR)
    await keep(store, wish, "b1", ago=-3 * HOUR)
    await mute(store, wish, None)
    assert SECONDS < (await store.run(mutes.release_held) or 0) <= 2 * SECONDS
    assert await say(store) == []


@pytest.mark.parametrize("ago", [timedelta(minutes=1), -HOUR], ids=["due", "held"])
async def test_mute_that_ends_in_quiet_hours_holds_until_their_end(store: Database, ago: timedelta) -> None:
    now = await store.run(database_info.current_time)
    wish = await subscribe(store, manner=quiet(now, HOUR, 3 * HOUR))
    await keep(store, wish, "b1", ago=ago)
    await mute(store, wish, now + 2 * HOUR)
    await keep(store, wish, "b2", ago=ago)  # a look that had read the subscription before the mute
    assert (await store.run(mutes.release_held) or 0) > (SECONDS if ago < timedelta() else 2 * SECONDS) - 61
    assert await say(store) == []


async def test_subscription_without_its_digest_releases_at_once(store: Database) -> None:
    now = await store.run(database_info.current_time)
    wish = await subscribe(store, manner=DeliveryOptions(digest=f"daily@{now + 3 * HOUR:%H:%M}"))
    await keep(store, wish, "b1", "b2", ago=-3 * HOUR)
    again = await subscribe(store, manner=quiet(now, -HOUR, HOUR))
    assert (again.id, await store.run(mutes.release_held) or 0) == (wish.id, pytest.approx(SECONDS, abs=61))
    await subscribe(store)
    assert await store.run(mutes.release_held) is None
    assert on_cards(await say(store)) == [["b1", "b2"]]


async def test_mute_held_messages_removed_with_subscription(store: Database) -> None:
    gone, stays = await subscribe(store), await subscribe(store, "C2")
    await keep(store, gone, "b1", ago=HOUR)
    await keep(store, gone, "b2")
    await keep(store, stays, "b3", ago=HOUR)
    await store.run(subscriptions.remove_subscription, "C1", gone.id)
    assert await store.run(mutes.release_held) is None
    assert said(await say(store)) == [("C2", "b3")]


# ------------------------------------------------------------------ channels that cannot be spoken in


async def refuse(store: Database) -> None:
    """Slack takes nothing for any channel."""
    while claims := await take(store):
        await exchange(store, [DeliveryResult.of(claim, ResultKind.HELD, reason="is_archived") for claim in claims], 0)


async def test_mute_missed_messages_of_channel_are_one_message(store: Database) -> None:
    await fill(store, ["C1", "C2"], ["b1", "b2", "b3"])
    await refuse(store)
    assert await store.run(mutes.release_held) is None, "it waits for the channel, not for the clock"
    assert await store.run(mutes.release_channel, "C1") == 3
    assert on_cards(await say(store)) == [["b1", "b2", "b3"]]
    assert await store.run(mutes.release_channel, "C1") == 0
    await store.run(mutes.release_channel, "C2")
    assert said(await say(store)) == [("C2", "b1")]


async def test_one_card_alone_stays_its_own(store: Database) -> None:
    await subscribe(store)
    new = [NewDelivery("C1", "b1", event) for event in (BuildEvent.UPLOADED, BuildEvent.PROCESSED, CardUpdate.DETAILS)]
    await look(store, [BuildTransition(build("b1", Stage.READY), None)], new)
    await refuse(store)
    await store.run(mutes.release_channel, "C1")
    first, details = await say(store)
    assert first.announcement.card == "b1"
    assert (details.announcement.event, details.card_ts) == (CardUpdate.DETAILS, "1.1")


async def test_a_card_that_stands_is_edited_where_it_stands(store: Database) -> None:
    await fill(store, ["C1"], ["b1"])
    await say(store)
    await store.run(recalls.recall_build, build("b1", Stage.READY), "bad", "U9")
    new = [NewDelivery("C1", name, BuildEvent.PROCESSED) for name in ("b2", "b3")]
    await look(store, [BuildTransition(build(name, Stage.READY), None) for name in ("b2", "b3")], new)
    await refuse(store)
    await store.run(mutes.release_channel, "C1")
    edit, late = await say(store)
    assert (edit.card_ts, on_cards([edit])) == ("1.1", [["b1"]])
    assert (late.card_ts, on_cards([late])) == (None, [["b2", "b3"]])


async def test_mute_held_non_card_is_posted_separately(store: Database) -> None:
    await subscribe(store)
    others = [
        NewDelivery("C1", "b1", BuildEvent.CERT, card="cert/b1"),
        NewDelivery("C1", "f1", BuildEvent.FEEDBACK, card="f1", fact="{}"),
    ]
    news = [NewDelivery("C1", name, BuildEvent.PROCESSED) for name in ("b1", "b2")]
    await look(store, [BuildTransition(build(name, Stage.READY), None) for name in ("b1", "b2")], news)
    await store.run(builds.enqueue_deliveries, "app", others)
    await refuse(store)
    await store.run(mutes.release_channel, "C1")
    every = await say(store)
    assert [claim.announcement.event for claim in every] == [BuildEvent.PROCESSED, BuildEvent.CERT, BuildEvent.FEEDBACK]
    assert on_cards(every[:1]) == [["b1", "b2"]]


async def test_mute_unposted_digest_posted_when_channel_is_back(store: Database) -> None:
    wish = await subscribe(store)
    await keep(store, wish, "b1", "b2", ago=HOUR)
    await store.run(mutes.release_held)
    await refuse(store)
    assert await store.run(mutes.release_held) is None
    await store.run(mutes.release_channel, "C1")
    assert on_cards(await say(store)) == [["b1", "b2"]]


async def test_a_channel_is_paused_as_long_as_something_is_held_there(store: Database) -> None:
    assert await store.run(mutes.list_paused_channels) == {}
    await fill(store, ["C1"], ["b1"])
    await refuse(store)
    await store.run(subscriptions.pause_subscriptions, "C1", "is_archived")
    await store.run(subscriptions.pause_subscriptions, "C2", "not_in_channel")
    assert await store.run(mutes.list_paused_channels) == {"C1": "is_archived"}
    await subscribe(store)  # a new wish ends the pause of the old one; what was held waits all the same
    assert await store.run(mutes.list_paused_channels) == {"C1": "is_archived"}
    await store.run(mutes.release_channel, "C1")
    assert await store.run(mutes.list_paused_channels) == {}
