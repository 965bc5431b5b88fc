"""Whether Slack sends events over HTTP: only once the request URL has been verified in the app's settings."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from bot.db import key_value
from bot.db.database import Database
from bot.exceptions import BotError
from bot.observability.causes import cause
from bot.observability.logging import logger

log = logger(__name__)

WRITE_SECONDS = 600.0  # between two writes of the same value, so that not every event causes one
EVENT, VERIFICATION = "event_callback", "url_verification"
_KEYS = {EVENT: "slack http last event", VERIFICATION: "slack http verified"}
_APP = "slack http app"
_APP_ID = re.compile(r"A[A-Z0-9]{1,30}")


class Arrivals(Struct, frozen=True):
    """When Slack last sent an event, to ten minutes, and last verified the URL (None: never), and the app's id."""

    event: datetime | None = None
    verified: datetime | None = None
    app_id: str | None = None


async def read(store: Database) -> Arrivals:
    """Return the arrivals at all replicas. Raises DatabaseUnavailable."""
    event, verified = [_moment(await store.run(key_value.get_value, key)) for key in _KEYS.values()]
    return Arrivals(event, verified, await store.run(key_value.get_value, _APP))


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def settings_page(app_id: str | None) -> str:
    """Return the page of Slack where the request URL is verified, of the app if its id is known."""
    if not app_id:
        return "https://api.slack.com/apps → your app → Event Subscriptions"
    return f"https://api.slack.com/apps/{app_id}/event-subscriptions"


class EventArrivals:
    """Records requests over HTTP; `signature_refused` while no request has had a valid signature.

    https://docs.slack.dev/apis/events-api/using-http-request-urls
    """

    def __init__(self, store: Database, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._next_write = dict.fromkeys(_KEYS, 0.0)
        self._writing: set[asyncio.Task[object]] = set()
        self._accepted = False
        self._app_id = ""
        self.signature_refused = False

    def accept(self, kind: object, app_id: object = None) -> None:
        """Record a request with a valid signature, in the background; `kind` and `app_id` are from its body."""
        self._accepted, self.signature_refused = True, False
        if isinstance(app_id, str) and _APP_ID.fullmatch(app_id) and app_id != self._app_id:
            self._app_id = app_id
            self._start(self._save(_APP, app_id))
        now = time.monotonic()
        if kind in _KEYS and now >= self._next_write[kind]:
            self._next_write[kind] = now + WRITE_SECONDS
            self._start(self._write(kind))

    def _start(self, writing: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(writing)
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    def refuse(self) -> None:
        """Record a request with an invalid signature; log it once, unless another one was valid."""
        if self._accepted or self.signature_refused:
            return
        self.signature_refused = True
        log.warning(
            "slack.wrong_signature",
            fix="If it was Slack: set SLACK_SIGNING_SECRET to the app's Signing Secret (Basic Information).",
        )

    async def _write(self, kind: str) -> None:
        if not await self._save(_KEYS[kind], self._clock().astimezone(UTC).isoformat()):
            self._next_write[kind] = 0.0

    async def _save(self, key: str, value: str) -> bool:
        try:
            await self._store.run(key_value.set_value, key, value)
        except BotError as problem:
            log.warning("slack.arrival_not_saved", cause=cause(problem))
            return False
        return True

    async def describe(self) -> str:
        """Return the time of the last event, for /readyz."""
        try:
            last = (await read(self._store)).event
        except BotError:
            return "unknown"
        return last.isoformat(timespec="seconds") if last else "none yet"

    async def close(self) -> None:
        """Wait for writes in progress."""
        await asyncio.gather(*self._writing)
