from __future__ import annotations

import re
from typing import Any

import aiohttp
import pytest

from bot.db import audit
from bot.domain.audit import AuditOutcome, Entrypoint
from bot.domain.model import FileKind
from sandbox.applivery.models import FakeBuild
from sandbox.faults import Fault
from sandbox.slack import FakeMessage
from tests.conftest import Environment
from tests.support.seeing import labels, link, old_card, press

MINTING = "GET /v1/organizations/*/downloadToken"


def ready(world: Environment, **about: object) -> FakeBuild:
    return world.applivery.build(
        world.courier, **{"version": "2.4.0", "number": "173", "branch": "release/2.4", **about}
    )


def mints(world: Environment) -> int:
    """How often Applivery was asked for a token, answered or not."""
    return sum(request.path.endswith("/downloadToken") for request in world.applivery.requests)


async def card(world: Environment) -> FakeMessage:
    """A build announced to #releases, as everybody there sees it."""
    await world.ask("subscribe courier")
    build = world.applivery.upload(world.courier, version="3.0.0", number="300")
    await world.look()
    world.applivery.move(build, "processed")
    await world.look()
    shown: FakeMessage = world.slack.messages(world.releases)[-1]
    return shown


# ------------------------------------------------------------------ the link


async def test_get_link_downloads_once_and_crawler_does_not_spend_it(world: Environment) -> None:
    await world.start()
    build = ready(world, size=12_345)
    answer = await world.ask("get courier")
    await world.slack.settled()
    assert world.slack.crawled == []
    assert world.applivery.spent == []
    async with aiohttp.ClientSession() as session:
        async with session.get(link(answer)) as response:
            assert response.status == 200
            assert len(await response.read()) == 12_345
        async with session.get(link(answer)) as response:
            assert response.status == 401
    assert [token.build_id for token in world.applivery.minted] == [build.id]


async def test_get_answer_names_build_lifetime_and_privacy(world: Environment) -> None:
    await world.start()
    ready(world)
    answer = await world.ask("get courier", user=world.bruno)
    for words in ("Courier 2.4.0 (173) for iOS", "Single use", "5 min", "only for you"):
        assert words in answer.text
    assert answer.ephemeral_to == world.bruno.id
    assert labels(answer)[:2] == ["Download .ipa", "Applivery"]


async def test_get_each_request_mints_own_link_and_none_ahead(world: Environment) -> None:
    await world.start()
    ready(world)
    await card(world)
    assert mints(world) == 0
    first, second = await world.ask("get courier"), await world.ask("get courier", user=world.bruno)
    assert link(first) != link(second)
    assert mints(world) == 2


@pytest.mark.parametrize("typed", ["2.4.0", "v2.4.0", "latest", "#173"])
async def test_a_version_a_number_or_latest_names_the_build(world: Environment, typed: str) -> None:
    await world.start()
    ready(world, version="2.3.0", number="172")
    ready(world)
    assert "2.4.0 (173)" in (await world.ask(f"get courier {typed}")).text


async def test_a_build_id_alone_is_enough(world: Environment) -> None:
    await world.start()
    world.applivery.app("Driver")
    old = ready(world, version="1.0.0", number="1")
    ready(world)
    for typed in (f"get {old.id}", f"get {old.id.upper()}", f"get courier {old.id}"):
        assert "1.0.0 (1)" in (await world.ask(typed)).text
    assert "2.4.0 (173)" in (await world.ask(f"get {world.courier.id}")).text


async def test_the_latest_is_the_newest_that_is_ready(world: Environment) -> None:
    await world.start()
    ready(world)
    ready(world, version="2.5.0", number="174", status="in_progress")
    ready(world, version="2.6.0", number="175", status="error")
    assert "2.4.0 (173)" in (await world.ask("get courier")).text


async def test_filters_narrow_what_the_latest_is(world: Environment) -> None:
    await world.start()
    ready(world, version="1.1.0", number="11", os="android", branch="main")
    ready(world, tags=("nightly",))
    assert "1.1.0 (11) for Android" in (await world.ask("get courier os:android")).text
    assert "1.1.0 (11) for Android" in (await world.ask("get courier -tag:nightly")).text
    assert "2.4.0 (173) for iOS" in (await world.ask('get "Courier" branch:release/*')).text


