"""Who reads a large by-user answer: `python -m bench.reader ours|plain`, with the bot's own settings.

A heart beats in its event loop. On stdin, `mark` begins a measurement and `report` ends it: by how much the longest
time between two beats was longer than meant, and the most memory held beyond what was held at the mark, as JSON. Of a
pause only what this process worked counts: a machine with other things to do keeps it waiting too. `plain` is the usual
way: the whole body, `json.loads`, loops over dicts.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

BEAT = 0.005


class EventLoopMonitor:
    """Beats, and knows the longest pause since the mark; so does it with memory (in MB)."""

    def __init__(self) -> None:
        self.longest = 0.0
        self.held = 0.0

    async def beat(self) -> None:
        last, worked = time.perf_counter(), time.process_time()
        while True:
            await asyncio.sleep(BEAT)
            pause, work = time.perf_counter() - last, time.process_time() - worked
            self.longest = max(self.longest, min(pause - BEAT, work))
            last, worked = last + pause, worked + work

    def mark(self) -> None:
        # 5 makes the most memory ever held what is held now. https://docs.kernel.org/filesystems/proc.html
        Path("/proc/self/clear_refs").write_text("5")
        self.longest, self.held = 0.0, _memory("VmRSS")

    def report(self) -> str:
        return json.dumps({"pause": self.longest * 1000, "memory": _memory("VmHWM") - self.held})


def _memory(what: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{what}:"))


async def main(mode: str) -> None:
    heart = EventLoopMonitor()
    beating = asyncio.create_task(heart.beat())
    stop = asyncio.Event()
    reading = asyncio.create_task(_obey(heart, stop))
    await (_ours(stop) if mode == "ours" else _plain(stop))
    beating.cancel()
    reading.cancel()


async def _obey(heart: EventLoopMonitor, stop: asyncio.Event) -> None:
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while word := (await lines.readline()).strip():
        if word == b"mark":
            heart.mark()
        print(heart.report() if word == b"report" else "ok", flush=True)
    stop.set()


async def _ours(stop: asyncio.Event) -> None:
    from bot import settings  # noqa: PLC0415  the plain way is not to carry it
    from bot.app import running  # noqa: PLC0415
    from bot.observability.logging import set_up_logs  # noqa: PLC0415

    set_up_logs("WARNING", "json")
    async with running(settings.read(_env_file=None)):
        gc.freeze()  # as `bot run` does
        await stop.wait()


async def _plain(stop: asyncio.Event) -> None:
    world, session = os.environ["APPLIVERY_API_URL"], aiohttp.ClientSession()
    tasks: set[asyncio.Task[None]] = set()

    async def took(request: web.Request) -> web.Response:
        if (await request.post()).get("text") == "downloads courier":
            tasks.add(asyncio.create_task(_summary(session, world)))
        return web.Response()

    app = web.Application()
    app.router.add_post("/slack/events", took)
    app.router.add_get("/healthz", lambda _: _alive())
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["PORT"])).start()
    await stop.wait()
    await session.close()


async def _alive() -> web.Response:
    return web.Response(text="alive\n")


async def _summary(session: aiohttp.ClientSession, world: str) -> None:
    async with session.get(f"{world}/v1/organizations/acme/apps/courier/downloads/by-user") as response:
        body: dict[str, Any] = json.loads(await response.read())
    people: dict[str, list[dict[str, Any]]] = {}
    versions: Counter[str] = Counter()
    for row in body["data"]:
        people.setdefault(row["member"]["email"].lower(), []).extend(row["downloads"])
        versions.update(download["build"]["versionName"] for download in row["downloads"])
    last = {email: max(download["createdAt"] for download in downloads) for email, downloads in people.items()}
    recorded = sum(map(len, people.values()))
    text = f"Downloads of Courier so far: {recorded} downloads · {len(last)} people. {versions.most_common(5)}"
    async with session.post(f"{world}/api/chat.postMessage", json={"channel": "D1", "text": text}) as response:
        await response.read()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
