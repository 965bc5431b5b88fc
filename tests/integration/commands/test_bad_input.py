"""What people and the world get wrong, for every command alike: each is answered in words with the next step."""

from __future__ import annotations

import io
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from sandbox.faults import Fault
from tests.conftest import Environment
from tests.support.seeing import labels, link, old_card, press
from tests.support.waiting import busyness


def asking(world: Environment, command: str) -> Any:
    """Who asks this: without a build, an admin's `status` is about the bot."""
    return world.bruno if command == "status" else world.ana


ASKING_APPLIVERY = ("get courier", "builds courier", "status courier", "downloads courier", "subscribe courier")


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("gte courier", "get"),
        ("bilds", "builds"),
        ("STATSU", "status"),
        ("unsub", "unsubscribe"),
        ("donwloads", "downloads"),
    ],
)
async def test_an_unknown_subcommand_gets_the_closest_names(world: Environment, typed: str, near: str) -> None:
    await world.start()
    assert re.search(rf"Did you mean .*`{near}", (await world.ask(typed)).text)


async def test_a_command_like_no_other_gets_a_button_to_all(world: Environment) -> None:
    await world.start()
    assert labels(await world.ask("xyzzyx")) == ["Show help"]


@pytest.mark.parametrize("command", ["get", "builds", "status", "downloads", "subscribe", "unsubscribe"])
async def test_an_unknown_app_gets_the_closest_names(world: Environment, command: str) -> None:
    await world.start()
    world.applivery.app("Warehouse")
    said = (await world.ask(f"{command} curier")).text
    assert re.search("There is no app called “curier”. Did you mean `courier`[?]", said, re.IGNORECASE)
    said = (await world.ask(f"{command} zzz")).text
    assert all(name in said for name in ("Choose", "`Courier`", "`Warehouse`"))


async def test_an_app_made_a_moment_ago_is_found(world: Environment) -> None:
    await world.start()
    await world.ask("builds courier")
    world.applivery.app("Brand New")
    assert (await world.ask("builds brand-new")).text == "Brand New has no builds yet."


@pytest.mark.parametrize("typed", ["65f0c1d2", "9.9.9", "#999", "65f0c1d2e3a4b5c6d7e8f90g"])
async def test_unknown_build_suggests_closest_versions(world: Environment, typed: str) -> None:
    await world.start()
    world.applivery.build(world.courier, version="9.9.8")
    answer = await world.ask(f"get courier {typed}")
    assert f"There is no build of Courier called “{typed}”" in answer.text
    assert labels(answer)[-1] == "See builds"


@pytest.mark.parametrize("command", ["get", "status", "downloads"])
async def test_a_stale_build_id_says_that_it_is_gone_and_where_to_look(world: Environment, command: str) -> None:
    await world.start()
    stale = "65f0c1d2e3a4b5c6d7e8f901"
    for typed in (f"{command} {stale}", f"{command} courier {stale}"):
        answer = await world.ask(typed)
        assert "no longer has this item" in answer.text
        assert "See builds" in labels(answer)
    world.applivery.app("Driver")
    await world.restart()
    said = (await world.ask(f"{command} {stale}")).text
    assert "No app in this workspace has a build with that id" in said


@pytest.mark.parametrize("command", ["get", "builds", "status", "downloads", "subscribe"])
async def test_apps_of_same_name_are_chosen_by_working_buttons(world: Environment, command: str) -> None:
    await world.start()
    for platform in ("ios", "android"):
        world.applivery.build(world.applivery.app("Driver", slug=f"driver-{platform}"), os=platform, version="5.0.0")
    answer = await world.ask(f"{command} driver")
    assert sorted(labels(answer)) == ["Driver (driver-android)", "Driver (driver-ios)"]
    assert "2 apps are called “driver”. Which one?" in answer.text
    await world.restart()
    turn = await press(world.slack, answer, "Driver (driver-android)", user=world.ana)
    chosen = await turn.answer()
    assert "Driver" in chosen.text
    assert "Which one" not in chosen.text
    if command in ("get", "status"):
        assert "Android" in chosen.text


