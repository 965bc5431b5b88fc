"""The claim page in a real Chromium: phones and desktops, without scripts, its QR code, its downloads."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
import zxingcpp
from playwright.async_api import Browser, BrowserContext, CDPSession, Page, expect

from bot.domain.model import FileKind
from bot.domain.tickets import TicketStatus
from sandbox.faults import Fault
from tests.integration.web.conftest import ANDROID, IPHONE, MAC, WINDOWS, ClaimEnvironment, claim_environment, ended
from tests.support.accessible import OPEN_TO_AXE, violations
from tests.support.chromium import MISSING, PROGRAM, chromium

# One event loop for the file: the browser is started once.
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.browser,
    pytest.mark.skipif(PROGRAM is None, reason=MISSING),
]

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}
# Set to a folder, the tests leave their screenshots there.
SHOTS = os.environ.get("SCREENSHOTS")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def desk(tmp_path: Path, empty_database: Path) -> AsyncIterator[ClaimEnvironment]:
    async with claim_environment(tmp_path, empty_database) as it:
        yield it


class Tab:
    """A browser tab that is another visitor's each time: a browser context of their own would cost half a second."""

    def __init__(self, context: BrowserContext) -> None:
        self._context = context
        self.page: Page
        self._devtools: CDPSession

    async def open(self) -> None:
        self.page = await self._context.new_page()
        self._devtools = await self._context.new_cdp_session(self.page)

    async def leave(self) -> None:
        """Close a page that wanted to start an installer: the browser's question stays, and takes each later click."""
        if "itms-services:" in await self.page.content():
            await self.page.close()
            await self.open()

    async def become(
        self,
        agent: str,
        *,
        viewport: Any,
        locale: str = "en-US",
        timezone_id: str = "UTC",
        color_scheme: Any = "light",
        java_script_enabled: bool = False,
        bypass_csp: bool = False,
    ) -> None:
        """Show the next page as this visitor sees it: the words and defaults are those of `browser.new_context`."""
        send = self._devtools.send
        await send("Emulation.setUserAgentOverride", {"userAgent": agent, "acceptLanguage": locale})
        await send("Emulation.setLocaleOverride", {"locale": locale})
        await send("Emulation.setTimezoneOverride", {"timezoneId": timezone_id})
        await send("Emulation.setScriptExecutionDisabled", {"value": not java_script_enabled})
        await send("Page.setBypassCSP", {"enabled": bypass_csp})
        await self.page.set_viewport_size(viewport)
        await self.page.emulate_media(color_scheme=color_scheme)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tab(browser: Browser) -> AsyncIterator[Tab]:
    context = await browser.new_context()
    it = Tab(context)
    await it.open()
    yield it
    await context.close()


@asynccontextmanager
async def opened(tab: Tab, address: str, agent: str, *, complains: bool = False, **options: Any) -> AsyncIterator[Page]:
    """A page that has been opened; at the end the browser must have had nothing to complain about."""
    page = tab.page
    await tab.become(agent, **{"viewport": PHONE if "Mobile" in agent else DESKTOP, **options})
    complaints: list[str] = []
    asked: list[str] = []
    listeners: list[tuple[Any, Any]] = [
        ("console", lambda message: complaints.append(message.text)),
        ("request", lambda request: asked.append(request.url)),
    ]
    for event, listener in listeners:
        page.on(event, listener)
    try:
        await page.goto(address)
        assert [url for url in asked if not url.startswith("data:")] == [address]
        yield page
        assert complaints == [] or complains
        assert await page.context.cookies() == []
    finally:
        for event, listener in listeners:
            page.remove_listener(event, listener)
        await tab.leave()


async def fits(page: Page) -> bool:
    """Whether nothing sticks out at the side; one question to the page, not one for each of its elements."""
    ends: list[list[float]] = await page.locator("main, main *:not(svg *), footer").evaluate_all(ENDS)
    width = await page.evaluate("document.documentElement.clientWidth")
    assert ends
    return all(left >= 0 and right <= width for left, right in ends)


# The left and right end in CSS pixels of each element that is shown.
ENDS = """elements => elements.map(element => element.getBoundingClientRect())
  .filter(box => box.width && box.height).map(box => [box.left, box.right])"""


def courier(desk: ClaimEnvironment, os: str = "ios", **changes: Any) -> Any:
    """A build with everything there is to say about it."""
    expires = (datetime.now(UTC) + timedelta(days=9, hours=1)).isoformat()
    profile = {"signingType": "ad-hoc", "ProvisionsAllDevices": False, "ExpirationDate": expires}
    info = {"ios": {"plist": {"MinimumOSVersion": "17.0"}, "mobileprovision": profile}}
    return desk.build(os, **{"info": info, "size": 48_200_000, **changes})


