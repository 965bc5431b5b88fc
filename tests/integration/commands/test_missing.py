"""`missing:` says who has not downloaded a build, to the asker alone, and asks each of them once at most."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.db import audit
from bot.domain.audit import AuditAction
from sandbox.faults import Fault
from sandbox.slack import FakeMessage
from sandbox.slack.people import FakeMembership
from tests.conftest import Environment
from tests.integration.commands.test_downloads import private
from tests.integration.commands.test_summaries import asked_in, everything_in, leads, text_of
from tests.support.seeing import click, every_message, labels, press


async def crew(world: Environment) -> tuple[Any, Any]:
    """@qa: Eva has 2.4.0 (under an address in other letters), Zoe, Ana and Bruno have not; a bot, a guest, one gone."""
    slack = world.slack
    eva = slack.user("eva", name="Eva Ruiz", email="Eva@ACME.test")
    zoe = slack.user("zoe", name="Zoe Lang", email="zoe@acme.test")
    guest = slack.user("gus", name="Gus", email="gus@agency.example", guest=True)
    nobody = slack.user("nemo", name="Nemo")
    nobody.email = None
    gone = slack.user("gone", name="Gone", email="gone@acme.test")
    gone.deleted = True
    robot = slack.user("robot", name="Robot", email="robot@acme.test")
    robot.bot = True
    group = slack.usergroup("qa", [eva, zoe, world.bruno, guest, nobody, gone, robot])
    for os in ("ios", "android"):
        world.applivery.build(world.courier, version="2.4.0", os=os)
    world.applivery.download(world.applivery.builds[-1], world.applivery.member(email="eva@acme.test"))
    return group, zoe


def mention(group: Any) -> str:
    return f"<!subteam^{group.id}|@{group.handle}>"


def to(world: Environment, user: Any) -> list[FakeMessage]:
    return [message for message in world.slack.messages(world.slack.dm(user)) if message.bot_id]


async def test_missing_counted_in_channel_and_named_in_dm(world: Environment) -> None:
    await world.start()
    group, zoe = await crew(world)
    answer = await world.ask(f"downloads courier missing:{mention(group)}")
    assert f"*1 of 4 people* in <!subteam^{group.id}> downloaded Courier 2.4.0." in answer.text
    assert zoe.id not in text_of([answer])
    _, [names] = private(world, world.ana)
    for user in (zoe, world.bruno, world.slack.user("gus")):
        assert f"<@{user.id}>" in names.text
    assert "*Not downloaded yet* (3)" in names.text
    assert f"*No email address in Slack* (1): <@{world.slack.user('nemo').id}>" in names.text
    for handle in ("eva", "gone", "robot"):
        assert world.slack.user(handle).id not in names.text


async def test_missing_in_manager_channel_names_only_to_asker(world: Environment) -> None:
    await world.start()
    group, zoe = await crew(world)
    channel = await leads(world)
    head, below = await asked_in(world, channel, f"downloads courier 2.4.0 missing:{mention(group)}")
    assert "*1 of 4 people*" in head.text
    assert below.text.startswith("Not downloaded yet: 3 · No email address in Slack: 1 · Names were sent only")
    assert zoe.id not in text_of(everything_in(world, channel))
    assert zoe.id in text_of(to(world, world.ana))


async def test_a_channel_s_people_are_compared_too(world: Environment) -> None:
    await world.start()
    await crew(world)
    answer = await world.ask(f"downloads courier missing:<#{world.releases.id}|releases>")
    assert f"*0 of 2 people* in <#{world.releases.id}> downloaded" in answer.text


async def test_missing_user_slack_hides_counts_as_unknown_email(world: Environment) -> None:
    await world.start()
    group, _ = await crew(world)
    group.users.append("U0STRANGER")
    answer = await world.ask(f"downloads courier missing:{mention(group)}")
    assert "*1 of 4 people*" in answer.text
    _, [names] = private(world, world.ana)
    assert "*No email address in Slack* (2)" in names.text
    assert "<@U0STRANGER>" in names.text


async def test_missing_user_of_no_known_workspace_counts_too(world: Environment) -> None:
    await world.start()
    group, _ = await crew(world)
    world.slack.user("nemo").grid = FakeMembership(world.slack.user("nemo").id, "", "", [])
    answer = await world.ask(f"downloads courier missing:{mention(group)}")
    assert "*1 of 4 people*" in answer.text


@pytest.mark.parametrize("method", ["users.info", "conversations.members"])
async def test_missing_unanswered_question_is_no_lost_message(world: Environment, method: str) -> None:
    await world.start()
    await crew(world)
    await world.ask("whoami")
    world.slack.faults.add(method, Fault(error="internal_error"), times=None)
    said = (await world.ask(f"downloads courier missing:<#{world.releases.id}|releases>")).text
    assert "Slack isn't answering right now" in said
    assert "confirm" not in said


@pytest.mark.parametrize("typed", ["<@U1>", '""', "#releases", "<!channel>"])
async def test_a_group_or_channel_that_is_none_is_asked_for_in_words(world: Environment, typed: str) -> None:
    await world.start()
    await crew(world)
    assert "Pick a user group or channel" in (await world.ask(f"downloads courier missing:{typed}")).text


@pytest.mark.parametrize("typed", ["qa", "@qa", "@QA"])
async def test_a_typed_handle_is_its_user_group(world: Environment, typed: str) -> None:
    await world.start()
    group, _ = await crew(world)
    answer = await world.ask(f"downloads courier missing:{typed}")
    assert f"*1 of 4 people* in <!subteam^{group.id}>" in answer.text


async def test_a_wrong_handle_offers_the_closest_group(world: Environment) -> None:
    await world.start()
    await crew(world)
    answer = await world.ask("downloads courier missing:@qaa")
    assert "There is no user group called “qaa”." in answer.text
    assert "@qa" in labels(answer)


async def test_a_channel_the_bot_cannot_see_is_said_so(world: Environment) -> None:
    await world.start()
    await crew(world)
    hidden = world.slack.channel("hidden", private=True, bot_is_member=False, members=(world.ana,))
    said = (await world.ask(f"downloads courier missing:<#{hidden.id}|hidden>")).text
    assert said == "I can't see that channel, or you're not in it. Choose a channel that we're both in."


async def test_missing_without_email_scope_names_the_scope(world: Environment) -> None:
    await world.start()
    group, _ = await crew(world)
    world.slack.scopes -= {"users:read.email"}
    said = (await world.ask(f"downloads courier missing:{mention(group)}")).text
    assert "`users:read.email`" in said


async def test_an_app_without_a_ready_build_has_nothing_to_miss(world: Environment) -> None:
    await world.start()
    group = world.slack.usergroup("qa", [world.bruno])
    assert (
        "No builds of Courier are ready yet." in (await world.ask(f"downloads courier missing:{mention(group)}")).text
    )


# ------------------------------------------------------------------ asking them


async def ask_them(world: Environment, group: Any) -> FakeMessage:
    await world.ask(f"downloads courier missing:{mention(group)}")
    _, [names] = private(world, world.ana)
    turn = await click(world.slack, names, "nudge.v1", user=world.ana)
    await world.bot.dispatcher.drain(5)
    answer: FakeMessage = await turn.answer()
    return answer


async def test_missing_reminder_once_by_dm_with_working_button(world: Environment) -> None:
    await world.start()
    group, zoe = await crew(world)
    await world.ask(f"downloads courier missing:{mention(group)}")
    _, [before] = private(world, world.ana)
    said = (await ask_them(world, group)).text
    assert said == "*Asked 2 people* to try Courier 2.4.0. Skipped 1 without access."  # a guest
    [card] = to(world, zoe)
    assert f"<@{world.ana.id}> asks you to try *Courier 2.4.0*." in card.text
    assert sorted(labels(card)) == ["Don't ask me again", "Get it for Android", "Get it for iOS"]
    turn = await press(world.slack, card, "Get it for iOS", user=zoe)
    assert "/v1/download/" in (await turn.answer()).text
    assert to(world, world.slack.user("eva")) == to(world, world.slack.user("gus")) == []

    await world.ask(f"downloads courier missing:{mention(group)}")
    _, [names] = private(world, world.ana)
    assert labels(names) == []
    assert "Won't be asked: " in text_of([names])
    turn = await press(world.slack, before, "Ask 2 people", user=world.ana)
    await world.bot.dispatcher.drain(5)
    assert (await turn.answer()).text.startswith("*No one was asked*")
    assert len(to(world, zoe)) == 1


async def test_missing_says_who_is_asked_before_asking(world: Environment) -> None:
    await world.start()
    group, zoe = await crew(world)
    await world.ask(f"downloads courier missing:{mention(group)}")
    _, [names] = private(world, world.ana)
    assert labels(names) == ["Ask 2 people"]
    assert f"Won't be asked: <@{world.slack.user('gus').id}> (" in text_of([names])
    assert to(world, zoe) == []


async def test_missing_reminder_opt_out_can_be_undone(world: Environment) -> None:
    await world.start()
    group, zoe = await crew(world)
    await ask_them(world, group)
    [card] = to(world, zoe)
    turn = await press(world.slack, card, "Don't ask me again", user=zoe)
    turn = await press(world.slack, await turn.answer(), "Undo", user=zoe)
    assert (await turn.answer()).text.startswith("*Turned on.*")
    world.applivery.build(world.courier, version="2.5.0")
    await ask_them(world, group)
    assert len(to(world, zoe)) == 2


async def test_missing_reminder_opt_out_is_permanent(world: Environment) -> None:
    await world.start()
    group, zoe = await crew(world)
    await ask_them(world, group)
    [card] = to(world, zoe)
    turn = await press(world.slack, card, "Don't ask me again", user=zoe)
    assert (await turn.answer()).text.startswith("*Turned off.*")
    for os in ("ios", "android"):
        world.applivery.build(world.courier, version="2.5.0", os=os)
    await world.restart()
    assert (await ask_them(world, group)).text.startswith(
        "*Asked 2 people* to try Courier 2.5.0. Skipped 1 (already asked or opted out)."
    )
    assert len(to(world, zoe)) == 1
    assert len(to(world, world.bruno)) == 2
    await world.ask(f"forget <@{zoe.id}|zoe>")
    world.applivery.build(world.courier, version="2.6.0")
    await ask_them(world, group)
    assert len(to(world, zoe)) == 1, "the wish outlives being forgotten"


async def test_missing_reminder_skips_user_who_downloaded_since(world: Environment) -> None:
    await world.start()
    group, zoe = await crew(world)
    await world.ask(f"downloads courier missing:{mention(group)}")
    _, [names] = private(world, world.ana)
    world.applivery.download(world.applivery.builds[0], world.applivery.member(email="zoe@acme.test"))
    await press(world.slack, names, "Ask 2 people", user=world.ana)
    await world.bot.dispatcher.drain(5)
    assert to(world, zoe) == []
    assert len(to(world, world.bruno)) == 1


async def test_missing_reminder_keeps_build_when_newer_appears(world: Environment) -> None:
    await world.start()
    group, zoe = await crew(world)
    await world.ask(f"downloads courier missing:{mention(group)}")
    _, [names] = private(world, world.ana)
    world.applivery.build(world.courier, version="9.0.0")
    await press(world.slack, names, "Ask 2 people", user=world.ana)
    await world.bot.dispatcher.drain(5)
    assert "Courier 2.4.0" in to(world, zoe)[0].text


async def test_missing_names_not_stored_or_told_to_others(world: Environment) -> None:
    await world.start()
    group, zoe = await crew(world)
    await ask_them(world, group)
    others = [message for message in every_message(world.slack) if message.channel != world.slack.dm(world.ana).id]
    others = [message for message in others if message.channel != world.slack.dm(zoe).id]
    assert zoe.id not in json.dumps([message.saved() for message in others])
    [entry] = [
        audit_entry
        for audit_entry in await world.bot.store.run(audit.list_entries)
        if audit_entry.action == AuditAction.NUDGE
    ]
    assert entry.outcome == "2 people"