@pytest.mark.parametrize("command", ["builds", "status", "downloads since:7d", "subscribe"])
async def test_a_list_of_apps_tells_those_of_one_name_apart(world: Environment, command: str) -> None:
    await world.start()
    for slug in ("driver-ios", "driver-android"):
        world.applivery.app("Driver", slug=slug)
    listed = [
        label
        for label in labels(await world.ask(command, user=asking(world, command)))
        if label not in ("Every app", "Use a form")
    ]
    assert sorted(listed) == ["Courier", "Driver (driver-android)", "Driver (driver-ios)"]


async def test_the_typeahead_tells_apps_of_one_name_apart(world: Environment) -> None:
    await world.start()
    for slug in ("driver-ios", "driver-android"):
        world.applivery.app("Driver", slug=slug)
    turn = await world.slack.command("/applivery", "get", user=world.ana, channel=world.releases)
    offered = await world.slack.options(await turn.view(), "get.app", "dr", user=world.ana)
    assert [option["text"]["text"] for option in offered] == ["Driver (driver-android)", "Driver (driver-ios)"]


async def test_builds_of_same_version_chosen_and_request_kept(world: Environment) -> None:
    await world.start()
    world.applivery.build(world.courier, version="2.4.0", number="1", os="ios")
    world.applivery.build(world.courier, version="2.4.0", number="2", os="android", extension="aab")
    answer = await world.ask("get courier 2.4.0 type:aab")
    turn = await press(world.slack, answer, "2.4.0 (2) Android", user=world.ana)
    assert link(await turn.answer())
    assert [token.type for token in world.applivery.minted] == ["aab"]


@pytest.mark.parametrize("command", ["get", "builds", "status", "downloads", "subscribe"])
async def test_an_empty_workspace_is_said_to_be_empty(world: Environment, command: str) -> None:
    world.applivery.apps.clear()
    await world.start()
    for typed in (command, f"{command} courier"):
        said = (await world.ask(typed, user=asking(world, command))).text
        assert "has no apps yet" in said
        assert "Applivery dashboard" in said


@pytest.mark.parametrize("command", ["get", "builds", "status"])
async def test_an_app_without_builds_is_said_to_have_none(world: Environment, command: str) -> None:
    await world.start()
    assert re.search("has no builds yet|No build of Courier matches", (await world.ask(f"{command} courier")).text)


# ------------------------------------------------------------------ Applivery in trouble

TROUBLES = {
    "down": (Fault(drop=True), "Applivery isn't answering right now"),
    "broken": (Fault(status=500), "Applivery isn't answering right now"),
    "not json": (Fault(body="<html>maintenance</html>"), "a response this bot doesn't understand"),
    "busy": (Fault(status=429, retry_after=120), "Applivery is busy"),
    "a wrong token": (Fault(status=401, code=4004), "doesn't accept this bot's token"),
    "no permission": (Fault(status=403), "allowed to do that in Applivery"),
}
NEXT_STEPS = ("Try again", "APPLIVERY_TOKEN", "Service Accounts")


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_applivery_error_has_next_step_in_every_command(
    world: Environment, trouble: str, log: io.StringIO
) -> None:
    fault, words = TROUBLES[trouble]
    world.applivery.build(world.courier)
    await world.start()
    world.applivery.faults.add("GET /v1/*", fault, times=None)
    turns = [
        await world.slack.command("/applivery", typed, user=world.ana, channel=world.releases)
        for typed in ASKING_APPLIVERY
    ]
    for turn in turns:
        assert turn.acked
        assert turn.ack_seconds < 1 * busyness()
        said = (await turn.answer()).text
        assert words in said
        assert any(step in said for step in NEXT_STEPS)
        reference = re.search(r"\(reference ([0-9a-f]{8})\)", said)
        assert reference, "what is not everyday has a reference"
        assert reference[1] in log.getvalue()


