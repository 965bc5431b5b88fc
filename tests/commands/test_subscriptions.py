from __future__ import annotations

import json

import pytest

from tests.conftest import World
from tests.seeing import labels, old_card, press


async def left(world: World) -> list[str]:
    return [one.app_name for one in await world.bot.store.subscriptions(world.releases.id)]


async def three(world: World) -> None:
    """#releases hears of Courier, Driver and every app."""
    world.applivery.app("Driver")
    for typed in ("courier", "driver on:failed", "*"):
        await world.ask(f"subscribe {typed}")


async def test_what_a_channel_hears_of_is_listed_with_who_wanted_it(world: World) -> None:
    await world.start()
    await three(world)
    answer = await world.ask("subscriptions", user=world.bruno)
    said = json.dumps(answer.blocks, ensure_ascii=False)
    for words in (
        "builds of Courier, when processed or failed",
        "builds of Driver, when failed",
        "builds of every app",
    ):
        assert words in answer.text
        assert words in said
    assert said.count(f"<@{world.ana.id}>") == 3
    assert labels(answer) == ["Remove"] * 3


async def test_nothing_subscribed_says_what_to_do(world: World) -> None:
    await world.start()
    assert "subscribed to nothing yet. Try `subscribe`" in (await world.ask("subscriptions")).text


async def test_another_channel_s_wishes_are_not_listed(world: World) -> None:
    await world.start()
    await world.ask("subscribe courier")
    assert "nothing yet" in (await world.ask("subscriptions", channel=world.general)).text


async def test_a_list_that_is_too_long_says_how_many_are_missing(world: World) -> None:
    await world.start()
    for number in range(60):
        await world.bot.store.add_subscription(
            team_id=world.slack.team_id,
            channel_id=world.releases.id,
            app_id=f"{number:024x}",
            app_name=f"App {number}",
            events=(),
            query="",
            created_by=world.ana.id,
            baseline=[],
        )
    answer = await world.ask("subscriptions")
    shown = labels(answer).count("Remove")
    assert f"{60 - shown} more" in json.dumps(answer.blocks, ensure_ascii=False)


@pytest.mark.parametrize(
    ("typed", "gone"),
    [("courier", "Courier"), ("Driver", "Driver"), ("*", "every app"), ("1", "Courier"), ("2", "Driver")],
)
async def test_a_wish_ends_by_app_by_number_or_by_star(world: World, typed: str, gone: str) -> None:
    await world.start()
    await three(world)
    before = await left(world)
    answer = await world.ask(f"unsubscribe {typed}")
    assert answer.text == f"Done: this channel hears no more of {gone}."
    assert await left(world) == [name for name in before if name != gone]


async def test_after_that_nothing_is_announced(world: World) -> None:
    await world.start()
    await world.ask("subscribe courier")
    await world.ask("unsubscribe courier")
    world.applivery.build(world.courier)
    await world.look()
    assert world.slack.messages(world.releases) == []


async def test_the_only_wish_needs_no_name_and_several_are_listed(world: World) -> None:
    await world.start()
    await three(world)
    assert labels(await world.ask("unsubscribe")) == ["Remove"] * 3
    await world.ask("unsubscribe courier")
    await world.ask("unsubscribe driver")
    assert "every app" in (await world.ask("unsubscribe")).text
    assert await left(world) == []


@pytest.mark.parametrize(
    ("typed", "words"),
    [("driver", "no subscription of this channel called “driver”"), ("drivr", "`Driver`"), ("99", "“99”")],
)
async def test_what_is_not_subscribed_is_answered_in_words(world: World, typed: str, words: str) -> None:
    await world.start()
    world.applivery.app("Driver")
    await world.ask("subscribe courier")
    assert words in (await world.ask(f"unsubscribe {typed}")).text
    assert await left(world) == ["Courier"]


async def test_a_remove_button_works_after_a_restart_and_twice_says_so(world: World) -> None:
    await world.start()
    await three(world)
    answer = await world.ask("subscriptions")
    await world.restart()
    for words in ("hears no more of Courier", "already ended"):
        assert words in (await (await press(world.slack, answer, "Remove", user=world.ana)).answer()).text
    assert await left(world) == ["Driver", "every app"]


async def test_a_member_cannot_remove_by_command_or_button(world: World) -> None:
    await world.start()
    await world.ask("subscribe courier")
    listed = await world.ask("subscriptions", user=world.bruno)
    assert "*releaser*" in (await (await press(world.slack, listed, "Remove", user=world.bruno)).answer()).text
    assert "*releaser*" in (await world.ask("unsubscribe courier", user=world.bruno)).text
    assert await left(world) == ["Courier"]


async def test_a_made_up_button_in_another_channel_reaches_nothing_here(world: World) -> None:
    await world.start()
    await world.ask("subscribe courier")
    [saved] = await world.bot.store.subscriptions(world.releases.id)
    made_up = old_card(world.slack, world.general, "unsubscribe.v1", str(saved.id))
    assert "already ended" in (await (await press(world.slack, made_up, "Old", user=world.ana)).answer()).text
    assert await left(world) == ["Courier"]


async def test_subscriptions_and_unsubscribe_work_over_signed_http(world: World) -> None:
    await world.start(slack_app_token=None)
    await three(world)
    answer = await world.ask("subscriptions")
    await (await press(world.slack, answer, "Remove", user=world.ana, nth=1)).answer()
    await world.ask("unsubscribe courier")
    assert await left(world) == ["every app"]