async def shoot(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / name, full_page=True)


async def test_on_an_iphone_one_press_starts_the_installer(desk: ClaimEnvironment, tab: Tab) -> None:
    address = await desk.address(courier(desk))
    async with opened(tab, address, IPHONE, complains=True) as page:
        assert await fits(page)
        await expect(page.get_by_role("heading", level=1)).to_have_text("Courier")
        await shoot(page, "claim-390.png")
        assert desk.applivery.minted == []
        await page.get_by_role("button", name="Install").click()
        (token,) = desk.applivery.minted
        link = page.get_by_role("link", name="Install")
        target = f"itms-services://?action=download-manifest&url={desk.applivery.url}/v1/download/{token.token}/manifest.plist"
        await expect(link).to_have_attribute("href", target)
        assert await fits(page)
        await shoot(page, "claim-installing-390.png")
    assert len(desk.applivery.minted) == 1


async def test_on_android_one_press_downloads_the_very_bytes(desk: ClaimEnvironment, tab: Tab, tmp_path: Path) -> None:
    build = courier(desk, "android", size=300_000)
    async with opened(tab, await desk.address(build), ANDROID) as page:
        await shoot(page, "claim-android-390.png")
        async with page.expect_download() as download:
            await page.get_by_role("button", name="Download the .apk").click()
        file = await download.value
        await file.save_as(tmp_path / "app.apk")
    assert (tmp_path / "app.apk").read_bytes() == b"".join(build.file("package").chunks())
    assert [token.spent_count for token in desk.applivery.minted] == [1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_on_a_desktop_the_code_leads_to_this_very_page(
    desk: ClaimEnvironment, tab: Tab, browser: Browser, scheme: Any
) -> None:
    address = await desk.address(courier(desk))
    async with opened(tab, address, MAC, color_scheme=scheme) as page:
        assert await fits(page)
        await shoot(page, "claim-1280.png" if scheme == "light" else "claim-1280-dark.png")
        picture = page.get_by_role("img", name="QR code")
        assert await decoded(browser, await picture.screenshot()) == address == page.url
    assert desk.applivery.minted == []


async def test_a_desktop_downloads_the_file(desk: ClaimEnvironment, tab: Tab) -> None:
    async with opened(tab, await desk.address(courier(desk, size=1000)), WINDOWS) as page:
        async with page.expect_download() as download:
            await page.get_by_role("button", name="Download the .ipa").click()
        assert (await download.value).suggested_filename.endswith(".ipa")
    assert [token.type for token in desk.applivery.minted] == ["file"]


async def test_the_keyboard_is_enough(desk: ClaimEnvironment, tab: Tab) -> None:
    async with opened(tab, await desk.address(courier(desk, "android", size=1000)), WINDOWS) as page:
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("button", name="Download the .apk")).to_be_focused()
        async with page.expect_download():
            await page.keyboard.press("Enter")


async def test_a_failed_mint_is_tried_again_with_its_button(desk: ClaimEnvironment, tab: Tab) -> None:
    address = await desk.address(courier(desk, "android", size=1000))
    desk.applivery.faults.add("GET */downloadToken", Fault(status=500))
    async with opened(tab, address, ANDROID, complains=True) as page:
        await page.get_by_role("button", name="Download the .apk").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("That didn't work")
        await shoot(page, "claim-failed-390.png")
        async with page.expect_download():
            await page.get_by_role("button", name="Try again").click()


async def test_a_double_click_mints_once_and_downloads(desk: ClaimEnvironment, tab: Tab) -> None:
    address = await desk.address(courier(desk, "android", size=1000))
    desk.applivery.faults.add("GET */downloadToken", Fault(latency=0.5))
    async with opened(tab, address, WINDOWS, complains=True) as page:
        async with page.expect_download():
            await page.get_by_role("button", name="Download the .apk").dblclick(delay=20)
    assert len(desk.applivery.minted) == 1


async def test_the_check_for_accessibility_can_fail(browser: Browser) -> None:
    page = await browser.new_page()
    await page.set_content("<main><h1 style='color: #ccc'>Courier</h1><img src='data:,'></main>")
    broken = {found.split(":")[0] for found in await violations(page)}
    colors = {found.split(":")[0] for found in await violations(page, of_colors=True)}
    await page.close()
    assert colors == {"color-contrast"}
    assert broken >= {"color-contrast", "image-alt", "html-has-lang"}


