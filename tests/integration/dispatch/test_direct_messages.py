"""The app's own direct message as a place to talk: what is typed there is the command without its slash."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bot.db import audit
from bot.domain.audit import Entrypoint
from bot.slack.manifest import EVENTS
from sandbox.slack import FakeMessage
from tests.conftest import Environment
from tests.integration.commands.test_downloads import people
from tests.support.handing import direct, directs, downloaded, mints, ready, rested
from tests.support.seeing import labels, link, press

BOT = "<@U0APPLIVERY>"
WELCOME = "What would you like to do?"


@pytest.fixture
async def workspace(world: Environment) -> Environment:
    """The bot, installed by its manifest, and a build of Courier."""
    world.slack.subscribed = set(EVENTS)
    ready(world)
    await world.start(links_per_minute=100)
    return world


def written(world: Environment, text: str = "get courier", **about: Any) -> dict[str, Any]:
    """A message.im event as Slack sends it. https://docs.slack.dev/reference/events/message.im"""
    channel, ts = world.slack.dm(world.bruno).id, world.slack.workspace.new_ts()
    words = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {
        "client_msg_id": "1f7b3c1e-1b5a-4a6e-9a3f-0a8d6f1c2b3d",
        "type": "message",
        "text": text,
        "user": world.bruno.id,
        "ts": ts,
        "blocks": [{"type": "rich_text", "block_id": "Xy1", "elements": [words]}],
        "team": world.slack.team_id,
        "channel": channel,
        "event_ts": ts,
        "channel_type": "im",
        **about,
    }


async def answer(world: Environment, text: str) -> FakeMessage:
    """What the bot answers to words of Bruno's."""
    before = len(directs(world, world.bruno))
    await world.slack.write(text, world.bruno)
    return await direct(world, world.bruno, before + 1)


@pytest.mark.parametrize(
    "typed",
    [
        "get courier",
        "Get Courier",
        f"{BOT} get courier",
        f"{BOT}, get courier",
        f"get courier {BOT}",
        " /applivery get courier",
        "`/applivery get courier`",
        "applivery get courier",
        "Applivery: get courier",
        "```\nget courier\n```",
        "*get courier*",
        "get\u00a0courier\u200b",
        "get\ncourier",
        "hey, get courier please?",
        "could you get courier :pray:",
        "Hola, get courier, gracias",
        "courier",
    ],
)
async def test_words_are_the_command_without_its_slash(workspace: Environment, typed: str) -> None:
    got = await answer(workspace, typed)
    assert await downloaded(got) == 200
    assert (got.thread_ts, got.ephemeral_to) == (None, None)
    await rested(workspace)
    assert len(directs(workspace, workspace.bruno)) == 1
    entry = (await workspace.bot.store.run(audit.list_entries))[0]
    assert entry.entrypoint is Entrypoint.DIRECT_MESSAGE


@pytest.mark.parametrize("typed", ["hi", "hello!", "Hola", "thanks", "Thank you!", "hi there", ":wave:", "?", BOT])
async def test_small_talk_gets_what_one_can_do(workspace: Environment, typed: str) -> None:
    said = await answer(workspace, typed)
    assert said.text == f"{WELCOME} Or type it: `get courier`"
    assert "Get Courier" in labels(said)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("help", "What you can do."),
        ("nonsense", "Unknown command “nonsense”"),
        ("get nothing", "There is no app called “nothing”"),
        ("subscribe courier", "Only releasers can subscribe channels."),
        ("whoami", ""),
    ],
)
async def test_every_message_is_answered_in_words(workspace: Environment, typed: str, words: str) -> None:
    assert words in (await answer(workspace, typed)).text


async def test_words_in_a_thread_are_answered_in_the_thread(workspace: Environment) -> None:
    first = await answer(workspace, "builds courier")
    room = workspace.slack.dm(workspace.bruno)
    await workspace.slack.write("get courier", workspace.bruno, first.ts)
    await workspace.slack.until(lambda: len(workspace.slack.messages(room, first.ts)) == 2)
    assert await downloaded(workspace.slack.messages(room, first.ts)[-1]) == 200
    assert len(directs(workspace, workspace.bruno)) == 1


