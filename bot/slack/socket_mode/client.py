"""One Socket Mode connection: the SDK's client with its defects corrected."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient
from yarl import URL

from bot.exceptions import kind_of
from bot.http_proxy import proxy_of
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.slack import schemas
from bot.slack.incoming import OK, IncomingRequest, Receiver

log = logger(__name__)

CLOSE_SECONDS = 3.0
ACKNOWLEDGE_SECONDS = 3.0  # Slack's limit


class _SdkLogHandler(logging.Handler):
    """Receive the SDK's log, which has a traceback for each failed attempt; the watchdog logs one line instead."""

    def __init__(self, note: Callable[[BaseException], None]) -> None:
        super().__init__()
        self._note = note

    def emit(self, record: logging.LogRecord) -> None:
        """Pass the error of a log record on, if it has one."""
        if record.exc_info and record.exc_info[1]:
            self._note(record.exc_info[1])


ToldToGo = Callable[["SocketModeConnection", str], None]


class SocketModeConnection(SocketModeClient):
    """A client that reconnects, and calls `on_disconnect` when Slack is about to close the connection.

    The SDK closes the old socket before it opens the next, and drops messages that arrive in between.
    https://docs.slack.dev/apis/events-api/using-socket-mode#disconnect
    """

    def __init__(
        self,
        receive: Receiver,
        *,
        client: AsyncWebClient,
        app_token: str,
        ping_seconds: float,
        on_disconnect: ToldToGo,
    ) -> None:
        # a separate logger, not registered by getLogger(), so that it is not kept and nothing reaches our log
        told = logging.Logger("bot.slack.socket_mode.pool.sdk", logging.ERROR)  # noqa: LOG001
        told.addHandler(_SdkLogHandler(self._on_error))
        super().__init__(app_token=app_token, logger=told, web_client=client, ping_interval=ping_seconds)
        self._receive = receive
        self._on_disconnect = on_disconnect
        self._connecting: asyncio.Task[None] | None = None
        self.successor: SocketModeConnection | None = None
        self.last_error = "no answer"
        self.hello_at: float | None = None
        self.socket_mode_request_listeners.append(self._on_request)

    def start(self) -> None:
        """Start to connect in the background."""
        self._connecting = asyncio.create_task(self.connect())  # type: ignore[no-untyped-call]

    def disable_reconnect(self) -> None:
        """Keep receiving, but do not reconnect after Slack has closed the connection."""
        self.auto_reconnect_enabled = self.default_auto_reconnect_enabled = False

    @property
    def is_finished(self) -> bool:
        """Whether the connection is closed and all received messages are being handled."""
        gone = self.current_session is None or self.current_session.closed
        return self.closed or (gone and self.message_queue.empty())

    def _on_error(self, error: BaseException) -> None:
        self.last_error = cause(error)

    async def issue_new_wss_url(self) -> str:
        """Return the address as the SDK does; record its proxy, and that the handshake is next."""
        url: str = await super().issue_new_wss_url()
        proxy = proxy_of(URL(url))
        self.proxy = str(proxy) if proxy else None
        self.last_error = "handshake"
        return url

    async def run_message_listeners(self, message: dict[str, Any], raw_message: str) -> None:
        """Handle messages about the connection itself; leave all others to the SDK."""
        kind = message.get("type")
        if kind == "disconnect":
            self._on_disconnect(self, str(message.get("reason") or "unknown"))
            return
        if kind == "hello":
            self.hello_at = time.monotonic()
            log.info("slack.socket.greeted", connections_with_this_token=message.get("num_connections"))
        await super().run_message_listeners(message, raw_message)

    async def send_message(self, message: str) -> None:
        """Send as the SDK does, or over the successor: Slack accepts an acknowledgement on any connection."""
        if self._connecting and self.current_session is None:
            await asyncio.wait({self._connecting}, timeout=ACKNOWLEDGE_SECONDS)
        try:
            await super().send_message(message)
        except (ConnectionError, AttributeError):  # AttributeError: the SDK had no session yet
            if self.successor is None:
                raise
            await self.successor.send_message(message)

    async def close_quickly(self) -> None:
        """Close in bounded time: the SDK's client can hang while closing, and then leaves its session open."""
        if self._connecting:
            self._connecting.cancel()
        for close, seconds in ((self.close, CLOSE_SECONDS), (self.aiohttp_client_session.close, 1.0)):
            try:
                async with asyncio.timeout(seconds):
                    await close()
            except (TimeoutError, OSError, RuntimeError) as error:
                log.info("slack.socket.close_failed", error=kind_of(error), cause=cause(error))

    async def _on_request(self, _: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        if not schemas.is_valid(request.payload):
            log.warning("request.unreadable", kind=request.type)
            # a redelivery would be no more valid
            await self.send_socket_mode_response({"envelope_id": request.envelope_id})
            return
        answer = await self._receive(IncomingRequest(request.payload, envelope=request.envelope_id))
        if answer.status == OK:  # without an acknowledgement Slack sends it again
            said = {"payload": answer.body} if answer.body else {}
            await self.send_socket_mode_response({"envelope_id": request.envelope_id, **said})
