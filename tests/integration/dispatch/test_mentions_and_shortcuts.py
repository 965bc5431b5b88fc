"""The ways in where slash commands do not work: a shortcut on a message, and a mention in a thread."""

from __future__ import annotations

from typing import Any

import pytest

from bot.db import access, audit
from bot.domain.audit import Entrypoint
from sandbox.faults import Fault
from sandbox.slack import FakeMessage, FakeUser
from tests.conftest import Environment
from tests.support.handing import direct, directs, downloaded, mints, ready, rested, said, seen, start_with_page
from tests.support.seeing import labels, link, press


async def card(world: Environment) -> FakeMessage:
    """A build announced to #releases."""
    await world.ask("subscribe courier")
    ready(world)
    await world.look()
    shown: FakeMessage = world.slack.messages(world.releases)[-1]
    return shown


async def whispers(world: Environment, user: FakeUser, n: int = 1) -> list[FakeMessage]:
    """What this person alone sees in #releases, once it is so many."""
    await world.slack.until(lambda: len(world.slack.ephemerals(user, world.releases)) >= n)
    return world.slack.ephemerals(user, world.releases)


# ------------------------------------------------------------------ the shortcut


async def test_on_a_card_the_shortcut_gets_the_card_s_build(world: Environment) -> None:
    await world.start()
    shown = await card(world)
    ready(world, version="9.9.9", number="999")
    turn = await world.slack.shortcut("get_build", user=world.bruno, message=shown)
    answer = await turn.answer()
    assert "Courier 2.4.0 (173)" in answer.text
    assert answer.ephemeral_to == world.bruno.id
    assert await downloaded(answer) == 200
    assert (shown.edited, answer is shown) == (False, False)
    entry = (await world.bot.store.run(audit.list_entries))[0]
    assert entry.entrypoint == Entrypoint.SHORTCUT


async def test_global_shortcut_opens_the_form_and_answers_by_dm(world: Environment) -> None:
    await world.start()
    ready(world)
    turn = await world.slack.shortcut("get_any_build", user=world.bruno)
    form = await turn.view()
    assert "I'll send you the link by DM." in seen(form)  # type: ignore[arg-type]
    await world.slack.submit(form, {"get.app": {"get.app": world.courier.id}}, user=world.bruno)
    answer = await direct(world, world.bruno)
    assert "Courier 2.4.0 (173)" in answer.text
    assert await downloaded(answer) == 200
    assert "Share here" not in labels(answer)
    assert not world.slack.messages(world.releases)
    entry = (await world.bot.store.run(audit.list_entries))[0]
    assert (entry.entrypoint, entry.channel_id) == (Entrypoint.FORM, None)


async def test_global_shortcut_refuses_a_guest_in_words(world: Environment) -> None:
    world.bruno.guest = True
    await world.start()
    ready(world)
    await world.slack.shortcut("get_any_build", user=world.bruno)
    assert "Guests can only use apps" in (await direct(world, world.bruno)).text
    assert mints(world) == 0


async def test_global_shortcut_hides_apps_kept_to_channels(world: Environment) -> None:
    world.applivery.app("Driver")
    await world.start()
    ready(world)
    await world.bot.store.run(access.allow_channel, world.courier.id, world.releases.id, world.ana.id)
    form = await (await world.slack.shortcut("get_any_build", user=world.bruno)).view()
    apps = await world.slack.options(form, "get.app", "", user=world.bruno)
    assert [app["text"]["text"] for app in apps] == ["Driver"]


@pytest.mark.parametrize("compact", ["", " format:compact"])
async def test_shortcut_on_card_naming_newer_build_gets_card_build(world: Environment, compact: str) -> None:
    await world.start()
    await world.ask(f"subscribe courier{compact}")
    await world.look()
    ready(world)
    await world.look()
    [shown] = world.slack.messages(world.releases)
    ready(world, version="9.9.9", number="999")
    await world.look()
    assert "superseded by 9.9.9" in shown.text
    turn = await world.slack.shortcut("get_build", user=world.bruno, message=shown)
    assert "Courier 2.4.0 (173)" in (await turn.answer()).text


@pytest.mark.parametrize("typed", ["builds courier", "status courier"])
async def test_shortcut_on_any_bot_message_of_build_gets_that_build(world: Environment, typed: str) -> None:
    await world.start()
    ready(world)
    private = await world.ask(typed)
    public = world.slack.mailbox.post(
        world.releases,
        {"text": "x", "blocks": private.blocks, "unfurl_links": False, "unfurl_media": False},
        user=world.slack.bot_user_id,
        bot_id=world.slack.bot_id,
    )
    turn = await world.slack.shortcut("get_build", user=world.bruno, message=public)
    assert link(await turn.answer())


