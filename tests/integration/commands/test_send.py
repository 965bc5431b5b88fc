"""`get … to:@colleague`: a build sent to one person, whose button works for that person alone."""

from __future__ import annotations

from typing import Any

import pytest

from bot.db import audit
from bot.domain.audit import AuditAction, AuditOutcome
from sandbox.applivery.models import FakeBuild
from sandbox.faults import Fault
from sandbox.slack import FakeMessage
from tests.conftest import Environment
from tests.support.handing import MINTING, Clock, direct, directs, downloaded, mints, raw, ready, rested, said, seen
from tests.support.seeing import labels, link, old_card, press


def to(world: Environment, who: Any) -> str:
    """How Slack writes what somebody types as to:@bruno."""
    return f"to:<@{who.id}|{who.handle}>"


async def sent(world: Environment, **about: Any) -> tuple[FakeMessage, FakeBuild]:
    """The direct message that Bruno has from Ana."""
    build = ready(world, **about)
    await world.ask(f"get courier {to(world, world.bruno)}")
    return await direct(world, world.bruno), build


async def test_send_recipient_gets_no_token_and_sender_is_told(world: Environment) -> None:
    await world.start()
    ready(world, changelog="Faster")
    answer = await world.ask(f"get courier {to(world, world.bruno)}")
    message = await direct(world, world.bruno)
    assert answer.text == (f"Sent Courier 2.4.0 (173) for iOS to <@{world.bruno.id}>. I'll DM you when they get it.")
    assert answer.ephemeral_to == world.ana.id
    assert message.text == f"<@{world.ana.id}> sent you Courier 2.4.0 (173) for iOS."
    assert "\nFaster\n" in seen(message)
    assert labels(message) == ["Get build", "What's new"]
    assert mints(world) == 0
    assert "/v1/download/" not in raw(message)


async def test_send_button_gives_recipient_link_and_tells_sender_once(world: Environment) -> None:
    clock = Clock(world)
    await world.start()
    message, _ = await sent(world)
    got = await (await press(world.slack, message, "Get build", user=world.bruno)).answer()
    assert got.ephemeral_to == world.bruno.id
    assert await downloaded(got) == 200
    told = await direct(world, world.ana)
    assert told.text == f"<@{world.bruno.id}> got Courier 2.4.0 (173) for iOS, which you sent."
    assert link(got) not in told.text
    clock.forward(seconds=5)
    again = await (await press(world.slack, message, "Get build", user=world.bruno)).answer()
    assert link(again) != link(got)
    await rested(world)
    assert len(directs(world, world.ana)) == 1


async def test_send_button_works_after_restart(world: Environment) -> None:
    await world.start()
    message, _ = await sent(world)
    await world.restart()
    assert link(await (await press(world.slack, message, "Get build", user=world.bruno)).answer())


@pytest.mark.parametrize("who", ["ana", "carla"])
async def test_send_button_does_nothing_for_other_user(world: Environment, who: str) -> None:
    await world.start()
    message, _ = await sent(world)
    stolen = old_card(world.slack, world.releases, "sent.v1", message.element("sent.v1")["value"])
    world.slack.user("carla")
    thief = next(user for user in world.slack.users.values() if user.handle == who)
    words = await said(await press(world.slack, stolen, "Old", user=thief))
    assert words == "This build was sent to someone else. Run `get` to get it yourself."
    assert mints(world) == 0
    assert directs(world, world.ana) == [], "nobody is told that it was used"


async def test_send_button_of_recipient_works_in_any_place(world: Environment) -> None:
    await world.start()
    message, _ = await sent(world)
    moved = old_card(world.slack, world.releases, "sent.v1", message.element("sent.v1")["value"])
    answer = await (await press(world.slack, moved, "Old", user=world.bruno)).answer()
    assert answer.ephemeral_to == world.bruno.id
    assert link(answer)


@pytest.mark.parametrize("value", ["4711", "0", "-1", "nonsense", "1 OR 1=1", "9" * 40, "①"])
async def test_send_forged_number_is_refused(world: Environment, value: str) -> None:
    await world.start()
    await sent(world)
    card = old_card(world.slack, world.releases, "sent.v1", value)
    words = await said(await press(world.slack, card, "Old", user=world.bruno))
    assert words == "This build was sent to someone else. Run `get` to get it yourself."
    assert mints(world) == 0


async def test_when_slack_cannot_say_who_clicks_nothing_is_given(world: Environment) -> None:
    await world.start()
    message, _ = await sent(world)
    await world.restart()
    world.slack.faults.add("users.info", Fault(error="fatal_error"), times=None)
    words = await said(await press(world.slack, message, "Get build", user=world.bruno))
    assert "can't check who you are" in words
    assert mints(world) == 0


async def test_send_recipient_turned_guest_gets_nothing(world: Environment) -> None:
    await world.start()
    message, _ = await sent(world)
    world.bruno.guest = True
    await world.restart()
    words = await said(await press(world.slack, message, "Get build", user=world.bruno))
    assert words.startswith("Guests can only use apps")
    assert mints(world) == 0


