from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from bot.db import subscriptions
from bot.domain.model import Subscription
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
    for words in ("*Courier* · ready and failed builds", "*Driver* · failed builds", "*every app* · ready and failed"):
        assert words in answer.text
        assert words in said
    assert said.count(f"<@{world.ana.id}>") == 3
    assert labels(answer) == ["Edit", "Test", "Mute", "Unsubscribe"] * 3


async def test_nothing_subscribed_says_what_to_do(world: Environment) -> None:
    await world.start()
    answer = await world.ask("subscriptions")
    assert "*No subscriptions in" in answer.text
    turn = await press(world.slack, answer, "Subscribe to an app", user=world.ana)
    assert "*Subscribed" in (await turn.answer()).text


async def test_another_channel_s_wishes_are_not_listed(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    assert "*No subscriptions in" in (await world.ask("subscriptions", channel=world.general)).text


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
    assert answer.text == f"*Unsubscribed <#{world.releases.id}> from {gone}.*"
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
    assert labels(await world.ask("unsubscribe")) == ["Courier", "Driver", "every app"]
    await world.ask("unsubscribe courier")
    await world.ask("unsubscribe driver")
    assert "every app" in (await world.ask("unsubscribe")).text
    assert await left(world) == []


@pytest.mark.parametrize(
    ("typed", "words"),
    [("driver", "no subscription in this channel called “driver”"), ("drivr", "`Driver`"), ("99", "“99”")],
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
    for words in ("from Courier", "already ended"):
        assert words in (await (await press(world.slack, answer, "Unsubscribe", user=world.ana)).answer()).text
    assert await left(world) == ["Driver", "every app"]


async def test_a_member_cannot_remove_by_command_or_button(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    listed = await world.ask("subscriptions", user=world.bruno)
    said = (await (await press(world.slack, listed, "Unsubscribe", user=world.bruno)).answer()).text
    assert "nly releasers can" in said
    assert "nly releasers can" in (await world.ask("unsubscribe courier", user=world.bruno)).text
    assert await left(world) == ["Courier"]


async def test_subscriptions_forged_button_elsewhere_has_no_effect(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    [saved] = await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id)
    made_up = old_card(world.slack, world.general, "unsubscribe.v1", str(saved.id))
    assert "already ended" in (await (await press(world.slack, made_up, "Old", user=world.ana)).answer()).text
    assert await left(world) == ["Courier"]


async def test_subscriptions_and_unsubscribe_work_over_signed_http(world: Environment) -> None:
    await world.start(slack_app_token=None)
    await three(world)
    answer = await world.ask("subscriptions")
    await (await press(world.slack, answer, "Unsubscribe", user=world.ana, nth=1)).answer()
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
    for words in (f"<#{qa.id}> · *Courier*", f"<#{world.releases.id}> · *every app*"):
        assert words in answer.text
        assert words in seen(answer)
    refused = await world.ask("subscriptions ALL", user=world.bruno)
    assert "Only admins can list all subscriptions. You're a member." in refused.text
    assert "Unknown word “mine”" in (await world.ask("subscriptions mine")).text


async def test_a_made_up_page_of_every_channel_is_for_admins_too(world: Environment) -> None:
    await world.start()
    await elsewhere(world)
    for value, words in (("all/0", "Only admins can"), ("here/0", "*No subscriptions in"), ("here/x", "out of date")):
        made_up = old_card(world.slack, world.releases, "subscriptions.v1#next", value)
        assert words in (await (await press(world.slack, made_up, "Old", user=world.bruno)).answer()).text


async def test_subscriptions_admin_ends_and_edits_other_channel(world: Environment) -> None:
    await world.start()
    qa = await elsewhere(world)
    answer = await world.ask("subscriptions all")
    view = await (await press(world.slack, answer, "Edit", user=world.ana)).view()
    await world.slack.submit(view, {"subscribe.filters": {"subscribe.filters": "os:ios"}}, user=world.ana)
    await rested(world)
    assert world.slack.ephemerals(world.ana)[-1].text.startswith(f"*Updated Courier in <#{qa.id}>*")
    assert [
        subscription.query for subscription in await world.bot.store.run(subscriptions.list_subscriptions, qa.id)
    ] == ["os:ios"]
    gone = await (await press(world.slack, answer, "Unsubscribe", user=world.ana)).answer()
    assert gone.text == f"*Unsubscribed <#{qa.id}> from Courier.*"


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
    head = f"*Already subscribed to Courier in <#{world.releases.id}>* (failed builds). Set up by <@{world.ana.id}>."
    assert answer.text.startswith(head)
    assert "No recent build failed." in answer.text
    assert labels(answer) == ["Test", "Edit", "Unsubscribe"]


async def test_subscription_form_error_stays_open_and_saves_nothing(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier branch:main")
    wrong = {"subscribe.filters": {"subscribe.filters": "branch:next bransh:x"}}
    view = await form(world)
    turn = await world.slack.submit(view, wrong, user=world.ana)
    assert turn.errors["subscribe.filters"].startswith("“bransh:” isn't a filter.")
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
    assert "already ended" in str(turn.errors)
    assert await left(world) == []


# ------------------------------------------------------------------ test


async def previewed(world: Environment) -> FakeMessage:
    """What the asker sees after *Test* of the only subscription."""
    answer = await world.ask("subscriptions")
    message: FakeMessage = await (await press(world.slack, answer, "Test", user=world.ana)).answer()
    return message


async def posted(world: Environment, preview: FakeMessage) -> list[FakeMessage]:
    """What the channel got after *Post to #releases*."""
    turn = await press(world.slack, preview, "Post to #releases", user=world.ana)
    assert (await turn.answer()).text == f"*Test posted to <#{world.releases.id}>.*"
    found: list[FakeMessage] = world.slack.messages(world.releases)
    return found


async def test_subscription_test_is_shown_to_its_asker_first(world: Environment) -> None:
    await world.start()
    ready(world, version="1.0.0")
    await world.ask("subscribe courier")
    preview = await previewed(world)
    assert preview.ephemeral_to == world.ana.id
    assert "Only you can see it." in preview.text
    assert "Courier 1.0.0 (173)" in preview.text
    assert f"Everyone in <#{world.releases.id}> will see it." in seen(preview)
    assert world.said() == []


async def test_subscription_test_posts_newest_match_marked_as_test(world: Environment) -> None:
    """The test card is marked as a test and its buttons work."""
    await world.start()
    ready(world, version="1.0.0", branch="release/1", changelog="Faster")
    ready(world, version="2.0.0", branch="main")
    group = world.slack.usergroup("mobile-qa", [world.bruno])
    await world.ask(f"subscribe courier branch:release/* mention:{group.id}")
    preview = await previewed(world)
    assert "A test doesn't mention anyone." in seen(preview)
    [card] = await posted(world, preview)
    assert card.text.startswith(
        "*Test:* Courier posts ready and failed builds here.\n`branch:release/* mention:@mobile"
    )
    assert "Courier 1.0.0 (173)" in card.text
    assert "<!subteam" not in json.dumps(card.blocks), "nobody is called for a test"
    link = await (await press(world.slack, card, "Get build", user=world.bruno)).answer()
    assert "/v1/download/" in json.dumps(link.blocks) or "/v1/download/" in link.text


async def test_one_card_per_version_is_tried_with_all_its_platforms(world: Environment) -> None:
    await world.start()
    ready(world)
    ready(world, os="android")
    await world.ask("subscribe courier group:version format:compact")
    [card] = await posted(world, await previewed(world))
    assert "Get iOS" in labels(card)
    assert "Get Android" in labels(card)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("courier branch:nothing", "No recent build matches. This is the newest one."),
        ("courier on:feedback", "This subscription doesn't announce builds, so there's no card to show."),
    ],
)
async def test_a_test_without_a_fitting_build_says_so(world: Environment, typed: str, words: str) -> None:
    await world.start()
    ready(world)
    await world.ask(f"subscribe {typed}")
    preview = await previewed(world)
    assert words in preview.text
    assert len(await posted(world, preview)) == 1


async def test_subscription_test_without_builds_shows_channel_works(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    [card] = await posted(world, await previewed(world))
    assert card.text.endswith("No builds yet, so there's no card to show.")


async def test_subscription_test_unpostable_gives_exact_invitation(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    answer = await world.ask("subscriptions")
    world.releases.members.remove(world.slack.bot_user_id)
    said = await (await press(world.slack, answer, "Test", user=world.ana)).answer()
    assert said.text.startswith(
        "I'm not in this channel, so I can't post here. Invite me first: `/invite @applivery`, then try again."
    )
    assert labels(said) == []


async def test_a_test_that_slack_refuses_says_so(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    preview = await previewed(world)
    world.slack.faults.add("chat.postMessage", Fault(error="restricted_action"))
    said = await (await press(world.slack, preview, "Post to #releases", user=world.ana)).answer()
    assert "don't let me post." in said.text


# ------------------------------------------------------------------ another's, and undo


async def all_of(world: Environment) -> list[Subscription]:
    found: list[Subscription] = await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id)
    return found


async def another_s(world: Environment) -> Subscription:
    """Bruno's subscription of #releases, with some of everything."""
    await world.ask(f"grant <@{world.bruno.id}> releaser")
    group = world.slack.usergroup("mobile-qa", [world.bruno])
    begin = datetime.now(ZoneInfo(world.bruno.tz)) + timedelta(hours=10)  # and no mute of a test lasts into it
    quiet = f"{begin:%H}:00-{begin + timedelta(hours=4):%H}:00"
    typed = f"on:failed branch:main -tag:wip label:Beta mention:{group.id} quiet:{quiet}"
    await world.ask(f"subscribe courier {typed}", user=world.bruno)
    [subscription] = await all_of(world)
    return subscription


async def test_another_s_subscription_is_replaced_only_by_replace(world: Environment) -> None:
    await world.start()
    before = await another_s(world)
    question = await world.ask("subscribe courier on:failed branch:release/*")
    assert question.text.startswith(
        f"*Replace <@{world.bruno.id}>'s subscription to Courier in <#{world.releases.id}>?*"
    )
    assert "`branch:main` → `branch:release/*`" in question.text
    assert await all_of(world) == [before]
    kept = await (await press(world.slack, question, "Keep", user=world.ana)).answer()
    assert "*Nothing changed.*" in kept.text
    assert await all_of(world) == [before]


async def test_undo_of_a_replacement_restores_exactly_what_was(world: Environment) -> None:
    await world.start()
    before = await another_s(world)
    question = await world.ask("subscribe courier on:failed branch:release/*")
    answer = await (await press(world.slack, question, "Replace", user=world.ana)).answer()
    assert f"<@{world.bruno.id}> had set it up." in answer.text
    [after] = await all_of(world)
    assert (after.created_by, after.query) == (world.ana.id, "branch:release/*")
    await world.restart()
    undone = await (await press(world.slack, answer, "Undo", user=world.ana)).answer()
    assert undone.text.startswith(
        f"*Undone: <#{world.releases.id}> is subscribed to Courier as before* (failed builds)."
    )
    assert await all_of(world) == [before]


async def test_undo_of_unsubscribe_restores_it_with_what_it_held(world: Environment) -> None:
    await world.start()
    before = await another_s(world)
    await world.ask("mute 4h")
    ready(world, branch="main", status="error")
    await world.look()
    [muted] = await all_of(world)
    answer = await world.ask("unsubscribe courier")
    assert answer.text.endswith(f"from Courier.* <@{world.bruno.id}> had set it up.")
    await (await press(world.slack, answer, "Undo", user=world.ana)).answer()
    assert await all_of(world) == [muted]
    assert replace(muted, muted_until=None) == before
    await world.ask("unmute")
    await world.bot.hold.step()
    await world.bot.announce.drain()
    assert len(world.said()) == 1


async def test_undo_does_not_overwrite_a_later_change(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    answer = await world.ask("subscribe courier on:failed")
    await world.ask("subscribe courier on:uploaded")
    said = await (await press(world.slack, answer, "Undo", user=world.ana)).answer()
    assert "Courier was changed again later, so this can't be undone." in said.text
    [now] = await all_of(world)
    assert [str(event) for event in now.events] == ["uploaded"]


async def test_of_two_who_subscribe_at_once_the_second_is_asked(world: Environment) -> None:
    await world.start()
    await world.ask(f"grant <@{world.bruno.id}> releaser")
    answers = await asyncio.gather(
        world.ask("subscribe courier on:failed"), world.ask("subscribe courier", user=world.bruno)
    )
    assert len(await all_of(world)) == 1
    heads = sorted(answer.text.partition(" ")[0] for answer in answers)
    assert heads == ["*Replace", "*Subscribed"]


async def test_a_replacement_of_what_was_changed_meanwhile_asks_again(world: Environment) -> None:
    await world.start()
    await another_s(world)
    question = await world.ask("subscribe courier on:uploaded")
    await world.ask("subscribe courier on:processed", user=world.bruno)
    again = await (await press(world.slack, question, "Replace", user=world.ana)).answer()
    assert "• ready builds → uploaded builds" in again.text
    [now] = await all_of(world)
    assert now.created_by == world.bruno.id


async def test_same_subscription_of_another_stays_theirs(world: Environment) -> None:
    await world.start()
    await world.ask(f"grant <@{world.bruno.id}> releaser")
    await world.ask("subscribe courier", user=world.bruno)
    answer = await world.ask("subscribe courier")
    assert answer.text.startswith(f"*Already subscribed to Courier in <#{world.releases.id}>* (ready and failed")
    assert f"Set up by <@{world.bruno.id}>" in answer.text
    assert [each.created_by for each in await all_of(world)] == [world.bruno.id]
