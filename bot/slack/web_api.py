"""The SDK's client of Slack's Web API, with limits on time and concurrency, and Slack's own rate limits."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from contextlib import suppress
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler, AsyncServerErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.exceptions import DeliveryUnknown, SlackError, SlackInvalidCredentials, SlackRateLimited, SlackSilent
from bot.slack.errors import RAISED, to_slack_error, token_error
from bot.slack.slack_clock import SlackClock
from bot.slack.token_standing import ASKED_BY, TokenStanding
from bot.timeouts import RateLimitDeadlines, call_limit, longest_wait, person_waits

AT_ONCE = 16  # concurrent calls per method, so that one that hangs leaves connections for the others
ATTEMPTS = 3
# Its default logger has no level, and then the SDK formats each request and response for lines that are not logged.
SDK_LOG = logging.getLogger("slack_sdk")
MESSAGES = ("chat.", "files.")  # methods whose failure leaves it unknown whether a message arrived
OF_A_CHANNEL = ("chat.postMessage",)  # rate-limited per channel; all others per workspace


class WebAPI(AsyncWebClient):
    """A client that respects the Retry-After of each method.

    While a person waits, a call takes at most `PERSON_SECONDS` including retries: then it raises DeliveryUnknown, or
    at once SlackRateLimited if Retry-After is longer. For background work the limit is `longest_wait()`. With `once`
    nothing is retried, since Slack may have stored the message before the connection broke. `beside` is a client with
    which this one shares its limits.
    """

    def __init__(
        self,
        *,
        token: str | None = None,
        base_url: str,
        session: aiohttp.ClientSession,
        once: bool = False,
        beside: WebAPI | None = None,
    ) -> None:
        again: list[AsyncRetryHandler] = [
            AsyncConnectionErrorRetryHandler(max_retry_count=2),
            AsyncServerErrorRetryHandler(max_retry_count=2),
        ]
        super().__init__(
            token=token,
            base_url=base_url,
            session=session,
            retry_handlers=[] if once else again,
            logger=SDK_LOG,
        )
        self._attempts = 1 if once else ATTEMPTS
        self.limits: RateLimitDeadlines = beside.limits if beside else RateLimitDeadlines()
        self.clock: SlackClock = beside.clock if beside else SlackClock()
        self.standing: TokenStanding = beside.standing if beside else TokenStanding()
        self._semaphores: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(AT_ONCE))

    async def api_call(self, api_method: str, **parts: Any) -> AsyncSlackResponse:  # called by all methods of the SDK
        """Call a method. Raises SlackError instead of the exceptions of the SDK and the connection."""
        waited_until = time.monotonic() + longest_wait()
        try:
            async with asyncio.timeout(self._limit()):
                for _attempt in range(self._attempts - 1):
                    try:
                        return await self._call(api_method, parts)
                    except SlackRateLimited as busy:
                        if time.monotonic() + busy.retry_after > waited_until:
                            raise
                        await asyncio.sleep(busy.retry_after)
                return await self._call(api_method, parts)
        except RAISED as error:
            raise _unanswered(api_method, to_slack_error(error)) from error

    def _limit(self) -> float | None:
        """Return the timeout of a call in seconds; a call without retries has one only while a person waits.

        Cancelling a post leaves it unknown whether it was stored, so background work limits when it starts instead.
        """
        once = self._attempts == 1 and not person_waits()
        return None if once else call_limit()

    async def _call(self, method: str, parts: dict[str, Any]) -> AsyncSlackResponse:
        await self._require_token(method)
        name = f"{method} {(parts.get('json') or {}).get('channel')}" if method in OF_A_CHANNEL else method
        async with self._semaphores[method]:
            if left := self.limits.left(name):
                raise SlackRateLimited(retry_after=left)
            try:
                answer = await super().api_call(method, **parts)
            except SlackApiError as error:
                slack_error = to_slack_error(error)
                if isinstance(slack_error, SlackRateLimited):
                    self.limits.limit(name, slack_error.retry_after)
                    raise slack_error from error
                if isinstance(slack_error, SlackInvalidCredentials):
                    await self._on_token_refused(method, slack_error.code)
                raise
        self.clock.read_date(answer.headers)
        self.standing.accept()
        return answer

    async def _require_token(self, method: str) -> None:
        """Raise SlackInvalidCredentials while Slack does not accept the token, without a request each time.

        Not while a person waits: Slack delivered their request, so the app is installed.
        """
        if not self.standing.code or person_waits():
            return
        if not self.standing.may_ask:
            raise token_error(self.standing.code)
        if method != ASKED_BY:
            await self._call(ASKED_BY, {})

    async def _on_token_refused(self, method: str, code: str) -> None:
        """Record a refused token only if `auth.test` refuses it: other methods may refuse for reasons of their own."""
        if method == ASKED_BY:
            self.standing.refuse(code)
            return
        with suppress(*RAISED, SlackError):
            await self._call(ASKED_BY, {})


def _unanswered(method: str, error: SlackError) -> SlackError:
    """Return the error, as SlackSilent if the method does not send messages."""
    if type(error) is DeliveryUnknown and not method.startswith(MESSAGES):
        return SlackSilent(code=error.code)
    return error