async def test_a_refused_token_sends_members_to_an_admin(world: Environment) -> None:
    await world.start()
    world.applivery.faults.add("GET /v1/*", Fault(status=401, code=4004), times=None)
    member, admin = await world.ask("builds courier", user=world.bruno), await world.ask("builds courier")
    assert member.text.startswith(f"Applivery doesn't accept this bot's token. Ask <@{world.ana.id}> to fix this.")
    assert "APPLIVERY_TOKEN" not in member.text
    assert "set it as `APPLIVERY_TOKEN`" in admin.text
    assert labels(member) == labels(admin) == [], "trying again does not help"


@pytest.mark.parametrize("trouble", ["down", "broken", "not json", "busy"])
async def test_an_outage_has_a_button_to_try_again(world: Environment, trouble: str) -> None:
    world.applivery.build(world.courier, version="2.4.0")
    await world.start()
    world.applivery.faults.add("GET /v1/*", TROUBLES[trouble][0], times=None)
    answer = await world.ask("builds courier", user=world.bruno)
    assert labels(answer) == ["Try again"]
    world.applivery.faults.clear()
    if trouble != "busy":  # which waits for as long as Applivery said
        turn = await press(world.slack, answer, "Try again", user=world.bruno)
        assert "2.4.0" in (await turn.answer()).text


async def test_applivery_outage_answers_all_askers_together(world: Environment) -> None:
    await world.start()
    world.applivery.faults.add("GET /v1/*", Fault(drop=True), times=None)
    turns = [
        await world.slack.command("/applivery", "builds courier", user=person, channel=world.releases)
        for person in [world.slack.user(f"person{number}") for number in range(8)]
    ]
    for turn in turns:
        assert "isn't answering" in (await turn.answer()).text
    assert len(world.applivery.requests) == 3  # the attempts of one question


async def test_slow_applivery_acknowledged_at_once_and_explained(world: Environment) -> None:
    world.tuning = replace(world.tuning, applivery_seconds=0.2)
    await world.start()
    world.applivery.faults.add("GET /v1/*", Fault(latency=0.6), times=None)
    turn = await world.slack.command("/applivery", "get courier", user=world.ana, channel=world.releases)
    assert turn.acked
    assert turn.ack_seconds < 0.2 * busyness()
    assert "didn't answer within" in (await turn.answer()).text


async def test_a_hiccup_of_applivery_is_not_noticed(world: Environment) -> None:
    await world.start()
    world.applivery.build(world.courier, version="2.4.0")
    world.applivery.faults.add("GET /v1/*/apps", Fault(status=429, retry_after=0))
    world.applivery.faults.add("GET /v1/*/builds", Fault(status=502))
    assert "2.4.0" in (await world.ask("builds courier")).text


# ------------------------------------------------------------------ Slack in trouble


@pytest.mark.parametrize("fault", [Fault(status=404), Fault(status=500), Fault(drop=True)])
async def test_slack_refused_response_url_answer_goes_by_dm(world: Environment, fault: Fault) -> None:
    await world.start()
    world.applivery.build(world.courier)
    world.slack.faults.add("response_url", fault, times=None)
    turn = await world.slack.command("/applivery", "get courier", user=world.bruno, channel=world.releases)
    assert turn.acked
    await world.slack.until(lambda: world.slack.messages(world.slack.dm(world.bruno)))
    [message] = world.slack.messages(world.slack.dm(world.bruno))
    assert link(message)
    assert world.slack.messages(world.releases) == []


