"""The claim page: looking changes nothing, one press gives one file, and everything else is said in words."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import io
import logging
import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from bot.db import audit, installations, recalls, tickets
from bot.db.database import Database
from bot.domain.audit import AuditAction, AuditOutcome, Entrypoint
from bot.domain.install_rules import RULES
from bot.domain.model import App, Build, FileKind, Stage
from bot.domain.outcomes import ClaimOutcome
from bot.domain.tickets import TicketState, TicketStatus, fingerprint, new_ticket
from bot.observability import logging as bot_logging
from bot.web.brute_force_guard import ADDRESSES, LIMIT, BruteForceGuard
from bot.web.claim.page import SUSPECTS
from bot.web.liveness import LivenessServer
from bot.web.server import HttpServer
from bot.web.single_flight import SingleFlight
from sandbox.faults import Fault
from tests.integration.web.conftest import ANA, ANDROID, IPHONE, MAC, WINDOWS, ClaimEnvironment, PageSnapshot, ended
from tests.support.waiting import PATIENCE, patience

VENDORS = {rule.page for rule in RULES}
HEADING = re.compile(r"<h1>(.*?)</h1>", re.DOTALL)
BUTTON = re.compile(r'<button type="submit"[^>]*>(.*?)</button>')


def heading(seen: PageSnapshot) -> str:
    found = HEADING.findall(seen.text)
    assert len(found) == 1, seen.text
    return html.unescape(re.sub(r"<[^>]+>", "", found[0]))


def buttons(seen: PageSnapshot) -> list[str]:
    return BUTTON.findall(seen.text)


# ------------------------------------------------------------------ looking


async def test_the_page_shows_the_build_and_what_it_needs(desk: ClaimEnvironment) -> None:
    ios = {
        "plist": {"MinimumOSVersion": "17.0"},
        "mobileprovision": {"signingType": "ad-hoc", "ProvisionsAllDevices": False},
    }
    build = desk.build(size=48_200_000, info={"ios": ios})
    seen = await desk.get(await desk.address(build), IPHONE)
    assert seen.status == 200
    assert heading(seen) == "Courier"
    assert buttons(seen) == ["Install"]
    for words in ("2.4.0", "173", "iPhone and iPad", "48.2 MB", "iOS 17.0</bdi> or newer", "Single use", "10 min"):
        assert words in seen.text
    assert "person who requested it in Slack" in seen.text
    assert "UANA" not in seen.text


@pytest.mark.parametrize(
    ("about", "word", "kind"),
    [
        ({"os": "macos", "extension": "PKG"}, ".pkg", FileKind.FILE),
        ({"os": "windows", "extension": "exe"}, ".exe", FileKind.FILE),
        ({"os": None, "buildPlatform": "ps5", "extension": "zip"}, ".zip", FileKind.FILE),
        ({"os": None, "buildPlatform": None, "extension": "ipa"}, ".ipa", FileKind.FILE),
        ({"os": None, "buildPlatform": None, "extension": "apk"}, ".apk", FileKind.AUTO),
    ],
)
async def test_the_page_gives_each_kind_of_file(desk: ClaimEnvironment, about: Any, word: str, kind: FileKind) -> None:
    address = await desk.address(desk.build(**about))
    assert f"Download the {word}" in buttons(await desk.get(address, WINDOWS))
    assert (await desk.post(address, WINDOWS)).status == 303
    assert [token.type for token in desk.applivery.minted] == [kind]


@pytest.mark.parametrize("ask", [ClaimEnvironment.get, ClaimEnvironment.post])
async def test_the_page_says_an_unknown_status_as_unknown(desk: ClaimEnvironment, ask: Any) -> None:
    seen = await ask(desk, await desk.address(desk.build(status="pending_deletion")))
    assert (seen.status, heading(seen)) == (409, "This build isn't available")
    assert "“pending_deletion”" in seen.text
    assert "processing" not in seen.text
    assert desk.applivery.minted == []
    failed = await ask(desk, await desk.address(desk.build(status="error")))
    assert heading(failed) == "This build can't be installed"


async def test_the_page_says_the_day_when_it_is_not_today(desk: ClaimEnvironment) -> None:
    await desk.web.close()
    await desk.open(life_seconds=86_400)
    seen = await desk.get(await desk.address(desk.build()))
    at = desk.clock() + timedelta(days=1)
    assert f">{at:%-d %b %Y}, " in seen.text
    assert ">24 h</span>)" in seen.text


@pytest.mark.parametrize(
    ("expires_at", "words"),
    [
        ("2099-01-01T00:00:00.000Z", "1 Jan 2099, 00:00 UTC"),
        ("2020-01-01T00:00:00.000Z", "expired <"),
        (None, "expires soon"),
        ("soon", "expires soon"),
    ],
)
async def test_the_page_that_installs_says_what_the_date_means(
    desk: ClaimEnvironment, expires_at: Any, words: str
) -> None:
    desk.applivery.reshape(
        "GET /v1/organizations/*/downloadToken",
        lambda body: {**body, "data": {**body["data"], "expiresAt": expires_at}},
    )
    seen = await desk.post(await desk.address(desk.build()), IPHONE)
    assert words in seen.text
    assert "itms-services://" in seen.text


async def test_claim_page_crawler_visits_mint_and_spend_nothing(desk: ClaimEnvironment) -> None:
    address = await desk.address(desk.build())
    before = await desk.store.run(tickets.get_ticket, fingerprint(address[-22:]))
    seen = await asyncio.gather(*(ask(address) for _ in range(50) for ask in (desk.get, desk.head)))
    assert {response.status for response in seen} == {200}
    assert desk.applivery.minted == []
    assert await desk.store.run(tickets.get_ticket, fingerprint(address[-22:])) == before
    assert await desk.store.run(audit.list_entries) == []
    assert (await desk.post(address)).status == 303


async def test_many_looks_are_one_request_to_applivery(desk: ClaimEnvironment) -> None:
    address = await desk.address(desk.build())
    await asyncio.gather(*(desk.get(address) for _ in range(20)))
    assert len(desk.applivery.requests) == 1


async def test_head_answers_like_get_without_a_body(desk: ClaimEnvironment) -> None:
    address = await desk.address(desk.build())
    got, headed = await desk.get(address), await desk.head(address)
    assert (headed.status, headed.text) == (200, "")
    assert {**headed.headers, "Date": ""} == {**got.headers, "Date": ""}


@pytest.mark.parametrize(
    ("agent", "os", "kind", "expected", "qr"),
    [
        (IPHONE, "ios", FileKind.AUTO, ["Install"], False),
        (IPHONE, "ios", FileKind.FILE, ["Download the .ipa"], False),
        (MAC, "ios", FileKind.AUTO, ["Download the .ipa", "Install on this iPad"], True),
        (WINDOWS, "ios", FileKind.AUTO, ["Download the .ipa"], True),
        (ANDROID, "ios", FileKind.AUTO, ["Download the .ipa"], False),
        (ANDROID, "android", FileKind.AUTO, ["Download the .apk"], False),
        (ANDROID, "android", FileKind.AAB, ["Download the .aab"], False),
        (WINDOWS, "android", FileKind.AUTO, ["Download the .apk"], True),
        (MAC, "macos", FileKind.AUTO, ["Download the .pkg"], True),
        ("", "ios", FileKind.AUTO, ["Download the .ipa"], True),
    ],
)
async def test_each_device_is_offered_what_it_can_use(
    desk: ClaimEnvironment, agent: str, os: str, kind: FileKind, expected: list[str], qr: bool
) -> None:
    build = desk.build(os, extension="aab" if kind is FileKind.AAB else None)
    seen = await desk.get(await desk.address(build, kind), agent)
    assert buttons(seen) == expected
    assert ("<svg" in seen.text) is qr


@pytest.mark.parametrize(
    ("agent", "browser"),
    [(f"{IPHONE} Slack/24.11", "Safari"), (f"{ANDROID} Instagram 300", "Chrome"), (IPHONE, None), (ANDROID, None)],
)
async def test_a_browser_inside_another_app_is_told_what_to_open(
    desk: ClaimEnvironment, agent: str, browser: str | None
) -> None:
    address = await desk.address(desk.build())
    seen = await desk.get(address, agent)
    assert (f"Open this page in {browser}" in seen.text) is (browser is not None)
    assert (address in seen.text) is (browser is not None)


async def test_words_from_outside_are_inert(desk: ClaimEnvironment) -> None:
    app = desk.applivery.app("<script>alert(1)</script>", slug="odd")
    build = desk.applivery.build(app, version='1"><img src=x>', number="{{ 7*7 }}")
    seen = await desk.get(await desk.address(build))
    assert seen.text.count("<script") == 1, "our own"
    assert "<img" not in seen.text
    assert "{{ 7*7 }}" in seen.text


# ------------------------------------------------------------------ claiming


async def test_an_iphone_gets_the_installer_and_a_link_for_the_hand(desk: ClaimEnvironment) -> None:
    address = await desk.address(desk.build())
    seen = await desk.post(address, IPHONE, data={"as": "install"})
    (token,) = desk.applivery.minted
    manifest = f"{desk.applivery.url}/v1/download/{token.token}/manifest.plist"
    target = f"itms-services://?action=download-manifest&amp;url={manifest}"
    assert seen.status == 200
    assert f'<meta http-equiv="refresh" content="0; url={target}">' in seen.text
    assert f'<a class="press" href="{target}">' in seen.text
    assert token.type == "auto"
    async with desk.http.get(manifest) as plist:
        assert plist.status == 200


@pytest.mark.parametrize(
    ("agent", "os", "kind", "choice", "type_"),
    [
        (MAC, "ios", FileKind.AUTO, "file", "file"),
        (MAC, "ios", FileKind.AUTO, "", "file"),
        (MAC, "ios", FileKind.AUTO, "nonsense", "file"),
        (IPHONE, "ios", FileKind.AUTO, "file", "file"),
        (IPHONE, "ios", FileKind.FILE, "install", "file"),
        (ANDROID, "android", FileKind.AUTO, "file", "auto"),
        (ANDROID, "android", FileKind.AAB, "file", "aab"),
        (IPHONE, "android", FileKind.AUTO, "install", "auto"),
        (MAC, "macos", FileKind.AUTO, "", "file"),
    ],
)
async def test_everything_else_is_sent_to_the_file(
    desk: ClaimEnvironment, agent: str, os: str, kind: FileKind, choice: str, type_: str
) -> None:
    build = desk.build(os, extension="aab" if kind is FileKind.AAB else None)
    seen = await desk.post(await desk.address(build, kind), agent, data={"as": choice})
    (token,) = desk.applivery.minted
    assert token.type == type_
    assert seen.status == 303
    assert seen.headers["Location"] == f"{desk.applivery.url}/v1/download/{token.token}"
    async with desk.http.get(seen.headers["Location"]) as file:
        assert file.status == 200


async def test_a_mac_that_is_an_ipad_can_install(desk: ClaimEnvironment) -> None:
    seen = await desk.post(await desk.address(desk.build()), MAC, data={"as": "install"})
    assert "itms-services://" in seen.text
    assert [token.type for token in desk.applivery.minted] == ["auto"]


async def test_an_iphone_that_says_nothing_installs(desk: ClaimEnvironment) -> None:
    seen = await desk.post(await desk.address(desk.build()), IPHONE)
    assert "itms-services://" in seen.text


async def test_an_attachment_is_minted_by_its_file_id(desk: ClaimEnvironment) -> None:
    build = desk.build()
    desk.applivery.attach(build, "notes <1>.txt", b"hello", "text/plain")
    file_id = build.wire["files"][-1]["id"]
    address = await desk.address(build, file_id=file_id)
    seen = await desk.get(address, IPHONE)
    assert buttons(seen) == ["Download notes &lt;1&gt;.txt"]
    assert "5 bytes" in seen.text
    seen = await desk.post(address, IPHONE, data={"as": "file"})
    async with desk.http.get(seen.headers["Location"]) as file:
        assert await file.read() == b"hello"
    assert [(token.type, token.file_id) for token in desk.applivery.minted] == [("auto", file_id)]


async def test_an_attachment_that_was_removed_is_gone(desk: ClaimEnvironment) -> None:
    build = desk.build()
    seen = await desk.get(await desk.address(build, file_id="F00000000000000000000000"))
    assert (seen.status, heading(seen)) == (410, "This build was deleted")


async def test_of_fifty_claims_at_once_one_mints(desk: ClaimEnvironment) -> None:
    address = await desk.address(desk.build("android"))
    seen = await asyncio.gather(*(desk.post(address, ANDROID) for _ in range(50)))
    assert sorted(response.status for response in seen) == [303] + [410] * 49
    assert len(desk.applivery.minted) == 1
    assert desk.counted(ClaimOutcome.MINTED) == 1
    assert desk.counted(TicketStatus.SPENT) == 49
    assert len(await desk.store.run(audit.list_entries)) == 1


async def test_claim_page_repeat_press_only_in_same_browser(desk: ClaimEnvironment) -> None:
    """Another browser is told that the link was taken."""
    address = await desk.address(desk.build("android"))
    desk.applivery.faults.add("GET */downloadToken", Fault(latency=1.0))
    first = asyncio.create_task(desk.post(address, ANDROID))
    await desk.applivery.until(
        lambda: any(request.path.endswith("/downloadToken") for request in desk.applivery.requests)
    )
    again, other = await asyncio.gather(desk.post(address, ANDROID), desk.post(address, WINDOWS))
    assert [(await first).status, again.status, other.status] == [410, 303, 410]
    assert len(desk.applivery.minted) == 1
    assert (await desk.post(address, ANDROID)).status == 410


async def test_claim_page_last_press_gets_link_and_all_hear_failure() -> None:
    presses: SingleFlight[str] = SingleFlight()
    go = asyncio.Event()
    done: list[str] = []

    async def work() -> str:
        await go.wait()
        done.append("work")
        if len(done) == 2:
            raise ValueError
        return "answer"

    for expected in ([None, None, "answer"], [ValueError] * 3):
        asked = [asyncio.create_task(presses.last("key", work)) for _ in range(3)]
        await asyncio.wait(asked, timeout=0)
        go.set()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(answer) if isinstance(answer, Exception) else answer for answer in answers] == expected
        go.clear()
    assert len(done) == 2


async def test_a_claim_is_written_down_without_the_token(desk: ClaimEnvironment) -> None:
    build = desk.build("android")
    await desk.post(await desk.address(build), ANDROID)
    (token,) = desk.applivery.minted
    (entry,) = await desk.store.run(audit.list_entries)
    assert (entry.team_id, entry.user_id, entry.channel_id) == ("T1", "UANA", "C1")
    assert (entry.action, entry.outcome, entry.entrypoint) == (
        AuditAction.GET,
        AuditOutcome.MINTED,
        Entrypoint.CLAIM_PAGE,
    )
    assert (entry.app_id, entry.build_id) == (build.app.id, build.id)
    assert entry.token_hash == fingerprint(token.token)
    assert token.token not in str(entry)


async def test_the_address_lives_ten_minutes(desk: ClaimEnvironment) -> None:
    build = desk.build()
    known = Build(build.id, App(build.app.id, "courier", "Courier"), Stage.READY)
    address, until = await desk.claim.issue(asker=ANA, build=known, kind=FileKind.AUTO)
    assert re.fullmatch(rf"{desk.url}/b/[A-Za-z0-9_-]{{22}}", address)
    assert abs(until - datetime.now(UTC) - timedelta(minutes=10)) < timedelta(seconds=5)


# ------------------------------------------------------------------ when there is nothing to give


@pytest.mark.parametrize(
    ("why", "status", "title"),
    [
        (TicketStatus.SPENT, 410, "This link was used"),
        (TicketStatus.EXPIRED, 410, "This link expired"),
        (TicketStatus.CANCELLED, 410, "There is a newer link"),
        (TicketStatus.RECALLED, 410, "This build was recalled"),
        (TicketStatus.UNKNOWN, 404, "This link doesn't work"),
    ],
)
async def test_a_ticket_that_cannot_be_claimed_says_why_and_what_to_do(
    desk: ClaimEnvironment, why: TicketStatus, status: int, title: str
) -> None:
    address = await ended(desk, why)
    counted = desk.counted(why)
    for seen in (await desk.get(address), await desk.post(address)):
        assert (seen.status, heading(seen)) == (status, title)
        assert "Slack" in seen.text
        assert buttons(seen) == []
    assert (await desk.head(address)).status == status
    assert desk.counted(why) - counted == 3
    assert desk.applivery.minted == []


async def test_a_build_that_was_deleted_is_gone_and_costs_no_claim(desk: ClaimEnvironment) -> None:
    build = desk.build()
    address = await desk.address(build)
    desk.applivery.delete(build)
    for seen in (await desk.get(address), await desk.post(address)):
        assert (seen.status, heading(seen)) == (410, "This build was deleted")
    assert desk.counted(ClaimOutcome.GONE) == 2


async def test_a_build_deleted_between_look_and_press_is_gone(desk: ClaimEnvironment) -> None:
    build = desk.build()
    address = await desk.address(build)
    assert (await desk.get(address)).status == 200
    desk.applivery.delete(build)
    seen = await desk.post(address)
    assert (seen.status, heading(seen)) == (410, "This build was deleted")
    assert (await desk.store.run(tickets.get_ticket, fingerprint(address[-22:]))).uses_left == 1  # type: ignore[union-attr]


async def test_claim_page_unready_build_can_be_retried_until_ready(desk: ClaimEnvironment) -> None:
    build = desk.build("android", status="in_progress")
    address = await desk.address(build)
    for seen in (await desk.get(address), await desk.post(address)):
        assert (seen.status, heading(seen)) == (409, "This build isn't ready yet")
        assert buttons(seen) == ["Try again"]
    assert [entry.outcome for entry in await desk.store.run(audit.list_entries)] == ["NotProcessed"]
    desk.applivery.move(build, "processed")
    assert (await desk.get(address)).status == 200
    assert (await desk.post(address)).status == 303


async def test_a_build_that_failed_says_so(desk: ClaimEnvironment) -> None:
    seen = await desk.get(await desk.address(desk.build(status="error")))
    assert (seen.status, heading(seen)) == (409, "This build can't be installed")
    assert buttons(seen) == []


@pytest.mark.parametrize(
    ("fault", "words", "reference"),
    [
        (Fault(status=500), "Applivery isn't answering right now.", True),
        (Fault(drop=True), "Applivery isn't answering right now.", True),
        (Fault(status=401, code=4002, error="No auth token"), "Only an admin of this bot can fix this.", True),
        (Fault(status=429, retry_after=0), "Applivery is busy", True),
        (Fault(body="<html>"), "a response this bot doesn't", True),
        (Fault(status=400, code=5003, error="Limit Exceeded"), "its plan's limit", False),
    ],
)
async def test_claim_page_failed_mint_returns_claim_and_offers_retry(
    desk: ClaimEnvironment, fault: Fault, words: str, reference: bool
) -> None:
    address = await desk.address(desk.build())
    desk.applivery.faults.add("GET */downloadToken", fault)
    seen = await desk.post(address, IPHONE, data={"as": "install"})
    assert seen.status == 503
    assert words in seen.text
    assert buttons(seen) == ["Try again"]
    assert '<input type="hidden" name="as" value="install">' in seen.text
    assert ("Reference <code>" in seen.text) is reference
    seen = await desk.post(address, IPHONE, data={"as": "install"})
    assert "itms-services://" in seen.text
    failed, minted = sorted(
        await desk.store.run(audit.list_entries), key=lambda entry: entry.outcome == AuditOutcome.MINTED
    )
    assert failed.token_hash is None
    assert minted.outcome == AuditOutcome.MINTED


async def test_applivery_away_at_the_look_is_said_and_nothing_is_spent(desk: ClaimEnvironment) -> None:
    address = await desk.address(desk.build())
    desk.applivery.faults.add("GET */builds/*", Fault(status=503), times=None)
    for seen in (await desk.get(address), await desk.post(address)):
        assert seen.status == 503
        assert "Applivery isn't answering right now." in seen.text
        assert buttons(seen) == ["Try again"]
    desk.applivery.faults.clear()
    assert (await desk.get(address)).status == 200
    assert (await desk.post(address)).status == 303


# ------------------------------------------------------------------ recalled


WHY = "crash on <login> & `logout`"


async def recalled(desk: ClaimEnvironment, build: Any) -> Build:
    """Somebody takes the build back."""
    known = Build(build.id, App(build.app.id, build.app.slug, build.app.name), Stage.READY)
    await desk.store.run(recalls.recall_build, known, WHY, "UANA")
    return known


async def test_the_page_of_a_recalled_build_says_why_and_gives_nothing(desk: ClaimEnvironment) -> None:
    build = desk.build()
    used, address = await desk.address(build, FileKind.FILE), await desk.address(build)
    await desk.post(used)
    await recalled(desk, build)
    for page in (await desk.get(address), await desk.post(address), await desk.get(used), await desk.post(used)):
        assert page.status == 410
        assert heading(page) == "This build was recalled"
        assert "“crash on &lt;login&gt; &amp; `logout`”" in page.text
        assert "Get another build in Slack." in page.text
        assert buttons(page) == []
    assert (await desk.head(address)).status == 410
    assert len(desk.applivery.minted) == 1, "the one before the recall"


async def test_claim_page_ticket_made_during_recall_gives_nothing(desk: ClaimEnvironment) -> None:
    build = desk.build()
    await recalled(desk, build)
    address = await desk.address(build)  # as if it had been asked for an instant before
    assert heading(await desk.get(address)) == "This build was recalled"
    assert (await desk.post(address)).status == 410
    assert desk.applivery.minted == []


async def test_claim_page_after_recall_old_ticket_dead_new_one_works(desk: ClaimEnvironment) -> None:
    build = desk.build()
    address = await desk.address(build)
    await desk.store.run(recalls.undo_recall, await recalled(desk, build))
    page = await desk.post(address)
    assert (page.status, heading(page)) == (410, "This build was recalled")
    assert "Your team blocked new downloads of it" in page.text
    assert (await desk.post(await desk.address(build))).status == 303


# ------------------------------------------------------------------ a claim that broke off


def place(seen: PageSnapshot) -> str:
    """Where the button for a new link leads."""
    found = re.findall(r'<a class="press[^"]*" href="([^"]+)">Get a new link in Slack</a>', seen.text)
    assert len(found) == 1, seen.text
    return str(found[0]).replace("&amp;", "&")


async def test_organisation_s_link_leads_to_its_channel(desk: ClaimEnvironment) -> None:
    """Slack's app_redirect takes workspaces alone."""
    address = await desk.address(desk.build("android"))
    await desk.store.run(installations.adopt_rows, "E1", ["T1"])
    await desk.store.run(tickets.claim_ticket, fingerprint(address[-22:]))
    assert place(await desk.get(address)) == "https://app.slack.com/client/E1/C1"


