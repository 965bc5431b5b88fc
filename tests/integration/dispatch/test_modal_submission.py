"""Forms: everything they let somebody type goes through, and nothing that was typed is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from bot.applivery.upload import UploadTimeouts
from bot.db.schema import drafts
from bot.db.transaction import Transaction
from bot.dispatch import modal_submission
from bot.dispatch.registry import HandlerKind
from bot.slack.blocks import Modal
from sandbox.faults import Fault
from sandbox.slack import FakeMessage, FakeView
from tests.conftest import Environment
from tests.support.everything import away
from tests.support.handing import directs, ready, rested
from tests.support.seeing import labels, old_card, press
from tests.support.sqlalchemy_core import core
from tests.support.waiting import patience

PIECES = ("😀", '"', "\\", "Ж", "<", "&", "*", "`", "{", "\n", "'")
IPA = b"PK\x03\x04" + bytes(range(256)) * 200
State = dict[str, dict[str, Any]]


def full(most: int, *, lines: bool) -> str:
    """As much as there is room for, of what costs most to carry along: four bytes each, quotes, line breaks."""
    piece = "".join(candidate for candidate in PIECES if lines or candidate != "\n")
    return ("x" + piece * most)[: most - 1] + "x"


@pytest.fixture(autouse=True)
def quick(world: Environment) -> None:
    endurance = UploadTimeouts(wait=0.05, stall=5.0, answer=5.0, looks=(0.0, 0.01))
    world.tuning = replace(world.tuning, progress_seconds=0.05, endurance=endurance)


# ------------------------------------------------------------------ every form there is


async def asked(world: Environment, text: str) -> FakeView:
    turn = await world.slack.command("/applivery", text, user=world.ana, channel=world.releases)
    return await turn.view()


async def of_get(world: Environment) -> FakeView:
    return await asked(world, "get")


async def of_attach(world: Environment) -> FakeView:
    return await asked(world, "attach")


async def of_upload(world: Environment) -> FakeView:
    return await asked(world, "upload")


async def of_recall(world: Environment) -> FakeView:
    return await asked(world, "recall")


async def of_downloads(world: Environment) -> FakeView:
    return await asked(world, "downloads")


async def of_subscribe(world: Environment) -> FakeView:
    card = old_card(world.slack, world.releases, "subscribe.v1", "x")
    return await (await press(world.slack, card, "Old", user=world.ana)).view()


async def of_edit(world: Environment) -> FakeView:
    answer = await world.ask("subscribe courier")
    return await (await press(world.slack, answer, "Edit", user=world.ana)).view()


async def of_share(world: Environment) -> FakeView:
    answer = await world.ask("get courier", user=world.ana)
    return await (await press(world.slack, answer, "Share here", user=world.ana)).view()


async def of_goal(world: Environment) -> FakeView:
    return await asked(world, "goal courier")


async def of_sure(world: Environment) -> FakeView:
    view = await of_upload(world)
    turn = await world.slack.submit(view, everything(world, view), user=world.ana)
    return turn.views[0]


FORMS: dict[str, Callable[[Environment], Awaitable[FakeView]]] = {
    "get.v1": of_get,
    "attach.v1": of_attach,
    "upload.v1": of_upload,
    "upload.sure.v1": of_sure,
    "recall.v1": of_recall,
    "downloads.v1": of_downloads,
    "subscribe.v1": of_subscribe,
    "edit.v1": of_edit,
    "goal.v1": of_goal,
    "share.v1": of_share,
}
# What has to be understood cannot be anything: as long as it may be, or next to it.
MEANT = {
    "subscribe.filters": lambda most: "branch:" + full(most - 9, lines=False).replace("\\", "").replace('"', ""),
    "subscribe.mention": lambda most: "@mobile-qa",
    "subscribe.digest": lambda most: "mon,tue,wed,thu,fri,sat,sun@17:30",
    "subscribe.quiet": lambda most: "22:00 - 08:00",
}


def everything(world: Environment, view: FakeView) -> State:
    """Every input of a form filled in to its limit, and every box ticked."""
    build = next(iter(world.applivery.builds))
    chosen = {"app": world.courier.id, "build": build.id, "version": build.wire["versionName"]}
    chosen |= {"place": f"<#{world.releases.id}>"}
    state: State = {}
    for block in view.blocks:
        if block["type"] == "input":
            element, name = block["element"], block["block_id"]
            state[name] = {element["action_id"]: _value(world, name, element, chosen)}
    return state


def _value(world: Environment, name: str, element: dict[str, Any], chosen: dict[str, Any]) -> Any:
    kind, most = element["type"], element.get("max_length", 3000)
    if kind == "plain_text_input":
        meant = MEANT.get(name)
        return meant(most) if meant else full(most, lines=bool(element.get("multiline")))
    if kind == "external_select":
        return chosen[name.rpartition(".")[2]]
    if kind == "file_input":
        return [world.slack.pick("courier.ipa", IPA, world.ana)]
    if kind == "static_select":
        return element["options"][-1]["value"]
    return [option["value"] for option in element["options"]]


def typed(state: State) -> dict[str, str]:
    """The texts of a state, by field."""
    return {name: value for name, of in state.items() for value in of.values() if isinstance(value, str)}


async def prepared(world: Environment, name: str) -> FakeView:
    ready(world)
    world.applivery.app("Driver")
    world.slack.usergroup("mobile-qa", users=(world.bruno,))
    await world.start()
    return await FORMS[name](world)


async def test_every_form_is_tried(world: Environment) -> None:
    await world.start()
    known = {name for kind, name in world.bot.dispatcher.registry.entries if kind is HandlerKind.FORM}
    assert known == FORMS.keys()


@pytest.mark.parametrize("name", FORMS)
async def test_a_form_takes_all_it_lets_type(world: Environment, name: str) -> None:
    view = await prepared(world, name)
    state = everything(world, view)
    turn = await world.slack.submit(view, state, user=world.ana)
    assert (turn.acked, turn.error, turn.errors) == (True, None, {})
    if turn.views:  # asks once more
        turn = await world.slack.submit(turn.views[0], everything(world, turn.views[0]), user=world.ana)
        assert (turn.acked, turn.error, turn.errors) == (True, None, {})
    await rested(world)
    await world.bot.upload_runner.drain(15)
    assert not world.slack.views
    said = [message.text for message in (*world.slack.ephemerals(world.ana), *directs(world, world.ana))]
    assert said
    assert not [text for text in said if "went wrong" in text or "did not" in text]


async def test_an_upload_gets_all_that_was_typed(world: Environment) -> None:
    view = await prepared(world, "upload.v1")
    first = everything(world, view)
    turn = await world.slack.submit(view, first, user=world.ana)
    second = everything(world, turn.views[0])
    await world.slack.submit(turn.views[0], second, user=world.ana)
    await rested(world)
    await world.bot.upload_runner.drain(15)
    form = world.applivery.builds[-1].form
    assert form["versionName"] == typed(first)["upload.version"]
    assert form["tags"].split(",") == [item.strip() for item in typed(first)["upload.tags"].split(",")]
    assert form["changelog"] == typed(second)["sure.changelog"]
    assert form["notifyMessage"] == typed(second)["sure.message"]


async def test_cancelling_the_question_about_mail_leads_back(world: Environment) -> None:
    view = await prepared(world, "upload.v1")
    state = everything(world, view)
    turn = await world.slack.submit(view, state, user=world.ana)
    await world.slack.close(turn.views[0], world.ana)
    assert world.slack.views == [view]
    assert not view.closed


# ------------------------------------------------------------------ what goes wrong


BROKEN = {  # of each form with fields, where an error can stand
    "get.v1": "GET */builds*",
    "attach.v1": "GET */builds/*",
    "upload.v1": "files.info",
    "upload.sure.v1": "files.info",
    "recall.v1": "GET */builds/*",
    "downloads.v1": "GET */downloads/by-user",
    "subscribe.v1": "GET */builds",
    "edit.v1": "GET */builds",
}


def broken(world: Environment, name: str, *, slowly: float = 0.0) -> None:
    """The other side fails at what this form needs."""
    if "*" in BROKEN[name]:
        world.applivery.faults.add(BROKEN[name], Fault(latency=slowly, status=403), times=None)
    else:
        world.slack.faults.add(BROKEN[name], Fault(latency=slowly, error="missing_scope"), times=None)


def unticked(state: State) -> State:
    """The same without mail, which would ask once more before anything is tried."""
    return {name: of for name, of in state.items() if name != "upload.mail"}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_form_stays_open_when_it_fails(world: Environment, name: str) -> None:
    view = await prepared(world, name)
    state = unticked(everything(world, view))
    broken(world, name)
    turn = await world.slack.submit(view, state, user=world.ana)
    assert turn.acked
    assert not view.closed
    [(block, words)] = turn.errors.items()
    assert words
    assert view.errors == {block: words}
    await rested(world)
    assert not world.slack.ephemerals(world.ana)[1 if name == "edit.v1" else 0 :]


@pytest.mark.parametrize("name", BROKEN)
async def test_a_form_that_failed_late_opens_again(
    world: Environment, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modal_submission, "SUBMIT_SECONDS", 0.2)
    view = await prepared(world, name)
    state = unticked(everything(world, view))
    broken(world, name, slowly=0.5)
    turn = await world.slack.submit(view, state, user=world.ana)
    assert not turn.errors
    assert view.closed
    answer = await answered(world, "Back to the form")
    again = await (await press(world.slack, answer, "Back to the form", user=world.ana)).view()
    assert again.callback_id == name
    assert began_with(again) == {key: text for key, text in typed(state).items() if key in began_with(again)}
    texts = {text for text in typed(state) if text in names(again)}
    assert texts == set(typed(state))
    world.applivery.faults.clear()
    world.slack.faults.clear()
    turn = await world.slack.submit(again, {}, user=world.ana)
    assert (turn.error, turn.errors) == (None, {})


def names(view: FakeView) -> set[str]:
    return {block["block_id"] for block in view.blocks}


def began_with(view: FakeView) -> dict[str, str]:
    """What the inputs of a form begin with: texts, and values of what is chosen."""
    found = {}
    for block, element in view.elements():
        if "initial_value" in element:
            found[block] = element["initial_value"]
        elif "initial_option" in element:
            found[block] = element["initial_option"]["value"]
    return found


async def answered(world: Environment, label: str) -> FakeMessage:
    """The private message that has this button, once it is there."""
    async with patience():
        while True:
            for message in (*world.slack.ephemerals(world.ana), *directs(world, world.ana)):
                if label in labels(message):
                    return message
            await asyncio.sleep(0.02)


def test_a_text_longer_than_its_input_is_refused_by_us_too() -> None:
    def view(text: str) -> dict[str, Any]:
        element = {"type": "plain_text_input", "action_id": "a", "max_length": 5}
        block = {"type": "input", "block_id": "b", "label": {"text": "Tags"}, "element": element}
        return {"blocks": [block], "state": {"values": {"b": {"a": {"value": text}}}}}

    modal_submission.check_lengths(view("😀" * 5))
    with pytest.raises(modal_submission.InvalidFields, match="Tags is too long: it has 6 characters") as wrong:
        modal_submission.check_lengths(view("😀" * 6))
    assert wrong.value.fields.keys() == {"b"}


# ------------------------------------------------------------------ the database, Slack's trigger, and what is long


async def test_without_a_database_a_form_stays_open(world: Environment) -> None:
    view = await prepared(world, "recall.v1")
    with away(world, "recalls"):
        turn = await world.slack.submit(view, everything(world, view), user=world.ana)
    assert "database isn't answering" in str(turn.errors)
    assert not view.closed
    again = await world.slack.submit(view, {}, user=world.ana)
    assert (again.error, again.errors) == (None, {})


async def test_without_a_database_late_words_are_said_back(world: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modal_submission, "SUBMIT_SECONDS", 0.2)
    view = await prepared(world, "recall.v1")
    state = everything(world, view)
    broken(world, "recall.v1", slowly=3.0)
    sending = asyncio.create_task(world.slack.submit(view, state, user=world.ana))
    await world.slack.until(lambda: world.applivery.faults.fired)
    with away(world, "drafts"):
        await sending
        await world.slack.until(lambda: world.slack.ephemerals(world.ana))
    said = world.slack.ephemerals(world.ana)[-1]
    assert typed(state)["recall.reason"] in [block["text"]["text"] for block in said.blocks if "text" in block]


async def test_a_form_slack_did_not_open_is_a_click_away(world: Environment) -> None:
    await prepared(world, "get.v1")
    world.slack.faults.add("views.open", Fault(error="expired_trigger_id"))
    answer = await world.ask('recall courier "crash on login"')
    assert labels(answer) == ["Open the form"]
    view = await (await press(world.slack, answer, "Open the form", user=world.ana)).view()
    assert view.callback_id == "recall.v1"
    assert view.element("recall.reason")["initial_value"] == "crash on login"


LONG = "\n".join(f"- fixed {number}" for number in range(400))


async def of_message(world: Environment) -> FakeView:
    message = world.slack.share("courier.ipa", IPA, world.bruno, world.releases, LONG)
    return await (await world.slack.shortcut("upload_build", user=world.ana, message=message)).view()


async def test_a_long_message_is_the_changelog_whole(world: Environment) -> None:
    await world.start()
    view = await of_message(world)
    assert len(view.element("upload.changelog")["initial_value"]) <= 3000
    state = {"upload.app": {"upload.app": world.courier.id}, "upload.mail": {"upload.mail": ["employees"]}}
    turn = await world.slack.submit(view, state, user=world.ana)
    await world.slack.submit(turn.views[0], {}, user=world.ana)
    await rested(world)
    await world.bot.upload_runner.drain(15)
    assert world.applivery.builds[-1].form["changelog"] == LONG


async def test_a_form_whose_words_are_kept_no_longer_says_so(world: Environment) -> None:
    await world.start()
    view = await of_message(world)
    await world.bot.store.run(_forget_drafts)
    turn = await world.slack.submit(view, {"upload.app": {"upload.app": world.courier.id}}, user=world.ana)
    assert "too old and was deleted" in str(turn.errors)
    assert not view.closed


def _forget_drafts(tx: Transaction) -> None:
    core(tx, sa.delete(drafts))


async def test_many_choices_are_turned_page_by_page(world: Environment) -> None:
    for number in range(45):
        world.applivery.build(world.applivery.app(f"App {number:02}"), version="1.0.0")
    await world.start()
    asked_for = f"builds branch:{'ж' * 2100}"
    answer = await world.ask(asked_for)
    seen_apps = labels(answer)
    while "More" in labels(answer):
        answer = await (await press(world.slack, answer, "More", user=world.ana)).answer()
        seen_apps += labels(answer)
    apps = [seen_app for seen_app in seen_apps if seen_app not in ("More", "Previous")]
    assert apps == [f"App {number:02}" for number in range(45)] + ["Courier"]
    chosen = await (await press(world.slack, answer, "App 44", user=world.ana)).answer()
    assert "No build of App 44 matches" in chosen.text
    assert "ж" * 100 in chosen.text


async def test_a_kept_form_without_fields_is_out_of_date(world: Environment) -> None:
    await world.start()
    kept = Modal("find.v1", "Find", ()).to_json()
    turn = await press(world.slack, old_card(world.slack, world.releases, "reopen.v1", kept), "Old", user=world.ana)
    assert (await turn.answer()).text.startswith("This button is out of date.")
