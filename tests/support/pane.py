"""The message pane of a phone: how high a message stands on the page of the fake Slack, in CSS pixels."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from bot.slack.blocks import Message
from sandbox.demo import DemoEnvironment
from sandbox.slack import FakeMessage
from tests.support.chromium import MISSING, PROGRAM, chromium

PHONE = {"width": 390, "height": 844}  # CSS pixels, of which the pane takes 645
WIDE_FONT = "no font as wide as Arial: apt-get install fonts-liberation (Debian, Ubuntu), then run the tests again"


def _replaces_arial_by_a_wider_font() -> bool:
    """Whether this machine shows Arial as DejaVu Sans: no phone's font is that wide, so lines would wrap that fit."""
    program = shutil.which("fc-match")
    if program is None:
        return False
    found = subprocess.run([program, "--format=%{family}", "Arial"], capture_output=True, text=True, check=False)
    return found.stdout.startswith("DejaVu")


class MessagePane:
    """A browser tab that shows one message of the bot at a time."""

    def __init__(self, page: Page, demo: DemoEnvironment) -> None:
        self.page = page
        self._demo = demo
        self._ana = demo.slack.user("ana")
        self._channel = demo.slack.channel("releases")

    async def show(self, message: Message, *, is_private: bool = False, follows: bool = False) -> None:
        """Show this message alone, as Slack renders it; private ones say who sees them.

        One that `follows` another of the bot's, as cards do in a release channel, has no line with the author.
        """
        slack = self._demo.slack
        for earlier in (*slack.messages(self._channel), *slack.ephemerals(self._ana, self._channel)):
            slack.mailbox.delete(earlier)
        only_to = self._ana.id if is_private else None
        author = {"user": slack.bot_user_id, "bot_id": slack.bot_id, "ephemeral_to": only_to}
        if follows:
            slack.mailbox.post(self._channel, Message("Another card").payload(), **author)
        posted: FakeMessage = slack.mailbox.post(self._channel, message.payload(), **author)
        await expect(self.page.locator(f'[data-ts="{posted.ts}"]')).to_be_visible()

    async def height(self, message: Message, *, is_private: bool = False, follows: bool = False) -> float:
        """Return how high it stands."""
        await self.show(message, is_private=is_private, follows=follows)
        shown = self.page.get_by_test_id("message").or_(self.page.get_by_test_id("ephemeral"))
        box = await shown.last.bounding_box()
        assert box
        return float(box["height"])

    async def picture(self, path: Path) -> None:
        """Save what the phone shows."""
        await self.page.screenshot(path=path)


# One event loop for a file of tests: the browser is started once.
ON_A_PHONE = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.browser,
    pytest.mark.skipif(PROGRAM is None, reason=MISSING),
    pytest.mark.skipif(_replaces_arial_by_a_wider_font(), reason=WIDE_FONT),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pane() -> AsyncIterator[MessagePane]:
    """The pane that a file's tests share; they are marked `ON_A_PHONE`."""
    async with chromium() as browser, message_pane(browser) as opened:
        yield opened


@asynccontextmanager
async def message_pane(browser: Browser) -> AsyncIterator[MessagePane]:
    """Open the page of a fake Slack as a phone shows it."""
    demo = await DemoEnvironment.open(None)
    context = await browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)  # type: ignore[arg-type]
    try:
        page = await context.new_page()
        await page.goto(demo.page_url)
        await expect(page.get_by_test_id("composer")).to_be_visible()
        yield MessagePane(page, demo)
    finally:
        await context.close()
        await demo.close()