async def test_on_any_other_message_the_shortcut_opens_the_form(world: Environment) -> None:
    await world.start()
    world.applivery.app("Driver")
    ready(world)
    hello = world.slack.say("who has the new build?", world.ana, world.releases)
    turn = await world.slack.shortcut("get_build", user=world.bruno, message=hello)
    form = await turn.view()
    await world.slack.submit(form, {"get.app": {"get.app": world.courier.id}}, user=world.bruno)
    [answer] = await whispers(world, world.bruno)
    assert link(answer)
    assert answer.channel == world.releases.id


async def test_shortcut_on_message_of_other_app_checks_its_value(world: Environment) -> None:
    """A message of another app may have a button of our name; what it carries is checked like any button's."""
    await world.start()
    ready(world)
    button = {"type": "button", "text": {"type": "plain_text", "text": "x"}, "action_id": "get.v1", "value": "../../x"}
    foreign = world.slack.mailbox.post(
        world.releases, {"text": "x", "blocks": [{"type": "actions", "elements": [button]}]}, user=world.ana.id
    )
    turn = await world.slack.shortcut("get_build", user=world.bruno, message=foreign)
    assert "There is no app called “..”." in await said(turn)
    assert mints(world) == 0


async def test_a_shortcut_of_another_version_says_what_to_type(world: Environment) -> None:
    await world.start()
    hello = world.slack.say("hello", world.ana, world.releases)
    turn = await world.slack.shortcut("gone", user=world.bruno, message=hello)
    assert await said(turn) == "This shortcut is out of date. Run the command again."


@pytest.mark.parametrize("about", [{"guest": True}, {"team_id": "T0ELSEWHERE"}], ids=str)
async def test_shortcut_and_mention_refuse_unauthorised_users(world: Environment, about: dict[str, Any]) -> None:
    await world.start()
    shown = await card(world)
    for name, value in about.items():
        setattr(world.bruno, name, value)
    await world.restart()
    turn = await world.slack.shortcut("get_build", user=world.bruno, message=shown)
    assert "Guests can only use apps" in await said(turn) or "another organisation" in await said(turn)
    await world.slack.mention("get courier", world.bruno, world.releases)
    refused = (await whispers(world, world.bruno, 2))[-1]
    assert "Guests can only use apps" in refused.text or "another organisation" in refused.text
    assert mints(world) == 0
    assert directs(world, world.bruno) == []


async def test_a_shortcut_works_over_signed_http(world: Environment) -> None:
    await world.start(slack_app_token=None)
    shown = await card(world)
    assert link(await (await world.slack.shortcut("get_build", user=world.bruno, message=shown)).answer())


# ------------------------------------------------------------------ the mention


async def test_in_a_thread_the_link_comes_by_direct_message_alone(world: Environment) -> None:
    await world.start()
    ready(world)
    parent = world.slack.say("the new one?", world.ana, world.releases)
    turn = await world.slack.mention("get courier", world.bruno, world.releases, parent.ts)
    assert turn.acked
    message = await direct(world, world.bruno)
    [note] = await whispers(world, world.bruno)
    assert note.text == "I sent it to you in a direct message."
    assert note.thread_ts == parent.ts
    for call in world.slack.calls_of("chat.postEphemeral"):
        assert (call.args["unfurl_links"], call.args["unfurl_media"]) == (False, False)
    assert await downloaded(message) == 200
    await world.slack.settled()
    said_here = world.slack.messages(world.releases) + world.slack.messages(world.releases, parent.ts)
    assert [candidate.text for candidate in said_here if candidate.bot_id] == []
    assert len(directs(world, world.bruno)) == 1
    # A note for one person is crawled whatever its flags: all it links to is the message in Slack, never the build.
    place = f"https://sandbox.slack.com/archives/{message.channel}/p{message.ts.replace('.', '')}"
    assert world.slack.crawled == [place]
    assert labels(note) == ["Open message"]


async def test_mention_outside_threads_is_answered_there(world: Environment) -> None:
    await world.start()
    ready(world)
    await world.slack.mention("builds courier", world.bruno, world.releases)
    [answer] = await whispers(world, world.bruno)
    assert answer.thread_ts is None
    assert answer.text.startswith("Builds of Courier: 2.4.0")
    got = await (await press(world.slack, answer, "Get 2.4.0 iOS", user=world.bruno)).answer()
    assert await downloaded(got) == 200
    assert directs(world, world.bruno) == []


async def test_mention_in_a_thread_is_answered_in_it(world: Environment) -> None:
    await world.start()
    ready(world)
    parent = world.slack.say("which one?", world.ana, world.releases)
    await world.slack.mention("builds courier", world.bruno, world.releases, parent.ts)
    [answer] = await whispers(world, world.bruno)
    assert answer.thread_ts == parent.ts


