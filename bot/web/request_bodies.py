"""Read request bodies with limits on size and time, and without decompression."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext

from aiohttp import web

from bot.web.connections import ClientConnection, ConnectionLimits


async def read_body(request: web.Request, most: int) -> bytes:
    """Return the body of a request, of at most `most` bytes, within the timeout of its connection.

    Raises HTTPUnsupportedMediaType for a compressed body, HTTPRequestEntityTooLarge, HTTPRequestTimeout, and
    HTTPBadRequest for an incomplete body.
    """
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        # RFC 9110, 15.5.16: with the encoding that is accepted
        raise web.HTTPUnsupportedMediaType(headers={"Accept-Encoding": "identity"})
    if (request.content_length or 0) > most:
        raise web.HTTPRequestEntityTooLarge(most, request.content_length or 0)
    visitor = request.protocol
    limits = visitor.limits if isinstance(visitor, ClientConnection) else ConnectionLimits()
    if request.content.is_eof():  # usually the body arrives together with the headers
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
    """Return a body that has arrived completely. Raises as `read_body` does."""
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
    """Return the bytes received so far. Raises ConnectionError if the client has disconnected."""
    try:
        return await request.content.readany()
    except RuntimeError as error:  # raised by aiohttp if the connection was closed before the read
        raise ConnectionResetError from error
