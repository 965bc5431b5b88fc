"""Slack and Applivery at once, as light as can be: `python -m bench.sink` prints its port and runs until killed.

It answers with what the demo's fake Applivery says, read once, and counts what arrives at response addresses:
`/answer/{run}/{number}`. `GET /answers/{run}/{count}` is answered when that many have come. Every download token it
gives is another one; `GET /minted` lists those given since the last time.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bench.http import ServerExchange, answer, chunked
from bench.web_api import web_api
from sandbox.applivery import FakeApplivery
from sandbox.seed_data import seed_applivery

BUILDS = 50  # a full page, which an app in daily use has after two weeks
WORKSPACE = {"status": True, "data": {"id": f"{1:024x}", "slug": "acme", "name": "Acme"}}


class UploadSink:
    """What has been answered so far, by run; an answer counts when it lists builds, each number once."""

    def __init__(self, apps: bytes, builds: bytes, details: bytes) -> None:
        self._apps = chunked(apps)
        self._builds = chunked(builds)
        self._details = chunked(details)
        self._minted: list[str] = []
        self._answered: dict[str, set[str]] = {}
        self._wrong: dict[str, int] = {}
        self._waiting: list[tuple[str, int, ServerExchange]] = []

    def respond(self, method: str, path: str, body: bytes, exchange: ServerExchange) -> bytes | None:
        """Answer one request of the bot's, or of the load's at the end of a round."""
        path, query = urlsplit(path).path, urlsplit(path).query
        if path.startswith("/answer/"):
            _, _, run, number = path.split("/")
            self._count(run, number, body)
            return answer(b"ok", kind="text/plain")
        if path.startswith("/answers/"):
            _, _, run, count = path.split("/")
            self._waiting.append((run, int(count), exchange))
            self._tell()
            return None
        if path.startswith("/v1/"):
            return self._applivery(path)
        if path == "/minted":
            minted, self._minted = self._minted, []
            return answer(json.dumps(minted).encode())
        return answer(json.dumps(web_api(path.removeprefix("/api/"), body or query.encode())).encode())

    def _applivery(self, path: str) -> bytes:
        if path.endswith("/downloadToken"):
            token = secrets.token_urlsafe(24)
            self._minted.append(token)
            until = datetime.now(UTC) + timedelta(minutes=5)
            data = {"token": token, "expiresAt": until.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
            return answer(json.dumps({"status": True, "data": data}).encode())
        if path.count("/") == 3:  # the workspace itself, which says that this is an answer of Applivery's
            return answer(json.dumps(WORKSPACE).encode())
        if "/builds/" in path:
            return self._details
        return self._builds if path.endswith("/builds") else self._apps

    def _count(self, run: str, number: str, body: bytes) -> None:
        if b'"Builds of Courier: ' in body:
            self._answered.setdefault(run, set()).add(number)
        else:
            self._wrong[run] = self._wrong.get(run, 0) + 1
        self._tell()

    def _tell(self) -> None:
        for waiting in list(self._waiting):
            run, count, exchange = waiting
            right, wrong = len(self._answered.get(run, ())), self._wrong.get(run, 0)
            if right + wrong >= count:
                self._waiting.remove(waiting)
                exchange.transport.write(answer(json.dumps({"right": right, "wrong": wrong}).encode()))


async def _said(url: str, token: str) -> bytes:
    credential = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=credential) as session, session.get(url) as response:
        response.raise_for_status()
        return await response.read()


async def seeded() -> tuple[bytes, bytes, bytes]:
    """The apps, a full page of Courier's builds, and the first of them in detail."""
    applivery = FakeApplivery()
    seed_applivery(applivery)
    courier: Any = applivery.find_app("courier")
    missing = BUILDS - len(applivery.builds_of(courier))
    for number in range(missing):
        applivery.build(courier, version="2.1.0", number=str(100 + number), os="ios", branch="main", changelog="Fixes")
    await applivery.start()
    try:
        apps = f"{applivery.url}/v1/organizations/acme/apps"
        builds = await _said(f"{apps}/courier/builds?limit={BUILDS}", applivery.token)
        newest = json.loads(builds)["data"]["items"][0]["id"]
        details = await _said(f"{apps}/courier/builds/{newest}", applivery.token)
        return await _said(apps, applivery.token), builds, details
    finally:
        await applivery.stop()


async def main() -> None:
    """Serve until killed."""
    sink = UploadSink(*await seeded())
    server = await asyncio.get_running_loop().create_server(lambda: ServerExchange(sink.respond), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
