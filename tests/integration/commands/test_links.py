"""The private answer with a link: what it says, for whom, for how long, and what each of its buttons does."""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.app import running
from bot.db import audit
from bot.domain.audit import AuditAction, AuditOutcome, Entrypoint
from bot.domain.outcomes import RequestOutcome
from sandbox.applivery.models import FakeBuild
from sandbox.faults import Fault
from sandbox.slack import FakeMessage
from tests.conftest import Environment
from tests.support.handing import (
    MINTING,
    Clock,
    direct,
    directs,
    downloaded,
    mints,
    raw,
    ready,
    rested,
    said,
    seen,
    start_with_page,
)
from tests.support.seeing import labels, link, old_card, press
from tests.support.waiting import busyness

IOS_FILE = "Get .ipa"
FAILED = "It didn't install"
MORE = ["Fresh link", "Send to my DM", "Share here", "Details"]  # of the menu


def provision(**facts: Any) -> dict[str, Any]:
    """What Applivery read out of an .ipa."""
    profile = {"ExpirationDate": "2100-01-01T00:00:00.000Z", "signingType": "enterprise", "ProvisionsAllDevices": True}
    return {"ios": {"plist": {"MinimumOSVersion": "15.0"}, "mobileprovision": {**profile, **facts}}}


def days_from_now(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


# ------------------------------------------------------------------ what it says


async def test_link_answer_names_build_place_and_reader(world: Environment) -> None:
    await world.start()
    ready(world)
    answer = await world.ask("get courier", user=world.bruno)
    read = seen(answer)
    for words in ("*Courier 2.4.0 (173) · iOS*", "Single use · expires", "only for you"):
        assert words in read, words
    button = answer.element("open.link")
    assert (button["text"]["text"], button["url"], button["style"]) == ("Download .ipa", link(answer), "primary")
    assert link(answer) not in read, "an address is not shown"
    assert answer.ephemeral_to == world.bruno.id


async def test_link_details_say_all_that_the_answer_leaves_out(world: Environment) -> None:
    await world.start()
    build = ready(
        world,
        size=48_200_000,
        commit="8f3c2d1e9b7a",
        commit_message="Fix the map\n\nmore",
        changelog="Faster start\nNo more crash on the map",
        info=provision(ExpirationDate=days_from_now(5.5), signingType="ad-hoc", ProvisionsAllDevices=False),
    )
    world.applivery.attach(build, "notes.pdf", b"x")
    ready(world, os="android", number="80")
    ready(world, os="macos", number="81")
    answer = await world.ask(f"get {build.id}", user=world.bruno)
    shown = await (await press(world.slack, answer, "Details", user=world.bruno)).answer()
    assert shown is not answer
    assert shown.ephemeral_to == world.bruno.id
    for words in (
        "*Courier 2.4.0 (173) · iOS*",
        "*Size* 48.2 MB",
        "*Branch* release/2.4",
        "*Commit* 8f3c2d1e9b Fix the map",
        ">Faster start\n>No more crash on the map",
        "⚠️ Its profile expires in 5 days.",
        "Ad hoc: registered devices only · iOS 15.0+",
    ):
        assert words in seen(shown), words
    assert labels(shown) == ["Attachments (1)", "macOS", "Android", "Open in Applivery"]
    got = await (await press(world.slack, shown, "Android", user=world.bruno)).answer()
    assert "2.4.0 (80) for Android" in got.text
    assert mints(world) == 2


async def test_link_lifetime_from_applivery_in_reader_time_zone(world: Environment) -> None:
    world.applivery.token_life = 247
    await world.start()
    ready(world)
    answer = await world.ask("get courier")
    [token] = world.applivery.minted
    for text in (answer.text, seen(answer)):
        life = re.search(r"Single use · expires <!date\^(\d+)\^\{time\}\|[^>]+> \(4 min\)", text)
        assert life, text
        assert int(life[1]) == int(token.expires_at)


@pytest.mark.parametrize(
    ("expires_at", "words"),
    [
        ("2099-01-01T00:00:00.000Z", "{date_short_pretty} {time}|2099-01-01 00:00 UTC> · only"),
        ("9999-12-31T23:59:59.999Z", "{date_short_pretty} {time}|9998-01-01 00:00 UTC> · only"),
        ("0001-01-01T00:00:00Z", "expires soon · only for you"),
        ("2020-01-01T00:00:00.000Z", "expired <!date"),
        (1, "expired <!date"),
        (None, "expires soon · only for you"),
        ("soon", "expires soon · only for you"),
        ({}, "expires soon · only for you"),
    ],
)
async def test_link_given_with_any_expiry_date(world: Environment, expires_at: Any, words: str) -> None:
    await world.start()
    ready(world)
    world.applivery.reshape(MINTING, lambda body: {**body, "data": {**body["data"], "expiresAt": expires_at}})
    answer = await world.ask("get courier")
    assert words in answer.text
    assert await downloaded(answer) == 200
    assert "Fresh link" in labels(answer)
    await world.bot.expire.step()
    assert link(answer), "no message says that its link is over before anybody could use it"


async def test_the_text_alone_says_it_all_for_a_screen_reader(world: Environment) -> None:
    await world.start()
    ready(world, info=provision(), disabled=True)
    answer = await world.ask("get courier")
    assert re.fullmatch(
        r"Courier 2\.4\.0 \(173\) for iOS\. Download \.ipa: http://\S+ "
        r"Single use · expires <!date[^>]+ UTC> \([45] min\) · only for you "
        r"⚠️ This build is disabled in Applivery, so it may not download\.",
        answer.text,
    )


@pytest.mark.parametrize(
    ("facts", "line", "details"),
    [
        (
            {"signingType": "ad-hoc", "ProvisionsAllDevices": False},
            "\nAd hoc: registered devices only · iOS 15.0+",
            "Ad hoc: registered devices only · iOS 15.0+",
        ),
        ({"ExpirationDate": days_from_now(-3)}, "⚠️ Its profile expired on", "⚠️ Its profile expired on"),
        ({"ExpirationDate": days_from_now(5.5)}, "\niOS 15.0+", "⚠️ Its profile expires in 5 days."),
        ({"ExpirationDate": days_from_now(1.5)}, "\niOS 15.0+", "⚠️ Its profile expires in 1 day."),
        ({"ExpirationDate": days_from_now(0.5)}, "\niOS 15.0+", "⚠️ Its profile expires within a day."),
        ({}, "\niOS 15.0+", "iOS 15.0+"),
    ],
)
async def test_link_warns_of_what_stops_an_installation(
    world: Environment, facts: dict[str, Any], line: str, details: str
) -> None:
    """What does not stop it is a label, and what may do so later is said in the details."""
    await world.start()
    ready(world, info=provision(**facts))
    answer = await world.ask("get courier")
    assert line in seen(answer)
    assert ("⚠️" in seen(answer)) == ("⚠️" in line)
    assert details in seen(await (await press(world.slack, answer, "Details", user=world.ana)).answer())


async def test_link_disabled_build_warned_and_enabled_build_not(world: Environment) -> None:
    await world.start()
    ready(world, disabled=True)
    assert "⚠️ This build is disabled in Applivery, so it may not download." in seen(await world.ask("get courier"))
    ready(world, number="174", info={"ios": {"plist": {}}})
    assert "⚠️" not in seen(await world.ask("get courier #174"))


async def test_link_android_minimum_given_as_android_version(world: Environment) -> None:
    await world.start()
    ready(world, os="android")
    answer = await world.ask("get courier")
    assert "\nAndroid 8.0+" in seen(answer)
    assert labels(answer)[0] == "Download .apk"


# ------------------------------------------------------------------ its buttons


async def test_link_answer_has_only_buttons_that_work_for_build(world: Environment) -> None:
    await world.start()
    for about, wanted in (
        ({"os": "ios"}, ["Download .ipa", "Applivery", FAILED, *MORE]),
        ({"os": "android"}, ["Download .apk", FAILED, *MORE]),
        ({"os": "macos"}, ["Download .pkg", FAILED, *MORE]),
        ({"os": "linux", "extension": "tar.gz"}, ["Download .tar.gz", *MORE]),
    ):
        build = ready(world, **about)
        assert labels(await world.ask(f"get {build.id}")) == wanted


async def test_link_in_direct_messages_offers_no_channel(world: Environment) -> None:
    await world.start()
    ready(world)
    answer = await world.ask("get courier", user=world.bruno, channel=world.slack.dm(world.bruno))
    assert labels(answer) == ["Download .ipa", "Applivery", FAILED, "Fresh link", "Send to my DM", "Details"]
    await press(world.slack, answer, "Send to my DM", user=world.bruno)
    copy = await direct(world, world.bruno)
    assert labels(copy) == ["Download .ipa", "Applivery", FAILED, "Fresh link", "Details"]


async def test_the_details_of_a_bundle_lead_to_it_and_back(world: Environment) -> None:
    await world.start()
    ready(world, os="android", extension="aab")
    answer = await world.ask("get courier")
    shown = await (await press(world.slack, answer, "Details", user=world.ana)).answer()
    got = await (await press(world.slack, shown, "Get .aab", user=world.ana)).answer()
    assert [token.type for token in world.applivery.minted] == ["auto", "aab"]
    assert "Download .aab" in labels(got)
    assert await downloaded(got) == 200
    back = await (await press(world.slack, got, "Details", user=world.ana)).answer()
    assert "Get .apk" in labels(back)


async def test_asking_for_a_bundle_there_is_not_is_answered_in_words(world: Environment) -> None:
    await world.start()
    ready(world, os="android")
    said = await world.ask("get courier type:aab")
    assert "http" not in said.text
    assert "has no .aab file" in said.text


async def test_a_bundle_is_not_asked_for_where_the_original_was_none(world: Environment) -> None:
    await world.start()
    ready(world, os="ios", extension="ipa")
    said = await world.ask("get courier type:aab")
    assert "has no .aab file" in said.text
    assert mints(world) == 0


async def test_the_attachments_button_counts_them_and_lists_them(world: Environment) -> None:
    await world.start()
    build = ready(world)
    for name in ("notes.pdf", "symbols.zip"):
        world.applivery.attach(build, name, b"x" * 2000)
    answer = await world.ask("get courier")
    shown = await (await press(world.slack, answer, "Details", user=world.ana)).answer()
    listed = await (await press(world.slack, shown, "Attachments (2)", user=world.ana)).answer()
    assert listed is not shown
    assert listed.ephemeral_to == world.ana.id
    assert "notes.pdf" in listed.text
    assert "symbols.zip" in listed.text


async def test_link_send_to_my_dm_sends_own_link_to_own_dm(world: Environment) -> None:
    await world.start()
    ready(world)
    answer = await world.ask("get courier", user=world.bruno)
    turn = await press(world.slack, answer, "Send to my DM", user=world.bruno)
    assert await said(turn) == "I sent it to you in a direct message."
    copy = await direct(world, world.bruno)
    assert link(copy) != link(answer)
    assert (copy.unfurl_links, copy.unfurl_media) == (False, False)
    assert directs(world, world.ana) == []
    assert await downloaded(copy) == 200


async def test_the_buttons_in_my_direct_messages_go_on_working_there(world: Environment) -> None:
    await world.start()
    ready(world)
    await press(world.slack, await world.ask("get courier"), "Send to my DM", user=world.ana)
    copy = await direct(world, world.ana)
    before = link(copy)
    await world.restart()
    assert await (await press(world.slack, copy, "Fresh link", user=world.ana)).answer() is copy
    assert link(copy) != before


# ------------------------------------------------------------------ share here


async def share(world: Environment, answer: FakeMessage, user: Any) -> None:
    """Choose *Share here* below a link, and confirm it."""
    turn = await press(world.slack, answer, "Share here", user=user)
    await world.slack.submit(await turn.view(), {}, user=user)
    await rested(world)


async def shared(world: Environment, **about: Any) -> FakeMessage:
    """The card that Ana shares in #releases."""
    build = ready(world, changelog="Faster", **about)
    world.applivery.attach(build, "notes.pdf", b"x")
    await share(world, await world.ask("get courier"), world.ana)
    await world.slack.until(lambda: world.slack.messages(world.releases))
    [card] = world.slack.messages(world.releases)
    return card


async def test_link_shared_card_is_public_and_has_no_token(world: Environment) -> None:
    await world.start()
    card = await shared(world)
    await world.slack.settled()
    assert card.ephemeral_to is None
    assert "/v1/download/" not in raw(card)
    assert [token.token for token in world.applivery.minted if token.token in raw(card)] == []
    assert f"Shared by <@{world.ana.id}>" in seen(card)
    assert labels(card) == ["Get build", "What's new", "Attachments (1)"]
    assert world.slack.crawled == []


async def test_link_old_shared_card_works_for_others_and_stays(world: Environment) -> None:
    await world.start()
    card = await shared(world)
    await world.restart()
    blocks = card.blocks
    answer = await (await press(world.slack, card, "Get build", user=world.bruno)).answer()
    assert answer is not card
    assert answer.ephemeral_to == world.bruno.id
    assert (card.blocks, card.edited) == (blocks, False)
    assert await downloaded(answer) == 200
    [minted] = await world.bot.store.run(audit.list_entries, user_ids=[world.bruno.id], limit=1)
    assert (minted.outcome, minted.entrypoint) == (AuditOutcome.MINTED, Entrypoint.BUTTON)


async def test_a_shared_card_of_a_build_that_is_gone_says_so(world: Environment) -> None:
    await world.start()
    card = await shared(world)
    world.applivery.delete(world.applivery.builds[0])
    await world.restart()
    for label in labels(card):
        words = await said(await press(world.slack, card, label, user=world.bruno))
        assert words.startswith("Applivery no longer has this item, or the bot can't see it. It may have been deleted")
    assert mints(world) == 1


async def test_a_card_is_not_shared_with_another_organisation(world: Environment) -> None:
    await world.start()
    world.releases.shared = True
    ready(world)
    answer = await world.ask("get courier")
    words = await said(await press(world.slack, answer, "Share here", user=world.ana))
    assert words == (
        "This channel is shared with another organisation, and announcements show your changelog and branch. "
        "Choose a channel that isn't shared."
    )
    assert world.slack.messages(world.releases) == []


@pytest.mark.parametrize("private", [False, True])
async def test_where_the_bot_is_not_the_exact_invitation_is_said(world: Environment, private: bool) -> None:
    await world.start()
    where = world.slack.channel("elsewhere", private=private, bot_is_member=False, members=(world.ana,))
    ready(world)
    answer = await world.ask("get courier", channel=where)
    words = await said(await press(world.slack, answer, "Share here", user=world.ana))
    name = world.slack.users[world.slack.bot_user_id].handle
    assert (
        words == f"I'm not in this channel, so I can't post here. Invite me first: `/invite @{name}`, then try again."
    )
    assert world.slack.messages(where) == []
    assert [entry for entry in await world.bot.store.run(audit.list_entries) if entry.action == AuditAction.SHARE] == []


async def test_link_share_form_has_its_verb_in_spanish(world: Environment) -> None:
    """*Share* is no share of downloads there."""
    await world.start()
    ready(world)
    world.ana.locale = "es-ES"
    form = await (await press(world.slack, await world.ask("get courier"), "Share here", user=world.ana)).view()
    words = [form.payload[part]["text"] for part in ("title", "submit", "close")]
    assert words == ["¿Compartir en #releases?", "Compartir", "Cancelar"]


async def test_link_share_asks_first_and_says_who_will_see_it(world: Environment) -> None:
    await world.start()
    ready(world)
    form = await (await press(world.slack, await world.ask("get courier"), "Share here", user=world.ana)).view()
    words = [form.payload[part]["text"] for part in ("title", "submit", "close")]
    assert words == ["Share in #releases?", "Share", "Cancel"]
    assert f"Everyone in <#{world.releases.id}> will see *Courier 2.4.0 (173) · iOS*" in str(form.blocks)
    await rested(world)
    assert world.slack.messages(world.releases) == []


async def test_link_share_button_of_an_earlier_version_works(world: Environment) -> None:
    await world.start()
    build = ready(world)
    old = old_card(world.slack, world.releases, "share.v1", f"{world.courier.id}/{build.id}")
    await press(world.slack, old, "Old", user=world.ana)
    await rested(world)
    assert f"Shared by <@{world.ana.id}>" in seen(world.slack.messages(world.releases)[-1])


# ------------------------------------------------------------------ an iPhone without PUBLIC_URL


async def test_link_without_public_address_explains_and_gives_file(world: Environment) -> None:
    await world.start()
    ready(world)
    answer = await world.ask("get courier")
    assert "On iPhone, install from Applivery." in seen(answer)
    assert "PUBLIC_URL" not in raw(answer)
    assert labels(answer)[:2] == ["Download .ipa", "Applivery"]


async def test_install_without_public_address_explains_mints_nothing(world: Environment) -> None:
    """The answer offers what is possible without one."""
    await world.start()
    build = ready(world)
    answer = await world.ask("get courier type:auto")
    assert mints(world) == 0
    assert "On iPhone, install from Applivery." in seen(answer)
    assert labels(answer) == ["Open in Applivery", IOS_FILE]
    dashboard = answer.element("open.dashboard")["url"]
    assert dashboard.startswith(world.applivery.url)
    assert build.id in dashboard
    got = await (await press(world.slack, answer, IOS_FILE, user=world.ana)).answer()
    assert [token.type for token in world.applivery.minted] == ["file"]
    assert await downloaded(got) == 200


async def test_the_installation_hint_is_for_apple_s_phones_alone(world: Environment) -> None:
    await world.start()
    ready(world, os="android")
    answer = await world.ask("get courier type:auto")
    assert "iPhone" not in raw(answer)
    assert mints(world) == 1


# ------------------------------------------------------------------ a double click


@pytest.mark.parametrize("label", ["Fresh link", "Send to my DM"])
async def test_two_clicks_in_one_moment_mint_once(world: Environment, label: str) -> None:
    await world.start()
    ready(world)
    answer = await world.ask("get courier")
    await asyncio.gather(*(press(world.slack, answer, label, user=world.ana) for _ in range(2)))
    await rested(world)
    assert mints(world) == 2  # the command's, and one of the clicks


async def test_link_double_click_mints_once_and_later_click_again(world: Environment) -> None:
    clock = Clock(world)
    await world.start()
    card = await shared(world)
    for _ in range(2):
        await press(world.slack, card, "Get build", user=world.bruno)
        await rested(world)
    assert mints(world) == 2
    clock.forward(seconds=3)
    await press(world.slack, card, "Get build", user=world.bruno)
    await rested(world)
    assert mints(world) == 3


async def test_link_retry_after_failure_is_allowed_at_once(world: Environment) -> None:
    await world.start()
    ready(world)
    answer = await world.ask("get courier")
    world.applivery.faults.add(MINTING, Fault(status=503))
    assert "Try again" in await said(await press(world.slack, answer, "Fresh link", user=world.ana))
    await rested(world)
    assert link(await (await press(world.slack, answer, "Fresh link", user=world.ana)).answer())
    assert mints(world) == 3


async def test_a_click_after_a_refused_one_is_no_double_click(world: Environment) -> None:
    await world.start()
    card = await shared(world)
    world.bruno.guest = True
    for _ in range(2):
        turn = await press(world.slack, card, "Get build", user=world.bruno)
        assert "Guests" in await said(turn)
        await rested(world)
    assert mints(world) == 1  # Ana's


async def test_two_people_who_click_in_one_moment_both_get_a_link(world: Environment) -> None:
    await world.start()
    card = await shared(world)
    turns = await asyncio.gather(*(press(world.slack, card, "Get build", user=who) for who in (world.ana, world.bruno)))
    first, second = [await turn.answer() for turn in turns]
    assert link(first) != link(second)


async def test_a_double_click_shares_one_card_and_sends_one_message(world: Environment) -> None:
    await world.start()
    card = await shared(world)
    build = world.applivery.builds[0]
    old = old_card(world.slack, world.releases, "share.v1", f"{world.courier.id}/{build.id}")
    await asyncio.gather(*(press(world.slack, old, "Old", user=world.bruno) for _ in range(3)))
    await rested(world)
    world.slack.mailbox.delete(old)
    assert len(world.slack.messages(world.releases)) == 2
    assert world.slack.messages(world.releases)[0] is card


async def test_a_click_makes_two_commits(world: Environment) -> None:
    """One before the link is created, which counts it, and one after."""
    clock = Clock(world)
    await world.start()
    card = await shared(world)
    assert link(await (await press(world.slack, card, "Get build", user=world.bruno)).answer())  # Slack is asked who
    await rested(world)
    clock.forward(seconds=3)
    statements: list[str] = []
    world.bot.store._runner._connection.set_trace_callback(statements.append)  # type: ignore[attr-defined]
    assert link(await (await press(world.slack, card, "Get build", user=world.bruno)).answer())
    await rested(world)
    assert statements.count("COMMIT") == 2


def reads(world: Environment, build: FakeBuild) -> int:
    """How often Applivery was asked for a build's details."""
    return sum(request.path.endswith(f"/builds/{build.id}") for request in world.applivery.requests)


async def test_clicks_on_a_new_card_share_the_details_but_no_token(world: Environment) -> None:
    await world.start()
    card = await shared(world)
    [build] = world.applivery.builds
    before = reads(world, build)
    first = await (await press(world.slack, card, "Get build", user=world.ana)).answer()
    second = await (await press(world.slack, card, "Get build", user=world.bruno)).answer()
    assert reads(world, build) <= before + 1
    assert link(first) != link(second)
    assert [await downloaded(message) for message in (first, second)] == [200, 200]


async def test_a_build_that_was_deleted_a_moment_ago_is_refused(world: Environment) -> None:
    await world.start()
    card = await shared(world)
    [build] = world.applivery.builds
    assert link(await (await press(world.slack, card, "Get build", user=world.ana)).answer())
    before = reads(world, build)
    world.applivery.delete(build)
    answer = await (await press(world.slack, card, "Get build", user=world.bruno)).answer()
    assert "no longer has this item" in answer.text
    assert "/v1/download/" not in raw(answer)
    assert reads(world, build) == before, "it was the token that Applivery refused"


async def test_a_refused_person_costs_no_request_of_applivery(world: Environment) -> None:
    await world.start()
    card = await shared(world)
    world.bruno.guest = True
    before = len(world.applivery.requests)
    assert "Guests" in await said(await press(world.slack, card, "Get build", user=world.bruno))
    assert len(world.applivery.requests) == before


async def test_a_ticket_is_for_a_build_that_was_asked_for_just_now(world: Environment) -> None:
    """Nothing is minted with it, so that Applivery would refuse nothing."""
    await start_with_page(world)
    card = await shared(world)
    [build] = world.applivery.builds
    assert "/b/" in await said(await press(world.slack, card, "Get build", user=world.ana))
    world.applivery.delete(build)
    assert "no longer has this item" in await said(await press(world.slack, card, "Get build", user=world.bruno))


@pytest.mark.postgres
async def test_a_double_click_that_reaches_two_processes_mints_once(postgres_url: str, world: Environment) -> None:
    world.database = postgres_url
    async with AsyncExitStack() as stack:
        await world.start()
        other = await stack.enter_async_context(running(world.settings(), world.tuning, jobs=False))
        await world.slack.until(lambda: len(world.slack.sockets) == 2)
        card = await shared(world)
        before = mints(world)
        for _ in range(4):  # round about: both get some
            await press(world.slack, card, "Get build", user=world.bruno)
        await rested(world)
        await other.dispatcher.drain(5)
        assert mints(world) == before + 1
        counted = "applivery_bot_requests_total"
        labelled = {"door": Entrypoint.BUTTON, "name": "get.v1", "outcome": RequestOutcome.ANSWERED}
        by_each = [bot.metrics.registry.get_sample_value(counted, labelled) for bot in (world.bot, other)]
        assert by_each == [2, 2]
        await world.stop()


# ------------------------------------------------------------------ so many a minute, so many an hour


async def test_so_many_links_a_minute_and_then_when_to_try_again(world: Environment) -> None:
    clock = Clock(world)
    await world.start(links_per_minute=2)
    card = await shared(world)  # Ana's first
    assert link(await world.ask("get courier"))
    refused = (await world.ask("get courier")).text
    assert re.fullmatch(r"You asked for too many links in a short time\. Try again in (5\d|60) seconds\.", refused)
    words = await said(await press(world.slack, card, "Get build", user=world.ana))
    assert words.startswith("You asked for too many links")
    assert mints(world) == 2
    assert link(await world.ask("get courier", user=world.bruno)), "somebody else is not held up"
    clock.forward(seconds=61)
    assert link(await world.ask("get courier"))


async def test_a_click_that_leads_to_no_link_is_not_counted(world: Environment) -> None:
    """A link is counted as the click arrives, and no longer when the user gets none."""
    clock = Clock(world)
    await world.start(links_per_minute=2)
    card = await shared(world)
    assert link(await (await press(world.slack, card, "Get build", user=world.bruno)).answer())
    await rested(world)
    for number in range(3):
        clock.forward(seconds=3)
        build = ready(world, number=str(180 + number))
        other = old_card(world.slack, world.releases, "get.v1", f"{world.courier.id}/{build.id}")
        world.applivery.faults.add(f"GET /v1/organizations/*/builds/{build.id}", Fault(status=403))
        words = await said(await press(world.slack, other, "Old", user=world.bruno))
        assert not words.startswith("You asked for too many links")
        await rested(world)
    clock.forward(seconds=3)
    assert link(await (await press(world.slack, card, "Get build", user=world.bruno)).answer())


async def test_so_many_links_an_hour(world: Environment) -> None:
    clock = Clock(world)
    await world.start(links_per_minute=5, links_per_hour=6)
    ready(world)
    for _ in range(5):
        await world.ask("get courier")
    clock.forward(minutes=2)
    assert link(await world.ask("get courier"))
    assert "Try again in 58 minutes." in (await world.ask("get courier")).text
    assert mints(world) == 6


async def test_link_limit_is_ten_a_minute_per_user_unless_set(world: Environment) -> None:
    await world.start()
    ready(world)
    answers = [await world.ask("get courier") for _ in range(11)]
    assert mints(world) == 10
    assert answers[-1].text.startswith("You asked for too many links in a short time.")
    outcomes = [entry.outcome for entry in await world.bot.store.run(audit.list_entries)]
    assert outcomes == ["TooEager", *["minted"] * 10]


async def test_no_way_leads_around_the_measure(world: Environment) -> None:
    await world.start(links_per_minute=1)
    build = ready(world)
    world.applivery.attach(build, "notes.pdf", b"x")
    answer = await world.ask("get courier")
    listed = await world.ask("files courier")
    for message, label in ((answer, "Fresh link"), (answer, "Send to my DM"), (listed, "Get")):
        assert (await said(await press(world.slack, message, label, user=world.ana))).startswith(
            "You asked for too many links"
        ), label
    assert await said(await world.slack.mention("get courier", world.ana, world.releases)) if False else True
    assert mints(world) == 1
    assert directs(world, world.ana) == []


# ------------------------------------------------------------------ the form


async def open_form(world: Environment, typed: str = "get", user: Any = None, channel: Any = None) -> Any:
    turn = await world.slack.command("/applivery", typed, user=user or world.bruno, channel=channel or world.releases)
    return await turn.view()


async def test_a_typeahead_offers_a_hundred_at_most(world: Environment) -> None:
    for number in range(130):
        world.applivery.app(f"App {number:03}")
    for number in range(120):
        world.applivery.build(world.courier, version=f"1.{number}.0", number=str(number), os="ios")
    await world.start()
    form = await open_form(world)
    assert len(await world.slack.options(form, "get.app", "", user=world.bruno)) == 100
    assert [
        option["text"]["text"] for option in await world.slack.options(form, "get.app", "app 12", user=world.bruno)
    ] == [f"App {number}" for number in range(120, 130)]
    form.values["get.app"] = {
        "get.app": {"type": "external_select", "selected_option": {"value": world.courier.id, "text": {}}}
    }
    offered = await world.slack.options(form, "get.build", "", user=world.bruno)
    assert len(offered) == 100
    assert [option["text"]["text"].split(" ")[0] for option in offered[:3]] == ["1.119.0", "1.118.0", "1.117.0"]


async def test_typeahead_too_slow_is_answered_empty_in_time(world: Environment) -> None:
    world.applivery.app("Driver")
    await world.start()
    form = await open_form(world)
    await world.restart()  # forgets the apps
    world.applivery.faults.add("GET /v1/*", Fault(latency=4))
    started = asyncio.get_running_loop().time()
    assert await world.slack.options(form, "get.app", "cour", user=world.bruno) == []
    assert asyncio.get_running_loop().time() - started < 3 * busyness()


async def test_only_builds_that_can_be_had_are_offered(world: Environment) -> None:
    world.applivery.app("Driver")
    ready(world)
    ready(world, version="2.5.0", status="in_progress")
    ready(world, version="2.6.0", status="error")
    await world.start()
    form = await open_form(world)
    await world.slack.options(form, "get.app", "", user=world.bruno)
    form.values["get.app"] = {
        "get.app": {"type": "external_select", "selected_option": {"value": world.courier.id, "text": {}}}
    }
    offered = await world.slack.options(form, "get.build", "", user=world.bruno)
    assert [option["text"]["text"][:5] for option in offered] == ["2.4.0"]


def preset(form: Any) -> str | None:
    """The app that the form proposes."""
    [element] = [block["element"] for block in form.blocks if block["block_id"] == "get.app"]
    return element.get("initial_option", {}).get("text", {}).get("text")


async def test_get_form_remembers_last_choice_of_user_in_channel(world: Environment) -> None:
    driver = world.applivery.app("Driver")
    world.applivery.build(driver)
    ready(world)
    other = world.slack.channel("other", members=(world.ana, world.bruno))
    await world.start()
    assert preset(await open_form(world)) is None
    await world.ask("get driver", user=world.bruno)
    await world.ask("get courier", user=world.bruno, channel=other)
    await world.ask("get courier", user=world.ana)
    await world.restart()
    assert preset(await open_form(world)) == "Driver"
    assert preset(await open_form(world, channel=other)) == "Courier"
    assert preset(await open_form(world, user=world.ana, channel=other)) is None


async def test_the_remembered_app_goes_on_without_another_choice(world: Environment) -> None:
    world.applivery.app("Driver")
    ready(world)
    await world.start()
    await world.ask("get courier", user=world.bruno)
    form = await open_form(world)
    assert await world.slack.options(form, "get.build", "", user=world.bruno)
    await world.slack.submit(form, {}, user=world.bruno)
    await world.slack.until(lambda: len(world.slack.ephemerals(world.bruno)) == 2)
    assert "2.4.0 (173)" in world.slack.ephemerals(world.bruno)[-1].text


# ------------------------------------------------------------------ trouble


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(status=503), "Applivery isn't answering right now. Nothing was lost. Try again in a minute."),
        (Fault(drop_after=True), "Applivery isn't answering right now."),
        (Fault(status=429, retry_after=5), "Applivery is busy."),
        (Fault(status=401, code=4004), "Applivery doesn't accept this bot's token. Create a new token"),
        (Fault(status=403, code=4003), "This bot isn't allowed to do that in Applivery."),
        (Fault(body="<html>"), "Applivery sent a response this bot doesn't understand."),
    ],
)
async def test_a_link_that_could_not_be_made_is_explained(world: Environment, fault: Fault, words: str) -> None:
    await world.start()
    ready(world)
    world.applivery.faults.add(MINTING, fault)
    answer = await world.ask("get courier")
    assert words in answer.text
    assert "/v1/download/" not in raw(answer)


