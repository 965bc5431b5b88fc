"""Bolt, which verifies Slack's requests before they are dispatched."""

from __future__ import annotations

import logging

import aiohttp
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.middleware.async_middleware import AsyncMiddleware

from bot.slack.web_api import WebAPI


def create_bolt_app(
    dispatcher: AsyncMiddleware,
    *,
    token: str,
    signing_secret: str | None,
    base_url: str,
    session: aiohttp.ClientSession,
) -> AsyncApp:
    """Return Bolt with all its checks: signatures, timestamps, `ssl_check`, `url_verification`."""

    async def authorize() -> AuthorizeResult:
        # Our only workspace; Bolt's own way asks auth.test for each of the first requests.
        return AuthorizeResult(enterprise_id=None, team_id=None, bot_token=token)

    app = AsyncApp(
        logger=logging.getLogger("slack_bolt"),
        name="applivery-bot",
        signing_secret=signing_secret or "",
        client=WebAPI(base_url=base_url, session=session),  # only Socket Mode asks with it
        authorize=authorize,
        attaching_function_token_enabled=False,
    )
    app.use(dispatcher)
    return app
