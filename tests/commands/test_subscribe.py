from __future__ import annotations

import json

import pytest

from bot.sandbox.faults import Fault
from tests.conftest import World
from tests.seeing import labels, press


async def heard(world: World) -> list[str]:
    """What #releases has heard after a tick of everything."""
    await world.look()
    return [message.text for message in world.slack.messages(world.releases)]


async def test_what_was_saved_is_said_back_to_the_asker(world: World) -> None:
    await world.start()
    answer = await world.ask("subscribe courier on:processed branch:release/* -tag:nightly")
    assert answer.ephemeral_to == world.ana.id
    for words in ("this channel hears of builds of Courier", "branch release/", "tag not nightly", "when processed"):
        assert words in answer.text
    assert labels(answer) == ["Unsubscribe"]


async def test_only_what_was_asked_for_is_announced_from_the_next_build_on(world: World) -> None:
    await world.start()
    world.applivery.build(world.courier, version="1.0.0", branch="release/1")
    await world.ask("subscribe courier on:processed branch:release/*")
    assert await heard(world) == []
    world.applivery.build(world.courier, version="2.0.0", branch="main")
    world.applivery.build(world.courier, version="3.0.0", branch="release/3")
    world.applivery.build(world.courier, version="4.0.0", branch="release/4", status="error")
    assert [text[:32] for text in await heard(world)] == ["✅ Courier 3.0.0 (1) for iOS is r"]


async def test_a_wish_outlives_a_restart(world: World) -> None:
    await world.start()
    await world.ask("subscribe courier")
    await world.restart()
    world.applivery.build(world.courier, version="2.0.0")
    assert len(await heard(world)) == 1


async def test_asking_again_changes_the_wish_instead_of_adding_one(world: World) -> None:
    await world.start()
    await world.ask("subscribe courier on:uploaded,processed,failed")
    answer = await world.ask("subscribe courier on:failed")
    assert "Changed: this channel now hears of builds of Courier, when failed" in answer.text
    world.applivery.build(world.courier)
    assert await heard(world) == []
    [saved] = await world.bot.store.subscriptions(world.releases.id)
    assert (saved.created_by, [str(event) for event in saved.events]) == (world.ana.id, ["failed"])


async def test_every_app_reaches_apps_made_later_from_their_first_build_on(world: World) -> None:
    await world.start(jobs=True)
    assert "builds of every app" in (await world.ask("subscribe * on:failed")).text
    await world.applivery.until(lambda: any(one.path.endswith("/builds") for one in world.applivery.requests))
    world.applivery.build(world.applivery.app("Driver"), version="0.1.0", status="error")
    await world.slack.until(lambda: world.slack.messages(world.releases))
    [card] = world.slack.messages(world.releases)
    assert "Driver 0.1.0" in card.text


async def test_without_a_name_the_apps_are_offered_and_the_wish_is_kept(world: World) -> None:
    await world.start()
    world.applivery.app("Driver")
    answer = await world.ask("subscribe on:failed")
    turn = await press(world.slack, answer, "Driver", user=world.ana)
    assert "builds of Driver, when failed" in (await turn.answer()).text


@pytest.mark.parametrize("private", [False, True])
async def test_a_channel_the_bot_is_not_in_gets_the_exact_invitation_and_nothing_is_saved(
    world: World, private: bool
) -> None:
    await world.start()
    place = world.slack.channel("secret", private=True, bot_is_member=False, members=(world.ana,))
    place = place if private else world.general
    answer = await world.ask("subscribe courier", channel=place)
    assert "not in this channel" in answer.text
    assert "`/invite @applivery`" in answer.text
    assert await world.bot.store.subscriptions(place.id) == []


async def test_the_invitation_names_the_bot_as_it_is_called_here(world: World) -> None:
    world.slack.users[world.slack.bot_user_id].handle = "build-robot"
    await world.start()
    assert "`/invite @build-robot`" in (await world.ask("subscribe courier", channel=world.general)).text


async def test_an_archived_channel_is_not_subscribed(world: World) -> None:
    await world.start()
    world.releases.archived = True
    assert "archived" in (await world.ask("subscribe courier")).text
    assert await world.bot.store.subscriptions(world.releases.id) == []


async def test_when_slack_cannot_say_the_wish_is_saved_and_the_first_post_will_show(world: World) -> None:
    await world.start()
    world.slack.scopes -= {"channels:read"}
    assert "hears of builds of Courier" in (await world.ask("subscribe courier")).text


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("courier on:procesed", "`on:processed`"),
        ("courier on:whatever", "`on:uploaded`"),
        ("courier -on:failed", "Name the ones you want"),
        ("courier bransh:main", "`branch:`"),
        ("curier", "`Courier`"),
        ("courier now please", "“now please”"),
    ],
)
async def test_a_wish_that_is_not_understood_is_not_saved(world: World, typed: str, words: str) -> None:
    await world.start()
    assert words in (await world.ask(f"subscribe {typed}")).text
    assert await world.bot.store.subscriptions(world.releases.id) == []


async def test_a_member_may_not_subscribe_a_channel_nor_by_a_button(world: World) -> None:
    await world.start()
    assert "*releaser*" in (await world.ask("subscribe courier", user=world.bruno)).text
    menu = await world.ask("", user=world.bruno)
    turn = await press(world.slack, menu, "Subscribe this channel", user=world.bruno)
    assert "*releaser*" in (await turn.answer()).text
    assert await world.bot.store.subscriptions(world.releases.id) == []


async def test_nothing_is_saved_while_applivery_is_down(world: World) -> None:
    await world.start()
    world.applivery.faults.add("GET /v1/*", Fault(drop=True), times=None)
    assert "not answering" in (await world.ask("subscribe courier")).text
    assert await world.bot.store.subscriptions(world.releases.id) == []


async def test_the_button_under_the_answer_unsubscribes(world: World) -> None:
    await world.start()
    answer = await world.ask("subscribe courier")
    assert "confirm" in answer.element("unsubscribe.v1")
    await world.restart()
    said = await (await press(world.slack, answer, "Unsubscribe", user=world.ana)).answer()
    assert said.text == "Done: this channel hears no more of Courier."
    assert await world.bot.store.subscriptions(world.releases.id) == []


async def test_subscribe_works_over_signed_http(world: World) -> None:
    await world.start(slack_app_token=None)
    answer = await world.ask("subscribe courier")
    assert "hears of builds of Courier" in json.dumps(answer.blocks)
    world.applivery.build(world.courier)
    assert len(await heard(world)) == 1
