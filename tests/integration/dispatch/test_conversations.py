"""Commands where the bot can't post: direct messages between people, group messages, and closed channels."""

from __future__ import annotations

from typing import Any

import pytest

from bot.slack.scopes import SCOPES
from sandbox.faults import Fault
from sandbox.slack import FakeChannel, FakeMessage
from tests.conftest import Environment
from tests.support.handing import ready, seen
from tests.support.seeing import labels, link, press


@pytest.fixture
async def workspace(world: Environment) -> Environment:
    """The bot with the scopes of its manifest, and a build of Courier."""
    world.slack.scopes = set(SCOPES)
    ready(world)
    await world.start()
    return world


def place(world: Environment, kind: str) -> FakeChannel:
    """A conversation of this kind, with Ana in it."""
    carla = world.slack.user("carla")
    conversations: dict[str, Any] = {
        "direct": lambda: world.slack.between(world.ana, world.bruno),
        "group": lambda: world.slack.between(world.ana, world.bruno, carla),
        "group with bot": lambda: world.slack.between(world.ana, world.bruno, carla, bot_is_member=True),
        "public": lambda: world.general,
        "private": lambda: world.slack.channel("secret", private=True, bot_is_member=False, members=(world.ana,)),
    }
    found: FakeChannel = conversations[kind]()
    return found


WORDS = {
    "direct": "I can't post in a direct message between people. Choose a channel that I'm in.",
    "group": "I'm not in this group message, so I can't post here. Choose a channel that I'm in.",
    "group with bot": "Apps can't post in this conversation. Choose a channel that I'm in.",
    "public": ("I'm not in this channel, so I can't post here. Invite me first: `/invite @applivery`, then try again."),
    "private": (
        "I'm not in this channel, so I can't post here. Invite me first: `/invite @applivery`, then try again."
    ),
}


@pytest.mark.parametrize("kind", WORDS)
async def test_subscribing_says_what_to_do_where_one_is(workspace: Environment, kind: str) -> None:
    refused = await workspace.ask("subscribe courier", channel=place(workspace, kind))
    assert refused.text == WORDS[kind]
    assert labels(refused) == ["Choose a channel"]


@pytest.mark.parametrize("kind", sorted(WORDS.keys() - {"direct"}))  # between two people there is no such button
async def test_sharing_says_what_to_do_where_one_is(workspace: Environment, kind: str) -> None:
    got = await workspace.ask("get courier", channel=place(workspace, kind))
    assert link(got)
    refused = await (await press(workspace.slack, got, "Share here", user=workspace.ana)).answer()
    assert refused.text == WORDS[kind]
    turn = await pick(workspace, refused, workspace.releases)
    form = workspace.slack.modal(workspace.ana)
    assert turn.acked
    assert form is not None
    await workspace.slack.submit(form, {}, user=workspace.ana)
    await workspace.slack.until(lambda: workspace.slack.messages(workspace.releases))


async def pick(world: Environment, refused: FakeMessage, channel: FakeChannel) -> Any:
    """Choose a channel instead."""
    form = await (await press(world.slack, refused, "Choose a channel", user=world.ana)).view()
    return await world.slack.submit(form, {"channel.id": {"channel.id": channel}}, user=world.ana)


@pytest.mark.parametrize("kind", ["direct", "group"])
async def test_command_runs_in_the_channel_that_was_picked(workspace: Environment, kind: str) -> None:
    refused = await workspace.ask("subscribe courier on:failed", channel=place(workspace, kind))
    turn = await pick(workspace, refused, workspace.releases)
    await workspace.slack.until(lambda: turn.answers or workspace.slack.ephemerals(workspace.ana)[1:])
    assert "Subscribed" in workspace.slack.ephemerals(workspace.ana)[-1].text
    assert "courier" in seen(await workspace.ask("subscriptions")).casefold()


async def test_shared_channel_offers_another_one(workspace: Environment) -> None:
    workspace.general.shared = True
    workspace.general.members.append(workspace.slack.bot_user_id)
    refused = await workspace.ask("subscribe courier", channel=workspace.general)
    assert "Choose a channel that isn't shared." in refused.text
    await pick(workspace, refused, workspace.releases)
    await workspace.slack.until(lambda: workspace.slack.ephemerals(workspace.ana)[1:])
    assert "Subscribed" in workspace.slack.ephemerals(workspace.ana)[-1].text


