"""A connection has a time for each thing, there are so many of them, and health is answered whatever the others do."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bot.domain.outcomes import ConnectionEnd
from bot.observability.logging import LogThrottle
from bot.observability.metrics import Metrics
from bot.web.connections import MOST, ConnectionLimits
from bot.web.liveness import LivenessServer
from bot.web.server import HttpServer
from tests.support.waiting import PATIENCE, busyness, patience

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n\r\n"
Opened = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def serving(limits: ConnectionLimits) -> AsyncIterator[tuple[HttpServer, LivenessServer]]:
    liveness = await LivenessServer.open("127.0.0.1", 0, limits)
    it = HttpServer(metrics=Metrics(), checks={})
    await it.start(liveness)
    yield it, liveness
    await it.close()


async def opened(port: int, sent: bytes = b"") -> Opened:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    await writer.drain()
    return reader, writer


async def answered(port: int, sent: bytes = HEALTH) -> bytes:
    """All that comes back until the other side hangs up."""
    reader, writer = await opened(port, sent)
    try:
        return await asyncio.wait_for(reader.read(), PATIENCE)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def refused(it: HttpServer, reason: str) -> float:
    labels = {"route": "connection", "reason": reason}
    return it._metrics.registry.get_sample_value("applivery_bot_web_refused_total", labels) or 0.0


# ------------------------------------------------------------------ time


@pytest.mark.parametrize(
    ("sent", "reason", "said"),
    [
        (b"", ConnectionEnd.SLOW, b""),
        (b"G", ConnectionEnd.SLOW, b""),
        (b"GET /healthz HTTP/1.1\r\nHost: b", ConnectionEnd.SLOW, b""),
        (b"GET /healthz HTTP/1.1\r\nHost: bot\r\n\r\n" + b"GET /healthz HT", "", b"HTTP/1.1 200"),
        (b"GET /healthz HTTP/1.1\r\nHost: bot\r\n\r\n", "", b"HTTP/1.1 200"),
        (b"POST /nothing HTTP/1.1\r\nHost: bot\r\nContent-Length: 9\r\n\r\nhalf", "", b"HTTP/1.1 404"),
    ],
)
async def test_connection_stalled_sender_is_closed(sent: bytes, reason: str, said: bytes) -> None:
    async with serving(ConnectionLimits(head=0.3, body=0.3, whole=5.0, idle=0.6)) as (it, _):
        found = await answered(it.port, sent)
        assert found.startswith(said)
        assert bool(found) == bool(said)
        assert not reason or refused(it, reason) == 1


async def test_a_head_that_drips_is_not_given_more_time() -> None:
    async with serving(ConnectionLimits(head=0.5, idle=60.0)) as (it, _):
        reader, writer = await opened(it.port, b"GET /healthz HTTP/1.1\r\n")
        ended = asyncio.create_task(reader.read())
        while not ended.done():
            writer.write(b"X: y\r\n")
            await asyncio.sleep(0.1)
        assert isinstance(ended.exception(), ConnectionError) or ended.result() == b""
        assert refused(it, ConnectionEnd.SLOW) == 1


async def test_connection_stalled_reader_is_closed() -> None:
    async with serving(ConnectionLimits(whole=0.5)) as (it, liveness):
        it._metrics.refused.labels("x" * 30_000_000, "y").inc()  # more than the network holds for us
        _, writer = await opened(it.port, b"GET /metrics HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n\r\n")
        await until(lambda: refused(it, ConnectionEnd.STUCK) == 1)
        await until(lambda: len(liveness.pool) == 0)
        writer.close()


async def until(true: Callable[[], bool]) -> None:
    async with patience():
        while not true():
            await asyncio.sleep(0.02)


# ------------------------------------------------------------------ places


async def test_half_sent_requests_make_room_for_whole_ones() -> None:
    async with serving(ConnectionLimits(most=10, reserve=2)) as (it, liveness):
        silent = [await opened(it.port, b"GET /hea") for _ in range(60)]
        for path in ("/healthz", "/metrics"):
            sent = HEALTH.replace(b"/healthz", path.encode())
            assert (await answered(it.port, sent)).startswith(b"HTTP/1.1 200")
        assert len(liveness.pool) <= 12
        assert refused(it, ConnectionEnd.FULL) >= 48
        for _, writer in silent:
            writer.close()


async def test_bodies_that_do_not_come_make_room_too() -> None:
    liveness = await LivenessServer.open("127.0.0.1", 0, ConnectionLimits(most=10, reserve=2))
    it = HttpServer(metrics=Metrics(), checks={}, webhook_secret="word", handle_webhook=_rung)
    await it.start(liveness)
    half = b"POST /webhooks/applivery/word HTTP/1.1\r\nHost: bot\r\nContent-Length: 9\r\n\r\nhalf"
    silent = [await opened(it.port, half) for _ in range(30)]
    whole = half.replace(b"Host", b"Connection: close\r\nHost").replace(b"half", b"123456789")
    assert (await answered(it.port, whole)).startswith(b"HTTP/1.1 204")
    assert len(liveness.pool) <= 12
    for _, writer in silent:
        writer.close()
    await it.close()


async def _rung(_: bytes) -> None:
    """Nothing."""


async def test_when_all_are_busy_health_alone_is_answered() -> None:
    async with serving(ConnectionLimits(most=4, reserve=2)) as (it, liveness):
        go = asyncio.Event()

        async def waits(_: web.Request) -> web.Response:
            await go.wait()
            return web.Response(text="done\n")

        [runner] = it._runners
        runner.app.router._frozen = False
        runner.app.router.add_get("/waits", waits)
        busy = [asyncio.create_task(answered(it.port, HEALTH.replace(b"/healthz", b"/waits"))) for _ in range(4)]
        await until(lambda: len(liveness.pool) == 4)
        await until(lambda: all(visitor.working for visitor in liveness.pool._connections))
        assert (await answered(it.port)).startswith(b"HTTP/1.1 200")
        for path, status in ((b"/readyz", b"200"), (b"/metrics", b"503"), (b"/b/x", b"503")):
            assert (await answered(it.port, HEALTH.replace(b"/healthz", path))).startswith(b"HTTP/1.1 " + status)
        go.set()
        assert all([(await task).startswith(b"HTTP/1.1 200") for task in busy])


async def test_few_descriptors_mean_few_connections() -> None:
    limits = ConnectionLimits.of_this_process()
    assert 8 <= limits.most <= MOST


# ------------------------------------------------------------------ descriptors


@asynccontextmanager
async def starved(descriptors: int, held: str) -> AsyncIterator[tuple[int, asyncio.subprocess.Process]]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.serving",
        str(descriptors),
        held,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert child.stdout
    port = int(await asyncio.wait_for(child.stdout.readline(), PATIENCE))
    yield port, child
    if child.returncode is None:
        child.kill()
    await child.wait()


async def lines_of(child: asyncio.subprocess.Process) -> list[bytes]:
    child.kill()
    assert child.stderr
    return (await child.stderr.read()).splitlines()


@pytest.mark.parametrize("held", ["0", "150", "all"])
async def test_health_is_answered_with_no_descriptor_left(held: str) -> None:
    async with starved(256, held) as (port, child):
        silent = [await opened(port, b"POST /slack/events HTTP/1.1\r\nHost: bo") for _ in range(400)]
        started = time.monotonic()
        for _ in range(5):
            assert (await answered(port)).startswith(b"HTTP/1.1 200")
        assert time.monotonic() - started < 20 * busyness()
        for _, writer in silent:
            writer.close()
        lines = await lines_of(child)
        assert len(lines) <= 3, lines[:10]


def test_a_trouble_is_said_once_a_minute_with_how_often_it_came() -> None:
    now = 0.0
    seldom = LogThrottle(60.0, clock=lambda: now)
    assert [seldom.due("x") for _ in range(100)] == [1] + [0] * 99
    assert seldom.due("y") == 1
    now = 61.0
    assert seldom.due("x") == 100
