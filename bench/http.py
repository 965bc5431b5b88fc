"""The least HTTP/1.1 that a measurement needs, so that the measuring programs leave the CPUs to what is measured."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

Respond = Callable[[str, str, bytes, "ServerExchange"], bytes | None]


def answer(body: bytes, *, status: str = "200 OK", kind: str = "application/json") -> bytes:
    """A whole answer, ready to be written."""
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


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
        """Write a whole request; gives its status and body."""
        self._waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._waiting

    def data_received(self, data: bytes) -> None:
        self._came += data
        end = self._came.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._came[:end])
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


def _length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    return int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
