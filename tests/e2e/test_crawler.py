"""Nothing is spent but by somebody's hand, whatever fetches the addresses the bot says."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urljoin

import aiohttp
import pytest

from sandbox.slack import FakeMessage
from sandbox.slack.links import of_message
from tests.conftest import Environment
from tests.support.everything import everything
from tests.support.handing import direct, mints, ready, rested, start_with_page
from tests.support.places import everywhere, in_organisation
from tests.support.seeing import every_message, labels, press

MANY = {"links_per_minute": 10_000, "links_per_hour": 10_000}
HREF = re.compile(r"""(?:href|src|action)=["']([^"']+)["']""")


class Greedy:
    """A crawler that keeps to no flag: it GETs and HEADs every address of every message the moment it is said.

    Private messages too, and whatever the pages it gets lead to.
    """

    def __init__(self, world: Environment) -> None:
        self.fetched: list[tuple[str, str, int]] = []
        self._seen: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))
        world.slack.mailbox.stored.append(self.look_at)

    def look_at(self, message: FakeMessage) -> None:
        for address in of_message(message):
            if address.startswith("http://127.0.0.1"):
                self._later(address)

    def _later(self, address: str) -> None:
        if address not in self._seen:
            self._seen.add(address)
            task = asyncio.get_running_loop().create_task(self._fetch(address))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _fetch(self, address: str) -> None:
        for method in ("HEAD", "GET", "GET"):
            async with self._session.request(method, address) as answer:
                text = await answer.text("utf-8", "replace") if "text" in answer.content_type else ""
                self.fetched.append((method, address, answer.status))
        for found in HREF.findall(text):
            address_there = urljoin(address, found)
            if address_there.startswith("http://127.0.0.1"):
                self._later(address_there)

    async def settled(self) -> None:
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        await self.settled()
        await self._session.close()


@in_organisation
async def test_claim_page_greedy_crawler_mints_and_spends_nothing(world: Environment) -> None:
    address = await start_with_page(world, **MANY)
    greedy = Greedy(world)
    await everything(world)
    await greedy.close()
    pages = [(method, url, status) for method, url, status in greedy.fetched if url.startswith(f"{address}/b/")]
    assert len({url for _, url, _ in pages}) >= 15
    assert sum(status == 200 for _, _, status in pages) >= 15
    assert mints(world) == 0
    assert world.applivery.minted == []
    assert world.applivery.spent == []


@everywhere
@pytest.mark.parametrize("os", ["android", "ios"])
async def test_after_the_crawler_a_person_still_gets_the_build_once(world: Environment, os: str) -> None:
    address = await start_with_page(world)
    ready(world, os=os, size=4321)
    greedy = Greedy(world)
    answer = await world.ask("get courier")
    await greedy.settled()
    [page] = {url for _, url, _ in greedy.fetched if url.startswith(f"{address}/b/")}
    assert [method for method, url, status in greedy.fetched if (url, status) == (page, 200)] == ["HEAD", "GET", "GET"]
    assert mints(world) == 0
    async with aiohttp.ClientSession() as session:
        async with session.post(page, data={"as": "file"}) as response:
            assert response.status == 200
            assert len(await response.read()) == 4321
        assert [token.spent_count for token in world.applivery.minted] == [1]
        async with session.post(page, headers={"User-Agent": "another"}) as response:
            assert response.status == 410
            assert "used" in await response.text()
    assert mints(world) == 1
    assert page in answer.text
    await greedy.close()


async def test_without_pages_slack_s_own_crawler_is_sent_to_no_link(world: Environment) -> None:
    await world.start(**MANY)
    await everything(world)
    await world.slack.settled()
    assert world.slack.crawler.enabled
    assert [text for text in world.slack.crawled if "/download/" in text or "/b/" in text] == []
    assert world.applivery.spent == []
    secret = [message for message in every_message(world.slack) if "/v1/download/" in str(message.saved())]
    assert len(secret) >= 20
    assert all((message.unfurl_links, message.unfurl_media) == (False, False) for message in secret)


async def test_token_minted_only_by_user_action(world: Environment) -> None:
    """Cards, lists, forms, typeaheads, the clock: none of them makes a token ahead."""
    await world.start()
    build = ready(world)
    world.applivery.attach(build, "notes.pdf", b"x")
    for typed in ("builds courier", "status courier", "files courier", "subscribe courier", "help", "", "whoami"):
        await world.ask(typed)
    ready(world, number="174")
    await world.look()
    card = world.slack.messages(world.releases)[-1]
    assert "Get build" in labels(card)
    await world.ask(f"get courier to:<@{world.bruno.id}>")
    await direct(world, world.bruno)
    assert mints(world) == 0
    await press(world.slack, card, "Get build", user=world.bruno)
    await rested(world)
    assert mints(world) == 1
