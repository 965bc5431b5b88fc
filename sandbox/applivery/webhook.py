"""Applivery's webhook as far as it is known: a JSON POST told apart by `action`, and none for a failed build."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

import aiohttp

from sandbox.applivery.models import FakeBuild, SentWebhook, Wire
from sandbox.applivery.workspace import FakeWorkspace

_FLAGS = {"build_created": "buildCreated", "build_processed": "buildProcessed"}
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def payload(action: str, build: FakeBuild) -> Wire:
    """Invent a body: only `action` is documented, so a receiver may rely on nothing else."""
    app = build.app
    return {
        "action": action,
        "application": {"id": app.id, "name": app.name, "slug": app.slug},
        "build": {"id": build.id, "os": build.wire.get("os"), "versionName": build.wire.get("versionName")},
    }


class WebhookSender:
    """Sends events to `url` and to the subscriptions made by API; `body` may be replaced to send other shapes.

    Subscribed addresses outside this machine are never called: the fake world does not reach into the real one.
    """

    def __init__(self, workspace: FakeWorkspace) -> None:
        self.url: str | None = None
        self.body: Callable[[str, FakeBuild], Wire] = payload
        self._workspace = workspace
        self._session: aiohttp.ClientSession | None = None
        self._sending: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Start delivering; needs a running loop."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))

    async def close(self) -> None:
        """Give up what is under way and deliver nothing more."""
        for task in tuple(self._sending):
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def announce(self, action: str, build: FakeBuild) -> None:
        """Send this event in the background, once per address that asked for it; no retries are known."""
        if self._session is None:
            return
        for url in self._addresses(action, build):
            task = asyncio.create_task(self._post(self._session, url, self.body(action, build)))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    def _addresses(self, action: str, build: FakeBuild) -> list[str]:
        asked = [
            str(wire["config"]["webhook"]["url"])
            for wire in self._workspace.notifications
            if wire["type"] == "webhook"
            and wire["events"].get(_FLAGS[action])
            and wire.get("application") in (None, build.app.id)
        ]
        own = [self.url] if self.url else []
        return own + [url for url in asked if urlsplit(url).hostname in _LOOPBACK]

    async def _post(self, session: aiohttp.ClientSession, url: str, body: Wire) -> None:
        status: int | None = None
        try:
            async with session.post(url, json=body) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError):
            pass  # recorded below with status None
        self._workspace.webhooks.append(SentWebhook(url, body, status))
        self._workspace.stir()
