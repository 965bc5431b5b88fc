"""The page's own server: static files, a live stream of what one person sees, and the deeds."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiohttp import hdrs, web

from sandbox.applivery import FakeApplivery
from sandbox.page.manifest import InstalledApp, Persona
from sandbox.page.phone import PhonePreview
from sandbox.page.ui_actions import REFUSALS, PageApi
from sandbox.page.ui_state import picture
from sandbox.slack import FakeSlack, FakeUser

STATIC = Path(__file__).parent / "static"
HEARTBEAT_SECONDS = 15.0
LARGEST = 80 * 1024**2  # bytes of one deed: a file of 50 MB, in base64
BURST_SECONDS = 0.02  # one deed changes several things; they travel together

HEADERS = {
    # Bots may show pictures from anywhere; nothing else is loaded from outside and no script but ours runs.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: https: http://127.0.0.1:* http://localhost:*; "
    # the claim page of the bot, as a phone shows it, and the download it leads to
    "frame-src 'self' http://127.0.0.1:*; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_LOCAL = ("127.0.0.1", "localhost", "[::1]")


class DemoPage:
    """The page over a fake Slack and a fake Applivery; `cast` are the people one can be, the first at first.

    `url` is where it is once started, without a slash at its end.
    """

    def __init__(
        self,
        slack: FakeSlack,
        applivery: FakeApplivery,
        *,
        cast: Sequence[Persona],
        installed: InstalledApp | None = None,
    ) -> None:
        self.slack = slack
        self.applivery = applivery
        self.cast = tuple(cast)
        self.installed = installed or InstalledApp()
        self.deeds = PageApi(slack, applivery)
        self.phone = PhonePreview()
        self.url = ""
        self._run = secrets.token_hex(8)
        self._bells: set[asyncio.Event] = set()
        self._closing = False
        self._runner: web.AppRunner | None = None

    # ------------------------------------------------------------------ life

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; 0 takes any free port. Raises OSError when the port is taken."""
        app = web.Application(middlewares=[_only_from_here], client_max_size=LARGEST)
        app.on_response_prepare.append(_say_headers)
        app.router.add_get("/", self._index)
        app.router.add_static("/static", STATIC)
        app.router.add_get("/api/stream", self._stream)
        app.router.add_post("/api/{deed}", self._deed)
        app.router.add_get("/files/{file}", self._file)
        for method in (hdrs.METH_GET, hdrs.METH_POST):
            app.router.add_route(method, "/phone/{device}/b/{ticket}", self.phone.answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=3)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner, self._closing = runner, False
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self.slack.listeners.append(self._changed)
        self.applivery.listeners.append(self._changed)

    async def stop(self) -> None:
        """End the streams and stop listening. Does nothing when it is not running."""
        if self._runner is None:
            return
        self.slack.listeners.remove(self._changed)
        self.applivery.listeners.remove(self._changed)
        self._closing = True
        self._changed()
        await self._runner.cleanup()
        self._runner = None

    def _changed(self, what: str = "", about: dict[str, Any] | None = None) -> None:
        for bell in self._bells:
            bell.set()

    # ------------------------------------------------------------------ answers

    async def _index(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(STATIC / "index.html")

    async def _file(self, request: web.Request) -> web.Response:
        file = self.slack.files.files.get(request.match_info["file"])
        if file is None:
            raise web.HTTPNotFound
        # Never shown in place: a file from outside must not run as a page of ours.
        response = web.Response(body=file.content, content_type="application/octet-stream")
        safe = file.name.encode("ascii", "replace").decode().replace('"', "'").replace("\r", "").replace("\n", "")
        response.headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="{safe}"'
        return response

    async def _deed(self, request: web.Request) -> web.Response:
        deed = self.deeds.by_name.get(request.match_info["deed"])
        if deed is None:
            raise web.HTTPNotFound
        try:
            asked = await request.json()
            if not isinstance(asked, dict):
                raise ValueError("a JSON object is expected")  # noqa: TRY004 -- told to the person like the others
            return web.json_response(await deed(asked))
        except REFUSALS as refused:
            words = str(refused.args[0] if isinstance(refused, LookupError) and refused.args else refused)
            return web.json_response({"error": words}, status=400)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: at first everything this person sees, then the sections that changed; null is gone."""
        try:
            person = self.deeds.person(request.query.get("person") or self.cast[0].handle)
        except LookupError:
            person = self.deeds.person(self.cast[0].handle)
        stream = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "text/event-stream", "X-Accel-Buffering": "no"})
        await stream.prepare(request)
        bell = asyncio.Event()
        self._bells.add(bell)
        try:
            await stream.write(f"retry: 1000\nevent: run\ndata: {self._run}\n\n".encode())
            await self._follow(stream, bell, person)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the browser has gone
        finally:
            self._bells.discard(bell)
        return stream

    async def _follow(self, stream: web.StreamResponse, bell: asyncio.Event, person: FakeUser) -> None:
        sent: dict[str, str] = {}
        while not self._closing:
            bell.clear()
            now = picture(self.slack, self.applivery, person, self.cast, self.installed)
            now["claim"] = self.phone.bot_url
            written = {section: json.dumps(value, separators=(",", ":")) for section, value in now.items()}
            fresh = {section: text for section, text in written.items() if sent.get(section) != text}
            fresh |= {section: "null" for section in sent if section not in written}
            if fresh:
                body = ",".join(f"{json.dumps(section)}:{text}" for section, text in fresh.items())
                await stream.write(f"data: {{{body}}}\n\n".encode())
            sent = written
            await _ring(stream, bell)


async def _ring(stream: web.StreamResponse, bell: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(HEARTBEAT_SECONDS):
            await bell.wait()
    except TimeoutError:
        await stream.write(b": still here\n\n")
    else:
        await asyncio.sleep(BURST_SECONDS)


async def _say_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


@web.middleware
async def _only_from_here(request: web.Request, handler: Any) -> web.StreamResponse:
    """Refuse what another web site could make a browser send: foreign Host names, foreign origins, plain forms."""
    name = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdigit() else request.host
    if name not in _LOCAL:
        raise web.HTTPForbidden(text="this page is for this machine only")
    if request.method == hdrs.METH_POST:
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            raise web.HTTPForbidden(text="not from another site")
        # a form of the claim page is like any other; what the page itself asks for is JSON
        if request.content_type != "application/json" and not request.path.startswith("/phone/"):
            raise web.HTTPUnsupportedMediaType(text="JSON, please")
    answer: web.StreamResponse = await handler(request)
    return answer
