"""The crawler that fetches every link of a message. https://docs.slack.dev/messaging/unfurling-links-in-messages"""

from __future__ import annotations

import asyncio
from urllib.parse import urljoin, urlsplit

import aiohttp

from sandbox.slack.links import of_message
from sandbox.slack.message import FakeMessage
from sandbox.slack.workspace import SlackWorkspace

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MOST_HOPS = 10


class Crawler:
    """GETs links in the background, following redirects. `crawled` has every address visited, in order.

    An address that is not on this machine is recorded as crawled and not fetched: the sandbox never leaves loopback.
    """

    def __init__(self, workspace: SlackWorkspace) -> None:
        self.workspace = workspace
        self.crawled: list[str] = []
        self.enabled = True
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def look_at(self, message: FakeMessage) -> None:
        """Start fetching the links of a message, unless both unfurl flags were given false."""
        if not (self.enabled and message.crawled):
            return
        for url in of_message(message):
            task = asyncio.get_running_loop().create_task(self._visit(url))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _visit(self, url: str) -> None:
        for _ in range(MOST_HOPS):
            self.crawled.append(url)
            target = await self._fetch(url) if _host(url) in LOOPBACK else None
            self.workspace.changed("crawled", {"url": url})
            if target is None:
                return
            url = urljoin(url, target)

    async def _fetch(self, url: str) -> str | None:
        if self._session is None:
            headers = {"User-Agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"}
            self._session = aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=5))
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                await response.content.read(65_536)
                return response.headers.get("Location") if 300 <= response.status < 400 else None
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None

    async def settled(self) -> None:
        """Wait until nothing is being fetched."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def stop(self) -> None:
        """Give up what is being fetched."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None


def _host(url: str) -> str | None:
    """The host of what people write as an address, which need not be one."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
