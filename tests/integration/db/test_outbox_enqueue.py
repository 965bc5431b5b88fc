"""Living cards: whatever changes while one is written, read or sent, the channel ends up with how things stand."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from msgspec.structs import replace

from bot.db import builds as stored_builds
from bot.db import outbox
from bot.db import recalls as stored_recalls
from bot.db.connect import IN_MEMORY
from bot.db.database import Database
from bot.db.dialect_sql import written
from bot.db.outbox_types import DeliveryClaim, DeliveryResult
from bot.db.transaction import Transaction
from bot.domain.model import (
    Build,
    BuildEvent,
    BuildTransition,
    CardEntry,
    CardUpdate,
    DeliveryOptions,
    NewDelivery,
    Stage,
)
from bot.domain.states import DeliveryState, ResultKind
from tests.support.builders import build, exchange, fill, look, posted_ts, said, subscribe, take
from tests.support.waiting import patience

READY = build("b1", Stage.READY)


async def test_enqueue_writes_what_is_superseded_at_once() -> None:
    store = await Database.open(IN_MEMORY)
    await subscribe(store)
    builds = [build("b1", Stage.READY, minute=1), build("b2", Stage.READY, minute=2)]
    deliveries = [NewDelivery("C1", each.id, BuildEvent.PROCESSED) for each in builds]
    await look(store, [BuildTransition(each, None) for each in builds], deliveries)
    rows = await store.run(Transaction.execute, written("SELECT build_id, superseded_by, changes() FROM outbox"))
    assert list(map(tuple, rows)) == [("b1", "b2", 0), ("b2", None, 0)]  # the last statement had nothing to change
    await store.close()


def posted(claim: DeliveryClaim, ts: str | None = None) -> DeliveryResult:
    """How the sender hands in a post, or the edit of a card that stands."""
    edited = claim.card_ts is not None and ts is None
    return DeliveryResult.of(
        claim, ResultKind.POSTED, ts=ts or claim.card_ts or "1.1", covers=claim.covers, edited=edited
    )


async def say(store: Database, claims: list[DeliveryClaim] | None = None) -> list[DeliveryClaim]:
    """Send everything that waits, one after the other."""
    every: list[DeliveryClaim] = []
    while claims := claims or await take(store):
        every += claims
        claims = list((await exchange(store, [posted(claim) for claim in claims])).claims)
    return every


async def edit(store: Database, changelog: str, of: Build = READY) -> None:
    """Somebody edits a build in Applivery."""
    await store.run(stored_builds.record_edits, [replace(of, changelog=changelog)], {of.id: changelog})


def changelogs(claims: list[DeliveryClaim]) -> list[str]:
    return [claim.announcement.shown[0].build.changelog for claim in claims]


async def told(store: Database, *new: NewDelivery, of: Build = READY, before: Stage | None = None) -> None:
    """A build moved, and this is to be said of it."""
    await look(store, [BuildTransition(of, before)], new or [NewDelivery("C1", of.id, BuildEvent.PROCESSED)])


@pytest.fixture
async def card(store: Database) -> Database:
    """A store in which C1 has a card of b1."""
    await fill(store, ["C1"], ["b1"])
    await say(store)
    return store


# ------------------------------------------------------------------ one card


async def test_outbox_later_event_edits_card_to_current_state(store: Database) -> None:
    await subscribe(store)
    pending, running = build("b1"), build("b1", Stage.RUNNING)
    await told(store, NewDelivery("C1", "b1", BuildEvent.UPLOADED), of=pending)
    [first] = await say(store)
    assert (first.announcement.event, first.card_ts, first.announcement.shown) == (
        BuildEvent.UPLOADED,
        None,
        (CardEntry(pending),),
    )
    await look(store, [BuildTransition(running, Stage.PENDING)])
    [second] = await say(store)
    assert (second.announcement.event, second.card_ts) == (CardUpdate.CHANGED, "1.1")
    assert second.announcement.shown == (CardEntry(running),)
    await told(store, before=Stage.RUNNING)
    [third] = await say(store)
    assert (third.announcement.event, third.card_ts, third.announcement.shown) == (
        BuildEvent.PROCESSED,
        "1.1",
        (CardEntry(READY),),
    )
    assert await say(store) == []


async def test_outbox_unannounced_build_has_no_card_to_edit(store: Database) -> None:
    await subscribe(store)
    await look(store, [BuildTransition(build("b1"), None)])
    await look(store, [BuildTransition(build("b1", Stage.RUNNING), Stage.PENDING)])
    await edit(store, "new", build("b1", Stage.RUNNING))
    assert await take(store) == []


async def test_outbox_due_events_of_card_covered_by_one_post(store: Database) -> None:
    await subscribe(store)
    await told(store, *(NewDelivery("C1", "b1", event) for event in (BuildEvent.UPLOADED, BuildEvent.PROCESSED)))
    [claim] = await take(store)
    assert (await exchange(store, [DeliveryResult.of(claim, ResultKind.AGAIN)], 0)).claims == ()
    [claim] = await take(store)
    assert claim.announcement.shown == (CardEntry(READY),)
    assert (await exchange(store, [posted(claim)])).claims == ()
    assert (await store.run(outbox.get_backlog)).count == 0
    assert await store.run(posted_ts, "C1", "b1") == "1.1"


async def test_showing_a_card_covers_no_reply_in_its_thread(store: Database) -> None:
    await subscribe(store)
    details = [NewDelivery("C1", "b1", CardUpdate.DETAILS, part) for part in (0, 1)]
    await told(store, NewDelivery("C1", "b1", BuildEvent.PROCESSED), *details)
    claims = await say(store)
    assert [(claim.announcement.event, claim.announcement.part) for claim in claims] == [
        (BuildEvent.PROCESSED, 0),
        (CardUpdate.DETAILS, 0),
        (CardUpdate.DETAILS, 1),
    ]
    assert [claim.card_ts for claim in claims] == [None, "1.1", "1.1"]


async def test_outbox_event_after_card_was_read_is_not_covered(store: Database) -> None:
    await subscribe(store)
    await told(store, NewDelivery("C1", "b1", BuildEvent.UPLOADED), of=build("b1"))
    [claim] = await take(store)
    await told(store, before=Stage.PENDING)
    [second] = (await exchange(store, [posted(claim)])).claims
    assert (second.announcement.event, second.card_ts) == (BuildEvent.PROCESSED, "1.1")


async def test_a_change_after_a_card_was_read_is_not_covered_either(store: Database) -> None:
    await subscribe(store)
    await told(store, *(NewDelivery("C1", "b1", event) for event in (BuildEvent.UPLOADED, BuildEvent.PROCESSED)))
    [first] = await take(store)
    assert first.covers, "what is due already is said by it"
    await edit(store, "new")
    await edit(store, "newer")
    [second] = (await exchange(store, [posted(first)])).claims
    assert changelogs([first, second]) == ["", "newer"]
    assert await say(store, [second]) == [second]


async def test_a_card_may_show_several_builds_oldest_first(store: Database) -> None:
    await subscribe(store)
    ios, android = build("b1", Stage.READY, platform="ios"), build("b2", Stage.READY, platform="android")
    for each_build in (ios, android):
        await told(store, NewDelivery("C1", each_build.id, BuildEvent.PROCESSED, card="app/1.0"), of=each_build)
    [claim] = await say(store)
    assert claim.announcement.shown == (CardEntry(ios), CardEntry(android))
    await edit(store, "new", android)
    [again] = await say(store)
    assert (again.announcement.build.id, again.card_ts) == ("b1", "1.1")
    assert [entry.build.changelog for entry in again.announcement.shown] == ["", "new"]


async def test_outbox_superseded_build_shown_with_its_successor(card: Database) -> None:
    newer = build("b2", Stage.READY, version="2")
    await look(card, [BuildTransition(newer, None)], [NewDelivery("C1", "b2", BuildEvent.PROCESSED)])
    new, old = await say(card)
    assert new.announcement.shown == (CardEntry(newer),)
    assert old.announcement.shown == (CardEntry(READY, superseded_by=newer),)


async def test_a_card_keeps_the_manner_in_which_it_was_first_told(store: Database) -> None:
    manner = DeliveryOptions(compact=True, label="Beta", quiet="22:00-08:00", tz="Europe/Madrid")
    # C2 knew of the upload before it asked: that was never said, and is not where its card comes from
    await subscribe(store, "C1", baseline=[build("b0", Stage.READY, minute=0)])
    await subscribe(store, "C2", baseline=[build("b1", minute=1), build("b0", Stage.READY, minute=0)])
    await told(store, NewDelivery("C2", "b1", BuildEvent.PROCESSED, manner=manner, subscription_id=7))
    [first] = await say(store)
    await edit(store, "new")
    [again] = await say(store)
    assert first.announcement.manner == again.announcement.manner == manner


async def test_a_person_s_messages_stay_as_they_were_said(store: Database) -> None:
    await subscribe(store)
    await told(store, NewDelivery("U1", "b1", BuildEvent.PROCESSED), NewDelivery("W1", "b1", BuildEvent.PROCESSED))
    await say(store)
    await edit(store, "new")
    await store.run(stored_recalls.recall_build, READY, "bad", "U9")
    assert await take(store) == []


@pytest.mark.parametrize("event", [BuildEvent.CERT, BuildEvent.FEEDBACK, CardUpdate.DETAILS])
async def test_outbox_message_other_than_card_never_becomes_one(
    store: Database, event: BuildEvent | CardUpdate
) -> None:
    await subscribe(store)
    fact = "{}" if event is BuildEvent.FEEDBACK else ""
    await told(store, NewDelivery("C1", "b1", event, card=f"{event}/b1", fact=fact))
    await say(store)
    await edit(store, "new")
    assert await take(store) == []


# ------------------------------------------------------------------ changes that come in between


async def test_a_change_while_a_card_waits_makes_no_edit(store: Database) -> None:
    await fill(store, ["C1"], ["b1"])
    await edit(store, "first")
    await edit(store, "second")
    assert changelogs(await say(store)) == ["second"]


async def test_a_change_while_an_edit_waits_makes_no_second_one(card: Database) -> None:
    await edit(card, "first")
    await edit(card, "second")
    assert (await card.run(outbox.get_backlog)).count == 1
    assert changelogs(await say(card)) == ["second"]


async def test_a_change_while_a_card_is_being_sent_makes_one_more_edit(store: Database) -> None:
    await fill(store, ["C1"], ["b1"])
    claims = await take(store)
    await edit(store, "new")
    first, second = await say(store, claims)
    assert (first.card_ts, second.card_ts) == (None, "1.1")
    assert changelogs([first, second]) == ["", "new"]


async def test_outbox_two_changes_before_hand_in_are_one_edit(card: Database) -> None:
    """Two changes between claim and hand-in are one edit, and neither is lost."""
    await edit(card, "first")
    claims = await take(card)
    await edit(card, "second")
    await card.run(stored_recalls.recall_build, READY, "It crashes", "U9")
    every = await say(card, claims)
    assert changelogs(every) == ["first", "second"]
    recalls = [claim.announcement.shown[0].recall for claim in every]
    assert recalls[0] is None
    assert recalls[1] is not None
    assert recalls[1].reason == "It crashes"


async def test_outbox_change_while_post_is_retried_shown_by_retry(store: Database) -> None:
    await fill(store, ["C1"], ["b1"])
    [claim] = await take(store)
    await edit(store, "new")
    [again] = (await exchange(store, [DeliveryResult.of(claim, ResultKind.AGAIN)])).claims
    assert changelogs([again]) == ["new"]
    assert await say(store, [again]) == [again]


async def test_an_edit_that_is_handed_in_late_makes_one_more(card: Database) -> None:
    await edit(card, "old")
    [frozen] = await take(card, lease=0)
    await edit(card, "new")
    others = await say(card)
    assert changelogs(others)[-1] == "new"
    [again] = (await exchange(card, [posted(frozen)])).claims
    assert (again.card_ts, changelogs([again])) == ("1.1", ["new"])
    assert await say(card, [again]) == [again], "and that is enough"


async def test_outbox_two_simultaneous_edits_leave_words_unknown(card: Database) -> None:
    await edit(card, "old")
    [frozen] = await take(card, lease=0)
    await edit(card, "new")
    [other] = await take(card)
    claims = list((await exchange(card, [posted(other), posted(frozen)])).claims)
    assert changelogs(await say(card, claims)) == ["new"]


async def test_an_edit_that_is_handed_in_twice_ends_all_the_same(card: Database) -> None:
    await edit(card, "new")
    [claim] = await take(card)
    every = [*(await exchange(card, [posted(claim)])).claims, *(await exchange(card, [posted(claim)])).claims]
    assert len(await say(card, every)) <= 1


async def test_a_card_that_was_told_anew_is_the_one_that_is_edited(card: Database) -> None:
    """Somebody deleted the first message."""
    await told(card, NewDelivery("C1", "b1", BuildEvent.FAILED), of=build("b1", Stage.FAILED), before=Stage.READY)
    [claim] = await take(card)
    await exchange(card, [posted(claim, "2.2")])
    assert await card.run(posted_ts, "C1", "b1") == "2.2"
    await edit(card, "new", build("b1", Stage.FAILED))
    [again] = await take(card)
    assert again.card_ts == "2.2"


async def test_an_edit_of_a_build_that_moved_meanwhile_changes_nothing(card: Database) -> None:
    await look(card, [BuildTransition(build("b1", Stage.FAILED), Stage.READY)])
    await edit(card, "was listed as ready")
    [claim] = await say(card)
    assert claim.announcement.shown == (CardEntry(build("b1", Stage.FAILED)),)


async def test_a_build_s_words_are_noted_once_and_then_compared(card: Database) -> None:
    assert await card.run(stored_builds.find_edited, "app", {"b1": "one", "b9": "unknown"}) == set()
    assert await card.run(stored_builds.find_edited, "app", {"b1": "one"}) == set()
    assert await card.run(stored_builds.find_edited, "app", {"b1": "two"}) == {"b1"}
    await card.run(stored_builds.record_edits, [READY], {"b1": "two"})
    assert await card.run(stored_builds.find_edited, "app", {"b1": "two"}) == set()
    assert await card.run(stored_builds.find_edited, "other app", {"b1": "three"}) == set()


# ------------------------------------------------------------------ at the same time


@pytest.mark.postgres
async def test_outbox_change_waits_for_current_card_reader(postgres_url: str) -> None:
    """Else the reader takes the old words, the writer sees no card yet, and nobody shows the new ones."""
    store = await Database.open(postgres_url)
    await fill(store, ["C1"], ["b1"])
    async with await psycopg.AsyncConnection.connect(postgres_url) as reader:
        await reader.execute("SELECT 1 FROM channel_leases WHERE channel_id = 'C1' FOR UPDATE")
        await reader.execute(f"UPDATE outbox SET state = '{DeliveryState.SENDING}', first_attempt_at = 1")
        writing = asyncio.create_task(edit(store, "new"))
        assert not (await asyncio.wait({writing}, timeout=0.3))[0]
    await writing
    assert (await store.run(outbox.get_backlog)).count == 2, "what is being sent, and an edit after it"
    await store.close()


@pytest.mark.postgres
async def test_outbox_concurrent_record_and_claim_lose_no_edit(postgres_url: str) -> None:
    """They also never wait for ever."""
    first, second = await Database.open(postgres_url), await Database.open(postgres_url)
    channels, builds = [f"C{n:02}" for n in range(12)], [f"b{n}" for n in range(4)]
    await fill(first, channels, builds)
    shown: dict[tuple[str, str], str] = {}
    writing = True

    async def write(store: Database, names: list[str]) -> None:
        for turn in range(15):
            for name in names:
                await edit(store, str(turn), build(name, Stage.READY))

    async def record(store: Database, order: int) -> None:
        for turn in range(15):
            new = build(f"n{order}-{turn}", Stage.READY)
            announced = [NewDelivery(channel, new.id, BuildEvent.PROCESSED) for channel in channels[::order]]
            await store.run(
                stored_builds.record_poll, "app", None, [BuildTransition(new, None)], announced, next_at_seconds=60
            )

    async def send(store: Database) -> None:
        done: list[DeliveryResult] = []
        while True:
            claims = (await exchange(store, done, 5)).claims
            for claim in claims:
                (key,) = said([claim])
                shown[key] = claim.announcement.shown[0].build.changelog
            done = [posted(claim) for claim in claims]
            await asyncio.sleep(0)
            if not claims and not writing and await store.run(outbox.delivery_due_in) is None:
                return

    async with patience():
        senders = [asyncio.create_task(send(store)) for store in (first, second)]
        await asyncio.gather(write(first, builds), write(second, builds[::-1]), record(first, 1), record(second, -1))
        writing = False
        await asyncio.gather(*senders)
    cards = {(channel, name) for channel in channels for name in builds}
    new = {(channel, f"n{order}-{turn}") for channel in channels for order in (1, -1) for turn in range(15)}
    assert shown.keys() == cards | new
    assert {shown[key] for key in cards} == {"14"}
    await asyncio.gather(first.close(), second.close())
