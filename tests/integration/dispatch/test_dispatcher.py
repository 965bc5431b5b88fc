from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path
from typing import Any

import pytest

import bot.commands
from bot.dispatch.context import CommandContext
from bot.dispatch.registry import HandlerRegistry, command
from bot.domain.audit import Entrypoint
from bot.domain.model import Role
from bot.domain.outcomes import RequestOutcome
from bot.slack.blocks import Message as Says
from sandbox.faults import Fault
from sandbox.slack import FakeMessage, Interaction
from tests.conftest import Environment
from tests.support.everything import away
from tests.support.seeing import every_message, everything_said, everything_stored, labels, link, old_card, press
from tests.support.waiting import busyness


async def say_everything(world: Environment) -> FakeMessage:
    """Run every command, click every kind of button, send the form, and announce a build; returns the shared card."""
    await world.ask("subscribe courier on:uploaded,processed,failed")
    build = world.applivery.upload(world.courier, version="3.0.0", number="300")
    await world.look()
    world.applivery.move(build, "processed")
    await world.look()
    card: FakeMessage = world.slack.messages(world.releases)[-1]
    world.applivery.fail(world.applivery.upload(world.courier, version="3.0.1", number="301"), "bad profile")
    await world.look()
    world.applivery.download(build, world.applivery.member(first="Eva", last="Ruiz"))
    got = await world.ask("get courier")
    await (await press(world.slack, got, "Fresh link", user=world.ana)).answer()
    await (await press(world.slack, card, "Get build", user=world.bruno)).answer()
    for typed in (
        "builds courier",
        "status courier",
        "downloads courier",
        "subscriptions",
        "help",
        "help get",
        "",
        "oops",
    ):
        await world.ask(typed)
    world.applivery.app("Driver")
    await world.restart()
    form = await (await world.slack.command("/applivery", "get", user=world.bruno, channel=world.releases)).view()
    await world.slack.options(form, "get.app", "", user=world.bruno)
    before = len(world.slack.ephemerals(world.bruno))
    await world.slack.submit(form, {"get.app": {"get.app": world.courier.id}}, user=world.bruno)
    await world.slack.until(lambda: len(world.slack.ephemerals(world.bruno)) > before)
    await world.ask("unsubscribe courier")
    return card


# ------------------------------------------------------------------ promises about everything that is said


async def test_token_is_only_in_private_messages_to_asker(world: Environment, log: io.StringIO) -> None:
    await world.start()
    await say_everything(world)
    await world.stop()
    tokens = [token.token for token in world.applivery.minted]
    assert len(tokens) == 4
    for message in every_message(world.slack):
        if any(token in f"{message.text}{message.blocks}" for token in tokens):
            assert message.ephemeral_to in (world.ana.id, world.bruno.id)
            assert message.source == "response_url"
    elsewhere = everything_stored(world.folder).decode(errors="replace") + log.getvalue()
    assert [token for token in tokens if token in elsewhere] == []


async def test_each_token_reaches_one_person_alone(world: Environment) -> None:
    await world.start()
    card = await say_everything(world)
    for token in world.applivery.minted:
        seen_by = {message.ephemeral_to for message in every_message(world.slack) if token.token in message.text}
        assert len(seen_by) == 1
    assert len(card.history) == 1, "it moved with its build, and no click on it changed it"


async def test_unfurl_flags_false_on_every_message_and_nothing_crawled(world: Environment) -> None:
    """Both flags are false on every message of every kind."""
    await world.start()
    await say_everything(world)
    world.slack.faults.add("response_url", Fault(status=500))
    await world.slack.command("/applivery", "get courier", user=world.ana, channel=world.releases)
    await world.slack.until(lambda: len(world.slack.messages(world.slack.dm(world.ana))) == 2)
    await world.slack.settled()
    every = every_message(world.slack)
    assert {message.source for message in every} == {"api", "response_url"}
    assert {message.ephemeral for message in every} == {True, False}
    assert any(message.thread_ts for message in every)
    assert any(message.edited for message in every)
    assert [message.text for message in every if (message.unfurl_links, message.unfurl_media) != (False, False)] == []
    for _, body, _ in world.slack.responses.uses:
        assert (body["unfurl_links"], body["unfurl_media"]) == (False, False)
    assert world.slack.crawled == []
    assert world.applivery.spent == []


