"""Slack over HTTP: a request is Slack's when its signature is valid, and until then nothing of it is parsed."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Sequence
from typing import Any

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.response import BoltResponse
from yarl import URL

from bot.domain.audit import Entrypoint
from bot.domain.outcomes import RequestOutcome
from bot.observability.metrics import Metrics
from bot.services.event_arrivals import EventArrivals
from bot.slack import schemas
from bot.web.request_bodies import read_body

SLACK_BYTES = 1024 * 1024  # Slack's largest, a full form in which each character takes nine bytes, is half of it
FRESH_SECONDS = 300
CHECK_BYTES = 1024
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
REFUSED = 401


class SlackEvents:
    """`POST /slack/events`."""

    def __init__(self, app: AsyncApp, signing_secret: str, metrics: Metrics, arrivals: EventArrivals) -> None:
        self._app = app
        self._secret = signing_secret.encode()
        self._metrics = metrics
        self._arrivals = arrivals

    async def answer(self, request: web.Request) -> web.Response:
        """Give a request of Slack's to Bolt; anything else is refused with 401 and counted."""
        body = await read_body(request, SLACK_BYTES)
        answer = BoltResponse(status=REFUSED, body="")
        signed = self._is_signed(request, body)
        if signed or _certificate_check(body):
            answer = await self._dispatch(request, body, signed=signed)
        if answer.status == REFUSED:  # a wrong signature, one too old, or a body that is not Slack's
            self._metrics.requests.labels(Entrypoint.HTTP, "", RequestOutcome.UNVERIFIED).inc()
        return await to_aiohttp_response(answer)

    def _is_signed(self, request: web.Request, body: bytes) -> bool:
        """Return whether this is signed by Slack, lately.
        https://docs.slack.dev/authentication/verifying-requests-from-slack
        """
        signature = _single_header(request, "X-Slack-Signature", _SIGNATURE)
        stamp = _single_header(request, "X-Slack-Request-Timestamp", _TIMESTAMP)
        if signature is None or stamp is None or abs(time.time() - int(stamp)) > FRESH_SECONDS:
            return False
        right = hmac.new(self._secret, b"v0:%s:%s" % (stamp.encode(), body), hashlib.sha256).hexdigest()
        signed = hmac.compare_digest(f"v0={right}", signature)
        if not signed:
            self._arrivals.refuse()
        return signed

    async def _dispatch(self, request: web.Request, body: bytes, *, signed: bool) -> BoltResponse:
        try:
            headers: dict[str, str | Sequence[str]] = dict(request.headers)
            if signed:  # so Bolt need not verify it again, which it does not of what is parsed
                bolt_request = AsyncBoltRequest(
                    body=_parsed(body.decode(), request.content_type), headers=headers, mode="socket_mode"
                )
            else:
                bolt_request = AsyncBoltRequest(body=body.decode(), query=request.query_string, headers=headers)
            if schemas.is_valid(bolt_request.body):
                if signed:
                    self._arrivals.accept(bolt_request.body.get("type"), bolt_request.body.get("api_app_id"))
                return await self._app.async_dispatch(bolt_request)
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
            pass  # Bolt parses a body before it verifies it; our own work is in tasks and cannot fail here
        return BoltResponse(status=REFUSED, body="")


def _parsed(body: str, kind: str) -> dict[str, Any]:
    """Return what Bolt makes of a body. Raises ValueError or TypeError for what is not of Slack's.

    yarl takes a form apart in a tenth of the time that the standard library needs.
    https://docs.slack.dev/interactivity/handling-user-interaction#payloads
    """
    if kind != "application/json" and not body.startswith("{"):
        form: dict[str, Any] = dict(URL.build(query_string=body, encoded=True).query.items())
        if "payload" not in form:
            return form
        body = form["payload"]
    parsed = json.loads(body)
    if not isinstance(parsed, dict):
        raise TypeError("Slack sends objects")
    return parsed


def _single_header(request: web.Request, name: str, shape: re.Pattern[str]) -> str | None:
    """Return a header that is there once and looks as it should."""
    found = request.headers.getall(name, ())
    return found[0] if len(found) == 1 and shape.fullmatch(found[0]) else None


def _certificate_check(body: bytes) -> bool:
    """Return whether this may be Slack's check of our certificate, which it does not sign; the response is empty.

    https://docs.slack.dev/interactivity/implementing-slash-commands
    """
    return len(body) <= CHECK_BYTES and b"ssl_check=1" in body