@pytest.mark.parametrize("typed", ["goal courier 90% of {here} by friday", "downloads courier every:friday@17:00"])
async def test_shared_channel_offers_another_for_reports(workspace: Environment, typed: str) -> None:
    workspace.general.shared = True
    workspace.general.members.append(workspace.slack.bot_user_id)
    here = f"<#{workspace.releases.id}>"
    refused = await workspace.ask(typed.format(here=here), channel=workspace.general)
    assert "Choose a channel that isn't shared." in refused.text
    assert labels(refused) == ["Choose a channel"]


async def test_picked_channel_without_the_bot_says_how_to_invite(workspace: Environment) -> None:
    refused = await workspace.ask("subscribe courier", channel=place(workspace, "direct"))
    turn = await pick(workspace, refused, workspace.general)
    assert "/invite @applivery" in str(turn.errors)


async def test_picked_channel_must_be_one_of_the_user_s(workspace: Environment) -> None:
    refused = await workspace.ask("subscribe courier", channel=place(workspace, "direct"))
    others = workspace.slack.channel("others", members=(workspace.bruno,))
    turn = await pick(workspace, refused, others)
    assert "Choose a channel that we're both in." in str(turn.errors)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("restricted_action", "This channel's settings don't let me post."),
        ("restricted_action_read_only_channel", "This channel's settings don't let me post."),
        ("is_archived", "This channel is archived."),
        ("not_in_channel", "I'm not in this channel, so I can't post here."),
        ("channel_not_found", "I'm not in this channel, so I can't post here."),
        ("ekm_access_denied", "Your organisation has locked this conversation"),
        ("no_permission", "This channel's settings don't let me post."),
        ("method_not_supported_for_channel_type", "Apps can't post in this conversation."),
    ],
)
async def test_refused_post_says_why_and_offers_a_channel(workspace: Environment, code: str, words: str) -> None:
    got = await workspace.ask("get courier")
    turn = await press(workspace.slack, got, "Share here", user=workspace.ana)
    workspace.slack.faults.add("chat.postMessage", Fault(error=code))
    form = await turn.view()
    await workspace.slack.submit(form, {}, user=workspace.ana)
    await workspace.slack.until(lambda: workspace.slack.ephemerals(workspace.ana)[1:])
    refused = workspace.slack.ephemerals(workspace.ana)[-1]
    assert words in refused.text


async def test_own_direct_message_can_be_subscribed(workspace: Environment) -> None:
    answer = await workspace.ask("subscribe courier", channel=workspace.slack.dm(workspace.ana))
    assert "Subscribed" in answer.text


@pytest.mark.parametrize("kind", WORDS)
@pytest.mark.parametrize(
    "typed", ["help", "get courier", "builds courier", "whoami", "subscriptions", "mute", "downloads courier"]
)
async def test_private_answers_work_everywhere(workspace: Environment, kind: str, typed: str) -> None:
    answer = await workspace.ask(typed, channel=place(workspace, kind))
    assert answer.ephemeral_to == workspace.ana.id
    assert "Reference" not in answer.text


async def test_goals_in_a_direct_message_offer_a_channel(workspace: Environment) -> None:
    refused = await workspace.ask("goal", channel=place(workspace, "direct"))
    assert refused.text == "This command only works in a channel. Choose a channel that I'm in."
    turn = await pick(workspace, refused, workspace.releases)
    await workspace.slack.until(lambda: turn.answers or workspace.slack.ephemerals(workspace.ana)[1:])
    assert "No goals" in workspace.slack.ephemerals(workspace.ana)[-1].text


async def test_menu_in_a_direct_message_speaks_of_no_channel(workspace: Environment) -> None:
    menu = await workspace.ask("", channel=place(workspace, "direct"))
    assert "Subscribe" in labels(menu)
    assert "Subscribe this channel" not in labels(menu)
    assert "Subscribe this channel" in labels(await workspace.ask(""))