async def test_every_message_has_full_text_for_those_who_hear_it(world: Environment) -> None:
    await world.start()
    await say_everything(world)
    for message in every_message(world.slack):
        assert len(message.text) > 10
        assert not message.text.endswith("…")


async def test_slack_refused_nothing_of_what_was_said(world: Environment) -> None:
    await world.start()
    await say_everything(world)
    assert [(call.method, call.answer) for call in world.slack.calls if not (call.answer or {}).get("ok")] == []
    assert {status for _, _, status in world.slack.responses.uses} == {200}


async def test_our_credentials_are_said_stored_and_logged_nowhere(world: Environment, log: io.StringIO) -> None:
    await world.start()
    await say_everything(world)
    world.applivery.faults.add("GET /v1/*", Fault(status=401, code=4004), times=None)
    await world.ask("builds courier")
    world.slack.faults.add("chat.postMessage", Fault(error="invalid_auth"), times=None)
    await world.ask("downloads courier")
    await world.stop()
    places = everything_said(world.slack) + everything_stored(world.folder).decode(errors="replace") + log.getvalue()
    for secret in ("xoxb-sandbox", "xapp-sandbox", "sandbox-signing-secret", world.applivery.token):
        assert secret not in places


async def test_the_ways_back_to_people_are_not_logged(world: Environment, log: io.StringIO) -> None:
    await world.start()
    world.slack.faults.add("response_url", Fault(status=500))
    await world.slack.command("/applivery", "help", user=world.ana, channel=world.releases)
    await world.slack.until(lambda: world.slack.messages(world.slack.dm(world.ana)))
    assert "answer.by_direct_message" in log.getvalue()
    assert [word for word in world.slack.responses.addresses if word in log.getvalue()] == []


# ------------------------------------------------------------------ acknowledged first


@pytest.mark.parametrize("http", [False, True])
async def test_dispatcher_acknowledges_before_other_requests(world: Environment, http: bool) -> None:
    await world.start(**({"slack_app_token": None} if http else {}))
    world.applivery.build(world.courier)
    menu = await world.ask("")
    await world.restart(**({"slack_app_token": None} if http else {}))
    world.slack.faults.add("users.info", Fault(latency=0.4))
    world.applivery.faults.add("GET /v1/*", Fault(latency=0.4))
    turn = await world.slack.command("/applivery", "builds courier", user=world.ana, channel=world.releases)
    clicked = await press(world.slack, menu, "Help", user=world.ana)
    for each_turn in (turn, clicked):
        assert each_turn.acked
        assert each_turn.ack_seconds < 0.3 * busyness()
        assert not each_turn.ack_body  # nothing is said before the answer
    assert "Builds of Courier" in (await turn.answer()).text
    assert "What you can do" in (await clicked.answer()).text


async def test_a_typeahead_gives_up_before_slack_does(world: Environment) -> None:
    await world.start()
    world.applivery.app("Driver")
    form = await (await world.slack.command("/applivery", "get", user=world.ana, channel=world.releases)).view()
    await world.restart()
    world.applivery.faults.add("GET /v1/*", Fault(latency=3), times=None)
    started = asyncio.get_running_loop().time()
    assert await world.slack.options(form, "get.app", "", user=world.ana) == []
    assert 2 < asyncio.get_running_loop().time() - started < 3 * busyness()
    world.applivery.faults.clear()


async def test_dispatcher_unhandled_request_is_acknowledged_silently(world: Environment) -> None:
    await world.start()
    turn = await world.slack.event({"type": "reaction_added", "user": world.ana.id, "reaction": "eyes"})
    assert turn.acked
    await world.stop()
    assert every_message(world.slack) == []


async def test_stopping_lets_the_answers_under_way_reach_people(world: Environment) -> None:
    await world.start()
    world.applivery.faults.add("GET /v1/*", Fault(latency=0.3))
    turn = await world.slack.command("/applivery", "builds courier", user=world.ana, channel=world.releases)
    await world.stop()
    assert [message.text for message in turn.answers] == ["Courier has no builds yet."]


