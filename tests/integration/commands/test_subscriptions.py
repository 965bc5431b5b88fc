from __future__ import annotations

import json

import pytest

from bot.db import subscriptions
from sandbox.faults import Fault
from sandbox.slack import FakeChannel, FakeMessage, FakeView
from tests.conftest import Environment
from tests.support.handing import ready, rested, seen
from tests.support.seeing import labels, old_card, press


async def left(world: Environment) -> list[str]:
    return [
        subscription.app_name
        for subscription in await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id)
    ]


async def three(world: Environment) -> None:
    """#releases hears of Courier, Driver and every app."""
    world.applivery.app("Driver")
    for typed in ("courier", "driver on:failed", "*"):
        await world.ask(f"subscribe {typed}")


async def test_subscriptions_listed_with_their_makers(world: Environment) -> None:
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
    assert labels(answer) == ["Test", "Edit", "Mute", "Remove"] * 3


async def test_nothing_subscribed_says_what_to_do(world: Environment) -> None:
    await world.start()
    assert "subscribed to nothing yet. Try `subscribe`" in (await world.ask("subscriptions")).text


async def test_another_channel_s_wishes_are_not_listed(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    assert "nothing yet" in (await world.ask("subscriptions", channel=world.general)).text


async def many(world: Environment, count: int) -> None:
    """So many subscriptions of #releases, without asking Applivery about each."""
    for number in range(count):
        await world.bot.store.run(
            subscriptions.add_subscription,
            team_id=world.slack.team_id,
            channel_id=world.releases.id,
            app_id=f"{number:024x}",
            app_name=f"App {number}",
            events=(),
            query="",
            created_by=world.ana.id,
            baseline=[],
        )


async def test_a_long_list_is_turned_page_by_page_in_one_place(world: Environment) -> None:
    await world.start()
    await many(world, 25)
    answer = await world.ask("subscriptions", user=world.bruno)
    assert "(page 1 of 3)" in answer.text
    for label, page in (("Next", 2), ("Next", 3), ("Previous", 2)):
        turned = await (await press(world.slack, answer, label, user=world.bruno)).answer()
        assert turned is answer  # takes its place
        assert f"(page {page} of 3)" in turned.text
    assert len(answer.blocks) <= 50
    assert "App 15" in answer.text


async def test_subscriptions_page_that_vanished_shows_last_page(world: Environment) -> None:
    await world.start()
    await many(world, 11)
    answer = await world.ask("subscriptions")
    await world.bot.store.run(subscriptions.remove_subscription, world.releases.id, f"{10:024x}")
    turned = await (await press(world.slack, answer, "Next", user=world.ana)).answer()
    assert "App 9" in turned.text
    assert "page" not in turned.text


@pytest.mark.parametrize(
    ("typed", "gone"),
    [("courier", "Courier"), ("Driver", "Driver"), ("*", "every app"), ("1", "Courier"), ("2", "Driver")],
)
async def test_a_wish_ends_by_app_by_number_or_by_star(world: Environment, typed: str, gone: str) -> None:
    await world.start()
    await three(world)
    before = await left(world)
    answer = await world.ask(f"unsubscribe {typed}")
    assert answer.text == f"Done: this channel hears no more of {gone}."
    assert await left(world) == [name for name in before if name != gone]


async def test_after_that_nothing_is_announced(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    await world.ask("unsubscribe courier")
    world.applivery.build(world.courier)
    await world.look()
    assert world.slack.messages(world.releases) == []


async def test_the_only_wish_needs_no_name_and_several_are_listed(world: Environment) -> None:
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
async def test_unsubscribe_unknown_request_is_explained(world: Environment, typed: str, words: str) -> None:
    await world.start()
    world.applivery.app("Driver")
    await world.ask("subscribe courier")
    assert words in (await world.ask(f"unsubscribe {typed}")).text
    assert await left(world) == ["Courier"]


async def test_a_remove_button_works_after_a_restart_and_twice_says_so(world: Environment) -> None:
    await world.start()
    await three(world)
    answer = await world.ask("subscriptions")
    await world.restart()
    for words in ("hears no more of Courier", "already stopped"):
        assert words in (await (await press(world.slack, answer, "Remove", user=world.ana)).answer()).text
    assert await left(world) == ["Driver", "every app"]


async def test_a_member_cannot_remove_by_command_or_button(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    listed = await world.ask("subscriptions", user=world.bruno)
    assert "nly releasers can" in (await (await press(world.slack, listed, "Remove", user=world.bruno)).answer()).text
    assert "nly releasers can" in (await world.ask("unsubscribe courier", user=world.bruno)).text
    assert await left(world) == ["Courier"]


async def test_subscriptions_forged_button_elsewhere_has_no_effect(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    [saved] = await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id)
    made_up = old_card(world.slack, world.general, "unsubscribe.v1", str(saved.id))
    assert "already stopped" in (await (await press(world.slack, made_up, "Old", user=world.ana)).answer()).text
    assert await left(world) == ["Courier"]


async def test_subscriptions_and_unsubscribe_work_over_signed_http(world: Environment) -> None:
    await world.start(slack_app_token=None)
    await three(world)
    answer = await world.ask("subscriptions")
    await (await press(world.slack, answer, "Remove", user=world.ana, nth=1)).answer()
    await world.ask("unsubscribe courier")
    assert await left(world) == ["every app"]


# ------------------------------------------------------------------ every channel


async def elsewhere(world: Environment) -> FakeChannel:
    """#qa, which hears of Courier."""
    channel: FakeChannel = world.slack.channel("qa", members=(world.ana, world.bruno))
    await world.ask("subscribe courier", channel=channel)
    return channel


async def test_subscriptions_of_all_channels_visible_only_to_admin(world: Environment) -> None:
    await world.start()
    qa = await elsewhere(world)
    await world.ask("subscribe * on:failed")
    answer = await world.ask("subscriptions all", channel=world.general)
    for words in (f"<#{qa.id}> · builds of Courier", f"<#{world.releases.id}> · builds of every app"):
        assert words in answer.text
        assert words in seen(answer)
    refused = await world.ask("subscriptions ALL", user=world.bruno)
    assert "Only admins can list all subscriptions. You're a member." in refused.text
    assert "Unknown word “mine”" in (await world.ask("subscriptions mine")).text


async def test_a_made_up_page_of_every_channel_is_for_admins_too(world: Environment) -> None:
    await world.start()
    await elsewhere(world)
    for value, words in (("all/0", "Only admins can"), ("here/0", "nothing yet"), ("here/x", "another version")):
        made_up = old_card(world.slack, world.releases, "subscriptions.v1#next", value)
        assert words in (await (await press(world.slack, made_up, "Old", user=world.bruno)).answer()).text


async def test_subscriptions_admin_ends_and_edits_other_channel(world: Environment) -> None:
    await world.start()
    qa = await elsewhere(world)
    answer = await world.ask("subscriptions all")
    view = await (await press(world.slack, answer, "Edit", user=world.ana)).view()
    await world.slack.submit(view, {"subscribe.filters": {"subscribe.filters": "os:ios"}}, user=world.ana)
    await rested(world)
    assert world.slack.ephemerals(world.ana)[-1].text.startswith(f"Changed: <#{qa.id}> now hears of builds of Courier")
    assert [
        subscription.query for subscription in await world.bot.store.run(subscriptions.list_subscriptions, qa.id)
    ] == ["os:ios"]
    gone = await (await press(world.slack, answer, "Remove", user=world.ana)).answer()
    assert gone.text == f"Done: <#{qa.id}> hears no more of Courier."


@pytest.mark.parametrize("name", ["unsubscribe.v1", "edit.v1", "test.v1", "mute.v1", "muted.v1"])
async def test_a_releaser_s_made_up_button_reaches_no_other_channel(world: Environment, name: str) -> None:
    await world.start()
    qa = await elsewhere(world)
    await world.ask(f"grant <@{world.bruno.id}> releaser")
    [subscription] = await world.bot.store.run(subscriptions.list_subscriptions, qa.id)
    value = f"{'4h/' if name == 'muted.v1' else ''}{qa.id}/{subscription.id}"
    made_up = old_card(world.slack, world.releases, name, value)
    answer = await (await press(world.slack, made_up, "Old", user=world.bruno)).answer()
    assert "You're a releaser." in answer.text
    assert await world.bot.store.run(subscriptions.list_subscriptions, qa.id) == [subscription]
    assert world.said(qa) == []


# ------------------------------------------------------------------ edit


async def form(world: Environment) -> FakeView:
    """The form of the only subscription of #releases."""
    answer = await world.ask("subscriptions")
    return await (await press(world.slack, answer, "Edit", user=world.ana)).view()


async def test_subscription_form_shows_saved_values_and_keeps_number(world: Environment) -> None:
    group = world.slack.usergroup("mobile-qa", [world.bruno])
    await world.start()
    world.applivery.build(world.courier, branch="main")
    await world.ask(f"subscribe courier on:failed branch:main threads:off mention:{group.id} quiet:22:00-08:00")
    [before] = await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id)
    view = await form(world)
    await world.slack.submit(view, user=world.ana)  # as it is
    await rested(world)
    [after] = await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id)
    assert (after.id, after.events, after.query, after.manner) == (
        before.id,
        before.events,
        before.query,
        before.manner,
    )
    answer = world.slack.ephemerals(world.ana)[-1]
    assert answer.text.startswith("Changed: this channel now hears of builds of Courier with branch main, when failed;")
    assert "None of the only build there is would have posted" in answer.text
    assert labels(answer) == ["Edit", "Unsubscribe"]


async def test_subscription_form_error_stays_open_and_saves_nothing(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier branch:main")
    wrong = {"subscribe.filters": {"subscribe.filters": "branch:next bransh:x"}}
    view = await form(world)
    turn = await world.slack.submit(view, wrong, user=world.ana)
    assert turn.errors["subscribe.filters"].startswith("“bransh:” is no filter.")
    assert [
        subscription.query
        for subscription in await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id)
    ] == ["branch:main"]
    right = {"subscribe.filters": {"subscribe.filters": "branch:next"}}
    await world.slack.submit(view, right, user=world.ana)
    await rested(world)
    assert [
        subscription.query
        for subscription in await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id)
    ] == ["branch:next"]


