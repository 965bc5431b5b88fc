from __future__ import annotations

import asyncio
import io
import json
import socket
import sqlite3
import ssl
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.app import running
from bot.applivery.transport import CALL_OK
from bot.domain.audit import AuditOutcome, Entrypoint
from bot.domain.outcomes import RequestOutcome, WebhookOutcome
from bot.web import readiness
from sandbox.faults import Fault
from sandbox.slack.signing import signature
from tests.conftest import Environment
from tests.support.waiting import busyness, patience

SECRET = "a-long-random-word"
BELL = f"/webhooks/applivery/{SECRET}"


class Answer:
    """What a request got."""

    def __init__(self, status: int, text: str) -> None:
        self.status, self.text = status, text

    @property
    def json(self) -> Any:
        return json.loads(self.text)


async def ask(world: Environment, method: str, path: str, **about: Any) -> Answer:
    address = f"http://127.0.0.1:{world.bot.web.port}{path}"
    async with aiohttp.ClientSession() as session, session.request(method, address, **about) as response:
        return Answer(response.status, await response.text())


async def counted(world: Environment, sample_name: str, /, **labels: str) -> float:
    """A counter as Prometheus would scrape it now."""
    for family in text_string_to_metric_families((await ask(world, "GET", "/metrics")).text):
        for sample in family.samples:
            if sample.name == sample_name and labels.items() <= sample.labels.items():
                return sample.value
    return 0.0


# ------------------------------------------------------------------ health and readiness


async def test_liveness_true_while_dependencies_are_down(world: Environment) -> None:
    world.slack.refuse_handshakes(None)
    await world.applivery.stop()
    async with running(world.settings(), world.tuning) as world.bot:
        assert (await ask(world, "GET", "/healthz")).status == 200
        answer = await ask(world, "GET", "/readyz")
        assert answer.status == 503
        assert answer.json["checks"]["slack"]["ok"] is False
        assert answer.json["checks"]["database"]["ok"] is True
    await world.applivery.start()


@pytest.mark.parametrize("http", [False, True])
async def test_readiness_true_when_all_checks_pass(world: Environment, http: bool) -> None:
    await world.start(**({"slack_app_token": None} if http else {}))
    answer = await ask(world, "GET", "/readyz")
    assert answer.status == 200
    assert answer.json["ready"] is True
    assert {name: check["ok"] for name, check in answer.json["checks"].items()} == {
        "slack": True,
        "database": True,
        "polling": True,
    }


def at_metrics(world: Environment, path: str) -> str:
    return f"http://127.0.0.1:{world.bot.web.metrics_port}{path}"


async def test_metrics_port_alone_answers_metrics_and_readiness(world: Environment) -> None:
    await world.start(metrics_port=0, slack_app_token=None)
    statuses = {path: (await ask(world, "GET", path)).status for path in ("/healthz", "/readyz", "/metrics")}
    assert statuses == {"/healthz": 200, "/readyz": 404, "/metrics": 404}
    async with aiohttp.ClientSession() as session:
        for path, status in {"/healthz": 200, "/readyz": 200, "/metrics": 200, "/slack/events": 404}.items():
            async with session.get(at_metrics(world, path)) as response:
                assert response.status == status, path


async def test_draining_fails_readiness_on_the_metrics_port(world: Environment) -> None:
    await world.start(metrics_port=0)
    hurry = asyncio.Event()
    draining = asyncio.create_task(world.bot.web.drain(60, hurry))
    await asyncio.sleep(0)
    async with aiohttp.ClientSession() as session:
        async with session.get(at_metrics(world, "/readyz")) as response:
            assert (response.status, (await response.json())["stopping"]) == (503, True)
        assert (await ask(world, "GET", "/healthz")).status == 200
        hurry.set()
        await draining
        async with session.get(at_metrics(world, "/healthz")) as response:  # alive until its last work is done
            assert response.status == 200