async def test_a_claim_that_broke_off_is_not_called_used(desk: ClaimEnvironment) -> None:
    address = await desk.address(desk.build("android"))
    await desk.store.run(tickets.claim_ticket, fingerprint(address[-22:]))  # and then the process was killed
    for ask in (desk.get, desk.post):
        seen = await ask(address)
        assert (seen.status, heading(seen)) == (410, "This link may have been used")
        assert "The download was interrupted, and I can't tell whether it finished." in seen.text
        assert "it has been used" not in seen.text
        assert place(seen) == "https://slack.com/app_redirect?team=T1&channel=C1"
    assert desk.applivery.minted == []
    assert desk.counted(TicketStatus.UNSURE) == 2


async def test_claim_page_disconnect_before_answer_is_unknown_use(desk: ClaimEnvironment) -> None:
    """The page does not say that the link was used."""
    address = await desk.address(desk.build("android"))
    desk.applivery.faults.add("GET */downloadToken", Fault(latency=0.5))
    _, writer = await asyncio.open_connection("127.0.0.1", desk.web.port)
    path = address.removeprefix(desk.url)
    writer.write(f"POST {path} HTTP/1.1\r\nHost: bot\r\nContent-Length: 7\r\n\r\nas=file".encode())
    await desk.applivery.until(
        lambda: any(request.path.endswith("/downloadToken") for request in desk.applivery.requests)
    )
    assert (await desk.get(address)).status == 410, "it is being used"
    writer.transport.abort()
    await desk.applivery.until(lambda: desk.applivery.minted)
    async with patience():
        while "can't tell whether it finished" not in (seen := await desk.get(address)).text:
            await asyncio.sleep(0.05)
    assert seen.status == 410


