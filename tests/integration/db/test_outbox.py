"""The outbox: in order, at a pace, once, whoever crashes, freezes or comes late."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest

from bot.db import app_polls, database_info, mutes, outbox
from bot.db import builds as stored_builds
from bot.db.database import Database
from bot.db.outbox_types import DeliveryClaim, DeliveryResult
from bot.domain.model import BuildEvent, BuildTransition, NewDelivery, Stage
from bot.domain.states import ResultKind
from tests.support.builders import build, exchange, fill, look, posted_ts, said, subscribe, take
from tests.support.waiting import busyness, patience


def posted(claim: DeliveryClaim, ts: str = "1.1") -> DeliveryResult:
    return DeliveryResult.of(claim, ResultKind.POSTED, ts=ts)


# ------------------------------------------------------------------ order and pace


async def test_a_channel_has_one_message_in_flight_the_oldest(store: Database) -> None:
    await fill(store, ["C1", "C2"], ["b1", "b2"])
    claims = await take(store)
    assert said(claims) == [("C1", "b1"), ("C2", "b1")]
    assert await take(store) == []
    after = await exchange(store, [posted(claims[1])])
    assert said(after.claims) == [("C2", "b2")]


async def test_no_more_is_taken_than_there_is_room_for(store: Database) -> None:
    await fill(store, [f"C{n}" for n in range(10)], ["b1"])
    assert len(await take(store, 0)) == 0
    assert len(await take(store, 4)) == 4
    assert len(await take(store, 10)) == 6


async def test_the_channel_that_waited_longest_comes_first(store: Database) -> None:
    await fill(store, ["C1", "C2"], ["b1", "b2", "b3"])
    [first] = await take(store, 1)
    [second] = (await exchange(store, [posted(first)], 1)).claims
    [third] = (await exchange(store, [posted(second)], 1)).claims
    assert said([first, second, third]) == [("C1", "b1"), ("C2", "b1"), ("C1", "b2")]


async def test_the_next_message_of_a_channel_waits_for_the_pace(store: Database) -> None:
    await fill(store, ["C1"], ["b1", "b2"])
    [claim] = await take(store)
    assert (await exchange(store, [posted(claim)], pace=600)).claims == ()
    assert 500 < (await store.run(outbox.delivery_due_in) or 0) <= 600


async def test_outbox_refused_post_retried_at_slack_time_in_order(store: Database) -> None:
    await fill(store, ["C1", "C2"], ["b1", "b2"])
    first, second = await take(store)
    later = [
        DeliveryResult.of(first, ResultKind.AGAIN, retry_in=600),
        DeliveryResult.of(second, ResultKind.AGAIN, retry_in=0),
    ]
    [again] = (await exchange(store, later)).claims
    assert said([again]) == [("C2", "b1")]
    assert not again.unsure


async def test_outbox_permanently_refused_message_unblocks_channel(store: Database) -> None:
    await fill(store, ["C1"], ["b1", "b2"])
    [claim] = await take(store)
    [following] = (await exchange(store, [DeliveryResult.of(claim, ResultKind.FAILED, reason="msg_too_long")])).claims
    assert said([following]) == [("C1", "b2")]
    assert await store.run(posted_ts, "C1", "b1") is None


async def test_channels_with_nothing_left_make_room_for_others(store: Database) -> None:
    await fill(store, [f"C{n}" for n in range(5)], ["b1"])
    done = [posted(claim) for claim in await take(store)]
    await exchange(store, done, 0)
    await look(
        store, [BuildTransition(build("b2", Stage.READY), None)], [NewDelivery("C9", "b2", BuildEvent.PROCESSED)]
    )
    assert said(await take(store, 1)) == [("C9", "b2")]
    assert (await store.run(outbox.get_backlog)).count == 1


async def test_when_nothing_waits_there_is_nothing_to_wake_for(store: Database) -> None:
    assert await store.run(outbox.delivery_due_in) is None
    await fill(store, ["C1"], ["b1"])
    assert await store.run(outbox.delivery_due_in) == 0
    [claim] = await take(store)
    assert 50 < (await store.run(outbox.delivery_due_in) or 0) <= 60
    await exchange(store, [posted(claim)])
    assert await store.run(outbox.delivery_due_in) is None
    waiting = await store.run(outbox.get_backlog)
    assert (waiting.count, waiting.oldest_seconds) == (0, None)


# ------------------------------------------------------------------ crashed, frozen, late


async def test_a_message_under_a_lapsed_lease_is_unsure(store: Database) -> None:
    await fill(store, ["C1"], ["b1"])
    [first] = await take(store, lease=0)
    assert not first.unsure
    [second] = await take(store)
    assert second.unsure
    assert second.announcement == first.announcement
    assert second.first_attempt_at == first.first_attempt_at
    assert second.channel_token != first.channel_token


async def test_a_message_that_is_unsure_keeps_its_lease(store: Database) -> None:
    await fill(store, ["C1"], ["b1", "b2"])
    [claim] = await take(store, lease=60)
    assert (await exchange(store, [DeliveryResult.of(claim, ResultKind.UNSURE)])).claims == ()
    assert 50 < (await store.run(outbox.delivery_due_in) or 0) <= 60


async def test_a_refused_message_is_not_unsure_when_it_comes_again(store: Database) -> None:
    await fill(store, ["C1"], ["b1"])
    [first] = await take(store)
    [second] = (await exchange(store, [DeliveryResult.of(first, ResultKind.AGAIN)], lease=0)).claims
    assert not second.unsure
    [third] = await take(store)
    assert third.unsure
    assert third.first_attempt_at == first.first_attempt_at


async def test_outbox_unsure_message_stays_unsure_until_looked_up(store: Database) -> None:
    """Slack would not let us look just now, or not in this channel."""
    await fill(store, ["C1"], ["b1"])
    await take(store, lease=0)
    [unsure] = await take(store)
    [again] = (await exchange(store, [DeliveryResult.of(unsure, ResultKind.AGAIN)])).claims
    assert again.unsure
    assert again.first_attempt_at == unsure.first_attempt_at
    await exchange(store, [DeliveryResult.of(again, ResultKind.HELD, reason="is_archived")])
    assert await take(store) == []
    await store.run(mutes.release_channel, "C1")
    [late] = await take(store)
    assert late.unsure
    assert late.first_attempt_at == unsure.first_attempt_at


async def test_a_message_that_was_held_begins_again(store: Database) -> None:
    await fill(store, ["C1"], ["b1"])
    [claim] = await take(store)
    await exchange(store, [DeliveryResult.of(claim, ResultKind.HELD, reason="is_archived")])
    await store.run(mutes.release_channel, "C1")
    [late] = await take(store)
    assert not late.unsure
    assert late.first_attempt_at > claim.first_attempt_at, "so that nobody gives it up for having waited"


async def test_the_deadline_is_the_end_of_the_lease_on_both_clocks(store: Database) -> None:
    await fill(store, ["C1"], ["b1"])
    before = time.monotonic()
    [claim] = await take(store, lease=45)
    assert abs((claim.deadline - await store.run(database_info.current_time)).total_seconds() - 45) < 5 * busyness()
    assert before + 45 <= claim.deadline_monotonic <= time.monotonic() + 45


async def test_the_first_ts_stays_and_the_late_one_is_told(store: Database) -> None:
    await fill(store, ["C1"], ["b1"])
    [frozen] = await take(store, lease=0)
    [other] = await take(store)
    assert (await exchange(store, [posted(other, "1.1")])).lost == ()
    late = posted(frozen, "2.2")
    assert (await exchange(store, [late])).lost == (late,)
    assert await store.run(posted_ts, "C1", "b1") == "1.1"


async def test_outbox_late_post_first_is_kept_and_other_told(store: Database) -> None:
    await fill(store, ["C1"], ["b1", "b2"])
    [frozen] = await take(store, lease=0)
    [other] = await take(store)
    # It does not free a channel that is somebody else's by now.
    assert await exchange(store, [posted(frozen, "2.2")]) == await exchange(store)
    result = await exchange(store, [posted(other, "1.1")])
    assert result.lost == (posted(other, "1.1"),)
    assert said(result.claims) == [("C1", "b2")]
    assert await store.run(posted_ts, "C1", "b1") == "2.2"


async def test_outbox_two_simultaneous_posts_one_kept_other_told(store: Database) -> None:
    await fill(store, ["C1"], ["b1"])
    [frozen] = await take(store, lease=0)
    [other] = await take(store)
    ends = {"1.1": posted(other, "1.1"), "2.2": posted(frozen, "2.2")}
    [lost] = (await exchange(store, ends.values())).lost
    assert lost == ends.pop(lost.ts or "")
    assert [await store.run(posted_ts, "C1", "b1")] == list(ends)


async def test_handing_in_twice_is_the_same_as_once(store: Database) -> None:
    """After DatabaseUnavailable nobody knows whether the commit happened, so the sender hands in again."""
    await fill(store, ["C1"], ["b1"])
    [claim] = await take(store)
    assert (await exchange(store, [posted(claim)])).lost == ()
    assert (await exchange(store, [posted(claim)])).lost == ()


@pytest.mark.parametrize("kind", [ResultKind.AGAIN, ResultKind.FAILED])
async def test_outbox_replica_without_lease_cannot_report_missing(store: Database, kind: ResultKind) -> None:
    """A replica that lost the lease may not report that a message is not there."""
    await fill(store, ["C1"], ["b1"])
    [frozen] = await take(store, lease=0)
    [other] = await take(store, lease=60)
    await exchange(store, [DeliveryResult.of(frozen, kind, reason="?")])
    assert await take(store) == []
    assert (await exchange(store, [posted(other)])).lost == ()
    assert await store.run(posted_ts, "C1", "b1") == "1.1"


async def test_nothing_is_said_again_once_it_was_posted(store: Database) -> None:
    await fill(store, ["C1"], ["b1"])
    [claim] = await take(store)
    await exchange(store, [posted(claim)])
    for kind in (ResultKind.AGAIN, ResultKind.FAILED):
        await exchange(store, [DeliveryResult.of(claim, kind)])
    assert await take(store) == []


async def test_a_posted_message_has_a_ts(store: Database) -> None:
    await fill(store, ["C1"], ["b1"])
    [claim] = await take(store)
    with pytest.raises(ValueError, match="ts"):
        await exchange(store, [DeliveryResult.of(claim, ResultKind.POSTED)])


async def test_outbox_second_message_of_build_knows_the_first(store: Database) -> None:
    await subscribe(store)
    await look(store, [BuildTransition(build("b1"), None)], [NewDelivery("C1", "b1", BuildEvent.UPLOADED)])
    await look(
        store,
        [BuildTransition(build("b1", Stage.READY), Stage.PENDING)],
        [NewDelivery("C1", "b1", BuildEvent.PROCESSED)],
    )
    [first] = await take(store)
    assert (first.announcement.event, first.card_ts) == (BuildEvent.UPLOADED, None)
    [second] = (await exchange(store, [posted(first, "7.7")])).claims
    assert (second.announcement.event, second.card_ts) == (BuildEvent.PROCESSED, "7.7")


# ------------------------------------------------------------------ several senders


async def drain(store: Database, wire: list[tuple[str, str]], room: int, number: int) -> None:
    """A sender: take, post, hand in, until nothing waits any more."""
    done: list[DeliveryResult] = []
    while True:
        claims = (await exchange(store, done, room)).claims
        for claim in claims:
            wire += said([claim])
        done = [posted(claim, f"{number}.{claim.announcement.id}") for claim in claims]
        await asyncio.sleep(0)
        if not claims and await store.run(outbox.delivery_due_in) is None:
            return


async def test_several_senders_say_everything_once_and_in_order(store: Database) -> None:
    channels, builds = [f"C{n}" for n in range(6)], [f"b{n:02}" for n in range(20)]
    await fill(store, channels, builds)
    wire: list[tuple[str, str]] = []
    async with patience():
        await asyncio.gather(*(drain(store, wire, 3, number) for number in range(4)))
    assert Counter(wire) == Counter((channel, name) for channel in channels for name in builds)
    assert {channel: [b for c, b in wire if c == channel] for channel in channels} == dict.fromkeys(channels, builds)


@pytest.mark.postgres
async def test_two_replicas_share_the_polling_and_the_telling(postgres_url: str) -> None:
    first, second = await Database.open(postgres_url), await Database.open(postgres_url)
    for number in range(10):
        await subscribe(first, app=f"app{number}")
    shares = await asyncio.gather(*(store.run(app_polls.claim_due_apps, 5, 60) for store in (first, second)))
    assert len({app.app_id for share in shares for app in share}) == 10
    channels, builds = [f"C{n}" for n in range(8)], [f"b{n:02}" for n in range(25)]
    await fill(first, channels, builds)
    wire: list[tuple[str, str]] = []
    async with patience():
        await asyncio.gather(*(drain(store, wire, 4, number) for number, store in enumerate((first, second))))
    assert Counter(wire) == Counter((channel, name) for channel in channels for name in builds)
    assert {channel: [b for c, b in wire if c == channel] for channel in channels} == dict.fromkeys(channels, builds)
    await asyncio.gather(first.close(), second.close())


async def test_recording_while_others_take_loses_no_wake_up(store: Database) -> None:
    """A channel that closes at the very moment in which something new arrives stays open."""
    await subscribe(store)
    wire: list[tuple[str, str]] = []
    names = [f"b{n:03}" for n in range(60)]

    async def arrive() -> None:
        for name in names:
            change = BuildTransition(build(name, Stage.READY, platform=name), None)  # each on a line of its own
            news = [NewDelivery(channel, name, BuildEvent.PROCESSED) for channel in ("C1", "C2")]
            await store.run(stored_builds.record_poll, "app", None, [change], news, next_at_seconds=60)

    async def send(number: int) -> None:
        while len(wire) < 2 * len(names):
            await drain(store, wire, 2, number)

    async with patience():
        await asyncio.gather(arrive(), send(1), send(2))
    assert Counter(wire) == Counter((channel, name) for channel in ("C1", "C2") for name in names)
