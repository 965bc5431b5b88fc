"""The faults in front of everything that is not a Web API method: response_urls, handshakes, uploads, files."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from sandbox.faults import Fault, FaultQueue, cut, sent

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def gated(faults: FaultQueue, target: str, handler: Handler) -> Handler:
    """The handler, met first by the faults that wait for `target`."""

    async def serve(request: web.Request) -> web.StreamResponse:
        fault = faults.next(target)
        return await handler(request) if fault is None else await _meet(request, handler, fault)

    return serve


async def _meet(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    if fault.latency:
        await asyncio.sleep(fault.latency)
    if fault.drop:
        return cut(request)
    if fault.answers:
        headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
        if fault.error is not None:
            return web.json_response({"ok": False, "error": fault.error}, status=fault.status or 400, headers=headers)
        return sent(fault, headers, "text/plain")
    answered = await handler(request)
    if fault.drop_at is not None and isinstance(answered, web.Response):
        return await _cut_short(request, answered, fault.drop_at)
    return cut(request) if fault.drop_after else answered


async def _cut_short(request: web.Request, whole: web.Response, share: float) -> web.StreamResponse:
    """Begin to give an answer, and cut the connection after this share of it."""
    body = whole.body if isinstance(whole.body, bytes) else b""
    begun = web.StreamResponse(status=whole.status)
    begun.content_type, begun.content_length = whole.content_type, len(body)
    await begun.prepare(request)
    await begun.write(body[: int(len(body) * share)])
    cut(request)
    return begun
