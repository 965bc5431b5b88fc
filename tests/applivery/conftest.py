"""A pretended Applivery with a real client in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bot.applivery.client import Applivery
from bot.applivery.hosts import Hosts
from bot.applivery.rate_budget import Budget
from sandbox.applivery import PretendedApplivery

MakeClient = Callable[..., Applivery]


def hosts_of(server: PretendedApplivery) -> Hosts:
    return Hosts(api=server.url, upload=server.url, download=server.url, dashboard=server.url)


@pytest.fixture
async def server() -> AsyncIterator[PretendedApplivery]:
    pretended = PretendedApplivery(processing=None)
    await pretended.start()
    yield pretended
    await pretended.stop()


@pytest.fixture
async def make_client(server: PretendedApplivery) -> AsyncIterator[MakeClient]:
    made: list[Applivery] = []

    def make(**changed: Any) -> Applivery:
        settings: dict[str, Any] = {
            "hosts": hosts_of(server),
            "organization": "acme",
            "token": server.token,
            "budget": Budget(1000),
        }
        made.append(Applivery(**(settings | changed)))
        return made[-1]

    yield make
    for client in made:
        await client.close()


@pytest.fixture
def client(make_client: MakeClient) -> Applivery:
    return make_client()
