"""Socket Mode: tickets, websockets, envelopes and acknowledgements. https://docs.slack.dev/apis/events-api/using-socket-mode"""

from __future__ import annotations

import asyncio
import json
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMsgType, web

from sandbox.slack.ack import Acknowledgement
from sandbox.slack.workspace import SlackWorkspace

MOST_SOCKETS = 10
HOST = "applink-sandbox"


@dataclass(eq=False)
class OpenSocket:
    """One open websocket; a silent one stays open and does nothing, as a dead network does."""

    number: int
    ws: web.WebSocketResponse
    silent: bool = False
    leaving: bool = False

    async def send(self, frame: dict[str, Any]) -> bool:
        """Send one frame; False when the socket is gone."""
        if self.silent:
            return True
        try:
            await self.ws.send_str(json.dumps(frame))
        except (ConnectionError, RuntimeError):
            return False
        return True


class ConnectionLost(Exception):
    """The socket closed before the envelope was acknowledged."""


class SocketConnections:
    """All Socket Mode connections of the app. `grace` is how many seconds one lives on after refresh_requested."""

    def __init__(self, workspace: SlackWorkspace) -> None:
        self.workspace = workspace
        self.open: list[OpenSocket] = []
        self.tickets: dict[str, bool] = {}
        self.handshakes: list[int] = []
        self.grace = 10.0
        self.delivered: list[dict[str, Any]] = []
        self._turn = 0
        self._last_of: dict[str, int] = {}
        self._numbers = 0
        self._waiting: dict[str, tuple[OpenSocket, str, asyncio.Future[Any]]] = {}
        self._refusing: tuple[float | None, int] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------------ connecting

    def ticket(self) -> str:
        """A single-use ticket for one handshake."""
        word = self.workspace.new_word(32)
        self.tickets[word] = False
        return word

    def refuse_handshakes(self, seconds: float | None, status: int = 503) -> None:
        """Answer handshakes with `status` for so many seconds; None until told otherwise, 0 to stop it."""
        loop = asyncio.get_running_loop()
        self._refusing = None if seconds == 0 else (None if seconds is None else loop.time() + seconds, status)

    def _refusal(self, ticket: str) -> int | None:
        if self._refusing is not None:
            until, status = self._refusing
            if until is None or asyncio.get_running_loop().time() < until:
                return status
            self._refusing = None
        if self.tickets.get(ticket, True):
            return 408  # what Slack says to a stale ticket: https://github.com/slackapi/node-slack-sdk/issues/1472
        return None

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a handshake, then read acknowledgements until the socket closes."""
        ticket = request.query.get("ticket", "")
        refusal = self._refusal(ticket)
        self.handshakes.append(refusal or 101)
        if refusal is not None:
            self.workspace.changed("handshake", {"status": refusal})
            return web.Response(status=refusal, text="handshake refused")
        self.tickets[ticket] = True
        ws = web.WebSocketResponse(autoping=False, timeout=1.0)
        await ws.prepare(request)
        self._numbers += 1
        socket = OpenSocket(self._numbers, ws)
        self.open.append(socket)
        try:
            await self._greet(socket)
            await self._read(socket)
        finally:
            self._forget(socket)
        return ws

    async def _greet(self, socket: OpenSocket) -> None:
        if len(self.open) > MOST_SOCKETS:
            await self._part(socket, "too_many_websockets")
            return
        hello = {
            "type": "hello",
            "num_connections": len(self.open),
            "debug_info": {"host": HOST, "build_number": 1, "approximate_connection_time": 18_060},
            "connection_info": {"app_id": self.workspace.app_id},
        }
        await socket.send(hello)
        self.workspace.changed("socket", {"open": len(self.open)})

    async def _read(self, socket: OpenSocket) -> None:
        async for frame in socket.ws:
            if socket.silent:
                continue
            if frame.type is WSMsgType.PING:
                await socket.ws.pong(frame.data)
            elif frame.type is WSMsgType.TEXT:
                self._acknowledge(frame.data)

    def _acknowledge(self, raw: str) -> None:
        try:
            frame = json.loads(raw)
        except ValueError:
            return
        entry = self._waiting.get(str(frame.get("envelope_id"))) if isinstance(frame, dict) else None
        if entry is not None and not entry[2].done():
            entry[2].set_result(frame.get("payload"))

    def _forget(self, socket: OpenSocket) -> None:
        self.open.remove(socket)
        for holder, kind, future in list(self._waiting.values()):
            # A person waits on: the SDK acknowledges by the next connection ("one more try" in send_message)
            if holder is socket and kind == "events_api" and not future.done():
                future.set_exception(ConnectionLost())
        self.workspace.changed("socket", {"open": len(self.open)})

    # ------------------------------------------------------------------ delivering

    def _next(self, event_id: str | None) -> OpenSocket | None:
        """The socket whose turn it is; an event that comes again takes another than the last time if there is one."""
        there = [each for each in self.open if not (each.ws.closed or each.leaving)]
        others = [each for each in there if each.number != self._last_of.get(event_id or "")]
        there = others or there
        if not there:
            return None
        self._turn += 1
        chosen = there[self._turn % len(there)]
        if event_id:
            self._last_of[event_id] = chosen.number
        return chosen

    async def ask(
        self,
        kind: str,
        payload: dict[str, Any],
        patience: float,
        *,
        attempt: int = 0,
        reason: str = "",
        envelope_id: str = "",
    ) -> Acknowledgement:
        """Give an envelope to one socket and wait up to `patience` seconds for its acknowledgement.

        `envelope_id` makes it one that was delivered before.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        socket = self._next(payload.get("event_id"))
        if socket is None:
            return Acknowledgement(False, 0.0, error="dispatch_failed", reason="connection_failed")
        envelope = {
            "envelope_id": envelope_id or str(uuid.uuid4()),
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": reason}
        return await self._await_ack(socket, envelope, started, patience)

    async def _await_ack(
        self, socket: OpenSocket, envelope: dict[str, Any], started: float, patience: float
    ) -> Acknowledgement:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting[envelope["envelope_id"]] = (socket, envelope["type"], future)
        self.delivered.append({**envelope, "socket": socket.number})
        try:
            if not await socket.send(envelope):
                future.set_exception(ConnectionLost())
            body = await asyncio.wait_for(future, patience)
        except ConnectionLost:
            return await self._lost(envelope, loop.time() - started, patience)
        except TimeoutError:
            return Acknowledgement(False, loop.time() - started, error="operation_timeout", reason="timeout")
        finally:
            self._waiting.pop(envelope["envelope_id"], None)
            if future.done() and not future.cancelled():
                future.exception()
        return Acknowledgement(True, loop.time() - started, body)

    async def _lost(self, envelope: dict[str, Any], seconds: float, patience: float) -> Acknowledgement:
        # A person keeps looking at the spinner until Slack gives up; an event is simply sent again.
        if envelope["type"] != "events_api":
            await asyncio.sleep(max(0.0, patience - seconds))
            return Acknowledgement(False, patience, error="operation_timeout", reason="timeout")
        return Acknowledgement(False, seconds, error="dispatch_failed", reason="connection_failed")

    # ------------------------------------------------------------------ trouble

    async def disconnect(self, reason: str = "refresh_requested", *, only: OpenSocket | None = None) -> int:
        """Tell every open socket to go, or `only` one; gives how many. "warning" alone closes none."""
        there = [only] if only else list(self.open)
        for socket in there:
            await self._part(socket, reason)
        return len(there)

    async def _part(self, socket: OpenSocket, reason: str) -> None:
        await socket.send({"type": "disconnect", "reason": reason, "debug_info": {"host": HOST}})
        if reason != "warning":
            socket.leaving = reason != "refresh_requested"
            wait = self.grace if reason == "refresh_requested" else 0.0
            task = asyncio.create_task(self._close_later(socket, wait))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _close_later(self, socket: OpenSocket, seconds: float) -> None:
        await asyncio.sleep(seconds)
        socket.leaving = True
        # Acknowledgements that cross our goodbye still count; aiohttp's own `close` throws them away.
        with suppress(ConnectionError):
            await socket.ws.send_frame(b"\x03\xe8", WSMsgType.CLOSE)
        await asyncio.sleep(1.0)
        await socket.ws.close()

    def silence(self, on: bool = True) -> None:
        """Make the sockets open now deaf and dumb without closing them, or bring all of them back."""
        for socket in self.open:
            socket.silent = on

    async def cut(self) -> None:
        """Cut every TCP connection without a closing handshake."""
        for socket in list(self.open):
            request = socket.ws._req
            if request is not None and request.transport is not None:
                request.transport.abort()

    async def stop(self) -> None:
        """Close everything."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*(each.ws.close() for each in list(self.open)), return_exceptions=True)
