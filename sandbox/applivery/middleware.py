"""What every request passes before it is answered: the record, the faults, the credential and the rate limit."""

from __future__ import annotations

import asyncio
import fnmatch
import hmac
import json
import math
from collections import deque
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web

from sandbox.applivery.builds import FakeBuildsWorkspace
from sandbox.applivery.models import FakeApp, RecordedRequest
from sandbox.applivery.responses import ApiError, not_found
from sandbox.faults import Fault, cut, cut_at, sent

WORLD = web.AppKey("world", FakeBuildsWorkspace)
GATE: web.AppKey[FaultMiddleware] = web.AppKey("gate")
_HEARD = web.RequestKey("heard", RecordedRequest)
_APP = web.RequestKey("app", FakeApp)
_HOUR = 3600.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Reshaper = Callable[[Any], Any]


class FaultMiddleware:
    """The state of the gate: when the last hour's requests came, and the odd shapes asked for."""

    def __init__(self, world: FakeBuildsWorkspace) -> None:
        self.world = world
        self.reshapers: list[tuple[str, Reshaper]] = []
        self._heard: deque[float] = deque()

    def count(self) -> None:
        """Count one API request; raises the 429 when the sliding hour is full."""
        now = self.world.clock()
        while self._heard and self._heard[0] <= now - _HOUR:
            self._heard.popleft()
        if len(self._heard) >= self.world.rate_per_hour:
            # No vendor page shows a 429; its body and code are unknown.
            refusal = ApiError(429, None, "Too Many Requests")
            oldest = self._heard[0] if self._heard else now
            refusal.headers["Retry-After"] = str(max(1, math.ceil(oldest + _HOUR - now)))
            raise refusal
        self._heard.append(now)

    def reshape(self, target: str, response: web.StreamResponse) -> web.StreamResponse:
        """Send the answer through every reshaper that fits."""
        fitting = [change for pattern, change in self.reshapers if fnmatch.fnmatchcase(target, pattern)]
        if not fitting or not isinstance(response, web.Response) or response.content_type != "application/json":
            return response
        body = json.loads(response.text or "null")
        for change in fitting:
            body = change(body)
        return web.json_response(body, status=response.status)


@web.middleware
async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Remember the request, let a waiting fault have its way, and turn refusals into envelopes."""
    world = request.app[WORLD]
    heard = RecordedRequest(request.method, request.path, dict(request.query), world.clock())
    request[_HEARD] = heard
    world.requests.append(heard)
    world.stir()
    try:
        response = await _answer(request, handler)
        if response is None:
            return cut(request)
        heard.status = response.status
        return response
    finally:
        world.stir()


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse | None:
    """Give the answer, or None when the connection is to be cut."""
    target = f"{request.method} {request.path}"
    fault = request.app[WORLD].faults.next(target) or Fault()
    if fault.latency:
        await asyncio.sleep(fault.latency)
    if fault.drop_at is not None:
        await cut_at(request, fault.drop_at)
        return None
    if fault.drop:
        return None
    response = _misbehave(fault) if fault.answers else await _work(request, handler)
    if fault.drop_after:
        return None
    return request.app[GATE].reshape(target, response)


async def _work(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        admit(request)
        return await handler(request)
    except ApiError as refusal:
        return refusal.response()
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return ApiError(error.status, None, error.reason).response()


def _misbehave(fault: Fault) -> web.Response:
    headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
    if fault.body is not None or fault.packed is not None:
        return sent(fault, headers, "text/html")
    status = fault.status or 400
    refusal = ApiError(status, fault.code, fault.error or HTTPStatus(status).phrase)
    refusal.headers.update(headers)
    return refusal.response()


# ------------------------------------------------------------------ credentials


def admit(request: web.Request) -> None:
    """Check the credential the path asks for and count the request; raises ApiError 4002, 4004 or the 429."""
    family = request.path.split("/")[1:3]
    if family == ["v1", "organizations"]:
        _authorise(request, _is_service_account)
    elif family == ["v1", "integrations"]:
        _authorise(request, _is_app)
    else:
        return
    request.app[GATE].count()


def _authorise(request: web.Request, accept: Callable[[web.Request, str], bool]) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    request[_HEARD].authorization_ok = False
    if scheme.lower() != "bearer" or not token.strip():
        raise ApiError(401, 4002, "No auth token")
    if not accept(request, token.strip()):
        raise ApiError(401, 4004, "Invalid Token")
    request[_HEARD].authorization_ok = True


def _is_service_account(request: web.Request, token: str) -> bool:
    return hmac.compare_digest(token.encode(), request.app[WORLD].token.encode())


def _is_app(request: web.Request, token: str) -> bool:
    found = next((app for app in request.app[WORLD].apps if app.token == token), None)
    if found is not None:
        request[_APP] = found
    return found is not None


def app_of(request: web.Request) -> FakeApp:
    """Give the app the path names, or the one the App API Token belongs to; raises 3001."""
    found = request.get(_APP) or request.app[WORLD].find_app(request.match_info["app"])
    if found is None:
        raise not_found()
    return found
