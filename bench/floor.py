"""A minimal program: aiohttp and one SQLite file, without a framework. `python -m bench.floor`.

It verifies the signature, stores each request once in one commit, acknowledges, requests Applivery and answers: only
what the bot guarantees for a click and a command.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web

APPLIVERY = os.environ["APPLIVERY_API_URL"]
APPS = f"{APPLIVERY}/v1/organizations/acme/apps"
SECRET = os.environ["SLACK_SIGNING_SECRET"].encode()
SESSION = web.AppKey("session", aiohttp.ClientSession)
STORE = web.AppKey("store", sqlite3.Connection)
TASKS = web.AppKey("tasks", set[asyncio.Task[None]])


async def from_slack(request: web.Request) -> web.Response:
    body = await request.read()
    signed = b"v0:" + request.headers["X-Slack-Request-Timestamp"].encode() + b":" + body
    right = "v0=" + hmac.new(SECRET, signed, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(right, request.headers["X-Slack-Signature"]):
        return web.Response(status=401)
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    said = json.loads(form["payload"]) if "payload" in form else form
    with request.app[STORE] as store:
        store.execute("INSERT OR IGNORE INTO requests VALUES (?, ?)", (said["trigger_id"], said["response_url"]))
    task = asyncio.create_task(_answer(request.app[SESSION], said))
    request.app[TASKS].add(task)
    task.add_done_callback(request.app[TASKS].discard)
    return web.Response()


async def _answer(session: aiohttp.ClientSession, said: dict[str, Any]) -> None:
    text = await (_link if "actions" in said else _builds)(session, said)
    answer = {"text": text, "response_type": "ephemeral", "replace_original": False}
    async with session.post(said["response_url"], json=answer) as response:
        await response.read()


async def _link(session: aiohttp.ClientSession, said: dict[str, Any]) -> str:
    app_id, build_id = said["actions"][0]["value"].split("/")
    details = await _data(session, f"{APPS}/{app_id}/builds/{build_id}")
    token = await _data(session, f"{APPS}/{app_id}/builds/{build_id}/downloadToken?type=file")
    return f"{details['versionName']}: {APPLIVERY}/v1/download/{token['token']} — only for you"


async def _builds(session: aiohttp.ClientSession, _said: dict[str, Any]) -> str:
    found = next(item for item in (await _data(session, APPS))["items"] if item["slug"] == "courier")
    builds = (await _data(session, f"{APPS}/{found['id']}/builds"))["items"][:10]
    lines = [f"{build['versionName']} (#{build['versionCode']}) {build['status']}" for build in builds]
    return "Builds of Courier: " + "\n".join(lines)


async def _data(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url) as response:
        return json.loads(await response.read())["data"]


async def alive(_: web.Request) -> web.Response:
    return web.Response(text="alive\n")


async def main() -> None:
    app = web.Application()
    app[SESSION] = aiohttp.ClientSession(headers={"Authorization": f"Bearer {os.environ['APPLIVERY_TOKEN']}"})
    store = sqlite3.connect(Path(os.environ["DATABASE_URL"].removeprefix("sqlite:///")).with_suffix(".floor"))
    store.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
    store.execute("CREATE TABLE IF NOT EXISTS requests (id TEXT PRIMARY KEY, response_url TEXT) WITHOUT ROWID")
    app[STORE], app[TASKS] = store, set()
    app.router.add_get("/healthz", alive)
    app.router.add_post("/slack/events", from_slack)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["PORT"])).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