@pytest.mark.parametrize(
    "words",
    [
        "{bot}, get courier",
        "{bot}: get courier",
        "<@{id}|applivery> get courier",
        "<@{id}|applivery>: get courier",
        "hey {bot} get courier please?",
        "get courier {bot}",
        "get courier {bot} please",
        "could you get courier, {bot}?",
        "{bot} {bot} get courier",
        "{bot} get courier, thanks {bot}!",
    ],
)
async def test_bot_may_be_named_anywhere_in_a_mention(world: Environment, words: str) -> None:
    await world.start()
    ready(world)
    bot = world.slack.bot_user_id
    event = {"type": "app_mention", "user": world.bruno.id, "channel": world.releases.id, "ts": "1700000000.000100"}
    await world.slack.event({**event, "text": words.format(bot=f"<@{bot}>", id=bot), "team": world.slack.team_id})
    assert link(await direct(world, world.bruno))


@pytest.mark.parametrize(
    "words", ["{bot}", "{bot}!", "{bot} ?!", "fyi {bot}", "hi {bot}", "thanks {bot}!", "{bot} :wave:"]
)
async def test_mention_without_a_command_gets_the_menu(world: Environment, words: str) -> None:
    await world.start()
    await world.slack.mention(words.format(bot=f"<@{world.slack.bot_user_id}>"), world.bruno, world.releases)
    [answer] = await whispers(world, world.bruno)
    assert answer.text.startswith("What would you like to do?")


@pytest.mark.parametrize(
    "about",
    [
        {"edited": {"user": "U0S000002", "ts": "1700000001.000100"}},
        {"subtype": "message_changed", "hidden": True},
        {"subtype": "bot_message", "bot_id": "B0WORKFLOW", "user": None},
        {"bot_id": "B0WORKFLOW", "app_id": "A0WORKFLOW"},
        {"user": "USLACKBOT"},
        {"user": "U0APPLIVERY"},
    ],
    ids=str,
)
async def test_mention_that_no_person_writes_is_ignored(world: Environment, about: dict[str, Any]) -> None:
    await world.start()
    ready(world)
    where = {"type": "app_mention", "user": world.bruno.id, "channel": world.releases.id, "ts": "1700000000.000100"}
    text = f"<@{world.slack.bot_user_id}> get courier"
    turn = await world.slack.event({**where, "text": text, "team": world.slack.team_id, **about})
    await rested(world)
    assert turn.acked
    assert (mints(world), directs(world, world.bruno), world.slack.ephemerals(world.bruno)) == (0, [], [])


@pytest.mark.parametrize("refusal", ["channel_not_found", "user_not_in_channel", "not_in_channel", "is_archived"])
async def test_mention_where_the_bot_cannot_answer_goes_to_the_dm(world: Environment, refusal: str) -> None:
    await world.start()
    ready(world)
    world.slack.faults.add("chat.postEphemeral", Fault(error=refusal), times=9)
    await world.slack.mention("builds courier", world.bruno, world.releases)
    assert (await direct(world, world.bruno)).text.startswith("Builds of Courier")
    await rested(world)
    assert len(world.slack.calls_of("chat.postEphemeral")) == 1


async def test_an_event_that_slack_delivers_again_is_answered_once(world: Environment) -> None:
    await world.start()
    ready(world)
    turn = await world.slack.mention("get courier", world.bruno, world.releases, retries=3)
    assert turn.acked
    await direct(world, world.bruno)
    await rested(world)
    assert mints(world) == 1
    assert len(directs(world, world.bruno)) == 1
    assert len(await whispers(world, world.bruno)) == 1


async def test_mention_event_repeated_after_restart_answered_once(world: Environment) -> None:
    await world.start()
    ready(world)
    where = {"type": "app_mention", "user": world.bruno.id, "channel": world.releases.id, "ts": "1700000000.000100"}
    event = {**where, "text": f"<@{world.slack.bot_user_id}> get courier", "team": world.slack.team_id}
    await world.slack.event(event, event_id="Ev1")
    await direct(world, world.bruno)
    await world.restart()
    await world.slack.event(event, event_id="Ev1")
    await rested(world)
    assert mints(world) == 1
    await world.slack.event(event, event_id="Ev2")
    await direct(world, world.bruno, 2)


@pytest.mark.parametrize(
    "words",
    ["{bot} get courier", "  {bot}   get courier", "{ana} have a look: {bot} get courier", "please, {bot} get courier"],
)
async def test_mention_command_found_after_any_preceding_words(world: Environment, words: str) -> None:
    await world.start()
    ready(world)
    text = words.format(bot=f"<@{world.slack.bot_user_id}>", ana=f"<@{world.ana.id}>")
    await world.slack.mention(text, world.bruno, world.releases)
    assert link(await direct(world, world.bruno))