@pytest.mark.parametrize("typed", ["", "type:auto", "type:file"])
@pytest.mark.parametrize(
    ("about", "word"),
    [
        ({"os": "macos", "extension": "PKG"}, ".pkg"),
        ({"os": "macos", "extension": "dmg"}, ".dmg"),
        ({"os": None, "buildPlatform": None, "extension": "ipa"}, ".ipa"),
        ({"os": None, "buildPlatform": None, "extension": ".Pkg"}, ".pkg"),
        ({"os": "windows", "extension": "exe"}, ".exe"),
        ({"os": None, "buildPlatform": "ps5", "extension": "zip"}, ".zip"),
        ({"os": "ios", "extension": "zip"}, ".zip"),
    ],
)
async def test_get_build_without_apk_gives_the_file_itself(
    world: Environment, about: dict[str, Any], typed: str, word: str
) -> None:
    await world.start()
    ready(world, **about)
    answer = await world.ask(f"get courier {typed}")
    over_the_air = word == ".ipa" and typed == "type:auto"  # no page could start that
    assert [token.type for token in world.applivery.minted] == ([] if over_the_air else [FileKind.FILE])
    assert over_the_air or f"Download {word}" in answer.text


@pytest.mark.parametrize(
    ("os", "typed", "kind"),
    [
        ("ios", "", FileKind.FILE),
        ("android", "", FileKind.AUTO),
        ("android", "type:file", FileKind.FILE),
        ("android", "type:AAB", FileKind.AAB),
    ],
)
async def test_get_file_is_platform_default_or_requested_kind(
    world: Environment, os: str, typed: str, kind: str
) -> None:
    await world.start()
    ready(world, os=os, extension="aab" if kind == FileKind.AAB else None)
    await world.ask(f"get courier {typed}")
    assert [token.type for token in world.applivery.minted] == [kind]


async def test_a_version_is_found_however_many_builds_came_after_it(world: Environment) -> None:
    await world.start()
    ready(world, version="0.1.0", number="1")
    for number in range(300):
        ready(world, version=f"1.{number}.0", number=str(number + 2))
    assert "Courier 0.1.0" in (await world.ask("get courier 0.1.0")).text
    assert "no build of Courier called “0.1.1”" in (await world.ask("get courier 0.1.1")).text


async def test_the_other_platform_is_offered_and_its_button_works(world: Environment) -> None:
    await world.start()
    ready(world, version="2.4.1", number="80", os="android")
    ready(world)
    answer = await world.ask("get courier")
    assert {"Fresh link", "Android"} <= set(labels(answer))
    turn = await press(world.slack, answer, "Android", user=world.ana)
    assert "2.4.1 (80) for Android" in (await turn.answer()).text


async def test_a_fresh_link_takes_the_place_of_the_old_one(world: Environment) -> None:
    await world.start()
    ready(world)
    answer = await world.ask("get courier")
    before = link(answer)
    turn = await press(world.slack, answer, "Fresh link", user=world.ana)
    assert await turn.answer() is answer
    assert link(answer) != before
    assert len(world.slack.ephemerals(world.ana)) == 1


async def test_an_error_leaves_the_link_and_its_button_where_they_are(world: Environment) -> None:
    await world.start()
    ready(world)
    answer = await world.ask("get courier")
    world.applivery.faults.add(MINTING, Fault(status=503))
    turn = await press(world.slack, answer, "Fresh link", user=world.ana)
    said = await turn.answer()
    assert said is not answer
    assert "isn't answering" in said.text
    assert "Fresh link" in labels(answer)


# ------------------------------------------------------------------ what can be in the way


async def test_a_build_that_is_not_ready_is_answered_in_words(world: Environment) -> None:
    await world.start()
    ready(world, status="in_progress")
    said = await world.ask("get courier 2.4.0")
    assert re.search("has not finished processing|isn't ready yet: being processed", said.text)
    assert "http" not in said.text
    said = await world.ask("get courier")
    assert said.text.startswith("No matching build of Courier is ready. Courier ")
    assert labels(said) == ["Notify me", "Check again", "Open in Applivery"]


async def test_an_unknown_status_is_unknown_to_who_names_no_build(world: Environment) -> None:
    await world.start()
    ready(world, status="pending_deletion")
    said = await world.ask("get courier", user=world.bruno)
    assert "unknown status `pending_deletion`" in said.text
    assert labels(said) == ["Check again", "Open in Applivery"]


async def test_a_quota_is_explained(world: Environment) -> None:
    await world.start()
    ready(world)
    world.applivery.downloads_limit = 0
    said = await world.ask("get courier")
    assert "its plan's limit" in said.text
    assert "Billing" in said.text


@pytest.mark.parametrize("fault", [Fault(drop=True), Fault(drop_after=True), Fault(status=500), Fault(status=429)])
async def test_a_mint_is_never_repeated(world: Environment, fault: Fault) -> None:
    await world.start()
    ready(world)
    world.applivery.faults.add(MINTING, fault)
    said = await world.ask("get courier")
    assert "Try again" in said.text
    assert mints(world) == 1
    assert "http" not in said.text