async def test_many_at_once_are_each_answered_for_themselves(world: Environment) -> None:
    await world.start()
    for number in range(20):
        world.applivery.build(world.applivery.app(f"App {number}"), version=f"{number}.0.0")
    turns = [
        await world.slack.command("/applivery", f"builds app-{number}", user=user, channel=world.releases)
        for number in range(20)
        for user in (world.ana, world.bruno)
    ]
    for place, turn in enumerate(turns):
        answer = await turn.answer()
        assert f"Builds of App {place // 2}: {place // 2}.0.0" in answer.text
        assert answer.ephemeral_to == turn.user
    asked = [request.path for request in world.applivery.requests if request.path.endswith("/apps")]
    assert len(asked) == 1  # one list of apps serves everybody


# ------------------------------------------------------------------ a bug of ours


@command(need=Role.MEMBER)
async def broken(call: CommandContext) -> Says:
    """Break, as a bug would.

    /applivery broken
    """
    raise KeyError("xoxb-sandbox is in this error")


async def test_dispatcher_bug_answer_is_only_the_reference_in_log(world: Environment, log: io.StringIO) -> None:
    await world.start()
    world.bot.dispatcher.registry.add(broken.entries[0])  # type: ignore[attr-defined]
    said = await world.ask("broken")
    reference = re.fullmatch(
        r"Something went wrong on our side\. Try again\. If it happens again, check the bot's log\. "
        r"\(reference ([0-9a-f]{8})\)",
        said.text,
    )
    assert reference
    assert reference[1] in log.getvalue()
    assert "KeyError" in log.getvalue()
    assert "xoxb-sandbox" not in log.getvalue()


# ------------------------------------------------------------------ months later


async def test_dispatcher_every_old_button_kind_works_after_restart(world: Environment) -> None:
    await world.start()
    card = await say_everything(world)
    world.applivery.build(world.courier, version="4.0.0", status="pending")
    private = [await world.ask(typed) for typed in ("get courier", "builds courier", "status courier", "")]
    await world.restart()
    for message in (card, *private):
        for label in labels(message):
            if label in ("Open in Applivery", "Applivery", "Download .ipa"):
                continue
            turn = await press(world.slack, message, label, user=world.ana)
            if label == "Get a build":
                await turn.view()
                continue
            said = (await turn.answer()).text
            assert "another version" not in said, label
            assert "reference" not in said, label
            break  # private ones are replaced by the answer


async def test_button_of_another_version_leads_to_menu(world: Environment) -> None:
    await world.start()
    turn = await press(world.slack, old_card(world.slack, world.releases, "gone.v9", "x"), "Old", user=world.bruno)
    answer = await turn.answer()
    assert "out of date" in answer.text
    menu = await (await press(world.slack, answer, "Open menu", user=world.bruno)).answer()
    assert "What would you like to do?" in menu.text


@pytest.mark.parametrize("missing", [{}, {"action_id": None}], ids=["absent", "null"])
async def test_button_without_a_name_is_out_of_date(world: Environment, missing: dict[str, Any]) -> None:
    await world.start()
    card = old_card(world.slack, world.releases, "gone.v9", "x")
    payload = (await world.slack.click(card, "gone.v9", user=world.bruno)).payload
    turn = Interaction("click", world.bruno.id, None, world.slack.until)
    [action] = payload["actions"]
    action = {name: value for name, value in action.items() if name != "action_id"} | missing
    address = world.slack.url + world.slack.desk.responses.issue(turn, world.releases.id)
    again = {"actions": [action], "response_url": address, "trigger_id": world.slack.desk.modals.trigger(turn, None)}
    await world.slack.delivery.ask("interactive", {**payload, **again})
    assert "out of date" in (await turn.answer()).text


@pytest.mark.parametrize("http", [False, True])
@pytest.mark.parametrize("kind", ["overflow", "static_select"])
async def test_a_menu_of_another_version_says_what_to_type(world: Environment, kind: str, http: bool) -> None:
    await world.start(**({"slack_app_token": None} if http else {}))
    option = {"text": {"type": "plain_text", "text": "Old"}, "value": "x"}
    menu = {"type": kind, "action_id": "gone.v9", "options": [option, {**option, "value": "y"}]}
    if kind == "static_select":
        menu["placeholder"] = {"type": "plain_text", "text": "Old"}
    content = {"text": "old", "blocks": [{"type": "actions", "elements": [menu]}]}
    about = {"user": world.slack.bot_user_id, "bot_id": world.slack.bot_id}
    old = world.slack.mailbox.post(world.releases, {**content, "unfurl_links": False, "unfurl_media": False}, **about)
    turn = await world.slack.click(old, "gone.v9", user=world.bruno, value="x")
    assert "out of date" in (await turn.answer()).text


