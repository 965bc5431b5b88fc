"""The fake Applivery as one aiohttp server: composed, started, stopped, written down."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from sandbox.applivery import snapshot
from sandbox.applivery.builds import FakeBuildsWorkspace
from sandbox.applivery.endpoints import (
    builds,
    dashboard,
    downloads,
    files,
    notifications,
    organizations,
    people,
    tokens,
    uploads,
)
from sandbox.applivery.middleware import GATE, WORLD, FaultMiddleware, Reshaper, record
from sandbox.applivery.responses import LIST_SHAPES
from sandbox.applivery.snapshot import NO_CONTENTS

_NOUNS = (organizations, people, builds, uploads, downloads, tokens, files, notifications, dashboard)
_ROUTER = web.UrlDispatcher()  # read once: adding the routes takes longer than starting a server
for noun in _NOUNS:
    _ROUTER.add_routes(noun.routes)
_LARGEST = 4 * 1024**3  # bytes; docs-front: "up to 4GB"


class FakeApplivery(FakeBuildsWorkspace):
    """One server playing the api, upload, download-api and dashboard hosts; paths start at /v1/….

    `organization` is the workspace's slug, `token` its Service Account token, `clock` gives epoch seconds. `processing`
    is how long a new upload stays (pending, in progress), in seconds, or None to move builds by hand only; `token_life`
    is seconds, `rate_per_hour` the requests answered in any hour, `page_size` the page nobody gave a `limit`.
    """

    def __init__(
        self,
        *,
        organization: str = "acme",
        token: str = "sa-sandbox-token",  # noqa: S107 - fake
        clock: Callable[[], float] = time.time,
        processing: tuple[float, float] | None = (0.0, 0.0),
        token_life: float = 300.0,
        rate_per_hour: int = 10_000,
        page_size: int = 10,
    ) -> None:
        super().__init__(organization, token, clock, processing)
        self.token_life = token_life
        self.rate_per_hour = rate_per_hour
        self.page_size = page_size
        self._gate = FaultMiddleware(self)
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1 (0: any free port); raises OSError when the port is taken."""
        app = web.Application(middlewares=[record], client_max_size=_LARGEST)
        app[WORLD] = self
        app[GATE] = self._gate
        for resource in _ROUTER.resources():
            app.router.register_resource(resource)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self.webhook.open()
        self.run()

    async def stop(self) -> None:
        """Stop listening and moving; what is remembered stays. Does nothing when it is not running."""
        self.rest()
        await self.webhook.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def port(self) -> int:
        """The port it listens on, or listened on last."""
        return int(self.url.rpartition(":")[2])

    @property
    def webhook_url(self) -> str | None:
        """Where events are POSTed whatever the subscriptions say; None: nowhere."""
        return self.webhook.url

    @webhook_url.setter
    def webhook_url(self, url: str | None) -> None:
        self.webhook.url = url

    def reshape(self, target: str, change: Reshaper) -> None:
        """Send the JSON answers of requests that fit `target` through `change` first, to play odd shapes.

        `target` is an fnmatch pattern as in `faults`; `change` takes the whole body, envelope included, and gives
        another one.
        """
        self._gate.reshapers.append((target, change))

    def shape_list(self, target: str, shape: str) -> None:
        """Let requests that fit `target` answer with their list elsewhere: a name of `responses.LIST_SHAPES`."""
        self.reshape(target, LIST_SHAPES[shape])

    def snapshot(self) -> dict[str, Any]:
        """Give everything it remembers, fit for JSON and independent of what happens next; see `contents`."""
        return copy.deepcopy(snapshot.dump(self))

    def contents(self) -> dict[str, bytes]:
        """Give the bytes that `snapshot` leaves out: those of attachments, by file id."""
        return snapshot.contents(self)

    def restore(self, data: dict[str, Any], read: Callable[[str], bytes] = NO_CONTENTS) -> None:
        """Remember what `snapshot` gave instead of what is known now; builds under way go on from where they were.

        `read` gives the bytes of a file by its id.
        """
        running = self._running
        self.rest()
        snapshot.load(self, copy.deepcopy(data), read)
        if running:
            self.run()
        self.stir()