async def test_a_newer_link_is_named_after_a_claim_that_broke_off(desk: ClaimEnvironment) -> None:
    build = desk.build("android")
    address = await desk.address(build)
    await desk.store.run(tickets.claim_ticket, fingerprint(address[-22:]))
    newer = await desk.address(build)
    assert "can't tell whether it finished" in (await desk.get(address)).text
    await desk.store.run(tickets.refund_claim, fingerprint(address[-22:]))
    assert heading(await desk.get(address)) == "There is a newer link"
    assert (await desk.post(newer)).status == 303


async def test_a_recall_ends_a_claim_that_broke_off(desk: ClaimEnvironment) -> None:
    address = await desk.address(desk.build("android"))
    ticket = fingerprint(address[-22:])
    await desk.store.run(tickets.claim_ticket, ticket)
    found = await desk.store.run(tickets.get_ticket, ticket)
    assert found
    await desk.store.run(tickets.end_tickets, found.build_id, TicketState.RECALLED)
    assert heading(await desk.get(address)) == "This build was recalled"


async def test_claim_page_killed_process_leaves_use_unknown(desk: ClaimEnvironment) -> None:
    address = await desk.address(desk.build("android"))
    await desk.web.close()
    await desk.store.close()
    desk.applivery.faults.add("GET */downloadToken", Fault(latency=60.0))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.claiming", str(desk.folder / "bot.db"), desk.applivery.url,
        desk.applivery.token, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout
    port = int(await asyncio.wait_for(child.stdout.readline(), PATIENCE))
    pressed = asyncio.create_task(desk.post(f"http://127.0.0.1:{port}{address.removeprefix(desk.url)}"))
    await desk.applivery.until(
        lambda: any(request.path.endswith("/downloadToken") for request in desk.applivery.requests)
    )
    child.kill()
    await child.wait()
    with pytest.raises(aiohttp.ClientError):
        await pressed
    path = address.removeprefix(desk.url)
    desk.store = await Database.open(f"sqlite:///{desk.folder / 'bot.db'}", clock=desk.clock)
    await desk.open()
    seen = await desk.get(f"{desk.url}{path}")
    assert "The download was interrupted, and I can't tell whether it finished." in seen.text
    assert place(seen)


