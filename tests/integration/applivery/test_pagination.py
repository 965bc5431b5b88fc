"""Long lists: read in large pages where the tenant takes them, and whole wherever it does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.applivery.client import AppliveryClient, AppliveryHosts, RequestBudget
from bot.applivery.pagination import LARGE_PAGE, PAGE_SIZE, REMEMBER_SECONDS, PageSizes
from bot.services.app_directory import AppDirectory
from sandbox.applivery import FakeApplivery

LONG = 1_230


@pytest.fixture
async def server() -> AsyncIterator[FakeApplivery]:
    it = FakeApplivery()
    app = it.app("Courier")
    for number in range(LONG):
        it.build(app, version=f"1.{number}")
    await it.start()
    yield it
    await it.stop()


@pytest.fixture
async def client(server: FakeApplivery) -> AsyncIterator[AppliveryClient]:
    hosts = AppliveryHosts(api=server.url, upload=server.url, download=server.url, dashboard=server.url)
    budget = RequestBudget(10_000)
    async with AppliveryClient(hosts=hosts, organization="acme", token=server.token, budget=budget) as it:
        yield it


async def everything(client: AppliveryClient) -> list[str]:
    [app] = await client.apps()
    return [build.version async for build in AppDirectory(client).walk(app)]


def limits(server: FakeApplivery) -> list[int]:
    return [int(asked.query["limit"]) for asked in server.requests if asked.path.endswith("/builds")]


ALL = [f"1.{number}" for number in reversed(range(LONG))]


@pytest.mark.parametrize(("largest", "requests"), [(10_000, 4), (500, 4), (200, 8), (100, 14), (50, 25)])
@pytest.mark.parametrize("refused", [False, True])
async def test_long_list_is_whole_with_any_largest_page(
    server: FakeApplivery, client: AppliveryClient, largest: int, requests: int, refused: bool
) -> None:
    if refused and largest < PAGE_SIZE:
        pytest.skip("what the vendor's own examples ask for is not refused")
    server.largest_page, server.refuses_larger_pages = largest, refused
    assert await everything(client) == ALL
    if not refused:
        assert len(limits(server)) == requests


async def test_small_page_of_a_tenant_is_remembered(server: FakeApplivery, client: AppliveryClient) -> None:
    server.largest_page, server.refuses_larger_pages = 100, True
    await everything(client)
    assert limits(server).count(LARGE_PAGE) == 1
    server.requests.clear()
    assert await everything(client) == ALL
    assert LARGE_PAGE not in limits(server)


def test_large_page_is_tried_again_after_a_while() -> None:
    now = 0.0
    sizes = PageSizes(lambda: now)
    sizes.learn("builds", 100)
    assert (sizes.largest("builds"), sizes.largest("apps")) == (100, LARGE_PAGE)
    now = REMEMBER_SECONDS
    assert sizes.largest("builds") == LARGE_PAGE


async def test_large_page_that_fails_costs_no_builds(server: FakeApplivery, client: AppliveryClient) -> None:
    def only_large(body: Any) -> Any:
        if body["data"]["limit"] > PAGE_SIZE:
            return {"status": False, "error": {"code": 6002, "message": "Body Validation Error"}}
        return body

    server.largest_page = LARGE_PAGE
    server.reshape("GET *builds", only_large)
    assert await everything(client) == ALL


async def test_short_list_costs_one_request(server: FakeApplivery, client: AppliveryClient) -> None:
    del server.builds[PAGE_SIZE:]
    await everything(client)
    assert limits(server) == [PAGE_SIZE]


def _flat(body: Any) -> Any:
    return {"items": body["data"]["items"]}


SILENT = {  # about pages: shapes of applivery-soar, utils/extractItems.ts
    "bare": lambda body: body["data"]["items"],
    "data": lambda body: {"data": body["data"]["items"]},
    "items": _flat,
    "flags of null": lambda body: {"data": {**_flat(body), "hasNextPage": None, "totalPages": None}},
}


@pytest.mark.parametrize("shape", SILENT)
@pytest.mark.parametrize("largest", [10_000, 500, 100, 30])
async def test_list_that_counts_nothing_is_whole(
    server: FakeApplivery, client: AppliveryClient, shape: str, largest: int
) -> None:
    server.largest_page = largest
    server.reshape("GET *builds*", SILENT[shape])
    assert await everything(client) == ALL
    assert len(limits(server)) <= LONG // min(largest, LARGE_PAGE) + 4


@pytest.mark.parametrize("number", [3, PAGE_SIZE, PAGE_SIZE + 1, LARGE_PAGE])
async def test_list_that_knows_no_pages_is_read_once(
    server: FakeApplivery, client: AppliveryClient, number: int
) -> None:
    """A server that ignores `page` and `limit` gives the same again and again."""
    del server.builds[number:]
    first: list[Any] = []

    def same(body: Any) -> Any:
        first[:] = first or body["data"]["items"]
        return first

    server.largest_page = LONG
    server.reshape("GET *builds*", same)
    assert len(await everything(client)) == min(number, PAGE_SIZE)
    assert len(limits(server)) <= 3


@pytest.mark.parametrize("shape", SILENT)
async def test_apps_that_count_nothing_are_all_there(
    server: FakeApplivery, client: AppliveryClient, shape: str
) -> None:
    for number in range(45):
        server.app(f"App {number}")
    server.largest_page = 20
    server.reshape("GET *apps*", SILENT[shape])
    assert len(await client.apps()) == 46