@pytest.mark.parametrize("state", ["ready", "inside", "android", "installing", "outage", *TicketStatus])
async def test_a_screen_reader_and_weak_eyes_get_along(desk: ClaimEnvironment, tab: Tab, state: str) -> None:
    address = await desk.address(courier(desk, "android" if state == "android" else "ios"))
    agent = {"inside": f"{IPHONE} Slack/24.11", "ready": MAC, "android": ANDROID}.get(state, IPHONE)
    if state in set(TicketStatus) - {TicketStatus.OPEN}:
        address = await ended(desk, TicketStatus(state))
    if state == "outage":
        desk.applivery.faults.add("GET *", Fault(status=500), times=None)
    async with opened(tab, address, agent, complains=True, **OPEN_TO_AXE) as page:
        if state == "installing":
            await page.get_by_role("button").click()
            await page.get_by_role("link").wait_for()
        for summary in await page.locator("summary").all():
            await summary.click()
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            await shoot(page, f"claim-{state}-{scheme}.png")
            assert await violations(page, of_colors=scheme == "dark") == [], scheme
        assert await page.locator("html").get_attribute("lang") == "en"
        assert await fits(page)
        sizes = [await item.bounding_box() for item in await page.locator("button, .press").all()]
        assert all(size["height"] >= 44 for size in sizes if size)


@pytest.mark.parametrize("agent", [IPHONE, MAC], ids=["390", "1280"])
async def test_in_spanish_everything_fits_too(desk: ClaimEnvironment, tab: Tab, agent: str) -> None:
    address = await desk.address(courier(desk))
    width = 390 if agent is IPHONE else 1280
    async with opened(tab, address, f"{agent} Slack/24.11", locale="es-ES", complains=True) as page:
        assert await page.locator("html").get_attribute("lang") == "es"
        await expect(page.get_by_text("Abre esta página en Safari", exact=True)).to_be_visible()
        assert await fits(page)
        await shoot(page, f"claim-es-inside-{width}.png")
    async with opened(tab, address, agent, locale="es-ES", complains=True) as page:
        assert await fits(page)
        await shoot(page, f"claim-es-{width}.png")
        await page.get_by_role("button", name="Instalar").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Instalando Courier")
        assert await fits(page)
        await shoot(page, f"claim-es-installing-{width}.png")
    async with opened(tab, address, agent, locale="es-ES", complains=True) as page:
        await expect(page.get_by_role("heading", level=1)).to_have_text("Este enlace ya se ha usado")
        assert await fits(page)
        await shoot(page, f"claim-es-ending-{width}.png")


async def test_a_link_inside_another_app_is_readable_at_320_pixels(desk: ClaimEnvironment, tab: Tab) -> None:
    address = await desk.address(courier(desk), FileKind.FILE)
    small = {"width": 320, "height": 600}
    async with opened(tab, address, f"{IPHONE} Slack/24.11", viewport=small) as page:
        await expect(page.get_by_text("Open this page in Safari", exact=True)).to_be_visible()
        await expect(page.get_by_text(address)).to_be_visible()
        assert await fits(page)


LONG = "Courier for Field Service and Warehouse Operations of the Northern Region " * 2
FOLD = {"width": 390, "height": 664}  # what a phone of 390 × 844 shows of a page in its browser


@pytest.mark.parametrize("locale", ["en-GB", "es-ES"])
@pytest.mark.parametrize("inside", ["", " Slack/24.11"], ids=["browser", "inside"])
@pytest.mark.parametrize("agent", [IPHONE, ANDROID], ids=["iphone", "android"])
async def test_the_button_is_above_the_fold(
    desk: ClaimEnvironment, tab: Tab, agent: str, inside: str, locale: str
) -> None:
    builds = {os: long_build(desk, os) for os in ("ios", "android")}
    kinds = [("ios", FileKind.AUTO), ("android", FileKind.AUTO)] + [("ios", FileKind.FILE)] * (agent is IPHONE)
    first = await desk.address(builds["ios"])
    async with opened(tab, first, agent + inside, viewport=FOLD, locale=locale) as page:
        for number, (os, kind) in enumerate(kinds):
            if number:
                await page.goto(await desk.address(builds[os], kind))
            await shoot(page, f"fold-{agent is IPHONE}-{os}-{kind}-{bool(inside)}-{locale}.png")
            box = await page.get_by_role("button").first.bounding_box()
            assert box
            assert box["y"] + box["height"] <= FOLD["height"], (os, kind)
            assert await fits(page), (os, kind)


def long_build(desk: ClaimEnvironment, os: str) -> Any:
    """A build with more to say than there is room for."""
    profile = {"signingType": "ad-hoc", "ProvisionsAllDevices": False, "ExpirationDate": "2020-01-01T00:00:00Z"}
    info = {"ios": {"plist": {"MinimumOSVersion": "26.0"}, "mobileprovision": profile}}
    app = desk.applivery.app(LONG, slug=f"long-{os}")
    build = desk.applivery.build(app, version="2026.11.30-nightly" * 4, number="173" * 20, os=os, info=info)
    build.wire["disabled"] = True
    return build


