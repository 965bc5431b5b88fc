"""The page: what its server gives and refuses, and what a person sees and does in a real browser."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from sandbox.demo import DemoEnvironment
from sandbox.page import CommandHint
from sandbox.seed_data import MANIFEST
from tests.support.app_for_the_page import connected
from tests.support.chromium import MISSING, PROGRAM, chromium
from tests.support.waiting import busyness

# One event loop for the file: the browser is started once.
pytestmark = pytest.mark.asyncio(loop_scope="module")
browser_only = [pytest.mark.browser, pytest.mark.skipif(PROGRAM is None, reason=MISSING)]

SHORTCUTS = [{"callback_id": "about", "name": "About this", "type": "message", "description": "What is known"}]
APP = {"features": {**MANIFEST["features"], "shortcuts": SHORTCUTS, "unfurl_domains": ["example.com"]}}


@pytest_asyncio.fixture(loop_scope="module")
async def world() -> AsyncIterator[DemoEnvironment]:
    hints = [CommandHint("downloads", "[app] [since:…]", "See who downloaded an app.")]
    sandbox = await DemoEnvironment.open(None, processing=(0.15, 0.15), manifest=APP, hints=hints)
    async with connected(sandbox.slack.api_url):
        yield sandbox
    await sandbox.close()


# ------------------------------------------------------------------ the server


@pytest_asyncio.fixture(loop_scope="module")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@asynccontextmanager
async def stream(http: aiohttp.ClientSession, world: DemoEnvironment, person: str) -> AsyncIterator[Any]:
    """Read frames: each call gives the sections of the next one."""
    async with http.get(f"{world.page_url}api/stream?person={person}") as response:

        async def frame() -> dict[str, Any]:
            async for line in response.content:
                if line.startswith(b"data: {"):
                    sections: dict[str, Any] = json.loads(line[6:])
                    return sections
            raise AssertionError("the stream ended")

        yield frame


async def test_page_every_answer_has_policy_against_foreign_scripts(world: DemoEnvironment, http: Any) -> None:
    for path in ("", "static/page.js", "static/page.css", "api/nothing", "files/none"):
        async with http.get(world.page_url + path) as response:
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self'" in policy
            assert "unsafe" not in policy
            assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:8787"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
async def test_another_web_site_cannot_do_anything_here(
    world: DemoEnvironment, http: Any, headers: dict[str, str], status: int
) -> None:
    body = json.dumps({"person": "ana"})
    headers = {"Content-Type": "application/json", **headers}
    before = len(world.applivery.builds)
    async with http.post(f"{world.page_url}api/upload", data=body, headers=headers) as response:
        assert response.status == status
    assert len(world.applivery.builds) - before == (status == 200)


@pytest.mark.parametrize(
    ("deed", "body"),
    [
        ("command", {"person": "nobody", "channel": "C1", "text": "/applivery"}),
        ("command", {"person": "ana", "channel": "C-nowhere", "text": "/applivery"}),
        ("command", {"person": "ana"}),
        ("command", []),
        ("click", {"person": "ana", "where": {"view": "V-gone"}, "block_id": "b", "action_id": "a"}),
        ("submit", {"person": "ana", "view": "V-gone"}),
        ("shortcut", {"person": "applivery", "channel": "C1", "callback_id": "about"}),
    ],
)
async def test_page_invalid_action_is_400_with_error(world: DemoEnvironment, http: Any, deed: str, body: Any) -> None:
    async with http.post(f"{world.page_url}api/{deed}", json=body) as response:
        assert response.status == 400
        assert (await response.json())["error"]


async def test_page_stream_sends_all_once_then_only_changes(world: DemoEnvironment, http: Any) -> None:
    ana, releases = world.slack.user("ana"), world.slack.channel("releases")
    async with stream(http, world, "ana") as frame:
        first = await frame()
        assert {"workspace", "channels", "apps", "counters", "views", f"messages/{releases.id}"} <= set(first)
        assert first["workspace"]["me"] == ana.id
        world.slack.say("news", ana, releases)
        second = await frame()
        assert set(second) == {f"messages/{releases.id}"}
        assert second[f"messages/{releases.id}"][-1]["text"] == "news"


async def test_closing_ends_the_streams_at_once(http: Any) -> None:
    sandbox = await DemoEnvironment.open(None)
    async with stream(http, sandbox, "ana") as frame:
        await frame()
        async with asyncio.timeout(2 * busyness()):
            await sandbox.page.stop()
    await sandbox.close()


async def test_page_guest_sees_only_own_channels_and_messages(world: DemoEnvironment, http: Any) -> None:
    releases = world.slack.channel("releases")
    turn = await world.slack.command("/applivery", "x", user=world.slack.user("ana"), channel=releases)
    await turn.answer()
    async with stream(http, world, "carla") as frame:
        seen = await frame()
    assert [room["name"] for room in seen["channels"]] == ["releases", "general", "applivery"]
    assert seen[f"messages/{releases.id}"] == []


async def test_a_file_is_downloaded_never_shown(world: DemoEnvironment, http: Any) -> None:
    ana, releases = world.slack.user("ana"), world.slack.channel("releases")
    world.slack.share('x".html', b"<script>alert(1)</script>", ana, releases)
    async with stream(http, world, "ana") as frame:
        path = (await frame())[f"messages/{releases.id}"][-1]["files"][0]["page_path"]
    async with http.get(world.page.url + path) as response:
        assert response.headers["Content-Disposition"].startswith("attachment")
        assert response.content_type == "application/octet-stream"
        assert await response.read() == b"<script>alert(1)</script>"


async def test_an_upload_gets_the_next_version_and_number(world: DemoEnvironment, http: Any) -> None:
    async with http.post(f"{world.page_url}api/upload", json={"person": "ana", "app": "courier"}) as response:
        assert await response.json() == {"name": "Courier", "version": "2.5.1", "number": "245"}
    build = world.applivery.builds[-1]
    assert build.wire["deployer"]["info"]["branch"] == "main"
    await world.applivery.until(lambda: build.ready)


# ------------------------------------------------------------------ in the browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@asynccontextmanager
async def shown(page: Page, world: DemoEnvironment, at: str = "") -> AsyncIterator[Page]:
    """The page of this workspace; complaints in the console fail the test."""
    complaints: list[str] = []
    listeners: list[tuple[Any, Any]] = [
        ("pageerror", lambda error: complaints.append(str(error))),
        ("console", lambda said: said.type == "error" and complaints.append(said.text)),
    ]
    for event, listener in listeners:
        page.on(event, listener)
    try:
        await page.goto(world.page_url + at)
        await expect(page.get_by_test_id("composer")).to_be_visible()
        yield page
    finally:
        for event, listener in listeners:
            page.remove_listener(event, listener)
    assert [text for text in complaints if "status of 400" not in text] == []


@asynccontextmanager
async def tab(browser: Browser, world: DemoEnvironment, *, at: str = "", **options: Any) -> AsyncIterator[Page]:
    """A fresh browser on the page."""
    context = await browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
    page = await context.new_page()
    page.set_default_timeout(60_000)
    async with shown(page, world, at):
        yield page
    await context.close()


PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def screen(browser: Browser) -> AsyncIterator[Page]:
    """The tab that most tests share: one of their own would cost each a second and a half of CPU time."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    page.set_default_timeout(60_000)
    yield page
    await context.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(screen: Page, world: DemoEnvironment) -> AsyncIterator[Page]:
    await screen.mouse.move(0, 0)
    try:
        async with shown(screen, world) as opened:
            yield opened
    finally:
        await screen.evaluate("localStorage.clear()")
        await screen.goto("about:blank")  # before the workspace closes the page's stream
        await screen.context.unroute_all()
        for other in screen.context.pages:
            if other is not screen:
                await other.close()