async def test_subscription_form_does_not_restore_ended_one(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    view = await form(world)
    await world.ask("unsubscribe courier")
    turn = await world.slack.submit(view, user=world.ana)
    assert "already stopped" in str(turn.errors)
    assert await left(world) == []


# ------------------------------------------------------------------ test


async def tried(world: Environment) -> FakeMessage:
    """What the asker hears after *Test* of the only subscription."""
    answer = await world.ask("subscriptions")
    message: FakeMessage = await (await press(world.slack, answer, "Test", user=world.ana)).answer()
    return message


async def test_subscription_test_posts_newest_match_marked_as_test(world: Environment) -> None:
    """The test card is marked as a test and its buttons work."""
    await world.start()
    ready(world, version="1.0.0", branch="release/1", changelog="Faster")
    ready(world, version="2.0.0", branch="main")
    group = world.slack.usergroup("mobile-qa", [world.bruno])
    await world.ask(f"subscribe courier branch:release/* mention:{group.id}")
    assert (await tried(world)).text == f"I posted a test card in <#{world.releases.id}>."
    [card] = world.slack.messages(world.releases)
    mark = f"🔔 Test: this is how <#{world.releases.id}> hears of builds of Courier with branch "
    assert card.text.startswith(f"{mark}`release/*`")
    assert seen(card).startswith(f"{mark}release/*")
    assert "Courier 1.0.0 (173) for iOS is ready" in card.text
    assert "@mobile-qa" in card.text
    assert "<!subteam" not in json.dumps(card.blocks), "nobody is called for a test"
    link = await (await press(world.slack, card, "Get build", user=world.bruno)).answer()
    assert "/v1/download/" in link.text


async def test_one_card_per_version_is_tried_with_all_its_platforms(world: Environment) -> None:
    await world.start()
    ready(world)
    ready(world, os="android")
    await world.ask("subscribe courier group:version format:compact")
    await tried(world)
    [card] = world.slack.messages(world.releases)
    assert "Get iOS" in labels(card)
    assert "Get Android" in labels(card)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("courier branch:nothing", "None of the only build there is would have posted."),
        ("courier on:feedback", "It is about no builds, so there is no card to show."),
    ],
)
async def test_a_test_without_a_fitting_build_says_so(world: Environment, typed: str, words: str) -> None:
    await world.start()
    ready(world)
    await world.ask(f"subscribe {typed}")
    assert words in (await tried(world)).text
    assert len(world.slack.messages(world.releases)) == 1


async def test_subscription_test_without_builds_shows_channel_works(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    await tried(world)
    [card] = world.slack.messages(world.releases)
    assert card.text.endswith("There is no build yet to show.")


async def test_subscription_test_unpostable_gives_exact_invitation(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    answer = await world.ask("subscriptions")
    world.releases.members.remove(world.slack.bot_user_id)
    said = await (await press(world.slack, answer, "Test", user=world.ana)).answer()
    assert (
        said.text
        == "I am not in this channel, so I cannot post there. Invite me first: `/invite @applivery`, then try again."
    )


async def test_a_test_that_slack_refuses_says_so(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    answer = await world.ask("subscriptions")
    world.slack.faults.add("chat.postMessage", Fault(error="restricted_action"))
    said = await (await press(world.slack, answer, "Test", user=world.ana)).answer()
    assert "That channel's settings don't let me post." in said.text