@pytest.mark.parametrize("about", [{"guest": True}, {"team_id": "T0ELSEWHERE"}], ids=str)
async def test_send_to_unauthorised_user_sends_nothing(world: Environment, about: dict[str, Any]) -> None:
    for name, value in about.items():
        setattr(world.bruno, name, value)
    await world.start()
    ready(world)
    answer = await world.ask(f"get courier {to(world, world.bruno)}")
    assert answer.text == (
        "Not sent: that person doesn't have access. "
        "Guests and people from other organisations need access to the app first."
    )
    assert directs(world, world.bruno) == []
    assert [entry.action for entry in await world.bot.store.run(audit.list_entries)] == []


@pytest.mark.parametrize("who", ["slackbot", "the bot itself", "another bot", "a person who left"])
async def test_nothing_is_sent_to_a_bot_or_who_has_left(world: Environment, who: str) -> None:
    world.bruno.bot, world.bruno.deleted = who == "another bot", who == "a person who left"
    others = {"slackbot": world.slack.workspace.slackbot, "the bot itself": world.slack.users[world.slack.bot_user_id]}
    user = others.get(who, world.bruno)
    await world.start()
    ready(world)
    answer = await world.ask(f"get courier {to(world, user)}")
    why = "has left this workspace" if world.bruno.deleted else "is a bot"
    assert answer.text == f"{user.handle} {why}. Choose a member of this workspace."
    assert [entry.action for entry in await world.bot.store.run(audit.list_entries)] == []
    assert {call.args["channel"] for call in world.slack.calls_of("chat.postMessage")} == set()


async def test_send_undeliverable_message_tells_sender(world: Environment) -> None:
    await world.start()
    ready(world)
    world.slack.faults.add("chat.postMessage", Fault(error="user_disabled"), times=1)
    answer = await world.ask(f"get courier {to(world, world.bruno)}")
    assert answer.text.startswith("I couldn't send the direct message.")
    assert "I sent" not in answer.text


async def test_a_sender_who_cannot_be_told_holds_up_no_link(world: Environment) -> None:
    await world.start()
    message, _ = await sent(world)
    world.slack.faults.add("chat.postMessage", Fault(error="user_disabled"), times=1)
    answer = await (await press(world.slack, message, "Get build", user=world.bruno)).answer()
    assert await downloaded(answer) == 200


@pytest.mark.parametrize("typed", ["to:bruno", "to:@bruno", "to:bruno@acme.test", "to:<!channel>", "to:<#C1|x>"])
async def test_a_name_that_is_no_slack_mention_is_asked_for_again(world: Environment, typed: str) -> None:
    await world.start()
    ready(world)
    answer = await world.ask(f"get courier {typed}")
    assert answer.text.startswith("I couldn't find “")
    assert answer.text.endswith("Type `to:@` and pick the person from Slack's list.")
    assert "<!channel>" not in answer.text


async def test_an_unfinished_build_is_not_sent(world: Environment) -> None:
    await world.start()
    ready(world, status="in_progress")
    answer = await world.ask(f"get courier 2.4.0 {to(world, world.bruno)}")
    assert "isn't ready yet: being processed" in answer.text
    assert directs(world, world.bruno) == []


async def test_a_failed_build_is_not_sent_and_the_reason_is_said(world: Environment) -> None:
    await world.start()
    build = ready(world, status="pending")
    world.applivery.fail(build, "The signature is broken")
    answer = await world.ask(f"get courier 2.4.0 {to(world, world.bruno)}")
    assert "The signature is broken" in answer.text
    assert directs(world, world.bruno) == []


async def test_send_deleted_build_says_so_and_does_not_tell_sender(world: Environment) -> None:
    """The sender is not told that the build was taken."""
    await world.start()
    message, build = await sent(world)
    world.applivery.delete(build)
    words = await said(await press(world.slack, message, "Get build", user=world.bruno))
    assert words.startswith("Applivery no longer has this item")
    assert directs(world, world.ana) == []


async def test_a_link_that_could_not_be_made_is_not_said_to_be_taken(world: Environment) -> None:
    await world.start()
    message, _ = await sent(world)
    world.applivery.faults.add(MINTING, Fault(status=500))
    await press(world.slack, message, "Get build", user=world.bruno)
    await rested(world)
    assert directs(world, world.ana) == []


async def test_sending_and_taking_are_written_down_without_the_link(world: Environment) -> None:
    await world.start()
    message, build = await sent(world)
    got = await (await press(world.slack, message, "Get build", user=world.bruno)).answer()
    await rested(world)
    taken, given = await world.bot.store.run(audit.list_entries)
    assert (given.user_id, given.action, given.outcome) == (world.ana.id, AuditAction.SEND, f"to {world.bruno.id}")
    assert (taken.user_id, taken.action, taken.outcome, taken.build_id) == (
        world.bruno.id,
        AuditAction.GET,
        AuditOutcome.MINTED,
        build.id,
    )
    assert link(got).rpartition("/")[2] not in repr((taken, given))


async def test_an_app_that_is_kept_to_a_channel_is_not_sent_out_of_it(world: Environment) -> None:
    await world.start()
    ready(world)
    await world.ask(f"grant <#{world.releases.id}|releases> app:courier")
    answer = await world.ask(f"get courier {to(world, world.bruno)}")
    assert answer.text == (
        "Courier is limited to certain channels, so it can't be sent by DM. "
        "To post it in this channel, choose *Share here* in the link's ⋯ menu."
    )
    assert directs(world, world.bruno) == []
