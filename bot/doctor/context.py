"""Settings and clients used by the checks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import aiohttp
import msgspec
from msgspec import Struct

from bot import http_client
from bot.applivery.client import AppliveryClient
from bot.db.database import Database
from bot.doctor.results import CheckResult
from bot.exceptions import StartupError
from bot.factories import applivery_of, poster_of
from bot.observability.causes import cause
from bot.observability.metrics import Metrics
from bot.settings import Settings
from bot.slack.client import SlackClient
from bot.testing_overrides import TestingOverrides

SECONDS = 10.0  # per response

Consent = Callable[[str], bool]


class CheckContext(Struct, frozen=True):
    """The inputs of the checks; `store` is the reason as text if the database cannot be read.

    `running` is the report of the running bot at `/readyz`, None if no bot answers. `clock` returns this machine's time
    (aware). `consent` asks the operator whether something may be changed. `found` are the results so far.
    """

    settings: Settings
    session: aiohttp.ClientSession
    poster: SlackClient
    applivery: AppliveryClient
    store: Database | StartupError
    running: dict[str, Any] | None
    clock: Callable[[], datetime]
    consent: Consent
    found: list[CheckResult] = msgspec.field(default_factory=list)


@asynccontextmanager
async def opened(settings: Settings, clock: Callable[[], datetime], consent: Consent) -> AsyncIterator[CheckContext]:
    """Open the context of the checks. Raises ValueError if the settings contain an invalid host."""
    tuning = TestingOverrides(slack_seconds=SECONDS, applivery_seconds=SECONDS)
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    async with (
        applivery_of(settings, tuning, Metrics()) as applivery,
        http_client.session(timeout=timeout) as session,
    ):
        store = await _store(settings)
        try:
            running = await _running(session, here(settings))
            slack_client = poster_of(settings, tuning, session)
            yield CheckContext(settings, session, slack_client, applivery, store, running, clock, consent)
        finally:
            if isinstance(store, Database):
                await store.close()


async def _store(settings: Settings) -> Database | StartupError:
    try:
        return await Database.open_read_only(settings.database_url, replicas=settings.replicas)
    except StartupError as problem:
        return problem


def unreached(error: BaseException, setting: str) -> str:
    """Return the fix for an address that cannot be reached; `setting` is its setting."""
    if "certificate" in cause(error):
        return "Set SSL_CERT_FILE=/path/to/ca.pem in the environment to trust its certificate, and check the clock."
    return f"Check {setting}, DNS, and the proxy or firewall."


def here(settings: Settings) -> str:
    """Return the address of the readiness check of a bot with these settings on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - read, not bound
    return f"http://{host}:{settings.metrics_port or settings.port}"


async def _running(session: aiohttp.ClientSession, address: str) -> dict[str, Any] | None:
    try:
        async with session.get(f"{address}/readyz") as answer:
            said = await answer.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
    return said if isinstance(said, dict) and isinstance(said.get("checks"), dict) else None