async def test_answer_with_parts_stays_in_the_thread(workspace: Environment) -> None:
    people(workspace)
    workspace.bruno.admin = True
    first = await answer(workspace, "builds courier")
    room = workspace.slack.dm(workspace.bruno)
    await workspace.slack.write("downloads courier", workspace.bruno, first.ts)
    await workspace.slack.until(lambda: len(workspace.slack.messages(room, first.ts)) == 4)
    await rested(workspace)
    said = [message for message in workspace.slack.messages(room, first.ts) if message.bot_id]
    assert said[0].text.startswith("Downloads of Courier so far")
    assert len(directs(workspace, workspace.bruno)) == 1  # no note that it was sent by direct message


async def test_answer_with_parts_has_them_in_its_thread(workspace: Environment) -> None:
    people(workspace)
    workspace.bruno.admin = True
    head = await answer(workspace, "downloads courier")
    await rested(workspace)
    assert len(workspace.slack.messages(workspace.slack.dm(workspace.bruno), head.ts)) == 2
    assert len(directs(workspace, workspace.bruno)) == 1


async def test_an_answer_outlives_the_thread_it_was_asked_in(workspace: Environment) -> None:
    first = await answer(workspace, "builds courier")
    workspace.slack.mailbox.delete(first)
    await workspace.slack.write("get courier", workspace.bruno, first.ts)
    assert link(await direct(workspace, workspace.bruno))


async def test_several_messages_and_lines_are_answered_each(workspace: Environment) -> None:
    await workspace.slack.write("get courier\nbuilds courier\n\nhelp", workspace.bruno)
    await workspace.slack.write("whoami", workspace.bruno)
    await direct(workspace, workspace.bruno, 4)
    await rested(workspace)
    texts = [message.text.split(" ")[0] for message in directs(workspace, workspace.bruno)]
    assert len(texts) == 4
    assert mints(workspace) == 1


async def test_event_delivered_again_is_answered_once(workspace: Environment) -> None:
    await workspace.slack.write("get courier", workspace.bruno, retries=2)
    await direct(workspace, workspace.bruno)
    await rested(workspace)
    assert (mints(workspace), len(directs(workspace, workspace.bruno))) == (1, 1)


async def test_message_that_is_also_a_mention_is_answered_once(workspace: Environment) -> None:
    event = written(workspace, f"{BOT} get courier")
    await workspace.slack.event(event)
    await workspace.slack.event({key: value for key, value in event.items() if key != "channel_type"} | MENTION)
    await direct(workspace, workspace.bruno)
    await rested(workspace)
    assert (mints(workspace), len(directs(workspace, workspace.bruno))) == (1, 1)


MENTION = {"type": "app_mention"}
IGNORED = {
    "own": {"user": "U0APPLIVERY", "bot_id": "B0APPLIVERY", "app_id": "A0SANDBOX"},
    "own without a bot id": {"user": "U0APPLIVERY"},
    "another bot": {"bot_id": "B0OTHER", "app_id": "A0OTHER", "bot_profile": {"id": "B0OTHER"}},
    "bot_message": {"subtype": "bot_message", "bot_id": "B0OTHER"},
    "edit": {"subtype": "message_changed", "hidden": True, "message": {"text": "get courier"}},
    "deletion": {"subtype": "message_deleted", "hidden": True, "deleted_ts": "1.2"},
    "reply": {"subtype": "message_replied"},
    "edited": {"edited": {"user": "U0S000002", "ts": "1.2"}},
    "join": {"subtype": "channel_join"},
    "assistant": {"subtype": "assistant_app_thread"},
    "document": {"subtype": "document_mention"},
    "unknown": {"subtype": "of_a_later_year"},
    "reminder": {"subtype": "reminder_add"},
    "slackbot": {"user": "USLACKBOT"},
    "slack": {"user": "USLACK"},
    "nobody": {"user": None},
    "group direct message": {"channel_type": "mpim", "channel": "G0S1"},
    "channel": {"channel_type": "channel", "channel": "C0S000001"},
}


@pytest.mark.parametrize("about", IGNORED.values(), ids=IGNORED)
async def test_message_of_no_person_is_ignored(workspace: Environment, about: dict[str, Any]) -> None:
    workspace.slack.subscribed = None  # whatever else a manifest asks for
    workspace.slack.scopes |= {"mpim:history"}
    turn = await workspace.slack.event(written(workspace, **about))
    await rested(workspace)
    assert turn.acked
    assert (mints(workspace), directs(workspace, workspace.bruno)) == (0, [])
    assert workspace.slack.calls_of("chat.postMessage") == []