async def test_readiness_false_without_slack_connection(world: Environment) -> None:
    await world.start()
    world.slack.refuse_handshakes(None)
    await world.slack.cut()
    async with patience():
        while (answer := await ask(world, "GET", "/readyz")).status == 200:
            await asyncio.sleep(0.02)
    assert answer.json == answer.json | {"ready": False}
    found = answer.json["checks"]["slack"]
    assert (found["ok"], found["connections"]) == (False, 0)
    assert found["problem"].startswith("no open connection (")
    assert answer.json["checks"]["database"]["ok"] is True


async def test_a_slack_behind_an_unknown_certificate_is_named(world: Environment, log: io.StringIO) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).parents[2] / "support/untrusted.pem")
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    nowhere = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/api"
    async with running(world.settings(slack_api_url=nowhere), world.tuning, jobs=False) as world.bot:
        async with patience():
            while "certificate" not in world.bot.sockets.last_error:  # type: ignore[union-attr]
                await asyncio.sleep(0.02)
        answer = await ask(world, "GET", "/readyz")
        async with patience():
            while "slack.not_reached" not in log.getvalue():
                await asyncio.sleep(0.02)
    server.close()
    assert answer.status == 503
    assert "the certificate is not accepted: self-signed certificate" in answer.json["checks"]["slack"]["problem"]
    [line] = [candidate for candidate in log.getvalue().splitlines() if "slack.not_reached" in candidate]
    assert '"cause": "the certificate is not accepted: self-signed certificate"' in line


async def test_readiness_over_http_false_with_token_slack_refuses(world: Environment) -> None:
    world.slack.revoke()
    await world.start(slack_app_token=None)
    answer = await ask(world, "GET", "/readyz")
    assert answer.status == 503
    assert "doesn't accept this bot's token" in answer.json["checks"]["slack"]["problem"]


async def test_readiness_over_http_false_once_slack_revokes_token(world: Environment) -> None:
    await world.start(slack_app_token=None)
    poster = world.bot.slack_client
    assert (await readiness.slack(None, poster, fresh=0.0))["ok"]
    world.slack.revoke()
    assert (await readiness.slack(None, poster))["ok"], "what it knows is fresh enough"
    assert not (await readiness.slack(None, poster, fresh=0.0))["ok"]