# ------------------------------------------------------------------ guesses


async def guess(desk: ClaimEnvironment, times: int = LIMIT, **about: Any) -> None:
    for _ in range(times):
        await desk.get(f"{desk.url}/b/{new_ticket()}", **about)


async def test_guesses_are_counted_and_a_ticket_there_is_is_served(desk: ClaimEnvironment) -> None:
    address = await desk.address(desk.build("android"))
    await guess(desk)
    assert desk.counted(TicketStatus.UNKNOWN) == LIMIT
    for path in (new_ticket(), "nonsense", ""):
        seen = await desk.get(f"{desk.url}/b/{path}")
        assert (seen.status, seen.headers["Retry-After"]) == (429, "60")
    assert desk.counted(ClaimOutcome.LIMITED) == 3
    assert (await desk.get(address)).status == 200
    assert (await desk.head(address)).status == 200
    assert (await desk.post(address)).status == 303
    assert (await desk.get(address)).status == 410, "what became of it is told as well"
    desk.ahead = timedelta(minutes=1)
    assert (await desk.get(f"{desk.url}/b/{new_ticket()}")).status == 404


async def test_a_guesser_behind_our_proxy_is_told_from_the_others(desk: ClaimEnvironment) -> None:
    await guess(desk, headers={"X-Forwarded-For": "8.8.8.8, 203.0.113.9"})
    unknown = f"{desk.url}/b/{new_ticket()}"
    guesser, other = {"X-Forwarded-For": "203.0.113.9"}, {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    assert (await desk.get(unknown, headers=guesser)).status == 429
    assert (await desk.get(unknown, headers=other)).status == 404


class Slow:
    """A store that takes its time to find a ticket, and knows how many it looked for at once."""

    def __init__(self, store: Database) -> None:
        self._store = store
        self.now, self.most = 0, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def ticket(self, ticket_hash: str) -> Any:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.01)
        self.now -= 1
        return await self._store.run(tickets.get_ticket, ticket_hash)