# ------------------------------------------------------------------ with PUBLIC_URL


async def test_link_with_public_address_is_page_and_mints_nothing(world: Environment) -> None:
    address = await start_with_page(world)
    ready(world)
    answer = await world.ask("get courier")
    assert mints(world) == 0
    page = answer.element("open.link")["url"]
    assert re.fullmatch(rf"{re.escape(address)}/b/[\w-]{{22}}", page)
    assert page in answer.text
    assert "(10 min)" in seen(answer) or "(9 min)" in seen(answer)
    assert "iPhone" not in raw(answer)
    assert labels(answer) == ["Install", FAILED, *MORE]
    [entry] = await world.bot.store.run(audit.list_entries)
    assert (entry.user_id, entry.outcome) == (world.ana.id, AuditOutcome.TICKET)


async def test_the_file_button_leads_to_a_page_for_the_file(world: Environment) -> None:
    await start_with_page(world)
    ready(world)
    answer = await world.ask("get courier")
    shown = await (await press(world.slack, answer, "Details", user=world.ana)).answer()
    got = await (await press(world.slack, shown, IOS_FILE, user=world.ana)).answer()
    assert labels(got) == ["Download .ipa", FAILED, *MORE]
    back = await (await press(world.slack, got, "Details", user=world.ana)).answer()
    assert labels(back)[0] == "Install"
    assert mints(world) == 0
