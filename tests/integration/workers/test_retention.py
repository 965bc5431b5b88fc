"""The retention job: what it deletes changes nothing that people see later."""

from __future__ import annotations

from datetime import timedelta

from bot.db import history, seen_events
from tests.conftest import Environment
from tests.integration.db.test_clock import clock_was_ahead
from tests.integration.workers.test_build_poller import subscribed


async def test_retention_deletes_what_is_kept_for_a_day(world: Environment) -> None:
    await world.start()
    store = world.bot.store
    assert await store.run(seen_events.record_event, "Ev1")
    await clock_was_ahead(store, -timedelta(hours=25))
    while (await world.bot.forget.step() or 0) < 3600:
        pass
    assert not await store.run(history.purge_day), "nothing is left to delete"


async def test_retention_leaves_living_cards_and_repeats_nothing(world: Environment) -> None:
    await world.start()
    await subscribed(world)
    await world.look()
    for number in range(1, 6):
        world.applivery.build(world.courier, version=f"1.{number}")
        await world.look()
    await world.settle()
    said = world.said()
    assert len(said) == 5
    await clock_was_ahead(world.bot.store, -timedelta(days=400))
    while (await world.bot.forget.step() or 0) < 3600:
        pass
    await world.restart()
    await world.look()
    await world.settle()
    assert world.said() == said, "no old build looks new"
    world.applivery.build(world.courier, version="1.6")
    await world.look()
    await world.settle()
    cards = [card for card in world.slack.messages(world.releases) if card.metadata]
    assert ["superseded" in card.text for card in cards] == [True] * 5 + [False]
