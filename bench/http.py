"""Minimal HTTP/1.1 for benchmarks, so that the measuring programs use little CPU."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PIECE = 4096
Respond = Callable[[str, str, bytes, "ServerExchange"], bytes | None]


def answer(body: bytes, *, status: str = "200 OK", kind: str = "application/json") -> bytes:
    """Return a whole response, ready to be written."""
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def chunked(body: bytes) -> bytes:
    """Return a response in chunks without a length, like Applivery's server."""
    pieces = [body[at : at + PIECE] for at in range(0, len(body), PIECE)]
    written = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces)
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head.encode() + written + b"0\r\n\r\n"


class ServerExchange(asyncio.Protocol):
    """The server's side of one kept-alive connection: calls `respond(method, path, body, self)` for each request.

    Understands bodies with a Content-Length only. `respond` returns the answer, or None when it writes it later.
    """

    def __init__(self, respond: Respond) -> None:
        self._respond = respond
        self._came = bytearray()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._came += data
        while (end := self._came.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._came[:end])
            whole = end + 4 + _length(head)
            if len(self._came) < whole:
                return
            body = bytes(self._came[end + 4 : whole])
            del self._came[:whole]
            method, path, _ = head.partition(b"\r\n")[0].decode().split(" ", 2)
            said = self._respond(method, path, body, self)
            if said is not None:
                self.transport.write(said)


class ClientExchange(asyncio.Protocol):
    """The client's side of one kept-alive connection: one request at a time."""

    def __init__(self) -> None:
        self._came = bytearray()
        self._waiting: asyncio.Future[tuple[int, bytes]] | None = None
        self.transport: asyncio.Transport

    @classmethod
    async def connect(cls, port: int) -> ClientExchange:
        """Connect to a port of this machine."""
        _, protocol = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def ask(self, request: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """Write a whole request; gives its status and body. Raises ConnectionResetError when it was closed."""
        self._waiting = asyncio.get_running_loop().create_future()
        if self.transport.is_closing():
            self._waiting.set_exception(ConnectionResetError("closed before it was asked"))
        else:
            self.transport.write(request)
        return self._waiting

    def data_received(self, data: bytes) -> None:
        self._came += data
        end = self._came.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._came[:end])
        if b"chunked" in head:
            if self._came.endswith(b"\r\n0\r\n\r\n") and self._waiting and not self._waiting.done():
                self._waiting.set_result((int(head[9:12]), _joined(bytes(self._came[end + 4 :]))))
                self._came.clear()
            return
        whole = end + 4 + _length(head)
        if len(self._came) >= whole and self._waiting and not self._waiting.done():
            body = bytes(self._came[end + 4 : whole])
            del self._came[:whole]
            self._waiting.set_result((int(head[9:12]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionResetError("closed before it answered"))


def get(path: str) -> bytes:
    """A GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    """A POST request."""
    return f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _joined(pieces: bytes) -> bytes:
    """Return the body of a chunked response. https://www.rfc-editor.org/rfc/rfc9112#name-chunked-transfer-coding"""
    body = b""
    while pieces:
        size, _, rest = pieces.partition(b"\r\n")
        length = int(size, 16)
        body, pieces = body + rest[:length], rest[length + 2 :] if length else b""
    return body


def _length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    return int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
