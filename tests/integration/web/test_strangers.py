"""What strangers send to any path: an answer of 4xx or none at all, a number in the metrics, and no traceback."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import json
import time
import zlib
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.domain.audit import Entrypoint
from bot.domain.tickets import new_ticket
from bot.web.connections import ConnectionLimits
from bot.web.server import BODY_LIMIT
from bot.web.slack_events import SLACK_BYTES
from tests.conftest import Environment
from tests.support.handing import raw
from tests.support.waiting import PATIENCE

SECRET = "a-long-random-word"
PATHS = {
    "health": "/healthz",
    "readiness": "/readyz",
    "metrics": "/metrics",
    "slack": "/slack/events",
    "webhook": f"/webhooks/applivery/{SECRET}",
    "forged webhook": "/webhooks/applivery/guess",
    "claim": f"/b/{new_ticket()}",
    "nothing": "/wp-login.php",
}


@pytest.fixture
async def open_to_all(world: Environment) -> Environment:
    world.tuning = replace(world.tuning, limits=ConnectionLimits(head=0.5, body=0.5, whole=5.0, idle=0.5))
    await world.start(slack_app_token=None, applivery_webhook_secret=SECRET, public_url="http://127.0.0.1:1")
    return world


async def said(world: Environment, sent: bytes, *, half: bool = False) -> bytes:
    """What comes back for these bytes; `half` closes our side after them, as somebody who hangs up does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.bot.web.port)
    writer.write(sent)
    await writer.drain()
    if half:
        writer.transport.abort()
        return b""
    try:
        return await asyncio.wait_for(reader.read(), PATIENCE)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def request(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: bot", "Connection: close", *headers]
    length = (
        []
        if any(header.lower().startswith(("content-length", "transfer-encoding")) for header in headers)
        else [len(body)]
    )
    lines += [f"Content-Length: {number}" for number in length]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body


def signed(secret: str, body: bytes, at: int | None = None) -> tuple[str, str]:
    stamp = str(int(time.time()) if at is None else at)
    digest = hmac.new(secret.encode(), b"v0:%s:%s" % (stamp.encode(), body), hashlib.sha256).hexdigest()
    return f"X-Slack-Request-Timestamp: {stamp}", f"X-Slack-Signature: v0={digest}"


async def refused(world: Environment) -> float:
    """How many were refused so far, as Prometheus would scrape it."""
    scraped = await said(world, request("GET", "/metrics"))
    families = text_string_to_metric_families(scraped.partition(b"\r\n\r\n")[2].decode())
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name in ("applivery_bot_web_refused_total", "applivery_bot_claims_total")
    )


def quiet(log: io.StringIO) -> None:
    """No line is a warning or has a traceback, whoever wrote it."""
    for line in log.getvalue().splitlines():
        entry = json.loads(line)
        assert entry["level"] in ("debug", "info"), line
        assert "Traceback" not in line


async def each_refused(world: Environment, requests: list[bytes]) -> None:
    """None of these is answered with an error of ours; being not ready is none."""
    answers = await asyncio.gather(*(said(world, request) for request in requests))
    for sent, answer in zip(requests, answers, strict=True):
        assert status(answer) < 500 or b'"ready": false' in answer, (sent[:300], answer)


