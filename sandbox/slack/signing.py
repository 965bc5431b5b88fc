"""HTTP delivery, signed as Slack signs it. https://docs.slack.dev/authentication/verifying-requests-from-slack"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import aiohttp

from sandbox.slack.ack import Acknowledgement
from sandbox.slack.workspace import SlackWorkspace


def signature(secret: str, timestamp: str, body: str) -> str:
    """The X-Slack-Signature of a body sent at `timestamp` (epoch seconds)."""
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return f"v0={digest}"


class SignedHttp:
    """Sends commands and interactions as forms and events as JSON to one address."""

    def __init__(self, workspace: SlackWorkspace, secret: str) -> None:
        self.workspace = workspace
        self.secret = secret
        self.delivered: list[dict[str, Any]] = []

    def request(self, kind: str, payload: dict[str, Any]) -> tuple[str, str]:
        """The body and its content type, as Slack sends this kind."""
        if kind == "events_api":
            return json.dumps(payload), "application/json"
        fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
        return urlencode(fields), "application/x-www-form-urlencoded"

    def headers(self, body: str, content_type: str, attempt: int = 0, reason: str = "") -> dict[str, str]:
        """The signed headers of one request."""
        timestamp = str(int(self.workspace.clock()))
        headers = {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self.secret, timestamp, body),
        }
        if attempt:
            headers |= {
                "X-Slack-Retry-Num": str(attempt),
                "X-Slack-Retry-Reason": f"http_{reason}" if reason == "timeout" else reason,
            }
        return headers

    async def ask(
        self, url: str, kind: str, payload: dict[str, Any], patience: float, *, attempt: int = 0, reason: str = ""
    ) -> Acknowledgement:
        """POST once and wait up to `patience` seconds for a 200."""
        body, content_type = self.request(kind, payload)
        headers = self.headers(body, content_type, attempt, reason)
        self.delivered.append({"type": kind, "payload": payload, "retry_attempt": attempt})
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=patience)) as session,
                session.post(url, data=body.encode(), headers=headers, allow_redirects=False) as response,
            ):
                raw = await response.text()
                return self._ack(response, raw, loop.time() - started)
        except TimeoutError:
            return Acknowledgement(False, patience, error="operation_timeout", reason="timeout")
        except aiohttp.ClientError:
            return Acknowledgement(False, loop.time() - started, error="dispatch_failed", reason="connection_failed")

    async def verify(self, url: str, patience: float = 3.0) -> bool:
        """Whether the address answers the url_verification challenge, as when it is first typed in."""
        challenge = self.workspace.new_word(32)
        asked = {"type": "url_verification", "token": self.workspace.verification_token, "challenge": challenge}
        ack = await self.ask(url, "events_api", asked, patience)
        said = ack.body if isinstance(ack.body, dict) else {}
        return ack.ok and challenge in (said.get("challenge"), said.get("text"))

    def _ack(self, response: aiohttp.ClientResponse, raw: str, seconds: float) -> Acknowledgement:
        if not 200 <= response.status < 300:
            retry = response.headers.get("x-slack-no-retry") != "1"
            return Acknowledgement(False, seconds, body=raw, error="dispatch_failed", reason="http_error", retry=retry)
        if not raw:
            return Acknowledgement(True, seconds)
        try:
            return Acknowledgement(True, seconds, json.loads(raw))
        except ValueError:
            return Acknowledgement(True, seconds, {"text": raw})
