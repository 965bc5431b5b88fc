"""Bodies that strangers send: at most so many bytes, in so much time, and never unpacked."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext

from aiohttp import web

from bot.web.connections import ClientConnection, ConnectionLimits


async def read_body(request: web.Request, most: int) -> bytes:
    """Return the body of a request, which may have `most` bytes and take the seconds of its connection's limits.

    Raises HTTPUnsupportedMediaType for one that is packed, HTTPRequestEntityTooLarge, HTTPRequestTimeout, and
    HTTPBadRequest for one that is cut short.
    """
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        # RFC 9110, 15.5.16: says so together with what would do
        raise web.HTTPUnsupportedMediaType(headers={"Accept-Encoding": "identity"})
    if (request.content_length or 0) > most:
        raise web.HTTPRequestEntityTooLarge(most, request.content_length or 0)
    visitor = request.protocol
    limits = visitor.limits if isinstance(visitor, ClientConnection) else ConnectionLimits()
    if request.content.is_eof():  # mostly: it came together with its head
        return _arrived(request, most)
    waiting = visitor.waiting() if isinstance(visitor, ClientConnection) else nullcontext()
    try:
        with waiting:
            async with asyncio.timeout(limits.body):
                return await _whole(request, most)
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except (web.RequestPayloadError, ConnectionError, asyncio.IncompleteReadError):
        raise web.HTTPBadRequest from None


def _arrived(request: web.Request, most: int) -> bytes:
    """Return a body that has come as a whole. Raises as `read_body` does."""
    try:
        body = request.content.read_nowait()
    except (web.RequestPayloadError, ConnectionError):
        raise web.HTTPBadRequest from None
    if len(body) > most:
        raise web.HTTPRequestEntityTooLarge(most, len(body))
    return body


async def _whole(request: web.Request, most: int) -> bytes:
    body = bytearray()
    while piece := await _piece(request):
        body += piece
        if len(body) > most:
            raise web.HTTPRequestEntityTooLarge(most, len(body))
    return bytes(body)


async def _piece(request: web.Request) -> bytes:
    """Return what has come so far. Raises ConnectionError when the client has gone, before or while it is read."""
    try:
        return await request.content.readany()
    except RuntimeError as error:  # aiohttp's word for a connection that was closed before the read
        raise ConnectionResetError from error