NOW = str(int(time.time()))
BAD_HEADERS = [
    ("X-Slack-Signature: v0=é", f"X-Slack-Request-Timestamp: {NOW}"),
    ("X-Slack-Signature: v0=\udcff\udcfe", f"X-Slack-Request-Timestamp: {NOW}"),
    ("X-Slack-Signature: v0=" + "0" * 64, f"X-Slack-Request-Timestamp: {NOW}"),
    ("X-Slack-Signature: v0=" + "0" * 64, "X-Slack-Request-Timestamp: ٣٣"),
    ("X-Slack-Signature: v0=" + "0" * 64, "X-Slack-Request-Timestamp: 1e9"),
    ("X-Slack-Signature: v0=" + "0" * 64, "X-Slack-Request-Timestamp: " + "9" * 5000),
    ("X-Slack-Signature: v0=" + "0" * 64, "X-Slack-Request-Timestamp: -1"),
    ("X-Slack-Signature: ", "X-Slack-Request-Timestamp: "),
    ("X-Slack-Signature: v1=" + "é" * 64,),
    ("Content-Type: application/json; charset=bogus",),
    ("Content-Type: multipart/form-data",),
    ("Content-Type: \udcff",),
    ("Content-Encoding: gzip",),
    ("Content-Encoding: br",),
    ("Content-Encoding: \udcff",),
    ("Accept-Language: " + "x;q=9," * 1000,),
    ("Accept-Language: \udcff;q=é",),
    ("User-Agent: \udcff" + "x" * 4000,),
    ("X-Forwarded-For: \udcff", "Forwarded: for=\udcff"),
    ("Cookie: " + "=;" * 2000,),
    ("Range: bytes=9-1", "If-Modified-Since: \udcff", "If-None-Match: x"),
    ("Expect: 100-continue",),
    ("Expect: the-unexpected",),
    ("Upgrade: websocket", "Connection: upgrade", "Sec-WebSocket-Key: x"),
    ("Host: bot:99999",),
    ("Host: [::1",),
    ("Host: \udcff",),
    ("Host: a b",),
]
BODIES = [
    b"",
    b"x",
    b"\xff\xfe\x00",
    b"payload=%FF",
    b"{" * 30_000,
    b'{"type":' * 5_000,
    b"ssl_check=2&x",
    zlib.compress(b"x" * 9999),
]


@pytest.mark.parametrize("name", PATHS)
async def test_no_header_or_body_is_more_than_refused(open_to_all: Environment, log: io.StringIO, name: str) -> None:
    before = await refused(open_to_all)
    for method in ("GET", "HEAD", "POST", "PUT", "OPTIONS"):
        await each_refused(open_to_all, [request(method, PATHS[name], *headers) for headers in BAD_HEADERS])
        await each_refused(
            open_to_all, [request(method, PATHS[name], *bad_header, body=b"x" * 50) for bad_header in BAD_HEADERS]
        )
        await each_refused(open_to_all, [request(method, PATHS[name], body=body) for body in BODIES])
    assert await refused(open_to_all) > before
    quiet(log)


LINES = [
    b"\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET {path}\r\n\r\n",
    b"GET {path} HTTP/9.9\r\n\r\n",
    b"GET {path} HTTP/1.1\r\nHost: bot\r\nno colon\r\n\r\n",
    b"GET {path} HTTP/1.1\r\nHost: bot\r\n: empty\r\n\r\n",
    b"GET {path} HTTP/1.1\r\nHost: bot\r\nX: a\x00b\r\n\r\n",
    b"GET {path} HTTP/1.1\r\nHost: bot\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    b"GET {path} HTTP/1.1\r\nHost: bot\r\n" + b"X: a\r\n" * 500 + b"\r\n",
    b"GET {path}" + b"/a" * 10_000 + b" HTTP/1.1\r\nHost: bot\r\n\r\n",
    b"GET {path}\xff\xfe HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n\r\n",
    b"GET {path}%ff%zz%00%0a HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n\r\n",
    b"GET {path}?a=%ff&%zz&=&&;\xff HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n\r\n",
    b"GET http://[::1{path} HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n\r\n",
    b"GET http://other:99999{path} HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n\r\n",
    b"GET //{path}/../..// HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n\r\n",
    b"GET * HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n\r\n",
    b"CONNECT bot:443 HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n\r\n",
    b"BREW {path} HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n\r\n",
    b"G\xc3\x89T {path} HTTP/1.1\r\nHost: bot\r\n\r\n",
    b"POST {path} HTTP/1.1\r\nHost: bot\r\nContent-Length: -1\r\n\r\n",
    b"POST {path} HTTP/1.1\r\nHost: bot\r\nContent-Length: x\r\n\r\n",
    b"POST {path} HTTP/1.1\r\nHost: bot\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
    b"POST {path} HTTP/1.1\r\nHost: bot\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    b"POST {path} HTTP/1.1\r\nHost: bot\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST {path} HTTP/1.1\r\nHost: bot\r\nTransfer-Encoding: rubbish\r\n\r\n0\r\n\r\n",
    b"POST {path} HTTP/1.1\r\nHost: bot\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST {path} HTTP/1.1\r\nHost: bot\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
    b"POST {path} HTTP/1.1\r\nHost: bot\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\n",
    b"POST {path} HTTP/1.1\r\nHost: bot\r\nTransfer-Encoding: chunked\r\n\r\n5;"
    + b"x" * 20_000
    + b"\r\nabcde\r\n0\r\n\r\n",
    b"POST {path} HTTP/1.1\r\nHost: bot\r\nContent-Length: 100\r\n\r\nhalf of it",
    b"POST {path} HTTP/1.1\r\nHost: bot\r\nContent-Length: 3\r\n\r\nabcGET rubbish\r\n\r\n",
    b"POST {path} HTTP/1.0\r\n\r\n",
]


