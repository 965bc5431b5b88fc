"""Mute: a channel hears nothing for a while, then all of it in one message; by words, by buttons, by app."""

from __future__ import annotations

import pytest

from bot.db import audit, database_info, subscriptions
from tests.conftest import Environment
from tests.support.handing import Clock, ready
from tests.support.seeing import labels, old_card, press


async def muted(world: Environment) -> dict[str, bool]:
    """Which subscriptions of #releases are muted now, by app."""
    now = await world.bot.store.run(database_info.current_time)
    found = await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id)
    return {
        subscription.app_name: bool(subscription.muted_until and subscription.muted_until > now)
        for subscription in found
    }


async def two(world: Environment) -> None:
    """#releases hears of Courier and Driver."""
    world.applivery.app("Driver")
    for app in ("courier", "driver"):
        await world.ask(f"subscribe {app}")


async def test_mute_held_news_told_in_one_message_afterwards(world: Environment) -> None:
    clock = Clock(world)
    await world.start()
    await world.ask("subscribe courier")
    answer = await world.ask("mute 4h")
    assert answer.text.startswith(f"*Muted Courier in <#{world.releases.id}> until <!date^")
    assert answer.text.endswith("Builds from this time will be posted as one summary.")
    assert answer.ephemeral_to == world.ana.id
    for version in ("1.0.0", "1.1.0"):
        ready(world, version=version)
        await world.look()
    assert world.said() == []
    clock.forward(hours=4, seconds=1)
    await world.bot.hold.step()
    await world.bot.announce.drain()
    [card] = world.slack.messages(world.releases)
    assert "1.0.0" in card.text
    assert "1.1.0" in card.text


async def test_unmute_tells_at_once_what_was_kept_back(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    answer = await world.ask("mute tomorrow")
    ready(world)
    await world.look()
    said = await (await press(world.slack, answer, "Unmute", user=world.ana)).answer()
    assert said.text == f"*Unmuted Courier in <#{world.releases.id}>.* Held announcements will be posted now."
    assert said is answer
    await world.bot.hold.step()
    await world.bot.announce.drain()
    assert len(world.said()) == 1


@pytest.mark.parametrize(
    ("typed", "muted_apps"),
    [
        ("mute 4h", {"Courier": True, "Driver": True}),
        ("mute 30m courier", {"Courier": True, "Driver": False}),
        ("mute Driver until 18:00", {"Courier": False, "Driver": True}),
        ("mute until friday 10:00 driver", {"Courier": False, "Driver": True}),
    ],
)
async def test_everything_or_one_app_is_muted(world: Environment, typed: str, muted_apps: dict[str, bool]) -> None:
    await world.start()
    await two(world)
    await world.ask(typed)
    assert await muted(world) == muted_apps


@pytest.mark.parametrize("typed", ["mute off driver", "unmute driver", "Mute OFF driver"])
async def test_one_app_is_unmuted_and_the_other_stays(world: Environment, typed: str) -> None:
    await world.start()
    await two(world)
    await world.ask("mute 4h")
    assert "Unmuted Driver" in (await world.ask(typed)).text
    assert await muted(world) == {"Courier": True, "Driver": False}
    assert "Driver isn't muted in" in (await world.ask(typed)).text


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("mute 31d", "more than 30 days away. Did you mean `30d`?"),
        ("mute 0m", "in the past"),
        ("mute until yesterday", "There is no app called “yesterday”."),
        ("mute 4h rider", "There is no app called “rider”."),
        ("mute 4h spare", "This channel isn't subscribed to that app."),
        ("mute 4h friday", "I can't read the time"),
    ],
)
async def test_mute_invalid_request_is_explained(world: Environment, typed: str, words: str) -> None:
    await world.start()
    world.applivery.app("Spare")
    await two(world)
    assert words in (await world.ask(typed)).text
    assert await muted(world) == {"Courier": False, "Driver": False}


async def test_two_apps_of_one_name_are_told_apart_in_words(world: Environment) -> None:
    await world.start()
    for slug in ("twin-a", "twin-b"):
        world.applivery.app("Twin", slug=slug)
    await world.ask("subscribe courier")
    said = (await world.ask("mute until friday twin")).text
    assert "2 apps are called “twin”." in said
    assert "`Twin (twin-a)`" in said


