import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import FakeSlack
from tests.support.waiting import PATIENCE


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    fake = FakeSlack(ack_seconds=1.0)
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def client(slack: FakeSlack) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])


@dataclass
class Connected:
    """A real bolt app connected to the fake Slack."""

    app: AsyncApp
    slack: FakeSlack
    closers: list[Any]

    async def connect(self) -> AsyncSocketModeHandler:
        handler = AsyncSocketModeHandler(self.app, self.slack.app_token, ping_interval=0.1)
        before = len(self.slack.sockets)
        await handler.connect_async()
        await self.slack.until(lambda: len(self.slack.sockets) > before)
        self.closers.append(handler.close_async)
        return handler

    async def serve_http(self) -> None:
        runner = web.AppRunner(self.app.server(port=0, host="127.0.0.1").web_app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.closers.append(runner.cleanup)
        self.slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
        assert await self.slack.verify()


@pytest.fixture
async def bolt(slack: FakeSlack, client: AsyncWebClient) -> AsyncIterator[Connected]:
    connected = Connected(AsyncApp(client=client, signing_secret=slack.signing_secret), slack, [])
    yield connected
    for close in connected.closers:
        await asyncio.wait_for(close(), PATIENCE)


@pytest.fixture
def ana(slack: FakeSlack) -> Any:
    return slack.user("ana")


@pytest.fixture
def releases(slack: FakeSlack, ana: Any) -> Any:
    return slack.channel("releases", members=[ana])