async def test_readiness_false_until_applivery_answers_a_poll(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    await world.look()
    await world.restart()
    world.applivery.faults.add("GET *", Fault(status=503), times=None)
    await world.look()
    answer = await ask(world, "GET", "/readyz")
    assert answer.status == 503
    assert answer.json["checks"]["polling"]["problem"].endswith("failed (AppliveryDown: HTTP 503)")
    world.applivery.faults.clear()
    await world.look()
    assert (await ask(world, "GET", "/readyz")).status == 200


async def test_readiness_true_during_short_applivery_outage(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    await world.look()
    world.applivery.faults.add("GET *", Fault(status=503), times=None)
    await world.look()
    assert (await ask(world, "GET", "/readyz")).status == 200


async def test_readiness_false_without_database_answer(world: Environment) -> None:
    await world.start()
    with closing(sqlite3.connect(world.folder / "bot.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        answer = await ask(world, "GET", "/readyz")
        assert time.monotonic() - started < 8  # the checks are made side by side
        other.execute("ROLLBACK")
    assert answer.status == 503
    assert answer.json["checks"]["database"]["ok"] is False
    assert answer.json["checks"]["database"]["problem"]
    assert answer.json["checks"]["slack"]["ok"] is True
    assert (await ask(world, "GET", "/readyz")).status == 200


async def test_readiness_false_when_app_was_not_polled_for_long(world: Environment) -> None:
    now = datetime.now(UTC)
    shift = timedelta()
    world.tuning = replace(world.tuning, clock=lambda: now + shift)
    await world.start()
    await world.ask("subscribe courier")
    await world.look()
    assert (await ask(world, "GET", "/readyz")).json["checks"]["polling"]["ok"] is True
    shift = timedelta(minutes=10)
    answer = await ask(world, "GET", "/readyz")
    assert answer.status == 503
    assert answer.json["checks"]["polling"] == answer.json["checks"]["polling"] | {"ok": False, "apps": 1, "behind": 1}
    await world.look()
    assert (await ask(world, "GET", "/readyz")).status == 200


async def test_readiness_gives_no_secret_away(world: Environment) -> None:
    await world.start(applivery_webhook_secret=SECRET)
    said = (await ask(world, "GET", "/readyz")).text + (await ask(world, "GET", "/metrics")).text
    for secret in ("xoxb-sandbox", "xapp-sandbox", SECRET, world.applivery.token, str(world.folder)):
        assert secret not in said


async def test_metrics_are_what_prometheus_reads(world: Environment) -> None:
    await world.start(slack_app_token=None)
    world.applivery.build(world.courier)
    await world.ask("get courier")
    await world.bot.dispatcher.drain(5)
    families = {
        family.name: family for family in text_string_to_metric_families((await ask(world, "GET", "/metrics")).text)
    }
    assert all(family.documentation for family in families.values())
    assert await counted(world, "applivery_bot_mints_total", outcome=AuditOutcome.MINTED) == 1
    assert (
        await counted(
            world, "applivery_bot_requests_total", door=Entrypoint.COMMAND, name="get", outcome=RequestOutcome.ANSWERED
        )
        == 1
    )
    assert await counted(world, "applivery_bot_applivery_request_seconds_count", call="builds", outcome=CALL_OK) >= 1
    assert await counted(world, "applivery_bot_applivery_budget_left") > 0
    token = world.applivery.minted[0].token
    assert token not in (await ask(world, "GET", "/metrics")).text


@pytest.mark.parametrize("path", ["/", "/slack", "/slack/events/", "/webhooks/applivery", "/metrics/x", "/%2e%2e/etc"])
async def test_http_unknown_path_returns_404(world: Environment, path: str) -> None:
    await world.start()
    assert (await ask(world, "GET", path)).status == 404


# ------------------------------------------------------------------ the webhook


async def watched_two(world: Environment) -> tuple[str, str]:
    """Two apps that are watched, neither of them due; their ids."""
    driver = world.applivery.app("Driver")
    await world.start(applivery_webhook_secret=SECRET, poll_idle_seconds=600, poll_busy_seconds=600)
    await world.ask("subscribe courier")
    await world.ask("subscribe driver")
    await world.look()
    world.applivery.requests.clear()
    return world.courier.id, driver.id


async def looked_at(world: Environment) -> set[str]:
    """The apps whose builds are asked for when the clock ticks now."""
    await world.bot.watch.step()
    return {request.path.split("/")[5] for request in world.applivery.requests if request.path.endswith("/builds")}


async def rung(world: Environment, body: Any, **about: Any) -> int:
    """Ring, and wait until the bell has reached the store."""
    answer = await ask(world, "POST", BELL, data=body, **about)
    ringing = world.bot.web._webhook_tasks
    if ringing:
        await asyncio.wait(ringing)
    assert answer.text == "" or answer.status != 204
    return answer.status


async def test_without_a_ring_nothing_is_due(world: Environment) -> None:
    await watched_two(world)
    assert await looked_at(world) == set()


async def test_webhook_naming_app_makes_only_that_app_due(world: Environment) -> None:
    courier, driver = await watched_two(world)
    body = {"action": "build_processed", "data": {"application": {"id": driver.upper()}, "build": {"id": "f" * 24}}}
    assert await rung(world, json.dumps(body)) == 204
    assert await looked_at(world) == {driver}
    assert courier != driver


async def test_a_body_that_comes_in_pieces_is_read_to_its_end(world: Environment) -> None:
    _, driver = await watched_two(world)

    async def pieces() -> Any:
        for piece in (b'{"x": "', b" " * 1000, driver[:10].encode(), driver[10:].encode(), b'"}'):
            yield piece
            await asyncio.sleep(0.02)

    assert await rung(world, pieces()) == 204
    assert await looked_at(world) == {driver}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b'{"cut',
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b"0" * 60_000,
        b'{"application": "' + b"a" * 24 + b'"}',
    ],
    ids=["empty", "words", "cut", "bytes", "list", "null", "long", "unknown app"],
)
async def test_a_body_that_names_none_of_ours_makes_all_due(world: Environment, body: bytes) -> None:
    both = set(await watched_two(world))
    assert await rung(world, body) == 204
    assert await looked_at(world) == both


async def test_a_ring_is_a_hint_and_never_believed(world: Environment) -> None:
    await watched_two(world)
    body = {"status": "processed", "application": world.courier.id, "versionName": "6.6.6", "id": "f" * 24}
    await rung(world, json.dumps(body))
    await world.bot.watch.step()
    await world.bot.announce.drain()
    assert world.slack.messages(world.releases) == []


async def test_webhook_of_fake_applivery_brings_card_sooner(world: Environment) -> None:
    await world.start(jobs=True, applivery_webhook_secret=SECRET, poll_idle_seconds=600, poll_busy_seconds=600)
    await world.ask("subscribe courier")
    await world.applivery.until(
        lambda: [request for request in world.applivery.requests if request.path.endswith("/builds")]
    )
    world.applivery.webhook_url = f"http://127.0.0.1:{world.bot.web.port}{BELL}"
    build = world.applivery.upload(world.courier, version="2.0.0")
    await world.applivery.until(lambda: world.applivery.webhooks)
    world.applivery.move(build, "processed")
    await world.slack.until(lambda: world.slack.messages(world.releases))
    assert "2.0.0" in world.slack.messages(world.releases)[0].text
    assert {delivery.status for delivery in world.applivery.webhooks} == {204}


@pytest.mark.parametrize("guess", ["x", SECRET[:-1], SECRET + "x", SECRET.upper(), "%00", "ä" * 40])
async def test_a_forged_ring_is_not_found_does_nothing_and_is_counted(world: Environment, guess: str) -> None:
    courier, _ = await watched_two(world)
    answer = await ask(world, "POST", f"/webhooks/applivery/{guess}", data=courier)
    assert answer.status == 404
    assert SECRET not in answer.text
    assert await looked_at(world) == set()
    assert await counted(world, "applivery_bot_webhooks_total", outcome=WebhookOutcome.FORGED) == 1
    assert await counted(world, "applivery_bot_webhooks_total", outcome=WebhookOutcome.RUNG) == 0


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_oversized_ring_is_refused_and_counted(world: Environment, chunked: bool) -> None:
    await watched_two(world)
    body = b"x" * (64 * 1024 + 1)

    async def pieces() -> Any:
        for at in range(0, len(body), 10_000):
            yield body[at : at + 10_000]

    answer = await ask(world, "POST", BELL, data=pieces() if chunked else body)
    assert answer.status == 413
    assert await looked_at(world) == set()
    assert await counted(world, "applivery_bot_webhooks_total", outcome=WebhookOutcome.TOO_LARGE) == 1


async def test_webhook_answered_at_once_with_slow_database(world: Environment) -> None:
    await watched_two(world)
    with closing(sqlite3.connect(world.folder / "bot.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        assert (await ask(world, "POST", BELL, data=b"")).status == 204
        assert time.monotonic() - started < 1 * busyness()
        other.execute("ROLLBACK")


async def test_without_its_secret_the_bell_does_not_exist(world: Environment) -> None:
    await world.start()
    assert (await ask(world, "POST", BELL)).status == 404


# ------------------------------------------------------------------ stopping


async def test_drain_fails_readiness_and_serves_on(world: Environment) -> None:
    await world.start(slack_app_token=None, drain_seconds=60)
    hurry = asyncio.Event()
    draining = asyncio.create_task(world.bot.drain(hurry))
    address = f"http://127.0.0.1:{world.bot.web.port}"
    async with aiohttp.ClientSession() as session:
        await asyncio.sleep(0)
        async with session.get(f"{address}/readyz") as answer:
            assert (answer.status, await answer.json()) == (503, {"ready": False, "stopping": True, "checks": {}})
        body = typed(world)
        async with session.post(f"{address}/slack/events", data=body, headers=signed(world, body)) as answer:
            assert answer.status == 200
            assert answer.headers["Connection"] == "close", "the next request is to find another replica"
        async with session.get(f"{address}/nothing") as answer:
            assert (answer.status, answer.headers["Connection"]) == (404, "close")
        hurry.set()
        await draining
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"{address}/healthz")


async def test_drain_lets_in_who_waits_in_line(world: Environment) -> None:
    await world.start(slack_app_token=None, drain_seconds=60)
    hurry = asyncio.Event()
    hurry.set()
    waiting = socket.create_connection(("127.0.0.1", world.bot.web.port))
    waiting.sendall(b"GET /healthz HTTP/1.1\r\nHost: bot\r\n\r\n")
    await world.bot.drain(hurry)
    assert (await asyncio.to_thread(waiting.recv, 100)).startswith(b"HTTP/1.1 200")
    waiting.close()


async def test_socket_mode_without_requests_does_not_drain(world: Environment) -> None:
    await world.start(drain_seconds=60)
    await asyncio.wait_for(world.bot.drain(asyncio.Event()), 5)
    assert (await ask(world, "GET", "/readyz")).status == 200


# ------------------------------------------------------------------ Slack over HTTP


def signed(world: Environment, body: str, *, secret: str = "sandbox-signing-secret", age: int = 0) -> dict[str, str]:
    at = str(int(time.time()) - age)
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": at,
        "X-Slack-Signature": signature(secret, at, body),
    }


def typed(world: Environment) -> str:
    return urlencode(world.slack.person.payloads.command(world.ana, world.releases, "/applivery", "help", {}))


async def test_in_socket_mode_there_is_no_door_for_slack_over_http(world: Environment) -> None:
    await world.start()
    body = typed(world)
    assert (await ask(world, "POST", "/slack/events", data=body, headers=signed(world, body))).status == 404


async def test_slack_signed_request_acknowledged_empty_and_answered(world: Environment) -> None:
    await world.start(slack_app_token=None)
    body = typed(world)
    answer = await ask(world, "POST", "/slack/events", data=body, headers=signed(world, body))
    assert (answer.status, answer.text) == (200, "")
    await world.slack.until(lambda: world.slack.messages(world.slack.dm(world.ana)))


@pytest.mark.parametrize(
    "change",
    [
        {"secret": "somebody-else-s-secret"},
        {"age": 301},
        {"age": -301},
        {"drop": "X-Slack-Signature"},
        {"drop": "X-Slack-Request-Timestamp"},
        {"signature": "v0=" + "0" * 64},
        {"signature": "nonsense"},
        {"timestamp": "yesterday"},
    ],
    ids=str,
)
async def test_slack_bad_signature_or_timestamp_counted_and_ignored(world: Environment, change: dict[str, Any]) -> None:
    await world.start(slack_app_token=None)
    body = typed(world)
    headers = signed(world, body, **{key: change[key] for key in ("secret", "age") if key in change})
    headers.pop(change.get("drop", ""), None)
    if "signature" in change:
        headers["X-Slack-Signature"] = change["signature"]
    if "timestamp" in change:
        headers["X-Slack-Request-Timestamp"] = change["timestamp"]
    assert (await ask(world, "POST", "/slack/events", data=body, headers=headers)).status == 401
    await world.bot.dispatcher.drain(1)
    assert world.slack.calls_of("chat.postMessage") == []
    assert await counted(world, "applivery_bot_requests_total", outcome=RequestOutcome.UNVERIFIED) == 1


async def test_a_changed_body_is_refused(world: Environment) -> None:
    await world.start(slack_app_token=None)
    body = typed(world)
    changed = body.replace("text=help", "text=menu")
    assert changed != body
    assert (await ask(world, "POST", "/slack/events", data=changed, headers=signed(world, body))).status == 401


async def test_slack_s_own_checks_are_answered(world: Environment) -> None:
    await world.start(slack_app_token=None)
    assert (await ask(world, "POST", "/slack/events", data={"ssl_check": "1", "token": "x"})).status == 200
    assert await world.slack.http.verify(f"http://127.0.0.1:{world.bot.web.port}/slack/events")


@pytest.mark.parametrize("body", ["", "payload=%7B%7D", urlencode({"payload": '{"type": "message_action"}'})])
async def test_a_signed_body_that_is_nothing_we_know_is_taken_quietly(world: Environment, body: str) -> None:
    await world.start(slack_app_token=None)
    answer = await ask(world, "POST", "/slack/events", data=body, headers=signed(world, body))
    assert (answer.status, answer.text) == (200, "")


@pytest.mark.parametrize("body", ["payload=nonsense", "payload=[]", "payload=7", "{", "[]", "\ud800", '{"payload": 1'])
async def test_slack_unreadable_body_refused_counted_without_log_flood(
    world: Environment, body: str, log: io.StringIO
) -> None:
    await world.start(slack_app_token=None)
    for kind in ("application/x-www-form-urlencoded", "application/json"):
        data, headers = body.encode(errors="surrogatepass"), {"Content-Type": kind}
        assert (await ask(world, "POST", "/slack/events", data=data, headers=headers)).status == 401
    assert await counted(world, "applivery_bot_requests_total", outcome=RequestOutcome.UNVERIFIED) == 2
    assert "Traceback" not in log.getvalue()


# ------------------------------------------------------------------ Slack over HTTP: once, whatever comes twice


def mention(world: Environment, event_id: str, words: str = "help") -> str:
    """An app_mention as Slack posts it."""
    where = {"type": "app_mention", "user": world.bruno.id, "channel": world.releases.id, "ts": "1700000000.000100"}
    event = {**where, "text": f"<@{world.slack.bot_user_id}> {words}", "team": world.slack.team_id}
    return json.dumps({"type": "event_callback", "team_id": world.slack.team_id, "event_id": event_id, "event": event})


async def post(world: Environment, body: str, *, port: int | None = None, age: int = 0, **more: str) -> int:
    """Post a body as Slack does, signed so many seconds ago; gives the status."""
    kind = {"Content-Type": "application/json"} if body.startswith("{") else {}
    address = f"http://127.0.0.1:{port or world.bot.web.port}/slack/events"
    async with aiohttp.ClientSession() as session:
        async with session.post(address, data=body, headers={**signed(world, body, age=age), **kind, **more}) as answer:
            return answer.status


async def answers(world: Environment) -> int:
    """How often `help` was worked on."""
    await world.bot.dispatcher.drain(5)
    return int(await counted(world, "applivery_bot_requests_total", name="help", outcome=RequestOutcome.ANSWERED))


async def test_slack_replayed_request_acknowledged_counted_and_ignored(world: Environment) -> None:
    await world.start(slack_app_token=None)
    body = typed(world)
    headers = signed(world, body)
    for _ in range(3):
        assert (await ask(world, "POST", "/slack/events", data=body, headers=headers)).status == 200
    assert await answers(world) == 1
    assert await counted(world, "applivery_bot_requests_total", outcome=RequestOutcome.REPLAYED) == 2
    assert await post(world, body, age=7) == 200  # typed again: signed anew
    assert await answers(world) == 2


async def test_a_captured_request_does_nothing_after_a_restart_either(world: Environment) -> None:
    await world.start(slack_app_token=None)
    body = typed(world)
    headers = signed(world, body)
    await ask(world, "POST", "/slack/events", data=body, headers=headers)
    await world.restart(slack_app_token=None)
    assert (await ask(world, "POST", "/slack/events", data=body, headers=headers)).status == 200
    assert await answers(world) == 0


async def test_slack_request_acknowledged_in_time_without_database(world: Environment) -> None:
    await world.start(slack_app_token=None)
    await world.ask("help")
    with closing(sqlite3.connect(world.folder / "bot.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        started = time.monotonic()
        assert await post(world, typed(world)) == 200
        assert time.monotonic() - started < 3 * busyness()
        other.rollback()


async def test_slack_s_retries_of_an_event_are_answered_once(world: Environment) -> None:
    await world.start(slack_app_token=None)
    for attempt, age in enumerate((0, 1, 60, 290)):
        more = {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": "http_timeout"} if attempt else {}
        assert await post(world, mention(world, "Ev1"), age=age, **more) == 200
    assert await answers(world) == 1


async def test_a_retry_whose_first_delivery_never_came_is_answered(world: Environment) -> None:
    await world.start(slack_app_token=None)
    more = {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "connection_failed"}
    assert await post(world, mention(world, "Ev1"), **more) == 200
    assert await answers(world) == 1


@pytest.mark.postgres
async def test_slack_request_answered_by_one_replica_only(world: Environment, postgres_url: str) -> None:
    """What one replica has answered, the other replica leaves."""
    world.database = postgres_url
    await world.start(slack_app_token=None)
    async with running(world.settings(slack_app_token=None), world.tuning, jobs=False) as other:
        body = typed(world)
        headers = signed(world, body)
        ports = [world.bot.web.port, other.web.port]

        async def everywhere(data: str, headers: dict[str, str]) -> None:
            async with aiohttp.ClientSession() as session:
                for port in ports * 2:
                    async with session.post(
                        f"http://127.0.0.1:{port}/slack/events", data=data, headers=headers
                    ) as answer:
                        assert answer.status == 200

        await asyncio.gather(everywhere(body, headers), everywhere(body, headers))
        for number, port in enumerate(ports * 2):
            assert await post(world, mention(world, "Ev1"), port=port, age=number) == 200
        await other.dispatcher.drain(5)
        elsewhere = other.metrics.registry.get_sample_value
        heard = [
            {"door": door, "name": "help", "outcome": RequestOutcome.ANSWERED}
            for door in (Entrypoint.COMMAND, Entrypoint.MENTION)
        ]
        there = sum(elsewhere("applivery_bot_requests_total", labels) or 0 for labels in heard)
        await world.bot.dispatcher.drain(5)
        own = world.bot.metrics.registry.get_sample_value
        here = sum(own("applivery_bot_requests_total", labels) or 0 for labels in heard)
        assert (here + there) == 2, (here, there)


QUIET = ["tokens_revoked", "app_uninstalled", "app_home_opened", "message", "member_joined_channel", "app_rate_limited"]


async def test_slack_unhandled_event_acknowledged_without_log_line(world: Environment, log: io.StringIO) -> None:
    await world.start(slack_app_token=None)
    before = log.getvalue()
    for number, kind in enumerate(QUIET):
        event = {"type": "event_callback", "event_id": f"Ev{number}", "event": {"type": kind, "user": world.ana.id}}
        assert await post(world, json.dumps(event)) == 200
    for kind in ("view_closed", "block_actions", "function_executed", "workflow_step_edit"):
        payload = {"type": kind, "user": {"id": world.ana.id, "team_id": world.slack.team_id}, "actions": []}
        assert await post(world, urlencode({"payload": json.dumps(payload)})) == 200
    await world.bot.dispatcher.drain(1)
    new = log.getvalue().removeprefix(before)
    lines = [line for line in new.splitlines() if '"level": "debug"' not in line]
    assert [line for line in lines if "slack.no_event_yet" not in line] == [], "that one is about the start"
