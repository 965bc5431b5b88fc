"""The bot's claim page as a phone shows it, in a frame beside the fake Slack.

The product's own answer forbids to be framed, and stays so: this is a copy of it on the demo's address, asked for with
a phone's user agent, that only this page may frame.
"""

from __future__ import annotations

import re

import aiohttp
from aiohttp import hdrs, web

AGENTS = {
    "iphone": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1",
    "android": "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Mobile Safari/537.36",
}
_TICKET = re.compile(r"[\w-]{1,200}")
_PASSED_ON = (hdrs.CONTENT_TYPE, hdrs.LOCATION, hdrs.CACHE_CONTROL, hdrs.RETRY_AFTER)
_ASKED_WITH = (hdrs.ACCEPT_LANGUAGE, hdrs.CONTENT_TYPE)
_SECONDS = aiohttp.ClientTimeout(total=20.0)


class PhonePreview:
    """Asks the bot at `bot_url` for its claim page; without one there is no page."""

    def __init__(self) -> None:
        self.bot_url = ""

    async def answer(self, request: web.Request) -> web.Response:
        """Pass a request on with the user agent of `device`, and its answer back."""
        agent, ticket = AGENTS.get(request.match_info["device"]), request.match_info["ticket"]
        if not (self.bot_url and agent and _TICKET.fullmatch(ticket)):
            raise web.HTTPNotFound
        headers: dict[str, str] = {name: request.headers[name] for name in _ASKED_WITH if name in request.headers}
        headers[hdrs.USER_AGENT] = agent
        try:
            async with (
                aiohttp.ClientSession(timeout=_SECONDS) as session,
                session.request(
                    request.method,
                    f"{self.bot_url}/b/{ticket}",
                    headers=headers,
                    data=await request.read(),
                    allow_redirects=False,
                ) as got,
            ):
                return _copy(got, await got.read())
        except aiohttp.ClientError:
            raise web.HTTPBadGateway(text="The bot is not running.") from None


def _copy(got: aiohttp.ClientResponse, body: bytes) -> web.Response:
    headers: dict[str, str] = {name: got.headers[name] for name in _PASSED_ON if name in got.headers}
    policy = got.headers.get("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    headers["Content-Security-Policy"] = policy.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
    return web.Response(status=got.status, body=body, headers=headers)
