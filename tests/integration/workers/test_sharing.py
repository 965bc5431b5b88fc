"""A channel that is shared with another organisation: its owners are asked once, and their answer holds."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.db import subscriptions
from bot.slack.scopes import EVENTS
from tests.conftest import Environment
from tests.integration.workers.conftest import on_sqlite
from tests.support.handing import directs, ready, rested, seen
from tests.support.seeing import labels, press

SECRETS = {
    "changelog": "Fixes the Acme login",
    "branch": "feature/acme",
    "message": "Acme asked for it",
    "author": "Zoe",
}
CHOICES = ["Keep announcing", "Announce without changelogs", "Unsubscribe"]


async def subscribed(world: Environment) -> None:
    world.slack.subscribed = set(EVENTS)
    await world.start()
    await world.ask("subscribe courier")
    await world.look()


async def built(world: Environment, version: str, number: str) -> None:
    ready(world, version=version, number=number, changelog=SECRETS["changelog"], branch=SECRETS["branch"])
    await world.look()


async def asked(world: Environment) -> Any:
    """The one question to the owner."""
    await rested(world)
    (notice,) = directs(world, world.ana)
    assert labels(notice) == CHOICES
    return notice


async def paused(world: Environment) -> list[str | None]:
    return [each.paused for each in await world.bot.store.run(subscriptions.list_subscriptions)]


async def decide(world: Environment, choice: str) -> None:
    await press(world.slack, await asked(world), choice, user=world.ana)
    await rested(world)
    await world.bot.withdrawals.step()
    await world.settle()


async def test_an_owner_is_asked_as_soon_as_a_channel_is_shared(world: Environment) -> None:
    await subscribed(world)
    await world.slack.places.connect(world.releases)
    notice = await asked(world)
    assert "shared with another organisation" in seen(notice)
    assert "changelogs, branches and names" in seen(notice)
    assert await paused(world) == ["access:shared"]
    await built(world, "2.5.0", "174")
    assert world.said() == []


async def test_an_owner_is_asked_once(world: Environment) -> None:
    await subscribed(world)
    for _ in range(2):
        await world.slack.places.connect(world.releases)
        await built(world, "2.5.0", "174")
        await world.restart()
        await world.bot.withdrawals.step()
    await asked(world)


async def test_missed_sharing_is_asked_about_with_the_next_build(world: Environment) -> None:
    await subscribed(world)
    world.releases.shared = True
    await built(world, "2.5.0", "174")
    assert world.said() == []
    await asked(world)


@on_sqlite
async def test_a_channel_about_to_be_shared_counts_as_shared(world: Environment) -> None:
    await subscribed(world)
    world.releases.pending_shared = True
    await built(world, "2.5.0", "174")
    assert world.said() == []
    await asked(world)


@pytest.mark.parametrize("held", [True, False])
async def test_keep_announcing_announces_in_full(world: Environment, held: bool) -> None:
    await subscribed(world)
    await world.slack.places.connect(world.releases)
    if held:
        await built(world, "2.5.0", "174")
    await decide(world, "Keep announcing")
    if not held:
        await built(world, "2.5.0", "174")
    (card,) = world.slack.messages(world.releases)
    assert SECRETS["changelog"] in seen(card)
    assert SECRETS["branch"] in seen(card)
    assert await paused(world) == [None]
    await world.restart()
    await built(world, "2.6.0", "175")
    assert len(directs(world, world.ana)) == 1, "the answer outlives a restart"
    assert len(world.said()) == 2


@pytest.mark.parametrize("held", [True, False])
async def test_without_changelogs_leaves_out_all_that_is_internal(world: Environment, held: bool) -> None:
    await subscribed(world)
    await world.slack.places.connect(world.releases)
    if held:
        await built(world, "2.5.0", "174")
    await decide(world, "Announce without changelogs")
    if not held:
        await built(world, "2.5.0", "174")
    await built(world, "2.6.0", "175")  # which edits the first card, too
    assert len(world.said()) == 2
    for card in world.slack.messages(world.releases):
        for version in (card, *card.history):
            assert not [secret for secret in SECRETS.values() if secret in str(version)]
    assert "2.5.0" in world.said()[0]


@on_sqlite
async def test_a_long_changelog_is_in_no_thread_there(world: Environment) -> None:
    await subscribed(world)
    await world.slack.places.connect(world.releases)
    await decide(world, "Announce without changelogs")
    ready(world, changelog="Fixes the Acme login\n" * 200)
    await world.look()
    (card,) = world.slack.messages(world.releases)
    for reply in world.slack.messages(world.releases, card.ts):
        assert "Acme" not in str(reply)


async def test_unsharing_resumes_and_a_new_sharing_asks_again(world: Environment) -> None:
    await subscribed(world)
    await world.slack.places.connect(world.releases)
    await built(world, "2.5.0", "174")
    await world.slack.places.disconnect(world.releases)
    await rested(world)
    await world.bot.withdrawals.step()
    await world.settle()
    assert len(world.said()) == 1
    assert await paused(world) == [None]
    await world.slack.places.connect(world.releases)
    await rested(world)
    await press(world.slack, directs(world, world.ana)[-1], "Keep announcing", user=world.ana)
    await rested(world)
    await world.slack.places.disconnect(world.releases)
    await rested(world)
    await world.slack.places.connect(world.releases)
    await rested(world)
    assert sum(labels(notice) == CHOICES for notice in directs(world, world.ana)) == 3


@on_sqlite
async def test_another_member_may_not_decide(world: Environment) -> None:
    await subscribed(world)
    await world.slack.places.connect(world.releases)
    await press(world.slack, await asked(world), "Keep announcing", user=world.bruno)
    await rested(world)
    assert await paused(world) == ["access:shared"]


@pytest.mark.parametrize("channel", [None, {}, ["C1"], 7, "C0NOWHERE"])
@on_sqlite
async def test_an_odd_sharing_changes_nothing(world: Environment, channel: Any) -> None:
    await subscribed(world)
    for kind in ("channel_shared", "channel_unshared"):
        event = {"type": kind, "connected_team_id": "E163Q94DX", "event_ts": "1561064063.001100"}
        turn = await asyncio.wait_for(world.slack.person.event({**event, "channel": channel}), 5)
        assert turn.acked
    assert await paused(world) == [None]
