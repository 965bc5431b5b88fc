"""Slack and Applivery for uploads: `python -m bench.freight` prints its port and runs until killed.

Uploads are counted and discarded, and the file that it serves for Slack is generated, so neither needs memory or disk.
`GET /taken` is answered when the next upload is complete, with its bytes and seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from bench.http import answer
from bench.sink import UploadSink, seeded
from bench.web_api import person

FILE_ID, NAME = "F0FREIGHT", "courier.ipa"
BUFFER = 1024 * 1024
START = b"PK\x03\x04"


class UploadPayload:
    """The state that all connections share: the sink, and the requests that wait for the end of an upload."""

    def __init__(self, sink: UploadSink, build: bytes, size: int) -> None:
        self.sink = sink
        self.build = answer(build)
        self.size = size
        self.port = 0
        self.waiting: list[asyncio.Transport] = []
        self.taken: list[bytes] = []

    def took(self, size: int, seconds: float) -> None:
        self.taken.append(answer(json.dumps({"bytes": size, "seconds": seconds}).encode()))
        self.tell()

    def tell(self) -> None:
        while self.waiting and self.taken:
            self.waiting.pop(0).write(self.taken.pop(0))

    def slack(self, path: str) -> bytes | None:
        """Return Slack's responses that the sink does not have."""
        url = f"http://127.0.0.1:{self.port}/files/{NAME}"
        # https://docs.slack.dev/reference/objects/file-object
        file = {"id": FILE_ID, "name": NAME, "title": NAME, "user": "U0PERSON0", "size": self.size, "mode": "hosted"}
        file |= {"created": 1_700_000_000, "timestamp": 1_700_000_000, "is_external": False, "filetype": "binary"}
        file |= {"mimetype": "application/octet-stream", "url_private": url, "url_private_download": url}
        known = {
            "/api/files.info": {"ok": True, "file": file},
            "/api/users.info": {"ok": True, "user": person("U0PERSON0", is_admin=True)},
        }
        return answer(json.dumps(known[path]).encode()) if path in known else None


class UploadConnection(asyncio.BufferedProtocol):
    """One kept-alive connection; a large body goes through one buffer again and again."""

    def __init__(self, freight: UploadPayload) -> None:
        self._freight = freight
        self._buffer = bytearray(BUFFER)
        self._came = bytearray()
        self._left = 0
        self._size = 0
        self._since = 0.0
        self._writable = asyncio.Event()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._writable.set()

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._left:
            self._swallow(nbytes)
            return
        self._came += memoryview(self._buffer)[:nbytes]
        while (end := self._came.find(b"\r\n\r\n")) >= 0 and self._request(end):
            pass

    def _swallow(self, count: int) -> None:
        self._left -= count
        if not self._left:
            self._freight.took(self._size, time.perf_counter() - self._since)
            self.transport.write(self._freight.build)

    def _request(self, end: int) -> bool:
        head = bytes(self._came[:end])
        method, path, _ = head.partition(b"\r\n")[0].decode().split(" ", 2)
        low = head.lower()
        at = low.find(b"content-length:")
        size = int(low[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if method == "POST" and path.startswith("/v1/"):
            if b"100-continue" in low:
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._size, self._left, self._since = size, size, time.perf_counter()
            rest = len(self._came) - end - 4
            self._came.clear()
            if rest:
                self._swallow(rest)
            return False
        if len(self._came) < end + 4 + size:
            return False
        body = bytes(self._came[end + 4 : end + 4 + size])
        del self._came[: end + 4 + size]
        self._answer(method, path, body)
        return bool(self._came)

    def _answer(self, method: str, path: str, body: bytes) -> None:
        if path == "/taken":
            self._freight.waiting.append(self.transport)
            self._freight.tell()
        elif path.startswith("/files/"):
            self._task = asyncio.ensure_future(self._hand_out())
        else:
            exchange: Any = self
            said = self._freight.slack(path.partition("?")[0]) or self._freight.sink.respond(
                method, path, body, exchange
            )
            if said is not None:
                self.transport.write(said)

    async def _hand_out(self) -> None:
        size = self._freight.size
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {size}\r\n\r\n"
        self.transport.write(head.encode() + START)
        piece = bytes(BUFFER)
        left = size - len(START)
        while left > 0 and not self.transport.is_closing():
            self.transport.write(piece if left >= BUFFER else piece[:left])
            left -= BUFFER
            await self._writable.wait()
            await asyncio.sleep(0)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._writable.set()


async def main(size: int) -> None:
    """Serve until killed; the file of Slack has `size` bytes."""
    apps, builds, details = await seeded()
    freight = UploadPayload(UploadSink(apps, builds, details), details, size)
    server = await asyncio.get_running_loop().create_server(lambda: UploadConnection(freight), "127.0.0.1", 0)
    freight.port = server.sockets[0].getsockname()[1]
    print(freight.port, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