async def test_a_channel_without_subscriptions_has_nothing_to_mute(world: Environment) -> None:
    await world.start()
    for typed in ("mute 4h", "mute", "unmute"):
        assert "This channel has no subscriptions to mute" in (await world.ask(typed)).text


async def test_without_a_time_it_is_offered(world: Environment) -> None:
    await world.start()
    await two(world)
    answer = await world.ask("mute courier")
    assert labels(answer) == ["1 hour", "4 hours", "Until 9:00 AM tomorrow", "Until 9:00 AM Monday"]
    said = await (await press(world.slack, answer, "1 hour", user=world.ana)).answer()
    assert said is answer
    assert await muted(world) == {"Courier": True, "Driver": False}


# ------------------------------------------------------------------ cards


async def test_mute_button_on_card_mutes_app_for_channel_and_answers(world: Environment) -> None:
    """It mutes the app for all users of the channel and answers only the user who clicked."""
    await world.start()
    await two(world)
    ready(world)
    await world.look()
    [card] = world.slack.messages(world.releases)
    answer = await (await press(world.slack, card, "Mute", user=world.ana)).answer()
    assert answer is not card
    assert answer.ephemeral_to == world.ana.id
    await (await press(world.slack, answer, "Until 9:00 AM tomorrow", user=world.ana)).answer()
    assert await muted(world) == {"Courier": True, "Driver": False}
    [courier, _] = await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id)
    assert courier.muted_until is not None
    assert (courier.muted_until.hour, courier.muted_until.minute) in {(7, 0), (8, 0)}  # nine in Madrid


async def test_mute_app_of_every_app_subscription_mutes_it_and_says_so(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe *")
    ready(world)
    made_up = old_card(world.slack, world.releases, "mute.v1", world.courier.id)
    answer = await (await press(world.slack, made_up, "Old", user=world.ana)).answer()
    said = await (await press(world.slack, answer, "4 hours", user=world.ana)).answer()
    assert "This channel is subscribed to every app, so all apps are muted." in said.text
    assert await muted(world) == {"every app": True}


async def test_the_list_mutes_one_subscription(world: Environment) -> None:
    await world.start()
    await two(world)
    answer = await (await press(world.slack, await world.ask("subscriptions"), "Mute", user=world.ana, nth=1)).answer()
    await (await press(world.slack, answer, "1 hour", user=world.ana)).answer()
    assert await muted(world) == {"Courier": False, "Driver": True}
    assert "muted until" in str((await world.ask("subscriptions")).blocks)


# ------------------------------------------------------------------ who may


async def test_a_member_mutes_nothing_by_command_or_button(world: Environment) -> None:
    await world.start()
    await two(world)
    choices = await world.ask("mute")
    for typed in ("mute 4h", "unmute"):
        assert "nly releasers can" in (await world.ask(typed, user=world.bruno)).text
    for name, value in (("mute.v1", world.courier.id), ("muted.v1", f"1h/{world.courier.id}")):
        made_up = old_card(world.slack, world.releases, name, value)
        assert "nly releasers can" in (await (await press(world.slack, made_up, "Old", user=world.bruno)).answer()).text
    assert choices.ephemeral_to == world.ana.id
    assert await muted(world) == {"Courier": False, "Driver": False}


async def test_mute_by_app_releaser_mutes_one_and_names_what_is_left(world: Environment) -> None:
    await world.start()
    await two(world)
    await world.ask(f"grant <@{world.bruno.id}> releaser app:courier")
    assert "You can't mute Driver." in (await world.ask("mute 4h", user=world.bruno)).text
    assert "For Driver, only releasers can" in (await world.ask("mute 4h driver", user=world.bruno)).text
    assert await muted(world) == {"Courier": True, "Driver": False}


@pytest.mark.parametrize("value", ["", "4h", "4h/", "soon/here", "4h/C1/x", "4h/" + "f" * 24])
async def test_a_made_up_choice_mutes_nothing(world: Environment, value: str) -> None:
    await world.start()
    await two(world)
    made_up = old_card(world.slack, world.releases, "muted.v1", value or "x")
    answer = await (await press(world.slack, made_up, "Old", user=world.ana)).answer()
    assert "reference" not in answer.text
    assert await muted(world) == {"Courier": False, "Driver": False}


async def test_muting_is_written_down(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    await world.ask("mute 4h")
    await world.ask("unmute")
    off, on = [entry.outcome for entry in await world.bot.store.run(audit.list_entries)][:2]
    assert off == "off"
    assert on.startswith("until 20")