async def test_get_audited_with_hash_and_without_link(world: Environment) -> None:
    await world.start()
    build = ready(world)
    answer = await world.ask("get courier", user=world.bruno)
    world.applivery.faults.add(MINTING, Fault(status=403))
    await world.ask("get courier")
    refused, minted = await world.bot.store.run(audit.list_entries)
    assert (minted.user_id, minted.outcome, minted.entrypoint) == (
        world.bruno.id,
        AuditOutcome.MINTED,
        Entrypoint.COMMAND,
    )
    assert (minted.app_id, minted.build_id, minted.channel_id) == (world.courier.id, build.id, world.releases.id)
    assert (refused.user_id, refused.outcome, refused.token_hash) == (world.ana.id, "PermissionMissing", None)
    assert link(answer).rpartition("/")[2] not in repr(minted)


# ------------------------------------------------------------------ the form


async def test_get_without_app_form_answers_in_channel(world: Environment) -> None:
    await world.start()
    world.applivery.app("Driver")
    ready(world, version="2.3.0", number="172")
    ready(world)
    turn = await world.slack.command("/applivery", "get", user=world.bruno, channel=world.releases)
    form = await turn.view()
    apps = await world.slack.options(form, "get.app", "cour", user=world.bruno)
    assert [app["text"]["text"] for app in apps] == ["Courier"]
    form.values["get.app"] = {"get.app": {"type": "external_select", "selected_option": apps[0]}}
    builds = await world.slack.options(form, "get.build", "", user=world.bruno)
    assert [build["text"]["text"][:5] for build in builds] == ["2.4.0", "2.3.0"]
    state = {"get.app": {"get.app": apps[0]["value"]}, "get.build": {"get.build": builds[1]["value"]}}
    sent = await world.slack.submit(form, state, user=world.bruno)
    assert sent.acked
    await world.slack.until(lambda: world.slack.ephemerals(world.bruno, world.releases))
    [answer] = world.slack.ephemerals(world.bruno, world.releases)
    assert "2.3.0 (172)" in answer.text
    assert link(answer)


async def test_get_form_without_build_gets_latest_after_restart(world: Environment) -> None:
    await world.start()
    world.applivery.app("Driver")
    ready(world)
    turn = await world.slack.command("/applivery", "get", user=world.bruno, channel=world.releases)
    form = await turn.view()
    await world.restart()
    await world.slack.submit(form, {"get.app": {"get.app": world.courier.id}}, user=world.bruno)
    await world.slack.until(lambda: world.slack.ephemerals(world.bruno))
    assert "2.4.0 (173)" in world.slack.ephemerals(world.bruno)[0].text


async def test_the_only_app_needs_no_name(world: Environment) -> None:
    await world.start()
    ready(world)
    assert "2.4.0 (173)" in (await world.ask("get")).text


async def test_a_typeahead_is_empty_while_applivery_refuses(world: Environment) -> None:
    await world.start()
    world.applivery.app("Driver")
    turn = await world.slack.command("/applivery", "get", user=world.bruno, channel=world.releases)
    form = await turn.view()
    await world.restart()  # forgets the apps
    world.applivery.faults.add("GET /v1/*", Fault(status=429, retry_after=60), times=None)
    assert await world.slack.options(form, "get.app", "cour", user=world.bruno) == []


# ------------------------------------------------------------------ shared cards


async def test_get_card_click_answers_clicker_and_leaves_card(world: Environment) -> None:
    await world.start()
    shown = await card(world)
    blocks = shown.blocks
    turn = await press(world.slack, shown, "Get build", user=world.bruno)
    answer = await turn.answer()
    assert answer is not shown
    assert answer.ephemeral_to == world.bruno.id
    assert link(answer)
    assert (shown.edited, shown.blocks, shown.deleted) == (False, blocks, False)
    [(_, body, _)] = [use for use in world.slack.responses.uses if "v1/download/" in str(use[1])]
    assert (body["response_type"], body["replace_original"]) == ("ephemeral", False)
    assert world.slack.ephemerals(world.ana, world.releases)[1:] == []  # she saw the answer to `subscribe` alone


async def test_get_old_card_gives_each_clicker_fresh_link(world: Environment) -> None:
    await world.start()
    shown = await card(world)
    first = await (await press(world.slack, shown, "Get build", user=world.ana)).answer()
    await world.restart()
    second = await (await press(world.slack, shown, "Get build", user=world.bruno)).answer()
    assert link(first) != link(second)
    async with aiohttp.ClientSession() as session, session.get(link(second)) as response:
        assert response.status == 200


