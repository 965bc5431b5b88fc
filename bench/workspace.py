"""Slack and Applivery of a whole workspace, by a fake clock: `python -m bench.workspace APPS FILE`.

What `bench.releases` has, and more: `GET /begin/{app}/{builds}` uploads builds that are then processed as
`GET /move/{app}/{status}` says; each token is another one; people have downloaded every app; direct messages and
summaries are taken. Prints its port and runs until killed.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from bench.audience import by_user
from bench.hours import SharedClock
from bench.http import ServerExchange, answer, chunked
from bench.releases import PollLoadWorkspace
from bench.web_api import arguments, posted

PEOPLE, EACH = 200, 5


class BenchWorkspace(PollLoadWorkspace):
    """The builds there are, how far each has come, and what was said."""

    def __init__(self, apps: int, hours: SharedClock) -> None:
        super().__init__(apps)
        self._hours = hours
        self._moving: dict[str, list[str]] = {}
        self._downloads = chunked(by_user(PEOPLE, EACH, hours.now()))
        self.now = hours.now  # builds are made by it

    def respond(self, method: str, address: str, body: bytes, exchange: ServerExchange) -> bytes | None:
        """Answer one request, at once."""
        parts = urlsplit(address)
        path = parts.path
        if path.endswith("/downloads/by-user"):
            # https://docs.applivery.com filters by the address of a person: none of these has that of a person in Slack
            return _json({"status": True, "data": []}) if "email" in parse_qs(parts.query) else self._downloads
        if path.endswith("/downloadToken"):
            until = self._hours.now() + timedelta(minutes=5)
            data = {"token": secrets.token_urlsafe(24), "expiresAt": until.isoformat(timespec="milliseconds")}
            return _json({"status": True, "data": data})
        if path.startswith("/begin/"):
            _, _, number, builds = path.split("/")
            app = self._apps[int(number)]
            self._moving.setdefault(app.id, []).extend(self._make(app, "pending") for _ in range(int(builds)))
            return _json({})
        if path.startswith("/move/"):
            _, _, number, status = path.split("/")
            self._move(self._apps[int(number)].id, status)
            return _json({})
        return super().respond(method, address, body, exchange)

    def _move(self, app_id: str, status: str) -> None:
        """All builds of an app that are on their way are this far now; an end is an end."""
        for build_id in self._moving.get(app_id, []):
            wire = {**json.loads(self._by_id[build_id]), "status": status}
            if status == "failed":
                wire |= {"error": "The package is not signed", "errorCode": "build.notSigned"}
            old, new = self._by_id[build_id], json.dumps(wire).encode()
            self._by_id[build_id] = new
            self._wires[app_id] = [new if data == old else data for data in self._wires[app_id]]
        if status in ("processed", "failed"):
            self._moving.pop(app_id, None)

    def _slack(self, method: str, body: bytes) -> bytes:
        if method == "chat.postMessage":
            said = arguments(body)
            key = (said.get("metadata") or {}).get("event_payload", {}).get("key", "")
            if said["channel"].startswith("U") or not key.endswith((":processed", ":failed")):  # no card
                return _json({"ok": True, **posted(said, self._hours.now().timestamp())})
        return super()._slack(method, body)


def _json(data: object) -> bytes:
    return answer(json.dumps(data).encode())


async def main(apps: int, file: Path) -> None:
    """Serve until killed."""
    world = BenchWorkspace(apps, SharedClock(file))
    server = await asyncio.get_running_loop().create_server(lambda: ServerExchange(world.respond), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