async def type_in(page: Page, text: str, field: str = "composer") -> None:
    await page.get_by_test_id(field).fill(text)
    await page.get_by_test_id(field).press("Enter")


class TestBrowser:
    pytestmark = browser_only

    async def test_a_command_is_answered_privately(self, page: Page, browser: Browser, world: DemoEnvironment) -> None:
        await type_in(page, "/applivery get courier")
        answer = page.get_by_test_id("ephemeral")
        await expect(answer).to_contain_text("Only visible to you")
        await expect(answer).to_contain_text("You typed get courier")
        await expect(page.get_by_test_id("composer")).to_have_value("")
        async with tab(browser, world, at="?as=bruno") as other:
            await expect(other.get_by_test_id("person-bruno")).to_have_attribute("aria-checked", "true")
            await expect(other.get_by_test_id("ephemeral")).to_have_count(0)

    async def test_a_command_without_an_answer_ends_in_slacks_own_words(
        self, page: Page, world: DemoEnvironment
    ) -> None:
        world.slack.ack_seconds = 0.5
        await type_in(page, "/applivery never")
        await expect(page.get_by_test_id("waiting")).to_be_visible()
        await expect(page.get_by_test_id("toast")).to_contain_text(
            "/applivery failed with the error “operation_timeout”"
        )
        await expect(page.get_by_test_id("waiting")).to_have_count(0)
        await expect(page.get_by_test_id("composer")).to_have_value("/applivery never")

    async def test_an_unknown_command_is_refused(self, page: Page) -> None:
        await type_in(page, "/nothing at all")
        await expect(page.get_by_test_id("toast")).to_contain_text("/nothing is not a valid command")

    async def test_typing_offers_the_command_its_words_and_the_apps(self, page: Page) -> None:
        field, offered = page.get_by_test_id("composer"), page.get_by_test_id("suggestions")
        await field.press_sequentially("/app")
        await expect(offered).to_contain_text("/applivery")
        await field.press("Enter")
        await expect(field).to_have_value("/applivery ")
        await field.press_sequentially("dow")
        await field.press("Tab")
        await expect(field).to_have_value("/applivery downloads ")
        await field.press_sequentially("sto")
        await expect(offered).to_contain_text("Storefront")
        await field.press("Tab")
        await expect(field).to_have_value("/applivery downloads storefront")

    async def test_hints_say_that_real_slack_has_none(self, page: Page) -> None:
        field, only_here = page.get_by_test_id("composer"), page.get_by_test_id("only-here")
        await field.fill("/applivery dow")
        await expect(only_here).to_contain_text("real Slack suggests nothing")
        await field.fill("/applivery downloads courier missing:@q")
        await expect(page.get_by_test_id("suggestions")).to_contain_text("@qa")
        await expect(only_here).to_be_hidden()

    async def test_a_group_is_picked_with_an_at_sign(self, page: Page, world: DemoEnvironment) -> None:
        field = page.get_by_test_id("composer")
        await field.press_sequentially("/applivery missing:@mob")
        await expect(page.get_by_test_id("suggestions")).to_contain_text("user group")
        await field.press("Tab")
        await expect(field).to_have_value("/applivery missing:@mobile ")
        await field.press("Enter")
        group = next(group for group in world.slack.usergroups.values() if group.handle == "mobile")
        await expect(page.get_by_test_id("ephemeral")).to_contain_text(f"<!subteam^{group.id}|@mobile>")

    async def test_a_channel_without_a_field_has_none(self, page: Page, world: DemoEnvironment) -> None:
        """As in Slack: an archived channel, one that the person is not in, and an app that nobody may write to."""
        closed, composer = page.get_by_test_id("closed"), page.get_by_test_id("composer")
        general = world.slack.channel("general")
        general.members.remove(world.slack.user("ana").id)
        await page.get_by_test_id("channel-general").click()
        await expect(closed).to_contain_text("You are looking at #general.")
        await expect(composer).to_be_hidden()
        await page.get_by_test_id("join").click()
        await expect(composer).to_be_visible()
        await expect(closed).to_be_hidden()
        await world.slack.archive(world.slack.channel("releases"), world.slack.user("ana"))
        await page.get_by_test_id("channel-releases").click()
        await expect(closed).to_have_text("This channel is archived.")
        await expect(composer).to_be_hidden()
        world.install({**APP, "features": {**APP["features"], "app_home": {"messages_tab_read_only_enabled": True}}})
        await page.get_by_test_id("channel-applivery").click()
        await expect(closed).to_contain_text("Sending messages to this app has been turned off.")
        await expect(composer).to_be_hidden()
        world.install({**APP, "features": {**APP["features"], "app_home": {"messages_tab_read_only_enabled": False}}})
        await expect(composer).to_be_visible()
        await expect(closed).to_be_hidden()

    async def test_a_menu_is_used_with_the_keyboard_alone(self, page: Page) -> None:
        await type_in(page, "/applivery card")
        opener, menu = page.get_by_test_id("action-more"), page.get_by_role("menu")
        items = menu.get_by_role("menuitem")
        await opener.focus()
        for key in ("Enter", "Space", "ArrowDown"):
            await opener.press(key)
            await expect(items.first).to_be_focused()
            await expect(opener).to_have_attribute("aria-expanded", "true")
            await page.keyboard.press("Escape")
            await expect(menu).to_have_count(0)
            await expect(opener).to_be_focused()
            await expect(opener).to_have_attribute("aria-expanded", "false")
        await opener.press("Enter")
        for key, index in (("ArrowDown", 1), ("ArrowDown", 0), ("ArrowUp", 1), ("Home", 0), ("End", 1)):
            await page.keyboard.press(key)
            await expect(items.nth(index)).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_test_id("ephemeral").last).to_contain_text("more: mute")
        await expect(opener).to_be_focused()

    async def test_the_three_things_to_try_are_one_click_each(self, page: Page) -> None:
        await page.get_by_test_id("try-get").click()
        await expect(page.get_by_test_id("composer")).to_have_value("/applivery get courier")
        await page.get_by_test_id("send").click()
        await expect(page.get_by_test_id("ephemeral")).to_be_visible()
        await page.get_by_test_id("try-upload").click()
        await expect(page.get_by_test_id("upload-note")).to_contain_text("Courier 2.5.1 (245)")
        await page.get_by_test_id("try-downloads").click()
        await expect(page.get_by_test_id("composer")).to_have_value("/applivery downloads courier")
        await page.get_by_test_id("send").click()
        await expect(page.get_by_test_id("welcome")).to_contain_text("That was all three")
        await page.get_by_test_id("welcome-close").click()
        await page.reload()
        await expect(page.get_by_test_id("composer")).to_be_visible()
        await expect(page.get_by_test_id("welcome")).to_be_hidden()

    async def test_one_click_uploads_a_build_and_its_states_are_seen(self, page: Page, world: DemoEnvironment) -> None:
        world.applivery.processing = None
        await page.get_by_test_id("upload-build").click()
        row = page.get_by_test_id("app-courier").get_by_test_id("build").first
        build_state = row.get_by_test_id("build-status")
        await expect(row).to_contain_text("2.5.1")
        await expect(build_state).to_have_text("Pending")
        world.applivery.move(world.applivery.builds[-1], "in_progress")
        await expect(build_state).to_have_text("In progress")
        world.applivery.move(world.applivery.builds[-1], "processed")
        await expect(build_state).to_have_text("Processed")

    async def test_a_build_can_be_made_to_fail(self, page: Page) -> None:
        await page.get_by_test_id("upload-fail").check()
        await page.get_by_test_id("upload-build").click()
        row = page.get_by_test_id("app-courier").get_by_test_id("build").first
        await expect(row.get_by_test_id("build-status")).to_have_text("Error")
        await expect(row).to_contain_text("could not be verified")
        await expect(page.get_by_test_id("upload-fail")).not_to_be_checked()

    async def test_buttons_menus_and_confirmations_reach_the_app(self, page: Page) -> None:
        await type_in(page, "/applivery card")
        card = page.get_by_test_id("message").first
        answers = page.get_by_test_id("ephemeral")
        await card.get_by_test_id("action-press").click()
        await expect(answers.last).to_contain_text("press: the-build")
        await card.get_by_test_id("action-recall").click()
        await page.get_by_test_id("confirm-deny").click()
        await card.get_by_test_id("action-recall").click()
        await page.get_by_test_id("confirm-ok").click()
        await expect(answers.last).to_contain_text("recall: r")
        await expect(answers).to_have_count(2)
        await card.get_by_test_id("action-more").click()
        await page.get_by_role("menuitem", name="Mute").click()
        await expect(answers.last).to_contain_text("more: mute")
        await card.get_by_test_id("action-app").press_sequentially("sto")
        await page.get_by_test_id("options").get_by_role("option", name="Storefront").click()
        await expect(answers.last).to_contain_text("app: storefront")

    async def test_a_pasted_link_shows_its_card_and_details(self, page: Page) -> None:
        await type_in(page, "Look: https://example.com/1")
        message = page.get_by_test_id("message").filter(has_text="Look:")
        await expect(message).to_contain_text("Courier 2.4.1 · Build")
        await message.get_by_test_id("details").click()
        pane = page.get_by_test_id("modal")
        await expect(pane).to_contain_text("Courier 2.4.1 · Build")
        await pane.get_by_test_id("action-press").click()
        await page.get_by_test_id("modal-dismiss").click()
        await expect(pane).to_have_count(0)
        await expect(page.get_by_test_id("ephemeral").last).to_contain_text("press: the-build")

    async def test_a_link_button_opens_its_page_elsewhere(self, page: Page) -> None:
        await type_in(page, "/applivery card")
        await page.context.route("https://example.com/*", lambda route: route.fulfill(body="there"))
        async with page.expect_popup() as opening:
            await page.get_by_test_id("action-open").click()
        opened = await opening.value
        await opened.wait_for_load_state()
        assert opened.url == "https://example.com/a"
        assert await opened.evaluate("document.referrer") == ""

    async def test_text_from_outside_is_inert(self, page: Page) -> None:
        await type_in(page, "/applivery evil")
        message = page.get_by_test_id("message").first
        await expect(message).to_contain_text("<b>bold</b>")
        await expect(message.locator("img, script, b >> text=bold")).to_have_count(0)
        links = message.locator(".content a")
        await expect(links).to_have_count(1)
        await expect(links).to_have_attribute("rel", re.compile("noreferrer"))
        await expect(links).to_have_attribute("target", "_blank")

    async def test_a_form_is_checked_answered_and_closed(self, page: Page) -> None:
        await type_in(page, "/applivery form")
        form = page.get_by_test_id("modal")
        await form.get_by_test_id("modal-submit").click()
        await expect(form.get_by_test_id("error-app")).to_contain_text("complete this required field")
        await form.get_by_test_id("action-app").click()
        await page.get_by_test_id("options").get_by_role("option", name="Storefront").click()
        await form.get_by_label("Failed").check()
        await form.get_by_test_id("action-note").fill("abc")
        await form.get_by_test_id("modal-submit").click()
        await expect(form.get_by_test_id("error-note")).to_have_text("Five letters at least.")
        await expect(form.get_by_label("Failed")).to_be_checked()
        await form.get_by_test_id("action-note").fill("abcdef")
        await form.get_by_test_id("modal-submit").click()
        await expect(form).to_contain_text("storefront ['failed'] abcdef")
        await page.keyboard.press("Escape")
        await expect(form).to_have_count(0)

    async def test_a_file_is_picked_in_a_form_and_taken_out_again(self, page: Page, world: DemoEnvironment) -> None:
        await type_in(page, "/applivery form")
        form = page.get_by_test_id("modal")
        for name in ("old.ipa", "new.ipa"):  # one is allowed: the last one stays
            file: Any = {"name": name, "mimeType": "application/octet-stream", "buffer": b"bytes of it"}
            await form.get_by_test_id("action-file").set_input_files(file)
            await expect(form).to_contain_text(f"{name}11 B")
        await expect(form).not_to_contain_text("old.ipa")
        await form.get_by_label("Remove new.ipa").click()
        await expect(form).not_to_contain_text("new.ipa")
        await form.get_by_test_id("action-file").set_input_files(file)
        await expect(form).to_contain_text("new.ipa")
        await form.get_by_test_id("action-app").click()
        await page.get_by_test_id("options").get_by_text("Courier").click()
        await form.get_by_test_id("action-note").fill("abcdef")
        await form.get_by_test_id("modal-submit").click()
        await expect(form).to_contain_text("courier [] abcdef new.ipa")

    async def test_a_file_is_posted_with_what_is_written_beside_it(self, page: Page, world: DemoEnvironment) -> None:
        await page.get_by_test_id("composer").fill("Please <test> @Bruno")
        file: Any = {"name": "courier.ipa", "mimeType": "application/octet-stream", "buffer": b"PK"}
        await page.get_by_test_id("composer-file").set_input_files(file)
        posted = page.get_by_test_id("message").last
        await expect(posted).to_contain_text("Please <test>")
        await expect(posted).to_contain_text("courier.ipa")
        await expect(page.get_by_test_id("composer")).to_have_value("")
        [kept] = [candidate for candidate in world.slack.files.files.values() if candidate.name == "courier.ipa"]
        assert kept.content == b"PK"

    async def test_a_form_on_top_of_a_form_leads_back_to_it(self, page: Page, world: DemoEnvironment) -> None:
        await type_in(page, "/applivery form")
        form = page.get_by_test_id("modal")
        await form.get_by_test_id("action-note").fill("kept")
        await form.get_by_test_id("action-push").click()
        await expect(form).to_contain_text("On top")
        await form.get_by_label("Back").click()
        await expect(form.get_by_test_id("action-note")).to_have_value("kept")
        await form.get_by_test_id("modal-dismiss").click()
        await expect(form).to_have_count(0)
        assert world.slack.views == []

    async def test_a_mention_in_a_thread_is_answered_there(self, page: Page, world: DemoEnvironment) -> None:
        world.slack.say("What about 2.4?", world.slack.user("bruno"), world.slack.channel("releases"))
        await page.get_by_test_id("message").hover()
        await page.get_by_test_id("reply").click()
        thread = page.get_by_test_id("thread-pane")
        field = thread.get_by_test_id("thread-composer")
        await field.press_sequentially("@Appl")
        await field.press("Tab")
        await field.press_sequentially("hello")
        await thread.get_by_test_id("thread-send").click()
        await expect(thread.get_by_test_id("message").last).to_contain_text("Hello @Ana Ferreira")
        await expect(page.get_by_test_id("replies")).to_contain_text("2 replies")
        await type_in(page, "/applivery x", "thread-composer")
        await expect(page.get_by_test_id("toast")).to_contain_text("is not supported in threads")
        await page.get_by_test_id("thread-close").click()
        await expect(thread).to_be_hidden()

    async def test_a_message_shortcut_is_in_its_menu(self, page: Page, world: DemoEnvironment) -> None:
        world.slack.say("build 12", world.slack.user("bruno"), world.slack.channel("releases"))
        await page.get_by_test_id("message").hover()
        await page.get_by_test_id("more").click()
        await page.get_by_role("menuitem", name="About this").click()
        await expect(page.get_by_test_id("ephemeral")).to_contain_text("About build 12")

    async def test_a_direct_message_is_counted_until_it_is_read(self, page: Page) -> None:
        await type_in(page, "/applivery dm")
        await expect(page.get_by_test_id("unread-applivery")).to_have_text("1")
        await page.get_by_test_id("channel-applivery").click()
        await expect(page.get_by_test_id("message")).to_contain_text("Only to you")
        await page.get_by_test_id("channel-releases").click()
        await expect(page.get_by_test_id("unread-applivery")).to_have_count(0)

    async def test_the_home_tab_is_opened_read_from_its_top_and_used(self, page: Page) -> None:
        await page.goto(f"{page.url.partition('#')[0]}#applivery")
        await page.get_by_role("tab", name="Home").click()
        await expect(page.get_by_text("Line 0", exact=True)).to_be_in_viewport()
        await expect(page.get_by_test_id("composer")).to_be_hidden()
        await page.get_by_role("button", name="Press", exact=True).click()
        await expect(page.get_by_text("Pressed in a view")).to_be_visible()
        await page.get_by_role("tab", name="Messages").click()
        await expect(page.get_by_text("Pressed in a view")).to_be_hidden()
        await expect(page.get_by_test_id("composer")).to_be_visible()

    async def test_an_app_without_a_home_has_no_tab_for_it(self, page: Page, world: DemoEnvironment) -> None:
        world.slack.workspace.home_enabled = False
        world.slack.workspace.changed("home")
        await page.goto(f"{page.url.partition('#')[0]}#applivery")
        await expect(page.get_by_test_id("composer")).to_be_visible()
        await expect(page.get_by_role("tab", name="Home")).to_be_hidden()

    async def test_an_invitation_lets_the_app_into_a_channel(self, page: Page, world: DemoEnvironment) -> None:
        await page.goto(f"{page.url.partition('#')[0]}#general")
        await type_in(page, "/invite @Applivery")
        await expect(page.get_by_test_id("composer")).to_have_value("")
        assert world.slack.bot_user_id in world.slack.channel("general").members
        await type_in(page, "/invite @Applivery")
        await expect(page.get_by_test_id("toast")).to_contain_text("already_in_channel")

    async def test_page_viewer_can_switch_user(self, page: Page) -> None:
        await expect(page.get_by_test_id("channel-mobile-team")).to_be_visible()
        await page.get_by_test_id("person-carla").click()
        await expect(page.get_by_test_id("person-carla")).to_have_attribute("aria-checked", "true")
        await expect(page.get_by_test_id("channel-mobile-team")).to_have_count(0)
        await type_in(page, "/applivery hello")
        await expect(page.get_by_test_id("ephemeral")).to_be_visible()
        await page.get_by_test_id("person-ana").click()
        await expect(page.get_by_test_id("ephemeral")).to_have_count(0)

    async def test_tables_sort_and_charts_have_words(self, page: Page) -> None:
        await type_in(page, "/applivery charts")
        names = page.locator(".data-table tbody tr td:first-child")
        await expect(names).to_have_text(["Ana", "Bruno"])
        await page.get_by_test_id("sort-1").click()
        await expect(names).to_have_text(["Carla", "Ana"])
        await page.get_by_test_id("sort-1").click()
        await expect(names).to_have_text(["Bruno", "Ana"])
        await page.get_by_label("Next page").click()
        await expect(names).to_have_text(["Carla"])
        await expect(page.get_by_role("img", name="A day (line chart)")).to_be_visible()
        await expect(page.get_by_role("img", name="Versions (pie chart)")).to_be_visible()

    async def test_the_counters_follow_both_sides(self, page: Page, world: DemoEnvironment) -> None:
        await expect(page.get_by_test_id("crawled")).to_have_text("0")
        world.slack.say("http://127.0.0.1:9/", world.slack.user("bruno"), world.slack.channel("general"))
        await expect(page.get_by_test_id("crawled")).to_have_text("1")
        await expect(page.get_by_test_id("minted")).to_have_text("0")

    async def test_an_edit_is_marked_and_a_deleted_message_goes(self, page: Page, world: DemoEnvironment) -> None:
        message = world.slack.say("first", world.slack.user("bruno"), world.slack.channel("releases"))
        await expect(page.get_by_test_id("message")).to_contain_text("first")
        world.slack.mailbox.edit(message, {"text": "second"})
        await expect(page.get_by_test_id("message")).to_contain_text("second")
        await expect(page.get_by_test_id("edited")).to_be_visible()
        world.slack.mailbox.delete(message)
        await expect(page.get_by_test_id("message")).to_have_count(0)

    async def test_the_newest_message_stays_in_view_unless_one_reads_above(
        self, page: Page, world: DemoEnvironment
    ) -> None:
        bruno, releases = world.slack.user("bruno"), world.slack.channel("releases")
        for number in range(40):
            world.slack.say(f"line {number}.\n\n.", bruno, releases)
        await expect(page.get_by_test_id("message").last).to_be_in_viewport()
        await page.get_by_test_id("welcome-close").click()
        await expect(page.get_by_test_id("message").last).to_be_in_viewport()
        await page.get_by_test_id("message").first.scroll_into_view_if_needed()
        world.slack.say("the newest", bruno, releases)
        await expect(page.get_by_text("the newest")).to_be_attached()
        await expect(page.get_by_test_id("message").first).to_be_in_viewport()

    async def test_a_phone_has_everything_within_its_width(self, browser: Browser, world: DemoEnvironment) -> None:
        async with tab(browser, world, **PHONE) as phone:
            await type_in(phone, "/applivery card")
            await type_in(phone, "/applivery charts")
            await expect(phone.get_by_test_id("message")).to_have_count(2)
            fits = "document.documentElement.scrollWidth <= innerWidth && scroll.scrollWidth <= scroll.clientWidth"
            assert await phone.evaluate(f"(scroll => {fits})(document.getElementById('scroll'))")
            await phone.get_by_label("Channels and people").click()
            await phone.get_by_test_id("person-bruno").click()
            await phone.get_by_test_id("tab-applivery").click()
            await phone.get_by_test_id("upload-build").click()
            await expect(phone.get_by_test_id("upload-note")).to_be_visible()

    async def test_on_a_phone_a_thread_takes_the_whole_screen(self, browser: Browser, world: DemoEnvironment) -> None:
        message = world.slack.say("parent", world.slack.user("bruno"), world.slack.channel("releases"))
        world.slack.say("child", world.slack.user("bruno"), world.slack.channel("releases"), message.ts)
        async with tab(browser, world, **PHONE) as phone:
            await phone.get_by_test_id("replies").click()
            box = await phone.get_by_test_id("thread-pane").bounding_box()
            assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 390, 844)
            await expect(phone.get_by_test_id("thread-pane")).to_contain_text("child")
