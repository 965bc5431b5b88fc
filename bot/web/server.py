"""The HTTP server: health, readiness, metrics, Applivery's webhook, Slack over HTTP, and the claim page."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot.domain.outcomes import WebhookOutcome
from bot.exceptions import kind_of
from bot.observability.causes import cause
from bot.observability.logging import LogThrottle, logger
from bot.observability.metrics import Metrics
from bot.web.claim.page import ClaimPage
from bot.web.connections import HEALTH, ClientConnection
from bot.web.liveness import LivenessServer
from bot.web.readiness import Check
from bot.web.request_bodies import read_body
from bot.web.shared_calls import SharedCalls
from bot.web.slack_events import SlackEvents

log = logger(__name__)

CLOSE_SECONDS = 1.0  # for connections to end by themselves after the port was closed
BODY_LIMIT = 64 * 1024  # of a webhook
ROUTES = {"slack": "slack", "webhooks": "webhook", "b": "claim", "healthz": "health", "readyz": "health"}

ProcessBody = Callable[[bytes], Awaitable[None]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _busy() -> web.Response:
    answer = web.Response(status=503, text="busy\n", headers={"Retry-After": "5"})
    answer.force_close()
    return answer


class HttpServer:
    """The HTTP side of one running bot.

    `checks` say by name whether a part is ready (`ok`) and why not; `measure` sets the gauges before they are read.
    """

    def __init__(
        self,
        *,
        metrics: Metrics,
        checks: dict[str, Check],
        measure: Callable[[], Awaitable[None]] | None = None,
        slack: SlackEvents | None = None,
        webhook_secret: str | None = None,
        handle_webhook: ProcessBody | None = None,
        claim: ClaimPage | None = None,
    ) -> None:
        self._metrics = metrics
        self._checks = checks
        self._measure = measure
        self._slack = slack
        self._secret = webhook_secret
        self._handle_webhook = handle_webhook
        self._claim = claim
        self._webhook_tasks: set[asyncio.Task[None]] = set()
        self._runners: list[web.AppRunner] = []
        self._liveness: LivenessServer | None = None
        self._metrics_liveness: LivenessServer | None = None
        self._draining = False
        self._log_throttle = LogThrottle()
        self._shared_checks: SharedCalls[dict[str, Any]] = SharedCalls(self._run_checks)
        self._shared_scrapes: SharedCalls[bytes] = SharedCalls(self._scrape)
        self.port = 0
        self.metrics_port: int | None = None

    def health_app(self, *, has_metrics: bool = True) -> web.Application:
        """Return the routes of supervisors and, with `has_metrics`, of Prometheus and load balancers too."""
        app = web.Application(middlewares=[self._handle])
        app.router.add_get("/healthz", self._serve_liveness)
        if has_metrics:
            app.router.add_get("/readyz", self._serve_readiness)
            app.router.add_get("/metrics", self._serve_metrics)
        return app

    def app(self, *, has_metrics: bool = True) -> web.Application:
        """Return the public routes; a path whose setting is missing does not exist.

        `has_metrics` is False when metrics and readiness have a port of their own.
        """
        app = self.health_app(has_metrics=has_metrics)
        if self._slack is not None:
            app.router.add_post("/slack/events", self._slack.answer)
        if self._secret and self._handle_webhook:
            app.router.add_post("/webhooks/applivery/{secret}", self._receive_webhook)
        if self._claim is not None:
            # every method and subpath, even with line breaks, since all its responses, also errors, need its headers
            app.router.add_route("*", r"/b/{ticket:[\s\S]*}", self._claim.answer)
        return app

    async def start(self, liveness: LivenessServer, metrics: LivenessServer | None = None) -> None:
        """Answer all connections of these listeners from now on, and close them at the end.

        `metrics` is for supervisors and Prometheus; without it, they use `liveness`.
        """
        await self._serve(self.app(has_metrics=metrics is None), liveness)
        self._liveness, self.port = liveness, liveness.port
        if metrics:
            await self._serve(self.health_app(), metrics)
            self._metrics_liveness, self.metrics_port = metrics, metrics.port

    async def _serve(self, app: web.Application, liveness: LivenessServer) -> None:
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=2.0)
        await runner.setup()
        assert runner.server
        liveness.pool.on_refused = lambda why: self._metrics.refused.labels("connection", why).inc()
        liveness.hand_over(runner.server)
        self._runners.append(runner)

    async def drain(self, seconds: float, hurry: asyncio.Event) -> None:
        """Fail `/readyz` and keep serving for `seconds` or until `hurry` is set, then let open connections end.

        Each response closes its connection, so that the next request reaches another replica.
        """
        self._draining = True
        with suppress(TimeoutError):
            await asyncio.wait_for(hurry.wait(), seconds)
        if self._liveness:
            await self._liveness.finish(CLOSE_SECONDS)

    async def close(self) -> None:
        """Stop listening, and let webhooks in progress be stored."""
        for liveness in filter(None, (self._liveness, self._metrics_liveness)):
            liveness.close()
        await asyncio.gather(*(runner.cleanup() for runner in self._runners))
        if self._webhook_tasks:
            await asyncio.wait(self._webhook_tasks, timeout=2.0)

    # ------------------------------------------------------------------ every request

    @web.middleware
    async def _handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Handle a request, and count it if it is refused; nothing from an invalid request is logged."""
        try:
            answer = await self._call_handler(request, handler)
        except web.HTTPException as refusal:
            self._count(request, refusal.status)
            if self._draining:
                refusal.force_close()
            raise
        if self._draining:
            answer.force_close()
        self._count(request, answer.status)
        return answer

    async def _call_handler(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        visitor = request.protocol
        if isinstance(visitor, ClientConnection):
            visitor.begin()
            if visitor.health_only and request.path not in HEALTH:
                return _busy()
        try:
            return await handler(request)
        except (ConnectionError, web.RequestPayloadError):  # the client has disconnected, or does not speak HTTP
            raise web.HTTPBadRequest from None
        except (web.HTTPException, asyncio.CancelledError):
            raise
        except Exception as error:
            if times := self._log_throttle.due(kind_of(error)):
                log.exception("web.error", error=kind_of(error), times=times)
            raise web.HTTPInternalServerError from None

    def _count(self, request: web.Request, status: int) -> None:
        busy = isinstance(request.protocol, ClientConnection) and request.protocol.health_only and status == 503
        if busy or HTTPStatus.BAD_REQUEST <= status <= HTTPStatus.INTERNAL_SERVER_ERROR:
            route = ROUTES.get(request.path[1:].partition("/")[0], "other")
            self._metrics.refused.labels(route, str(status)).inc()

    # ------------------------------------------------------------------ health

    async def _serve_liveness(self, _: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def _serve_readiness(self, _: web.Request) -> web.Response:
        if self._draining:
            return web.json_response({"ready": False, "stopping": True, "checks": {}}, status=503)
        found = await self._shared_checks.answer()
        ready = all(item["ok"] for item in found.values())
        return web.json_response({"ready": ready, "checks": found}, status=200 if ready else 503)

    async def _run_checks(self) -> dict[str, Any]:
        answers = await asyncio.gather(*(check() for check in self._checks.values()))
        return dict(zip(self._checks, answers, strict=True))

    async def _serve_metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=await self._shared_scrapes.answer(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _scrape(self) -> bytes:
        if self._measure:
            await self._measure()
        return generate_latest(self._metrics.registry)

    # ------------------------------------------------------------------ Applivery's webhook

    async def _receive_webhook(self, request: web.Request) -> web.Response:
        """Handle a webhook call, which only triggers an earlier poll; forged and oversized calls are only counted."""
        given = request.match_info["secret"].encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, str(self._secret).encode()):
            self._metrics.webhooks.labels(WebhookOutcome.FORGED).inc()
            raise web.HTTPNotFound
        try:
            body = await read_body(request, BODY_LIMIT)
        except web.HTTPRequestEntityTooLarge:
            self._metrics.webhooks.labels(WebhookOutcome.TOO_LARGE).inc()
            raise
        self._metrics.webhooks.labels(WebhookOutcome.RUNG).inc()
        task = asyncio.create_task(self._process_webhook(body))
        self._webhook_tasks.add(task)
        task.add_done_callback(self._webhook_tasks.discard)
        return web.Response(status=204)

    async def _process_webhook(self, body: bytes) -> None:
        assert self._handle_webhook is not None
        try:
            await self._handle_webhook(body)
        except Exception as error:  # noqa: BLE001  polling is the safety net
            log.warning("webhook.processing_failed", error=kind_of(error), cause=cause(error))
