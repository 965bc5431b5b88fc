"""The server: health, readiness, metrics, Applivery's doorbell, Slack over HTTP, and the way to the claim page."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse

from bot.causes import cause
from bot.domain.audit import Entrypoint
from bot.domain.outcomes import RequestOutcome, WebhookOutcome
from bot.slack import shapes
from bot.telemetry import Metrics, logger
from bot.web.claim import ClaimPage
from bot.web.porch import Porch
from bot.web.readiness import Check

log = logger(__name__)

BODY_LIMIT = 64 * 1024  # of a webhook
SLACK_LIMIT = 4 * 1024 * 1024

Ring = Callable[[bytes], Awaitable[None]]


class Web:
    """The HTTP side of one running bot.

    `checks` say by name whether a part is ready (`ok`) and why not; `measure` sets the gauges before they are read.
    """

    def __init__(
        self,
        *,
        metrics: Metrics,
        checks: dict[str, Check],
        measure: Callable[[], Awaitable[None]] | None = None,
        slack: AsyncApp | None = None,
        webhook_secret: str | None = None,
        ring: Ring | None = None,
        claim: ClaimPage | None = None,
    ) -> None:
        self._metrics = metrics
        self._checks = checks
        self._measure = measure
        self._slack = slack
        self._secret = webhook_secret
        self._ring = ring
        self._claim = claim
        self._ringing: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None
        self._porch: Porch | None = None
        self.port = 0

    def app(self) -> web.Application:
        """The routes; a path whose setting is missing does not exist."""
        app = web.Application(client_max_size=SLACK_LIMIT)
        app.router.add_get("/healthz", self._alive)
        app.router.add_get("/readyz", self._ready)
        app.router.add_get("/metrics", self._scrape)
        if self._slack is not None:
            app.router.add_post("/slack/events", self._from_slack)
        if self._secret and self._ring:
            app.router.add_post("/webhooks/applivery/{secret}", self._doorbell)
        if self._claim is not None:
            # every method and everything below, line breaks too: its answers, refusals too, carry headers of their own
            app.router.add_route("*", r"/b/{ticket:[\s\S]*}", self._claim.answer)
        return app

    async def start(self, porch: Porch) -> None:
        """Answer from now on whoever comes to this porch, and close it in the end."""
        # no access log: it would write the webhook's secret and claim tickets
        self._runner = web.AppRunner(self.app(), access_log=None, handle_signals=False, shutdown_timeout=2.0)
        await self._runner.setup()
        assert self._runner.server
        porch.lead_to(self._runner.server)
        self._porch, self.port = porch, porch.port

    async def close(self) -> None:
        """Stop listening, and let rung bells reach the store."""
        if self._porch:
            self._porch.close()
        if self._runner:
            await self._runner.cleanup()
        if self._ringing:
            await asyncio.wait(self._ringing, timeout=2.0)

    async def _alive(self, _: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def _ready(self, _: web.Request) -> web.Response:
        answers = await asyncio.gather(*(check() for check in self._checks.values()))
        found = dict(zip(self._checks, answers, strict=True))
        ready = all(one["ok"] for one in found.values())
        return web.json_response({"ready": ready, "checks": found}, status=200 if ready else 503)

    async def _scrape(self, _: web.Request) -> web.Response:
        if self._measure:
            await self._measure()
        return web.Response(body=generate_latest(self._metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _from_slack(self, request: web.Request) -> web.Response:
        assert self._slack is not None
        stamp = request.headers.get("X-Slack-Request-Timestamp", "0")
        if len(stamp) > 20 or not (stamp.isascii() and stamp.isdecimal()):  # the SDK breaks on it instead of refusing
            answer = BoltResponse(status=401, body="")
        else:
            try:
                asked = await to_bolt_request(request)
                answer = BoltResponse(status=401, body="")
                if shapes.readable(asked.body):
                    answer = await self._slack.async_dispatch(asked)
            except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
                # Bolt reads a body before it verifies it; our own work is in tasks and cannot fail here
                answer = BoltResponse(status=401, body="")
        if answer.status == 401:  # a wrong signature, one too old, or a body that is not Slack's
            self._metrics.requests.labels(Entrypoint.HTTP, "", RequestOutcome.UNVERIFIED).inc()
        return await to_aiohttp_response(answer)

    async def _doorbell(self, request: web.Request) -> web.Response:
        """A hint, never believed: it only makes us look sooner. Forged and oversized calls do nothing but a counter."""
        given = request.match_info["secret"].encode()
        if not hmac.compare_digest(given, str(self._secret).encode()):
            self._metrics.webhooks.labels(WebhookOutcome.FORGED).inc()
            raise web.HTTPNotFound
        body = b""
        while len(body) <= BODY_LIMIT and (part := await request.content.read(BODY_LIMIT + 1 - len(body))):
            body += part  # a read gives what has come so far
        if len(body) > BODY_LIMIT:
            self._metrics.webhooks.labels(WebhookOutcome.TOO_LARGE).inc()
            raise web.HTTPRequestEntityTooLarge(BODY_LIMIT, len(body))
        self._metrics.webhooks.labels(WebhookOutcome.RUNG).inc()
        task = asyncio.create_task(self._rung(body))
        self._ringing.add(task)
        task.add_done_callback(self._ringing.discard)
        return web.Response(status=204)

    async def _rung(self, body: bytes) -> None:
        assert self._ring is not None
        try:
            await self._ring(body)
        except Exception as error:  # noqa: BLE001  polling is the safety net
            log.warning("webhook.unheard", error=type(error).__name__, cause=cause(error))
