"""A fake Applivery with a real client in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bot.applivery.client import AppliveryClient
from bot.applivery.hosts import AppliveryHosts
from bot.applivery.rate_budget import RequestBudget
from sandbox.applivery import FakeApplivery

MakeClient = Callable[..., AppliveryClient]


def hosts_of(server: FakeApplivery) -> AppliveryHosts:
    return AppliveryHosts(api=server.url, upload=server.url, download=server.url, dashboard=server.url)


@pytest.fixture
async def server() -> AsyncIterator[FakeApplivery]:
    fake = FakeApplivery(processing=None)
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
async def make_client(server: FakeApplivery) -> AsyncIterator[MakeClient]:
    made: list[AppliveryClient] = []

    def make(**changed: Any) -> AppliveryClient:
        settings: dict[str, Any] = {
            "hosts": hosts_of(server),
            "organization": "acme",
            "token": server.token,
            "budget": RequestBudget(1000),
        }
        made.append(AppliveryClient(**(settings | changed)))
        return made[-1]

    yield make
    for client in made:
        await client.close()


@pytest.fixture
def client(make_client: MakeClient) -> AppliveryClient:
    return make_client()
