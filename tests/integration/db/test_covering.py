"""Showing a card once says all that waited for it, and nothing that was not on it yet."""

from __future__ import annotations

from bot.db import database_info, mutes, outbox
from bot.db.database import Database
from bot.db.outbox_types import DeliveryClaim, DeliveryResult
from bot.domain.model import BuildEvent, BuildTransition, DeliveryOptions, NewDelivery, Stage
from bot.domain.states import ResultKind
from tests.support.builders import build, exchange, look, subscribe, take


def shown(claim: DeliveryClaim) -> list[str]:
    """The builds on a card."""
    return [entry.build.id for entry in claim.announcement.shown]


async def add(store: Database, name: str) -> None:
    """One more build of version 2.0 is ready; its platforms share a card."""
    card = NewDelivery("C1", name, BuildEvent.PROCESSED, card="app/2.0", manner=DeliveryOptions(grouped=True))
    await look(store, [BuildTransition(build(name, Stage.READY, version="2.0"), None)], [card])


async def test_covering_release_while_card_is_shown_is_still_due(store: Database) -> None:
    """A refused build comes back while its version's card is edited for another: that edit did not show it."""
    await subscribe(store)
    await add(store, "ios")
    [first] = await take(store)
    await exchange(store, [DeliveryResult.of(first, ResultKind.POSTED, ts="1.1", covers=first.covers)])
    await add(store, "android")
    [refused] = await take(store)
    await exchange(store, [DeliveryResult.of(refused, ResultKind.HELD, reason="is_archived")])
    await add(store, "tv")
    await add(store, "watch")
    [third] = await take(store)
    assert shown(third) == ["ios", "tv", "watch"]

    await store.run(mutes.release_channel, "C1")
    edited = DeliveryResult.of(third, ResultKind.POSTED, ts=third.card_ts, covers=third.covers, edited=True)
    [again] = (await exchange(store, [edited])).claims
    assert shown(again) == ["ios", "android", "tv", "watch"]


async def test_covering_release_before_card_is_shown_is_covered(store: Database) -> None:
    await subscribe(store)
    builds = [build(name, Stage.READY) for name in ("b1", "b2", "b3")]
    now = await store.run(database_info.current_time)
    news = [
        NewDelivery("C1", each_build.id, BuildEvent.PROCESSED, card="held/1", held_until=now) for each_build in builds
    ]
    await look(store, [BuildTransition(each_build, None) for each_build in builds], news)
    await store.run(mutes.release_held)
    [digest] = await take(store)
    assert shown(digest) == ["b1", "b2", "b3"]
    assert (
        await exchange(store, [DeliveryResult.of(digest, ResultKind.POSTED, ts="1.1", covers=digest.covers)])
    ).claims == ()
    assert await store.run(outbox.delivery_due_in) is None