async def test_a_card_of_a_build_that_is_gone_says_so(world: Environment) -> None:
    await world.start()
    shown = await card(world)
    world.applivery.delete(world.applivery.builds[0])
    await world.restart()
    said = await (await press(world.slack, shown, "Get build", user=world.bruno)).answer()
    assert "no longer has this item" in said.text
    assert "See builds" in labels(said)
    assert mints(world) == 0


@pytest.mark.parametrize(
    ("action", "value", "words"),
    [
        ("get.v1", "nonsense", "out of date"),
        ("get.v1", "courier/nonsense", "“nonsense” isn't"),
        ("get.v1", "courier/../../users", "“..” isn't"),
        ("get.v0", "x/y", "out of date"),
        ("status.v1", "nonsense", "no app called “nonsense”"),
        ("status.v1", "courier/zzz", "“zzz” isn't"),
        ("unsubscribe.v1", "all", "no subscription with that number"),
        ("run.v1#0", "nonsense", "Unknown command “nonsense”"),
    ],
)
async def test_a_button_that_carries_nonsense_is_answered_in_words(
    world: Environment, action: str, value: str, words: str
) -> None:
    await world.start()
    ready(world)
    asked = len(world.applivery.requests)
    turn = await press(world.slack, old_card(world.slack, world.releases, action, value), "Old", user=world.ana)
    assert words in (await turn.answer()).text
    assert all(request.path.endswith("/apps") for request in world.applivery.requests[asked:])


async def test_get_works_over_signed_http(world: Environment) -> None:
    await world.start(slack_app_token=None)
    ready(world)
    answer = await world.ask("get courier")
    turn = await press(world.slack, answer, "Fresh link", user=world.ana)
    assert link(await turn.answer())
    world.applivery.app("Driver")
    await world.restart(slack_app_token=None)
    turn = await world.slack.command("/applivery", "get", user=world.ana, channel=world.releases)
    form = await turn.view()
    assert await world.slack.options(form, "get.app", "", user=world.ana)
    await world.slack.submit(form, {"get.app": {"get.app": world.courier.id}}, user=world.ana)
    await world.slack.until(lambda: len(world.slack.ephemerals(world.ana)) == 2)


# ------------------------------------------------------------------ what cannot be had


async def test_only_what_can_be_had_is_offered(world: Environment) -> None:
    await world.start()
    ready(world, os="ios", number="1")
    ready(world, os="android", number="2", status="error")
    ready(world, os="macos", number="3", status="pending_deletion")
    ready(world, os="windows", number="4", status="in_progress")
    assert "for iOS" in (await world.ask("get courier 2.4.0", user=world.bruno)).text, "there is nothing to choose from"
    ready(world, os="tvos", number="5")
    ready(world, os="ios", number="6")
    await world.ask('recall courier #6 "crash"')
    answer = await world.ask("get courier 2.4.0", user=world.bruno)
    assert [label.partition(" (")[2] for label in labels(answer)] == ["5) tvOS · release/2.4", "1) iOS · release/2.4"]


async def test_of_builds_on_their_way_one_can_be_chosen(world: Environment) -> None:
    await world.start()
    for number, status in enumerate(("error", "pending", "in_progress")):
        ready(world, number=str(number), status=status)
    answer = await world.ask("get courier 2.4.0")
    assert [label.partition(" (")[2][0] for label in labels(answer)] == ["2", "1"]


@pytest.mark.parametrize("status", ["error", "pending_deletion", "recalled"])
async def test_get_unavailable_build_offers_newest_available(world: Environment, status: str) -> None:
    await world.start()
    ready(world, version="2.2.0")
    ready(world, version="2.3.0")
    ready(world, version="2.3.1", status="in_progress")
    ready(world, version="9.0.0", os="android")
    ready(world, version="2.4.0", status="processed" if status == "recalled" else status)
    if status == "recalled":
        await world.ask('recall courier 2.4.0 "crash"')
    answer = await world.ask("get courier 2.4.0", user=world.bruno)
    assert "2.3.0 (173)" in answer.text
    [label] = [candidate for candidate in labels(answer) if candidate.startswith("Get ")]
    assert link(await (await press(world.slack, answer, label, user=world.bruno)).answer())


async def test_without_a_good_build_none_is_offered(world: Environment) -> None:
    await world.start()
    ready(world, status="error")
    ready(world, version="9.0.0", os="android")
    answer = await world.ask("get courier 2.4.0")
    assert not [label for label in labels(answer) if label.startswith("Get ")]


async def test_a_build_that_has_failed_since_is_not_shared(world: Environment) -> None:
    await world.start()
    build = ready(world)
    answer = await world.ask("get courier")
    world.applivery.fail(build, "The signature was revoked")
    told = await (await press(world.slack, answer, "Share here", user=world.ana)).answer()
    assert "The signature was revoked" in told.text
    assert world.slack.messages(world.releases) == []