async def test_claim_page_guessing_does_not_exhaust_database(desk: ClaimEnvironment) -> None:
    store = desk.store
    desk.store = slow = Slow(store)  # type: ignore[assignment]
    await desk.web.close()
    await desk.open()
    await guess(desk)
    await asyncio.gather(*(guess(desk, 1) for _ in range(20)))
    assert slow.most <= SUSPECTS


def test_guessers_cannot_fill_the_memory() -> None:
    guesses = BruteForceGuard(limit=1, clock=lambda: 0)
    for number in range(ADDRESSES + 10):
        guesses.add(str(number))
    assert len(guesses._attempts) == ADDRESSES
    assert guesses.too_many(str(ADDRESSES + 9))
    assert not guesses.too_many("0")


PATHS = st.one_of(
    st.text(max_size=200), st.text("/.%?#\\\x00é", max_size=40), st.from_regex(r"[\w-]{22}", fullmatch=True)
)


@given(
    path=PATHS,
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"]),
    body=st.binary(max_size=3000),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_guess_and_no_garbage_gets_anything_but_words(
    desk: ClaimEnvironment, path: str, method: str, body: bytes
) -> None:
    desk.ahead += timedelta(minutes=1)
    try:
        address = URL(desk.url) / "b" / path.lstrip("/")
    except ValueError:
        return
    if not address.path.startswith("/b/") or (method == "GET" and not path):
        return
    async with desk.http.request(method, address, data=body, allow_redirects=False) as seen:
        assert seen.status in (404, 405, 429)
        assert_private(seen.headers)
    assert desk.applivery.requests == []


async def test_a_body_that_never_ends_is_cut_off(desk: ClaimEnvironment) -> None:
    address = await desk.address(desk.build("android"))
    seen = await desk.post(address, data=b"as=file&x=" + b"x" * 100_000)
    assert seen.status == 303


# ------------------------------------------------------------------ what every answer carries


def assert_private(headers: Any) -> None:
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Robots-Tag"] == "noindex, nofollow"
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", policy["style-src"])
    assert policy["img-src"] == "data:"
    assert policy["form-action"].startswith("'self' https:")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "Set-Cookie" not in headers


@pytest.mark.parametrize(
    "why",
    [
        TicketStatus.OPEN,
        TicketStatus.SPENT,
        TicketStatus.EXPIRED,
        TicketStatus.CANCELLED,
        TicketStatus.RECALLED,
        TicketStatus.UNKNOWN,
    ],
)
async def test_every_answer_is_kept_from_caches_referrers_and_indexes(desk: ClaimEnvironment, why: str) -> None:
    address = await ended(desk, why)
    for ask in (desk.get, desk.head, desk.post):
        assert_private((await ask(address)).headers)


async def test_claim_page_unforeseen_error_keeps_headers_and_claim(desk: ClaimEnvironment) -> None:
    address = await desk.address(desk.build("android"))
    desk.applivery.reshape("GET */downloadToken", lambda body: {"status": True, "data": {"token": "x" * 20}})
    desk.claim._applivery.hosts = None  # type: ignore[assignment]
    seen = await desk.post(address)
    assert (seen.status, heading(seen)) == (503, "That didn't work")
    assert_private(seen.headers)
    assert (await desk.store.run(tickets.get_ticket, fingerprint(address[-22:]))).uses_left == 1  # type: ignore[union-attr]


@pytest.mark.parametrize("agent", [IPHONE, MAC, ANDROID, f"{IPHONE} Slack/24"])
async def test_claim_page_runs_its_own_script_and_loads_nothing(desk: ClaimEnvironment, agent: str) -> None:
    address = await desk.address(desk.build())
    for seen in (await desk.get(address, agent), await desk.post(address, agent, data={"as": "install"})):
        [script] = re.findall(r"<script>(.*?)</script>", seen.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"script-src 'sha256-{digest}';" in seen.headers["Content-Security-Policy"]
        assert "unsafe" not in seen.headers["Content-Security-Policy"]
        assert re.search(r"\son\w+=", seen.text) is None
        leads = re.findall(r'(?:src|href)="((?!data:|itms-services:|https://slack\.com/app_redirect)[^"]*)', seen.text)
        assert set(leads) <= VENDORS, leads
        assert "src=" not in seen.text
        assert "@import" not in seen.text
        assert "url(" not in seen.text


async def test_without_a_claim_page_the_path_does_not_exist(desk: ClaimEnvironment) -> None:
    bare = HttpServer(metrics=desk.metrics, checks={})
    await bare.start(await LivenessServer.open("127.0.0.1", 0))
    seen = await desk.get(f"http://127.0.0.1:{bare.port}/b/{new_ticket()}")
    await bare.close()
    assert (seen.status, seen.text) == (404, "404: Not Found")


async def test_claim_page_ticket_and_token_not_in_log_row_or_metric(
    desk: ClaimEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    before = (root.handlers, root.level)
    bot_logging.set_up_logs("DEBUG", "json")
    monkeypatch.setattr(root.handlers[0], "stream", stream)
    try:
        addresses = [await ended(desk, why) for why in ("open", "spent", "cancelled", "recalled", "unknown")]
        desk.applivery.faults.add("GET */downloadToken", Fault(status=500))
        for address in addresses:
            for ask in (desk.get, desk.head, desk.post, desk.post):
                await ask(address)
        async with desk.http.request("BREW", addresses[0]):  # aiohttp would log the line it could not read
            pass
        logging.getLogger("aiohttp.server").error("Error handling request %s", addresses[0])
    finally:
        root.handlers, root.level = before
    log = stream.getvalue()
    assert "claim.failed" in log
    assert "BREW" not in log
    secrets = [address[-22:] for address in addresses] + [token.token for token in desk.applivery.minted]
    stored = b"".join(file.read_bytes() for file in desk.folder.iterdir())
    async with desk.http.get(f"{desk.url}/metrics") as metrics:
        counted = await metrics.text()
    assert "applivery_bot_claims_total" in counted
    for secret in secrets:
        assert secret not in log
        assert secret.encode() not in stored
        assert secret not in counted


# ------------------------------------------------------------------ in whose language

SPANISH = {"Accept-Language": "es-ES,es;q=0.9,en;q=0.8"}


async def test_the_page_speaks_the_language_the_browser_asks_for(desk: ClaimEnvironment) -> None:
    address = await desk.address(desk.build(size=48_200_000))
    spanish, english = await desk.get(address, IPHONE, headers=SPANISH), await desk.get(address, IPHONE)
    assert buttons(spanish) == ["Instalar"]
    for words in ("Versión <bdi>2.4.0</bdi>", "48,2 MB", "iPhone y iPad", "Un solo uso", ">10 min</span>)"):
        assert words in spanish.text
    assert buttons(english) == ["Install"]
    for seen, language in ((spanish, "es"), (english, "en")):
        assert f'<html lang="{language}">' in seen.text
        assert (seen.headers["Content-Language"], seen.headers["Vary"]) == (language, "Accept-Language")


async def test_claim_page_requirements_in_browser_language(desk: ClaimEnvironment) -> None:
    build = desk.build(info={"ios": {"mobileprovision": {"signingType": "ad-hoc", "ProvisionsAllDevices": False}}})
    address = await desk.address(build)
    assert "solo dispositivos registrados" in (await desk.get(address, IPHONE, headers=SPANISH)).text
    assert "registered devices only" in (await desk.get(address, IPHONE)).text


async def test_claim_page_unknown_language_uses_the_setting(desk: ClaimEnvironment) -> None:
    await desk.web.close()
    await desk.open(language="es")
    address = await desk.address(desk.build())
    welsh = {"Accept-Language": "cy-GB,cy;q=0.9"}
    for headers in ({}, welsh):
        assert buttons(await desk.get(address, IPHONE, headers=headers)) == ["Instalar"]
    assert buttons(await desk.get(address, IPHONE, headers={**welsh, "Accept-Language": "en"})) == ["Install"]


@pytest.mark.parametrize(
    "why",
    [TicketStatus.SPENT, TicketStatus.EXPIRED, TicketStatus.CANCELLED, TicketStatus.RECALLED, TicketStatus.UNKNOWN],
)
async def test_an_end_is_told_in_the_language_too(desk: ClaimEnvironment, why: str) -> None:
    seen = await desk.post(await ended(desk, why), headers=SPANISH)
    assert '<html lang="es">' in seen.text
    assert "lace" in heading(seen) or "compilación" in heading(seen)
    assert not re.search(r"\b(the|link|build)\b", seen.text.partition("<body>")[2])


async def test_claim_page_error_in_browser_language(desk: ClaimEnvironment) -> None:
    address = await desk.address(desk.build("android"))
    desk.applivery.faults.add("GET */downloadToken", Fault(status=500))
    seen = await desk.post(address, ANDROID, headers=SPANISH)
    assert (seen.status, heading(seen), buttons(seen)) == (503, "No ha funcionado", ["Reintentar"])
    assert "Referencia <code>" in seen.text


async def test_names_and_reasons_are_not_read_as_our_own_words(desk: ClaimEnvironment) -> None:
    odd = desk.applivery.app("<b>*{left}*</b> `x`", slug="odd")
    build = desk.applivery.build(odd, version="{time}*2*", number="1", os="ios")
    address = await desk.address(build)
    for seen in (await desk.get(address, IPHONE), await desk.post(address, IPHONE, data={"as": "install"})):
        assert heading(seen).endswith("<b>*{left}*</b> `x`")
        assert "<b>" not in seen.text