async def test_the_bot_does_not_answer_itself(workspace: Environment) -> None:
    first = await answer(workspace, "help")
    room = workspace.slack.dm(workspace.bruno)
    workspace.slack.mailbox.edit(first, {"text": "get courier"})
    workspace.slack.mailbox.delete(first)

    def told() -> set[str | None]:
        events = [
            each["payload"]["event"] for each in workspace.slack.socket_mode.delivered if "event" in each["payload"]
        ]
        return {event.get("subtype") for event in events if event.get("channel") == room.id}

    await workspace.slack.until(lambda: told() == {None, "message_changed", "message_deleted"})
    await rested(workspace)
    assert directs(workspace, workspace.bruno) == []
    assert mints(workspace) == 0


@pytest.mark.parametrize("subtype", ["thread_broadcast", "me_message"])
async def test_other_ways_to_write_are_answered(workspace: Environment, subtype: str) -> None:
    await workspace.slack.event(written(workspace, subtype=subtype))
    assert link(await direct(workspace, workspace.bruno))


async def test_words_work_over_signed_http(world: Environment) -> None:
    ready(world)
    await world.start(slack_app_token=None)
    await world.slack.write("get courier", world.bruno, retries=1)
    assert link(await direct(world, world.bruno))
    await rested(world)
    assert mints(world) == 1


@pytest.mark.parametrize("about", [{"guest": True}, {"team_id": "T0ELSEWHERE"}], ids=str)
async def test_outsiders_get_the_same_verdict_as_elsewhere(workspace: Environment, about: dict[str, Any]) -> None:
    for name, value in about.items():
        setattr(workspace.bruno, name, value)
    refused = await answer(workspace, "get courier")
    by_command = await workspace.ask("get courier", user=workspace.bruno)
    assert refused.text == by_command.text
    assert mints(workspace) == 0


async def test_form_is_opened_by_button(workspace: Environment) -> None:
    workspace.applivery.app("Driver")
    asked = await answer(workspace, "get")
    turn = await press(workspace.slack, asked, "Open the form", user=workspace.bruno)
    assert (await turn.view()).callback_id == "get.v1"


# ------------------------------------------------------------------ files


@contextmanager
def releaser(world: Environment) -> Iterator[None]:
    """Bruno may upload."""
    world.bruno.admin = True
    yield


@pytest.mark.parametrize(
    ("files", "text", "title", "form"),
    [
        (["courier.ipa"], "", "Upload a build", "upload.v1"),
        (["courier.apk"], "Faster start\nNew icon", "Upload a build", "upload.v1"),
        (["courier.ipa"], "upload", "Upload a build", "upload.v1"),
        (["shot.png", "courier.ipa"], "", "Upload a build", "upload.v1"),
        (["symbols.txt"], "", "Attach to a build", "attach.v1"),
        (["courier.ipa"], "attach", "Attach to a build", "attach.v1"),
    ],
)
async def test_a_file_offers_what_can_be_done_with_it(
    workspace: Environment, files: list[str], text: str, title: str, form: str
) -> None:
    with releaser(workspace):
        await workspace.slack.drop(dict.fromkeys(files, b"PK\x03\x04"), workspace.bruno, text)
        offered = await direct(workspace, workspace.bruno)
        assert files[-1] in offered.text
        assert labels(offered) == [title]
        turn = await press(workspace.slack, offered, title, user=workspace.bruno)
        assert (await turn.view()).callback_id == form


async def test_a_file_beside_another_command_is_left_alone(workspace: Environment) -> None:
    await workspace.slack.drop({"shot.png": b"x"}, workspace.bruno, "get courier")
    assert link(await direct(workspace, workspace.bruno))


async def test_a_file_of_a_member_is_refused_in_words(workspace: Environment) -> None:
    await workspace.slack.drop({"courier.ipa": b"PK"}, workspace.bruno)
    assert "Only releasers can upload builds." in (await direct(workspace, workspace.bruno)).text


@pytest.mark.parametrize(("command", "typed"), [("/builds", "builds courier"), ("/apps", "apps builds courier")])
async def test_slash_command_may_be_named_without_slash(world: Environment, command: str, typed: str) -> None:
    world.slack.subscribed = set(EVENTS)
    ready(world)
    await world.start(slack_command=command)
    said = (await answer(world, typed)).text
    assert "Courier" in said
    assert "2.4.0" in said, "a subcommand of the same name stays one"