@pytest.mark.parametrize("name", PATHS)
async def test_http_malformed_request_is_refused_or_dropped(
    open_to_all: Environment, log: io.StringIO, name: str
) -> None:
    before = await refused(open_to_all)
    lines = [line.replace(b"{path}", PATHS[name].encode()) for line in LINES]
    cut = [line[: len(line) * part // 10] for line in lines for part in (1, 5, 9)]
    await each_refused(open_to_all, lines)
    await each_refused(open_to_all, cut)
    await asyncio.gather(*(said(open_to_all, data, half=True) for data in (*lines, *cut)))
    assert await refused(open_to_all) - before > len(LINES)
    quiet(log)


async def test_a_signed_body_that_stops_half_way_does_nothing(open_to_all: Environment, log: io.StringIO) -> None:
    body = b"command=%2Fapplivery&text=whoami&user_id=UANA&team_id=T1&channel_id=C1"
    sent = request("POST", PATHS["slack"], *signed("sandbox-signing-secret", body), body=body)
    parts = [sent[:cut] for cut in range(len(sent) - len(body), len(sent), 7)]
    answers = await asyncio.gather(*(said(open_to_all, part) for part in parts))
    assert {status(answer) for answer in answers} == {408}
    await asyncio.gather(*(said(open_to_all, part, half=True) for part in parts))
    assert (
        open_to_all.bot.metrics.registry.get_sample_value(
            "applivery_bot_request_seconds_count", {"door": Entrypoint.COMMAND}
        )
        is None
    )
    assert status(await said(open_to_all, sent)) == 200
    quiet(log)


async def test_a_claim_whose_form_stops_half_way_spends_nothing(open_to_all: Environment, log: io.StringIO) -> None:
    open_to_all.applivery.build(open_to_all.courier, version="2.0.0", os="android")
    ticket = raw(await open_to_all.ask("get courier latest")).partition("/b/")[2][:22]
    sent = request("POST", f"/b/{ticket}", "Content-Length: 7", body=b"as=")
    await said(open_to_all, sent, half=True)
    assert status(await said(open_to_all, sent)) == 408
    assert open_to_all.applivery.minted == []
    whole = request("POST", f"/b/{ticket}", body=b"as=file")
    assert status(await said(open_to_all, whole)) == 303
    quiet(log)


async def test_http_compressed_body_is_not_unpacked(open_to_all: Environment) -> None:
    bomb = zlib.compress(b"a" * 50_000_000)
    for path in (PATHS["slack"], PATHS["webhook"], PATHS["claim"]):
        for coding in ("deflate", "gzip", "br"):
            answer = await said(open_to_all, request("POST", path, f"Content-Encoding: {coding}", body=bomb))
            assert status(answer) in (404, 415)


@pytest.mark.parametrize(("name", "most"), [("slack", SLACK_BYTES), ("webhook", BODY_LIMIT)])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_beyond_its_bound_is_refused(
    open_to_all: Environment, name: str, most: int, chunked: bool
) -> None:
    for size, refused_with in ((most, (401, 204)), (most + 1, (413,))):
        body = b"x" * size
        headers = ["Transfer-Encoding: chunked"] if chunked else []
        sent = b"%x\r\n%s\r\n0\r\n\r\n" % (size, body) if chunked else body
        assert status(await said(open_to_all, request("POST", PATHS[name], *headers, body=sent))) in refused_with