async def test_a_sixth_answer_to_one_click_goes_by_direct_message_too(world: Environment) -> None:
    await world.start()
    world.applivery.app("Driver")
    world.applivery.build(world.courier)
    turn = await world.slack.command("/applivery", "get", user=world.ana, channel=world.releases)
    form = await turn.view()
    for address in world.slack.responses.addresses.values():
        address.uses = 5
    await world.slack.submit(form, {"get.app": {"get.app": world.courier.id}}, user=world.ana)
    await world.slack.until(lambda: world.slack.messages(world.slack.dm(world.ana)))
    assert link(world.slack.messages(world.slack.dm(world.ana))[0])


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(error="expired_trigger_id"), "took too long to open"),
        (Fault(error="trigger_exchanged"), "took too long to open"),
        (Fault(error="internal_error"), "Slack isn't answering right now"),
        (Fault(status=503), "Slack isn't answering right now"),
        (Fault(error="ratelimited"), "Slack is busy"),
        (Fault(error="invalid_arguments"), "Slack refused the request (`invalid_arguments`)"),
        (Fault(error="channel_not_found"), "Slack refused the request (`channel_not_found`)"),
        (Fault(error="token_revoked"), "doesn't accept this bot's token"),
    ],
)
async def test_form_that_does_not_open_says_why(world: Environment, fault: Fault, reason: str) -> None:
    await world.start()
    world.applivery.app("Driver")
    world.slack.faults.add("views.open", fault)
    answer = await world.ask("get")
    assert reason in answer.text
    assert "Open the form" in labels(answer)


async def test_broken_database_answer_has_reference_in_log(world: Environment, log: io.StringIO) -> None:
    await world.start()
    with closing(sqlite3.connect(world.folder / "bot.db")) as database:
        database.execute("DROP TABLE subscriptions")
    said = (await world.ask("subscriptions")).text
    assert "Try again" in said
    assert "subscriptions" not in said  # no words of the database
    reference = re.search(r"\(reference ([0-9a-f]{8})\)", said)
    assert reference
    assert reference[1] in log.getvalue()
    assert "no such table" in log.getvalue()


# ------------------------------------------------------------------ whatever is typed

NASTY = [
    "get <!channel>",
    "get <@U0S000001|ana>",
    "get &lt;!here&gt; #173",
    "get `code` *bold* _under_",
    "get \u202ecourier \u0000\u0007",
    'get "never closed',
    "get " + "x" * 8000,
    "builds " + " ".join(f"a{number}:b" for number in range(300)),
    "builds courier os:" + "*" * 3000,
    "status courier " + "[" * 500,
    "downloads courier since:99999999999d",
    "downloads courier since:0001-01-01..9999-12-31",
    "downloads courier since:0001-01-01T00:00:00+14:00 until:9999-12-31T23:59:59-12:00",
    "mute until 9999-12-31 23:59",
    "forecast until:0001-01-01T00:00:00+14:00",
    "downloads courier since:2026-13-45",
    "subscribe courier on:",
    "unsubscribe -",
    "help help help",
    ":",
    "-",
    "😀" * 1000,
    "get https://evil.test/x",
    "get courier type:exe",
    "get courier type:file type:file",
    "get courier -type:file",
    "../../etc/passwd",
    "get ../../users",
    "get courier/../../users",
]


@pytest.mark.parametrize("way", ["socket", "http"])
async def test_any_typed_text_gets_one_private_answer_without_mentions(world: Environment, way: str) -> None:
    changes: dict[str, Any] = {} if way == "socket" else {"slack_app_token": None}
    await world.start(**changes)
    world.applivery.build(world.courier)
    for typed in NASTY:
        turn = await world.slack.command("/applivery", typed, user=world.ana, channel=world.releases)
        assert turn.acked, typed
        answer = await turn.answer()
        assert answer.text, typed
        assert answer.ephemeral_to == world.ana.id
        assert not re.search(r"<[!@](?!date)|<#(?!C)|<https?:", answer.text), typed
        assert "our side" not in answer.text, typed
    paths = {request.path for request in world.applivery.requests}
    ours = f"/v1/organizations/acme/apps/{world.courier.id}"
    assert paths - {"/v1/organizations/acme/apps"} <= {f"{ours}/builds", f"{ours}/downloads/by-user"}


async def test_unknown_elements_and_forms_are_answered_in_words(world: Environment) -> None:
    await world.start()
    for action, value in (("gone.v1", "x"), ("run.v1", ""), ("run.v1", "x" * 2000)):
        card = old_card(world.slack, world.releases, action, value or " ")
        turn = await press(world.slack, card, "Old", user=world.ana)
        assert turn.acked
        assert (await turn.answer()).text
