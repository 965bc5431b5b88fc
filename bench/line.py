"""Slack's side of Socket Mode, as light as can be: `python -m bench.line` prints its port and runs until killed.

`POST /crowd` with a list of commands gives them all to the bot at once, by its open connections in turn, and is
answered with the seconds that each took to be acknowledged. What the Web API is asked besides is answered with `ok`.
https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from typing import Any

from aiohttp import WSMsgType, web

from bench.processes import free_port
from bench.web_api import web_api

PATIENCE = 30.0


class BenchSocketClient:
    """The open connections, and who waits for which acknowledgement."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._open: list[web.WebSocketResponse] = []
        self._waiting: dict[str, asyncio.Future[float]] = {}

    async def api(self, request: web.Request) -> web.Response:
        """Slack's Web API."""
        method = request.match_info["method"]
        if method == "apps.connections.open":
            return web.json_response({"ok": True, "url": f"ws://127.0.0.1:{self.port}/link"})
        return web.json_response(web_api(method, await request.read() or request.query_string.encode()))

    async def link(self, request: web.Request) -> web.WebSocketResponse:
        """One connection of the bot's."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._open.append(socket)
        await socket.send_json({"type": "hello", "num_connections": len(self._open)})
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                waiting = self._waiting.pop(json.loads(frame.data)["envelope_id"], None)
                if waiting and not waiting.done():
                    waiting.set_result(time.perf_counter())
        self._open.remove(socket)
        return socket

    async def crowd(self, request: web.Request) -> web.Response:
        """All of these commands at once."""
        commands = await request.json()
        async with asyncio.timeout(PATIENCE):
            return web.json_response(await asyncio.gather(*map(self._send, range(len(commands)), commands)))

    async def _send(self, number: int, command: Any) -> float:
        envelope_id = str(uuid.uuid4())  # of its own: the bot does what comes by the same one only once
        came: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = came
        envelope = {"envelope_id": envelope_id, "type": "slash_commands", "payload": command}
        started = time.perf_counter()
        await self._open[number % len(self._open)].send_json({**envelope, "accepts_response_payload": True})
        return await came - started


async def main() -> None:
    """Serve until killed."""
    line = BenchSocketClient(free_port())
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_route("*", "/api/{method}", line.api)
    app.router.add_get("/link", line.link)
    app.router.add_post("/crowd", line.crowd)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", line.port).start()
    print(line.port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