async def test_a_colleague_can_be_named_in_a_mention(world: Environment) -> None:
    await world.start()
    ready(world)
    await world.slack.mention(f"get courier to:<@{world.ana.id}>", world.bruno, world.releases)
    message = await direct(world, world.ana)
    assert message.text == f"<@{world.bruno.id}> sent you Courier 2.4.0 (173) for iOS."
    [note] = await whispers(world, world.bruno)
    assert note.text.startswith("Sent Courier 2.4.0 (173) for iOS to")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "What would you like to do?"),
        ("nonsense", "Unknown command “nonsense”"),
        ("get nothing", "There is no app called “nothing”"),
        ("subscribe courier", "Only releasers can subscribe channels."),
    ],
)
async def test_a_mention_is_answered_in_words_to_the_asker_alone(world: Environment, typed: str, words: str) -> None:
    await world.start()
    ready(world)
    await world.slack.mention(typed, world.bruno, world.releases)
    [answer] = await whispers(world, world.bruno)
    assert words in answer.text
    assert [message for message in world.slack.messages(world.releases) if message.bot_id] == []


async def test_form_is_opened_by_button_after_mention(world: Environment) -> None:
    await world.start()
    world.applivery.app("Driver")
    await world.slack.mention("get", world.bruno, world.releases)
    [answer] = await whispers(world, world.bruno)
    assert answer.text == "This needs a form."
    turn = await press(world.slack, answer, "Open the form", user=world.bruno)
    assert (await turn.view()).callback_id == "get.v1"


@pytest.mark.parametrize("is_reply", [True, False])
async def test_a_click_and_its_form_are_answered_in_its_thread(world: Environment, is_reply: bool) -> None:
    """The first message of a thread is in the channel, and so are the answers to its buttons."""
    await world.start()
    first = await card(world)
    old = first
    if is_reply:
        about = {"user": world.slack.bot_user_id, "bot_id": world.slack.bot_id, "thread_ts": first.ts}
        content = {"text": first.text, "blocks": first.blocks, "unfurl_links": False, "unfurl_media": False}
        old = world.slack.mailbox.post(world.releases, content, **about)
    expected = first.ts if is_reply else None
    turn = await press(world.slack, old, "Get build", user=world.bruno)
    assert (await turn.answer()).thread_ts == expected
    turn = await world.slack.shortcut("get_build", user=world.bruno, message=old)
    assert (await turn.answer()).thread_ts == expected
    await world.slack.mention("status courier", world.ana, world.releases, expected)
    *_, status = await whispers(world, world.ana, 2)
    turn = await press(world.slack, status, "Recall…", user=world.ana)
    form = await turn.view()
    await world.slack.submit(form, {"recall.reason": {"recall.reason": "crash"}}, user=world.ana)
    assert (await turn.answer()).thread_ts == expected


async def test_ambiguous_words_in_a_mention_give_buttons_that_work(world: Environment) -> None:
    await world.start()
    ready(world)
    world.applivery.build(world.applivery.app("Courier Pro", slug="courier-pro"), version="7.0.0")
    await world.slack.mention("builds", world.bruno, world.releases)
    [answer] = await whispers(world, world.bruno)
    assert labels(answer) == ["Courier", "Courier Pro"]
    got = await (await press(world.slack, answer, "Courier Pro", user=world.bruno)).answer()
    assert "7.0.0" in seen(got)


async def test_where_the_bot_cannot_whisper_it_writes_a_direct_message(world: Environment) -> None:
    await world.start()
    ready(world)
    world.slack.faults.add("chat.postEphemeral", Fault(error="user_not_in_channel"))
    await world.slack.mention("builds courier", world.bruno, world.releases)
    assert (await direct(world, world.bruno)).text.startswith("Builds of Courier")


async def test_a_link_still_comes_when_the_note_in_the_thread_cannot(world: Environment) -> None:
    await world.start()
    ready(world)
    world.slack.faults.add("chat.postEphemeral", Fault(error="channel_not_found"))
    await world.slack.mention("get courier", world.bruno, world.releases)
    assert await downloaded(await direct(world, world.bruno)) == 200


async def test_with_a_public_address_a_mention_mints_nothing(world: Environment) -> None:
    address = await start_with_page(world)
    ready(world)
    await world.slack.mention("get courier", world.bruno, world.releases)
    assert f"{address}/b/" in (await direct(world, world.bruno)).text
    await rested(world)
    assert mints(world) == 0
    assert all(f"{address}/b/" not in message.text for message in world.slack.ephemerals(world.bruno))


async def test_a_mention_works_over_signed_http(world: Environment) -> None:
    await world.start(slack_app_token=None)
    ready(world)
    await world.slack.mention("get courier", world.bruno, world.releases, retries=1)
    assert link(await direct(world, world.bruno))
    await rested(world)
    assert mints(world) == 1