async def test_the_form_and_its_way_back_hold_no_secret(world: Environment) -> None:
    await world.start()
    world.applivery.app("Driver")
    form = await (await world.slack.command("/applivery", "get", user=world.ana, channel=world.releases)).view()
    for secret in ("xoxb", "xapp", world.applivery.token):
        assert secret not in form.private_metadata
    assert len(form.private_metadata) < 3000


async def test_a_command_in_a_direct_message_is_answered_there(world: Environment) -> None:
    await world.start()
    world.applivery.build(world.courier)
    answer = await world.ask("get courier", channel=world.slack.dm(world.bruno), user=world.bruno)
    assert link(answer)
    assert answer.channel == world.slack.dm(world.bruno).id


async def test_requests_are_counted_by_door_name_and_outcome(world: Environment) -> None:
    await world.start()
    await world.ask("help")
    await world.ask("downloads courier", user=world.bruno)
    await world.ask("nonsense")
    await world.bot.dispatcher.drain(5)
    value = world.bot.metrics.registry.get_sample_value
    name = "applivery_bot_requests_total"
    assert value(name, {"door": Entrypoint.COMMAND, "name": "help", "outcome": RequestOutcome.ANSWERED}) == 1
    assert sum(
        sample.value
        for metric in world.bot.metrics.registry.collect()
        for sample in metric.samples
        if sample.name == name and sample.labels["outcome"] in (RequestOutcome.DENIED, RequestOutcome.PROBLEM)
    ) == 2  # fmt: skip


def test_the_three_jobs_have_their_commands() -> None:
    names = {entry.name for entry in HandlerRegistry.scan(bot.commands).commands()}
    assert {
        "get",
        "builds",
        "status",
        "downloads",
        "subscribe",
        "unsubscribe",
        "subscriptions",
        "help",
        "menu",
    } <= names


async def test_a_click_takes_four_tasks(world: Environment) -> None:
    """The work, the look whether it was here before, and one for each of its two commits; and one for a connection."""
    await world.start(slack_app_token=None)
    build = world.applivery.build(world.courier, version="2.4.0", number="173", os="android")
    cards = [old_card(world.slack, world.releases, "get.v1", f"{world.courier.id}/{build.id}") for _ in range(2)]
    begun: list[str] = []

    def count(loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
        if str(Path(bot.__file__).parent) in work.cr_code.co_filename:
            begun.append(work.__qualname__)
        return asyncio.Task(work, loop=loop, **more)

    for card in cards:  # at the first, Slack is asked who that is
        await world.bot.dispatcher.drain(5)
        begun.clear()
        asyncio.get_running_loop().set_task_factory(count)
        await (await press(world.slack, card, "Old", user=world.bruno)).answer()
    await world.bot.dispatcher.drain(5)
    assert len([name for name in begun if name != "LivenessServer._connect"]) <= 4, begun


@pytest.mark.parametrize("typed", ["builds courier", ""])
async def test_request_during_an_outage_can_be_tried_again(world: Environment, typed: str) -> None:
    """That it was not here before is not known either, so nothing is known of it but what was sent."""
    world.applivery.build(world.courier, version="2.4.0")
    await world.start()
    world.bruno.locale = "es-ES"
    menu = await world.ask("", user=world.bruno)
    with away(world, "seen_events"):
        refused = await world.ask(typed, user=world.bruno)
        clicked = await (await press(world.slack, menu, "Compilaciones", user=world.bruno)).answer()
    assert "La base de datos de este bot no responde" in refused.text
    assert labels(refused)[-1] == labels(clicked)[-1] == "Reintentar"
    answer = await (await press(world.slack, refused, "Reintentar", user=world.bruno)).answer()
    assert ("2.4.0" if typed else "¿Qué quieres hacer?") in answer.text