@pytest.mark.parametrize(
    ("locale", "zone", "clock", "left"),
    [
        ("en-US", "America/New_York", r"\d{1,2}:\d\d\s[AP]M", r"in (10|9) min"),
        ("en-GB", "Asia/Tokyo", r"\d{1,2}:\d\d", r"in (10|9) min"),
        ("es-ES", "Europe/Madrid", r"\d{1,2}:\d\d", r"dentro de (10|9) min"),
    ],
)
async def test_times_are_the_visitor_s(
    desk: ClaimEnvironment, tab: Tab, locale: str, zone: str, clock: str, left: str
) -> None:
    address = await desk.address(courier(desk))
    options = {"locale": locale, "timezone_id": zone, "java_script_enabled": True}
    async with opened(tab, address, IPHONE, **options) as page:
        time = page.locator("time")
        await expect(time).to_have_text(re.compile(rf"({clock})$"))
        at = datetime.fromisoformat(await time.get_attribute("datetime") or "").astimezone(ZoneInfo(zone))
        hour = at.hour % 12 or 12 if locale == "en-US" else at.hour
        shown = re.search(r"(\d+):(\d\d)", await time.inner_text())
        assert shown is not None
        assert (int(shown[1]), int(shown[2])) == (hour, at.minute)
        await expect(page.locator("[data-left]")).to_have_text(re.compile(left))
        assert "UTC" not in await page.locator("main").inner_text()


async def test_the_minutes_left_count_down_to_expired(desk: ClaimEnvironment, browser: Browser) -> None:
    context = await browser.new_context(user_agent=IPHONE, locale="en-US")
    page = await context.new_page()
    await page.clock.install()
    await page.goto(await desk.address(courier(desk)))
    left = page.locator("[data-left]")
    await expect(left).to_have_text(re.compile("in (10|9) min"))
    await page.clock.run_for(9 * 60_000 + 30_000)
    await expect(left).to_have_text(re.compile(r"in \d+ sec"))
    await page.clock.run_for(31_000)
    await expect(left).to_have_text("expired")
    await context.close()


async def test_without_scripts_times_name_their_zone(desk: ClaimEnvironment, tab: Tab) -> None:
    async with opened(tab, await desk.address(courier(desk)), IPHONE, timezone_id="Asia/Tokyo") as page:
        assert re.search(
            r"expires (?:\d+ \w+ \d{4}, )?\d\d:\d\d UTC \(10 min\)", await page.locator("main").inner_text()
        )


async def test_claim_page_runs_no_foreign_script(desk: ClaimEnvironment, tab: Tab) -> None:
    options = {"java_script_enabled": True, "complains": True}
    async with opened(tab, await desk.address(courier(desk)), IPHONE, **options) as page:
        await page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'evil = 1'}))")
        assert await page.evaluate("typeof evil") == "undefined"


async def test_claim_page_explains_failed_installs(desk: ClaimEnvironment, tab: Tab) -> None:
    async with opened(tab, await desk.address(courier(desk)), IPHONE) as page:
        await expect(page.get_by_text("This device may not be registered", exact=True)).to_be_hidden()
        await page.get_by_text("It didn't install", exact=True).click()
        await expect(page.get_by_text("This device may not be registered", exact=True)).to_be_visible()
        await expect(page.get_by_text("Untrusted Enterprise Developer")).to_have_count(0)
        link = page.get_by_role("link", name="Get a new link in Slack")
        await expect(link).to_have_attribute("href", "https://slack.com/app_redirect?team=T1&channel=C1")


async def test_the_styles_apply_under_the_policy(desk: ClaimEnvironment, tab: Tab) -> None:
    async with opened(tab, await desk.address(courier(desk)), IPHONE) as page:
        box = await page.get_by_role("button", name="Install").bounding_box()
        assert box
        assert box["width"] > 300


PIXELS = """async (png) => {
  const image = new Image();
  image.src = 'data:image/png;base64,' + png;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const pen = canvas.getContext('2d');
  pen.drawImage(image, 0, 0);
  const data = pen.getImageData(0, 0, image.width, image.height).data;
  let gray = '';
  for (let i = 1; i < data.length; i += 4) gray += String.fromCharCode(data[i]);
  return [image.width, image.height, btoa(gray)];
}"""


async def decoded(browser: Browser, screenshot: bytes) -> str:
    """What a scanner reads in a picture; the browser itself unpacks the PNG."""
    page = await browser.new_page()
    width, height, gray = await page.evaluate(PIXELS, base64.b64encode(screenshot).decode())
    await page.close()
    (found,) = zxingcpp.read_barcodes(memoryview(base64.b64decode(gray)).cast("B", (height, width)))
    return str(found.text)
