"""Which build is meant on the shell: any of them, however old."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.applivery.app_builds import AppBuilds, by_app_token
from bot.cli import clients
from sandbox.applivery import FakeApplivery
from tests.integration.applivery.conftest import hosts_of


@pytest.fixture
async def server() -> AsyncIterator[FakeApplivery]:
    fake = FakeApplivery(processing=None)
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
async def app_builds(server: FakeApplivery) -> AsyncIterator[AppBuilds]:
    app = server.app("Courier")
    for number in range(1, 131):
        status = "processed" if number < 30 else "error"
        server.build(app, version=f"1.0.{number}", number=str(number), status=status, created_at=1.7e9 + number)
    async with by_app_token(hosts_of(server), "app-token-courier") as found:
        yield found


@pytest.mark.parametrize(
    ("which", "number"), [("1.0.1", "1"), ("v1.0.20", "20"), ("#3", "3"), ("1.0.130", "130"), ("latest", "29")]
)
async def test_the_oldest_build_is_found_like_the_newest(app_builds: AppBuilds, which: str, number: str) -> None:
    _, title = await clients.build(app_builds, which)
    assert f"({number})" in title
