"""The four jobs on the page of `make demo`, with the real bot: in how few taps, and with the keyboard alone."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.repository.shell import ROOT, environment
from tests.support.accessible import OPEN_TO_AXE, violations
from tests.support.chromium import MISSING, PROGRAM, chromium

# One event loop for the file: the browser and the demo are started once.
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.browser,
    pytest.mark.skipif(PROGRAM is None, reason=MISSING),
]
MOST_TABS = 60


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[str]:
    """A fresh workspace with the real bot; the address of its page."""
    command = (sys.executable, "-m", "sandbox", "--folder", str(folder), "--port", "0")
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment(), stdout=PIPE, stderr=STDOUT)
    try:
        yield await _address(process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await process.communicate()


async def _address(process: Process) -> str:
    assert process.stdout is not None
    text = ""
    while line := (await process.stdout.readline()).decode():
        text += line
        if match := re.search(r"Open +(http://\S+)", text):
            return match[1]
    raise AssertionError(text)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with demo(tmp_path_factory.mktemp("demo")) as address:
        yield address


class Fingers:
    """Taps, and counts them; a command that is typed and sent is one."""

    app, build = "Courier", "courier 2.3.0"  # what is subscribed to and recalled, once in a workspace

    def __init__(self, page: Page) -> None:
        self.page = page
        self.taps = 0

    async def command(self, text: str) -> None:
        """Type a command and send it; the message field has the focus already."""
        answers = self.page.locator("[data-testid=ephemeral], [data-testid=modal]")
        before = await answers.count()
        await self.page.get_by_test_id("composer").focus()
        await self.page.keyboard.insert_text(text)
        await self.page.keyboard.press("Enter")
        self.taps += 1
        await expect(answers).to_have_count(before + 1)

    async def press(self, target: Locator) -> None:
        """Press a button or an item of a menu."""
        await target.click()
        self.taps += 1


class Keyboard(Fingers):
    """The same with keys alone: nothing is clicked, and a button is reached before it is pressed."""

    app, build = "Storefront", "field-notes 1.0.3"

    async def press(self, target: Locator) -> None:
        """Go to a button with Tab (back, from the message field), and press Enter."""
        await expect(target).to_be_visible()
        key = "Tab" if await self.page.locator("dialog[open]").count() else "Shift+Tab"
        for _ in range(MOST_TABS):
            if await target.evaluate("node => node === document.activeElement"):
                break
            await self.page.keyboard.press(key)
        await expect(target).to_be_focused()
        await self.page.keyboard.press("Enter")
        self.taps += 1


async def link(hand: Fingers) -> None:
    await hand.command("/applivery get courier 2.4.0 os:android")
    answer = hand.page.get_by_test_id("ephemeral").last
    await hand.press(answer.get_by_role("button", name=re.compile(r"^(Install|Download)")))
    await expect(hand.page.get_by_test_id("phone")).to_be_visible()
    await expect(hand.page.frame_locator("iframe").locator("form button").first).to_be_visible()


async def subscribe(hand: Fingers) -> None:
    await hand.command(f"/applivery subscribe {hand.app.lower()}")
    await expect(hand.page.get_by_test_id("ephemeral").last).to_contain_text(f"Subscribed #releases to {hand.app}")


async def report(hand: Fingers) -> None:
    await hand.command("/applivery downloads courier")
    await expect(hand.page.get_by_test_id("ephemeral").last).to_contain_text("26 downloads")


async def recall(hand: Fingers) -> None:
    await hand.command(f"/applivery recall {hand.build} os:ios")
    form = hand.page.get_by_test_id("modal")
    await expect(form.locator(".form-body :is(input, textarea)").first).to_be_focused()
    await hand.page.keyboard.insert_text("Crashes at the start")
    await hand.press(form.get_by_role("button", name="Recall"))
    await expect(form).to_have_count(0)
    await expect(hand.page.get_by_test_id("ephemeral").last).to_contain_text(re.compile("recalled", re.IGNORECASE))


MOST = {link: 2, subscribe: 3, report: 3, recall: 3}


@asynccontextmanager
async def opened(browser: Browser, url: str) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport={"width": 1280, "height": 844}, reduced_motion="reduce", **OPEN_TO_AXE)
    try:
        page = await context.new_page()
        await page.goto(url)
        await expect(page.get_by_test_id("composer")).to_be_visible()
        yield page
    finally:
        await context.close()


@pytest.mark.parametrize("hand", [Fingers, Keyboard])
@pytest.mark.parametrize("job", MOST)
async def test_a_job_takes_few_taps(
    browser: Browser, url: str, job: Callable[[Fingers], Awaitable[None]], hand: type[Fingers]
) -> None:
    async with opened(browser, url) as page:
        at_work = hand(page)
        await job(at_work)
        assert at_work.taps <= MOST[job]


async def test_page_of_the_demo_is_accessible(browser: Browser, url: str) -> None:
    """axe-core finds nothing in its main states."""
    found: dict[str, list[str]] = {}
    async with opened(browser, url) as page:
        hand = Fingers(page)
        found["a channel"] = await violations(page)
        await hand.command("/applivery get courier")
        menu = page.get_by_test_id("ephemeral").last.get_by_role("button", name="More actions")
        await menu.click()
        await expect(page.get_by_role("menu")).to_be_visible()
        found["a menu"] = await violations(page)
        await page.keyboard.press("Escape")
        await page.get_by_test_id("composer").press_sequentially("/applivery d")
        await expect(page.get_by_test_id("suggestions")).to_be_visible()
        found["suggestions"] = await violations(page)
        await page.get_by_test_id("composer").fill("")
        await hand.command("/applivery recall courier 2.2.0 os:ios")
        await expect(page.get_by_test_id("modal")).to_have_css("opacity", "1")
        found["a form"] = await violations(page)
        await page.keyboard.press("Escape")
        await page.get_by_test_id("channel-applivery").click()
        found["direct messages"] = await violations(page)
        await page.get_by_role("tab", name="Home").click()
        await expect(page.locator("#home .blocks")).to_contain_text("Courier")
        found["Home"] = await violations(page)
        await page.get_by_test_id("channel-general").click()
        await page.get_by_test_id("message").first.hover()
        await page.get_by_test_id("reply").first.click()
        await expect(page.get_by_test_id("thread-pane")).to_be_visible()
        found["a thread"] = await violations(page)
    assert {state: broken for state, broken in found.items() if broken} == {}
