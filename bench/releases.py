"""Applivery with many apps and Slack with many channels, as light as can be: `python -m bench.releases APPS BUILDS`.

Every app has so many ready BUILDS from the start. Prints its port and runs until killed. `GET /more/{builds}/{app}`
puts so many ready builds into every app, or into the one of this number, and gives the time (epoch seconds); `GET
/stir/yes` lets each list differ from the one before in what no card shows; `GET /heard/{posts}` is answered when so
many messages have come in all, with the time of the last, how many came twice, whether each channel heard of each
app's builds in their order, and the edits; `GET /asked` counts the calls of Applivery; `GET /apps` lists the ids.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bench.http import ServerExchange, answer, chunked
from bench.sink import WORKSPACE
from bench.web_api import arguments, posted, web_api
from sandbox.applivery import FakeApplivery

BRANCHES = ("main", "release/2.4", "feature/cart", "feature/login")


class PollLoadWorkspace:
    """The builds there are, as the bytes that are sent, and what was said about them."""

    def __init__(self, apps: int) -> None:
        seed = FakeApplivery(processing=None)
        self._apps = [seed.app(f"App {number}", slug=f"app-{number}", oss=("ios",)) for number in range(apps)]
        changelog = "Fixes\n* the cart is emptied when you log out\n* the map no longer jumps"
        built = seed.build(self._apps[0], version="2.4.0", branch="main", commit="0f3c2d1", changelog=changelog)
        self._template: dict[str, Any] = built.wire
        self._wires: dict[str, list[bytes]] = {app.id: [] for app in self._apps}  # newest first
        self._by_id: dict[str, bytes] = {}
        self._app_of: dict[int, str] = {}
        self._made = 0
        self.asked: Counter[str] = Counter()
        self._keys: Counter[str] = Counter()
        self._order: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self._edits = 0
        self._last = 0.0
        self._waiting: list[tuple[int, ServerExchange]] = []
        self._stirred = False
        self.now = _now

    def respond(self, _method: str, address: str, body: bytes, exchange: ServerExchange) -> bytes | None:
        """Answer one request, at once."""
        parts = urlsplit(address)
        path = parts.path
        if path.startswith("/v1/"):
            return self._applivery(path.split("/"), parse_qs(parts.query))
        if path.startswith("/api/"):
            return self._slack(path.removeprefix("/api/"), body or parts.query.encode())
        if path.startswith("/more/"):
            _, _, builds, only = path.split("/")
            self.more(int(builds), None if only == "all" else int(only))
            return _json({"at": time.time()})
        if path.startswith("/heard/"):
            self._waiting.append((int(path.rpartition("/")[2]), exchange))
            self._tell()
            return None
        if path.startswith("/stir/"):
            self._stirred = path.endswith("/yes")
            return _json({})
        if path == "/asked":
            return _json(self.asked)
        if path == "/apps":
            return _json([app.id for app in self._apps])
        return answer(b"ok", kind="text/plain")

    def more(self, builds: int, only: int | None = None) -> None:
        """So many builds more, in every app or in the one of this number."""
        for _ in range(builds):
            for app in self._apps if only is None else [self._apps[only]]:
                self._make(app)

    def _make(self, app: Any, status: str = "processed") -> str:
        """One build more, the newest; gives its id."""
        self._made += 1
        number = self._made
        build_id = f"{number:024x}"
        # https://docs.applivery.com's lists are newest first
        now = self.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        about = {
            "id": build_id,
            "status": status,
            "versionName": f"2.{number}",
            "versionCode": str(number),
            "createdAt": now,
            "updatedAt": now,
            "deployer": {**self._template["deployer"], "branch": BRANCHES[number % len(BRANCHES)]},
            "application": app.id,
            "applicationInfo": {"id": app.id, "name": app["name"], "slug": app.slug, "picture": ""},
        }
        self._by_id[build_id] = json.dumps({**self._template, **about}).encode()
        self._wires[app.id].insert(0, self._by_id[build_id])
        self._app_of[number] = app.id
        return build_id

    def _applivery(self, words: list[str], query: dict[str, list[str]]) -> bytes:
        if len(words) == 4:
            return _json(WORKSPACE)
        # /v1/organizations/{organization}/apps[/{app}/builds[/{build}]]
        self.asked["list" if len(words) == 7 else "details" if len(words) == 8 else "apps"] += 1
        if len(words) == 8:
            return chunked(b'{"status":true,"data":' + self._by_id[words[7]] + b"}")
        if len(words) == 7:
            page, limit = (int(query.get(name, ["0"])[0]) for name in ("page", "limit"))
            return self._page(self._wires[words[5]], page or 1, limit or 100)
        apps = [json.dumps(dict(app)).encode() for app in self._apps]
        page, limit = (int(query.get(name, ["0"])[0]) for name in ("page", "limit"))
        return self._page(apps, page or 1, limit or 100)

    def _page(self, items: list[bytes], page: int, limit: int) -> bytes:
        start = (page - 1) * limit
        if self._stirred and items:
            newest = json.loads(items[0])
            newest["downloads"] = int(newest.get("downloads") or 0) + 1
            items[0] = json.dumps(newest).encode()
        more = {"hasNextPage": start + limit < len(items), "totalDocs": len(items), "page": page, "limit": limit}
        around = json.dumps({"status": True, "data": {**more, "items": []}}).encode()
        return chunked(around.replace(b'"items": []', b'"items": [' + b",".join(items[start : start + limit]) + b"]"))

    def _slack(self, method: str, body: bytes) -> bytes:
        if method == "chat.postMessage":
            said = arguments(body)
            key = said["metadata"]["event_payload"]["key"]
            self._keys[key] += 1
            self._last = time.time()
            build = int(key.split(":")[1], 16)
            self._order[said["channel"], self._app_of[build]].append(build)
            self._tell()
            return _json({"ok": True, **posted(said, self._last)})
        self._edits += method == "chat.update"
        return _json(web_api(method, body))

    def _tell(self) -> None:
        count = self._keys.total()
        for waiting in list(self._waiting):
            wanted, exchange = waiting
            if count >= wanted:
                self._waiting.remove(waiting)
                ordered = all(numbers == sorted(numbers) for numbers in self._order.values())
                twice = sum(1 for times in self._keys.values() if times > 1)
                heard = {"last": self._last, "posts": count, "twice": twice, "ordered": ordered, "edits": self._edits}
                exchange.transport.write(_json(heard))


def _now() -> datetime:
    return datetime.now(UTC)


def _json(data: object) -> bytes:
    return answer(json.dumps(data).encode())


async def main(apps: int, builds: int) -> None:
    """Serve until killed."""
    world = PollLoadWorkspace(apps)
    world.more(builds)
    server = await asyncio.get_running_loop().create_server(lambda: ServerExchange(world.respond), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:3])))
