"""How many of our functions a call goes through on the two paths that are used most."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import aiohttp
import pytest

import bot
from bot.slack.web_api import WebAPI
from tests.conftest import Environment
from tests.support.seeing import old_card, press

PRODUCT = Path(bot.__file__).parent
MINT, POST = 7, 5  # frames at most


def frames() -> list[str]:
    """Our functions that wait for the call which is made now, the outermost first."""
    found: list[str] = []
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(PRODUCT):
            found.append(f"{path.relative_to(PRODUCT)} {frame.f_code.co_name}")
        frame = frame.f_back
    return found[::-1]


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The functions that each HTTP request went through, by its path's last word."""
    seen: dict[str, list[str]] = {}
    request = aiohttp.ClientSession._request

    async def traced(session: aiohttp.ClientSession, method: str, url: Any, **parts: Any) -> Any:
        seen[str(url).partition("?")[0].rpartition("/")[2]] = frames()
        return await request(session, method, url, **parts)

    monkeypatch.setattr(aiohttp.ClientSession, "_request", traced)
    return seen


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The functions that each call of Slack's Web API went through, by its method."""
    seen: dict[str, list[str]] = {}
    api_call = WebAPI.api_call

    async def traced(client: WebAPI, api_method: str, **parts: Any) -> Any:
        seen[api_method] = frames()
        return await api_call(client, api_method, **parts)

    monkeypatch.setattr(WebAPI, "api_call", traced)
    return seen


async def test_a_link_is_few_calls_deep(world: Environment, requests: dict[str, list[str]]) -> None:
    await world.start()
    build = world.applivery.build(world.courier, version="2.4.0")
    await world.ask("get courier")
    for path in (requests.pop("downloadToken"), await clicked(world, build.id, requests)):
        handler = [frame for frame in path if not frame.startswith("dispatch/")]
        assert handler[0].startswith("commands/get.py"), path
        assert len(handler) <= MINT, path


async def clicked(world: Environment, build_id: str, requests: dict[str, list[str]]) -> list[str]:
    card = old_card(world.slack, world.releases, "get.v1", f"{world.courier.id}/{build_id}")
    await (await press(world.slack, card, "Old", user=world.ana)).answer()
    return requests["downloadToken"]


async def test_a_post_is_few_calls_deep(world: Environment, calls: dict[str, list[str]]) -> None:
    await world.start()
    await world.ask("subscribe courier")
    await world.look()
    world.applivery.build(world.courier, version="2.4.0")
    await world.look()
    path = calls["chat.postMessage"]
    assert path[0].startswith("workers/outbox_dispatcher.py"), path
    assert len(path) <= POST, path
