"""The body of a request whose client is no longer there."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import StreamReader, web

from bot.web.request_bodies import read_body


async def test_body_of_a_client_that_left_is_a_bad_request() -> None:
    protocol: Any = SimpleNamespace(connected=False)
    content = StreamReader(protocol, 2**16, loop=asyncio.get_running_loop())
    request: Any = SimpleNamespace(headers={"Content-Length": "9"}, content_length=9, content=content, protocol=None)
    with pytest.raises(web.HTTPBadRequest):
        await read_body(request, 100)
