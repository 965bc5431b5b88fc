"""The client in front of the fake Applivery: what it asks, how often, and what it makes of the answers."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
import stamina
from aiohttp import web

from bot import exceptions
from bot.applivery import transport
from bot.applivery.client import AppliveryClient
from bot.applivery.hosts import AppliveryHosts
from bot.applivery.pagination import PAGE_CEILING
from bot.applivery.rate_budget import Priority, RequestBudget
from bot.domain.model import App, Build, FileKind, Link, Member, Stage
from sandbox.applivery import FakeApp, FakeApplivery, FakeBuild
from sandbox.applivery.payloads import NETWORKS
from sandbox.faults import Fault
from tests.integration.applivery.conftest import MakeClient
from tests.support.waiting import busyness

HEX = "0123456789abcdef01234567"
APPS = "GET /v1/organizations/acme/apps"
MINT = "GET /v1/organizations/*/downloadToken"
BUILDS = "GET /v1/organizations/*/builds"


@pytest.fixture
def app(server: FakeApplivery) -> FakeApp:
    return server.app("Courier")


@pytest.fixture
def build(server: FakeApplivery, app: FakeApp) -> FakeBuild:
    return server.build(app, version="2.4.0", number="173", branch="main", tags=("beta",))


def fact(build: FakeBuild) -> Build:
    return Build(id=build.id, app=fact_app(build.app), stage=Stage.READY)


def fact_app(app: FakeApp) -> App:
    return App(app.id, app.slug, app.name, ("ios", "android"))


def asked(server: FakeApplivery) -> list[str]:
    return [f"{request.method} {request.path}" for request in server.requests]


@pytest.fixture
def quick() -> Iterator[None]:
    """Retries without their pauses; what they wait is another test's business."""
    with stamina.set_testing(True, attempts=transport.ATTEMPTS, cap=True):
        yield


# ------------------------------------------------------------------ the facts


async def test_the_workspace_says_its_name(server: FakeApplivery, client: AppliveryClient) -> None:
    assert await client.organization() == server.organization["name"]


async def test_apps_are_read_over_all_pages(server: FakeApplivery, client: AppliveryClient) -> None:
    made = [server.app(f"App {number}") for number in range(25)]
    server.largest_page = 10
    found = await client.apps()
    assert {app.id for app in found} == {app.id for app in made}
    assert len(found) == 25
    assert [request.query["page"] for request in server.requests] == ["1", "2", "3"]


async def test_an_empty_workspace_has_no_apps(client: AppliveryClient) -> None:
    assert await client.apps() == []


async def test_an_app_is_found_by_id_and_by_short_name(app: FakeApp, client: AppliveryClient) -> None:
    assert await client.app("courier") == await client.app(app.id) == fact_app(app)


async def test_builds_come_newest_first_a_page_at_a_time(
    server: FakeApplivery, app: FakeApp, client: AppliveryClient
) -> None:
    for number in range(1, 8):
        server.build(app, number=str(number))
    page = await client.builds(fact_app(app), limit=3)
    assert [build.number for build in page.items] == ["7", "6", "5"]
    assert (page.has_next, page.total) == (True, 7)
    last = await client.builds(fact_app(app), page=3, limit=3)
    assert [build.number for build in last.items] == ["1"]
    assert not last.has_next


async def test_only_documented_parameters_are_sent(
    server: FakeApplivery, app: FakeApp, client: AppliveryClient
) -> None:
    server.build(app, os="android", version="1.1")
    page = await client.builds(fact_app(app), page=1, limit=5, status="success", os="Android", version="1.1")
    assert len(page.items) == 1
    assert server.requests[-1].query == {
        "page": "1",
        "limit": "5",
        "status": "processed",
        "os": "android",
        "versionName": "1.1",
    }


@pytest.mark.parametrize("allowed", [set(), {"os"}, {"versionName", "status", "os"}])
async def test_builds_unsupported_filters_are_applied_locally(
    server: FakeApplivery, app: FakeApp, client: AppliveryClient, allowed: set[str]
) -> None:
    server.build_filters = allowed
    server.build(app, os="ios", version="1", status="error", number="wanted")
    server.build(app, os="ios", version="1", status="processed")
    server.build(app, os="ios", version="2", status="error")
    server.build(app, os="android", version="1", status="error")
    page = await client.builds(fact_app(app), status=Stage.FAILED, os="ios", version="1")
    assert [build.number for build in page.items] == ["wanted"]


async def test_a_platform_the_list_cannot_filter_by_is_filtered_here(
    server: FakeApplivery, app: FakeApp, client: AppliveryClient
) -> None:
    server.build(app, os="macos", number="mac")
    server.build(app, os="ios")
    page = await client.builds(fact_app(app), os="macos")
    assert [build.number for build in page.items] == ["mac"]
    assert "os" not in server.requests[-1].query


async def test_build_includes_attachments_without_storage_address(
    server: FakeApplivery, build: FakeBuild, client: AppliveryClient
) -> None:
    entry = server.attach(build, "notes.txt", b"hello", "text/plain")
    found = await client.build(build.app.id, build.id)
    assert (found.version, found.number, found.origin.branch, found.tags) == ("2.4.0", "173", "main", ("beta",))
    assert found.app == App(build.app.id, "courier", "Courier")
    assert [(file.id, file.name, file.size) for file in found.attachments] == [(entry["id"], "notes.txt", 5)]
    assert entry["file"]["location"] not in repr(found)


async def test_a_stale_build_id_is_gone(server: FakeApplivery, build: FakeBuild, client: AppliveryClient) -> None:
    server.delete(build)
    with pytest.raises(exceptions.NotFound) as caught:
        await client.build(build.app.id, build.id)
    assert (caught.value.code, caught.value.status) == (3001, 404)


# ------------------------------------------------------------------ files


async def test_a_minted_link_leads_to_the_bytes(
    server: FakeApplivery, build: FakeBuild, client: AppliveryClient
) -> None:
    link = await client.mint(fact(build), FileKind.FILE)
    assert link.token == server.minted[0].token
    assert link.url == f"{server.url}/v1/download/{link.token}"
    assert link.expires_at is not None
    assert client.manifest_url(link) == f"{link.url}/manifest.plist"
    address = await client.resolve(link)
    async with aiohttp.ClientSession() as session, session.get(address) as response:
        assert len(await response.read()) == build.wire["size"]


async def test_the_redirect_is_read_and_never_followed(
    server: FakeApplivery, build: FakeBuild, client: AppliveryClient
) -> None:
    await client.resolve(await client.mint(fact(build), FileKind.FILE))
    assert not [path for path in asked(server) if "/files/" in path]


async def test_an_attachment_is_minted_by_its_id(
    server: FakeApplivery, build: FakeBuild, client: AppliveryClient
) -> None:
    entry = server.attach(build, "notes.txt", b"hello", "text/plain")
    link = await client.mint(fact(build), FileKind.FILE, file_id=entry["id"])
    assert link.kind is FileKind.AUTO
    assert server.requests[-1].query == {"fileId": entry["id"], "type": "auto"}


async def test_a_link_is_spent_once(build: FakeBuild, client: AppliveryClient) -> None:
    link = await client.mint(fact(build), FileKind.FILE)
    await client.resolve(link)
    with pytest.raises(exceptions.LinkExpired):
        await client.resolve(link)


async def test_a_build_that_is_not_ready_has_no_link(
    server: FakeApplivery, build: FakeBuild, client: AppliveryClient
) -> None:
    server.move(build, "in_progress")
    with pytest.raises(exceptions.BuildNotProcessed):
        await client.mint(fact(build), FileKind.AUTO)


async def test_our_credential_goes_to_the_api_host_only(
    server: FakeApplivery, build: FakeBuild, make_client: MakeClient
) -> None:
    heard: list[dict[str, str]] = []

    async def hear(request: web.Request) -> web.Response:
        heard.append(dict(request.headers))
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with Serving(hear) as url:
        client = make_client(hosts=AppliveryHosts(api=server.url, upload=url, download=url, dashboard=url))
        link = await client.mint(fact(build), FileKind.FILE)
        assert await client.resolve(link) == f"{url}/elsewhere"
    assert len(heard) == 1
    assert "Authorization" not in heard[0]
    assert server.requests[0].authorization_ok


async def test_a_download_host_that_says_only_true_is_unreadable(
    server: FakeApplivery, build: FakeBuild, client: AppliveryClient
) -> None:
    link = await client.mint(fact(build), FileKind.FILE)
    server.faults.add("GET /v1/download/*", Fault(status=200, body='{"status": true}'))
    with pytest.raises(exceptions.InvalidResponse):
        await client.resolve(link)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_any_redirect_with_an_address_will_do(make_client: MakeClient, status: int) -> None:
    async def redirect(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": "https://storage.example/x?sig=1"})

    async with Serving(redirect) as url:
        client = make_client(hosts=AppliveryHosts(api=url, upload=url, download=url, dashboard=url))
        assert await client.resolve(Link("", "tok", FileKind.FILE)) == "https://storage.example/x?sig=1"
        with pytest.raises(exceptions.InvalidResponse):
            await client.organization()


@pytest.mark.parametrize("where", ["javascript:alert(1)", "file:///etc/passwd"])
async def test_a_redirect_to_anything_but_the_web_is_unreadable(make_client: MakeClient, where: str) -> None:
    async def redirect(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": where})

    async with Serving(redirect) as url:
        client = make_client(hosts=AppliveryHosts(api=url, upload=url, download=url, dashboard=url))
        with pytest.raises(exceptions.InvalidResponse):
            await client.resolve(Link("", "tok", FileKind.FILE))


# ------------------------------------------------------------------ downloads


async def test_downloads_are_read_by_person_for_a_build_and_for_an_app(
    server: FakeApplivery, build: FakeBuild, client: AppliveryClient
) -> None:
    other = server.build(build.app, version="2.5.0")
    for kind in ("user", "employee", "mdmUser", "otpUser", "unknown", "anonymous"):
        member = server.member(kind, email=f"{kind}@acme.example", first="Ana", last="Ruiz")
        server.download(build, member)
        server.download(other, member)
    of_build = await client.downloads_by_user(build.app.id, build.id)
    assert [row.total for row in of_build] == [1] * 6
    of_app = await client.downloads_by_user("courier")
    assert [row.total for row in of_app] == [2] * 6
    assert {row.member.kind for row in of_app} == {"user", "employee", "mdmUser", "otpUser", "unknown", "anonymous"}
    assert Member("unknown") in [row.member for row in of_app]
    shown = repr(of_build) + repr(of_app)
    assert not [word for network in NETWORKS for word in map(str, network.values()) if len(word) > 3 and word in shown]


async def test_downloads_are_asked_for_by_time_and_person(
    server: FakeApplivery, build: FakeBuild, client: AppliveryClient
) -> None:
    start = datetime(2024, 5, 1, 12, tzinfo=UTC)
    ana = server.member("user", email="ana@acme.example")
    for day in range(5):
        server.download(build, ana, at=start + timedelta(days=day))
    server.download(build, server.member("user", email="bo@acme.example"), at=start)
    (row,) = await client.downloads_by_user(
        build.app.id, build.id, email="ana@acme.example", since=start, until=start + timedelta(days=2)
    )
    assert len(row.downloads) == 3
    assert server.requests[-1].query["iniDate"] == "2024-05-01T12:00:00.000Z"
    assert server.requests[-1].query["endDate"] == "2024-05-03T12:00:00.000Z"


async def test_a_large_answer_is_decoded_beside_the_event_loop(
    server: FakeApplivery, build: FakeBuild, client: AppliveryClient
) -> None:
    member = server.member()
    for _ in range(3000):
        server.download(build, member)
    ask = transport.ApiRequest("large", f"{server.url}/v1/organizations/acme/apps/courier/downloads/by-user")
    assert await client._transport.ask(ask, lambda _body: threading.get_ident()) != threading.get_ident()
    (row,) = await client.downloads_by_user("courier")
    assert len(row.downloads) == 3000


async def test_a_small_answer_changes_no_threads(server: FakeApplivery, client: AppliveryClient) -> None:
    ask = transport.ApiRequest("small", f"{server.url}/v1/organizations/acme")
    assert await client._transport.ask(ask, lambda _body: threading.get_ident()) == threading.get_ident()


async def test_the_credential_is_not_given_to_another_host(server: FakeApplivery, make_client: MakeClient) -> None:
    client = make_client(hosts=AppliveryHosts(server.url, server.url, server.url, server.url))
    for url in ("http://127.0.0.1:9/v1/x", f"{server.url}.evil.example/v1/x", server.url):
        with pytest.raises(ValueError, match="API and upload hosts only"):
            await client._transport.ask(transport.ApiRequest("other", url), bytes)
    assert server.requests == []


async def test_a_time_without_a_zone_is_a_mistake_of_ours(client: AppliveryClient) -> None:
    with pytest.raises(ValueError, match="zone"):
        await client.downloads_by_user("courier", since=datetime(2024, 1, 1))  # noqa: DTZ001


# ------------------------------------------------------------------ ids

NOT_IDS = [
    "",
    "a",
    "../..",
    "a/b",
    "x" * 200,
    "courier\n",
    "cou rier",
    "%2e%2e",
    "courier?x=1",
    "ç" * 5,
    "a.b.c",
    "<!here>",
]


@pytest.mark.parametrize("typed", NOT_IDS)
async def test_invalid_id_is_refused_without_request(
    server: FakeApplivery, client: AppliveryClient, make_client: MakeClient, typed: str
) -> None:
    bad = App(typed, typed, typed)
    asks: list[Callable[[], Awaitable[Any]]] = [
        lambda: client.app(typed),
        lambda: client.builds(bad),
        lambda: client.build(typed, HEX),
        lambda: client.build("courier", typed),
        lambda: client.mint(Build(typed, fact_app(server.app("Courier")), Stage.READY), FileKind.AUTO),
        lambda: client.mint(Build(HEX, bad, Stage.READY), FileKind.AUTO),
        lambda: client.downloads_by_user(typed),
        lambda: client.downloads_by_user("courier", typed),
    ]
    for ask in asks:
        with pytest.raises(exceptions.InvalidId):
            await ask()
    with pytest.raises(exceptions.InvalidId):
        make_client(organization=typed)
    assert server.requests == []


@pytest.mark.parametrize("typed", ["courier", "0" * 23, "0" * 25, "g" * 24, HEX + "\n"])
async def test_a_build_has_no_short_name(server: FakeApplivery, client: AppliveryClient, typed: str) -> None:
    with pytest.raises(exceptions.InvalidId, match="isn't a build id"):
        await client.build("courier", typed)
    assert server.requests == []


@pytest.mark.parametrize("typed", ["", "a&b", "../x", "short", "é" * 24])
async def test_a_file_id_is_letters_and_digits(
    server: FakeApplivery, build: FakeBuild, client: AppliveryClient, typed: str
) -> None:
    with pytest.raises(exceptions.InvalidId):
        await client.mint(fact(build), FileKind.AUTO, file_id=typed)
    assert server.requests == []


async def test_an_endless_address_is_refused_without_a_request(server: FakeApplivery, client: AppliveryClient) -> None:
    with pytest.raises(exceptions.UserInputError):
        await client.downloads_by_user("courier", HEX, email="a" * 129)
    with pytest.raises(exceptions.UserInputError):
        await client.downloads_by_user("courier", email="a" * 257)
    assert server.requests == []


# ------------------------------------------------------------------ errors and retries


@pytest.mark.parametrize(
    ("fault", "kind", "times"),
    [
        (Fault(status=401, code=4002), exceptions.InvalidCredentials, 1),
        (Fault(status=401, code=4004), exceptions.InvalidCredentials, 1),
        (Fault(status=401, code=3002), exceptions.InvalidCredentials, 1),
        (Fault(status=401, code=2001), exceptions.InvalidCredentials, 1),
        (Fault(status=401, code=4014), exceptions.TwoFactorRequired, 1),
        (Fault(status=401), exceptions.InvalidCredentials, 1),
        (Fault(status=403), exceptions.Forbidden, 1),
        (Fault(status=404, code=3001), exceptions.WorkspaceNotFound, 1),
        (Fault(status=404, code=4001), exceptions.WorkspaceNotFound, 1),
        (Fault(status=400, code=5003), exceptions.QuotaExceeded, 1),
        (Fault(status=400, code=5004), exceptions.FeatureNotInPlan, 1),
        (Fault(status=400, code=5006), exceptions.InvalidUpload, 1),
        (Fault(status=400, code=5014), exceptions.BuildNotProcessed, 1),
        (Fault(status=400, code=5024), exceptions.Conflict, 1),
        (Fault(status=400, code=6002), exceptions.RequestRejected, 1),
        (Fault(status=200, code=5004), exceptions.FeatureNotInPlan, 1),
        (Fault(status=200, body="<html>hello"), exceptions.InvalidResponse, 1),
        (Fault(status=404, body="<html>no such host"), exceptions.InvalidResponse, 1),
        (Fault(status=500), exceptions.ServiceUnavailable, 3),
        (Fault(status=503, body="<html>maintenance"), exceptions.ServiceUnavailable, 3),
        (Fault(status=429, retry_after=0), exceptions.AppliveryRateLimited, 3),
        (Fault(drop=True), exceptions.ServiceUnavailable, 3),
        (Fault(drop_after=True), exceptions.ServiceUnavailable, 3),
    ],
)
@pytest.mark.usefixtures("quick")
async def test_failures_have_own_error_and_only_transient_are_retried(
    server: FakeApplivery, client: AppliveryClient, fault: Fault, kind: type, times: int
) -> None:
    server.faults.add("*", fault, times=None)
    with pytest.raises(exceptions.AppliveryError) as caught:
        await client.organization()
    assert type(caught.value) is kind
    assert len(server.requests) == times


@pytest.mark.parametrize("fault", [Fault(status=502), Fault(drop=True), Fault(status=429, retry_after=0)])
@pytest.mark.usefixtures("quick")
async def test_a_passing_fault_is_not_noticed(server: FakeApplivery, client: AppliveryClient, fault: Fault) -> None:
    server.faults.add("*", fault, times=2)
    assert await client.organization()
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500),
        Fault(status=503, body="<html>"),
        Fault(status=429, retry_after=0),
        Fault(drop=True),
        Fault(drop_after=True),
    ],
)
@pytest.mark.usefixtures("quick")
async def test_a_mint_is_never_repeated(
    server: FakeApplivery, build: FakeBuild, client: AppliveryClient, fault: Fault
) -> None:
    await client.organization()  # a warm connection is the one that aiohttp would use twice
    server.faults.add(MINT, fault, times=None)
    with pytest.raises((exceptions.ServiceUnavailable, exceptions.AppliveryRateLimited)):
        await client.mint(fact(build), FileKind.FILE)
    assert len([path for path in asked(server) if "downloadToken" in path]) == 1
    assert len(server.minted) == (1 if fault.drop_after else 0)


@pytest.mark.parametrize("fault", [Fault(status=500), Fault(drop_after=True), Fault(drop=True)])
@pytest.mark.usefixtures("quick")
async def test_spending_a_link_is_never_repeated(
    server: FakeApplivery, build: FakeBuild, client: AppliveryClient, fault: Fault
) -> None:
    link = await client.mint(fact(build), FileKind.FILE)
    server.faults.add("GET /v1/download/*", fault, times=None)
    with pytest.raises(exceptions.ServiceUnavailable):
        await client.resolve(link)
    assert len([path for path in asked(server) if "/v1/download/" in path]) == 1


async def test_closed_port_raises_service_unavailable(make_client: MakeClient, unused_tcp_port: int) -> None:
    nowhere = f"http://127.0.0.1:{unused_tcp_port}"
    client = make_client(hosts=AppliveryHosts(nowhere, nowhere, nowhere, nowhere))
    with stamina.set_testing(True, attempts=1), pytest.raises(exceptions.ServiceUnavailable):
        await client.organization()


async def test_retry_after_is_waited_for(server: FakeApplivery, client: AppliveryClient) -> None:
    server.faults.add("*", Fault(status=429, retry_after=1))
    started = time.monotonic()
    assert await client.organization()
    assert 1.0 <= time.monotonic() - started < 4 * busyness()
    assert len(server.requests) == 2


async def test_a_person_is_not_made_to_wait_for_a_long_retry_after(
    server: FakeApplivery, client: AppliveryClient
) -> None:
    server.faults.add("*", Fault(status=429, retry_after=25))
    with pytest.raises(exceptions.AppliveryRateLimited) as caught:
        await client.organization()
    assert caught.value.retry_after == 25
    assert len(server.requests) == 1


async def test_a_slow_answer_is_given_up(server: FakeApplivery, make_client: MakeClient) -> None:
    server.faults.add("*", Fault(latency=5), times=None)
    started = time.monotonic()
    with stamina.set_testing(True, attempts=1), pytest.raises(exceptions.ServiceUnavailable, match="within"):
        await make_client(timeout=0.2).organization()
    assert time.monotonic() - started < 2 * busyness()


async def test_a_session_that_was_given_is_left_open(server: FakeApplivery, make_client: MakeClient) -> None:
    async with aiohttp.ClientSession() as session:
        async with make_client(session=session) as client:
            await client.organization()
        assert not session.closed


# ------------------------------------------------------------------ secrets


def everything_about(error: BaseException | None) -> Iterator[str]:
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield f"{each!s} {each!r} {each.args!r} {each.__dict__!r}"
        yield "".join(traceback.format_exception(each))
        waiting += [each.__cause__, each.__context__]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(drop=True),
        Fault(status=500),
        Fault(status=404, code=3001),
        Fault(status=401, code=4005),
        Fault(status=200, body="<html>"),
        Fault(latency=2),
        Fault(status=400, error="Token SECRET is bad, see https://x.example/v1/download/SECRET"),
    ],
)
async def test_no_error_carries_a_token(
    server: FakeApplivery, build: FakeBuild, make_client: MakeClient, fault: Fault
) -> None:
    client = make_client(timeout=0.3)
    link = await client.mint(fact(build), FileKind.FILE)
    if fault.error:
        fault = Fault(status=fault.status, error=fault.error.replace("SECRET", link.token))
    server.faults.add("GET /v1/download/*", fault)
    with pytest.raises(exceptions.AppliveryError) as caught:
        await client.resolve(link)
    assert link.token not in "".join(everything_about(caught.value))
    assert link.token not in repr(link)


async def test_no_error_carries_our_credential(make_client: MakeClient) -> None:
    client = make_client(token="sa-very-secret")
    with pytest.raises(exceptions.InvalidCredentials) as caught:
        await client.organization()
    assert "sa-very-secret" not in "".join(everything_about(caught.value)) + repr(client.__dict__)


async def test_an_error_of_a_dead_host_carries_no_token(make_client: MakeClient, unused_tcp_port: int) -> None:
    nowhere = f"http://127.0.0.1:{unused_tcp_port}"
    client = make_client(hosts=AppliveryHosts(nowhere, nowhere, nowhere, nowhere))
    secret = f"made-up-{unused_tcp_port}"
    with pytest.raises(exceptions.ServiceUnavailable) as caught:
        await client.resolve(Link("", secret, FileKind.AUTO))
    assert secret not in "".join(everything_about(caught.value))


async def test_an_error_of_a_host_that_speaks_no_http_carries_no_token(make_client: MakeClient) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HELLO\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        client = make_client(hosts=AppliveryHosts(*[f"http://127.0.0.1:{port}"] * 4))
        secret = f"made-up-{port}"
        with pytest.raises(exceptions.ServiceUnavailable) as caught:
            await client.resolve(Link("", secret, FileKind.AUTO))
        assert secret not in "".join(everything_about(caught.value))


# ------------------------------------------------------------------ budget and observing


async def test_polling_stops_before_people_do(server: FakeApplivery, make_client: MakeClient) -> None:
    client = make_client(budget=RequestBudget(10, reserve=0.5))
    polling = client.polling()
    for _ in range(5):
        await polling.organization()
    with pytest.raises(exceptions.BudgetExhausted):
        await polling.organization()
    for _ in range(5):
        await client.organization()
    with pytest.raises(exceptions.BudgetExhausted):
        await client.organization()
    assert len(server.requests) == 10
    assert client.budget is polling.budget


@pytest.mark.usefixtures("quick")
async def test_every_attempt_is_counted(server: FakeApplivery, make_client: MakeClient) -> None:
    client = make_client(budget=RequestBudget(10, reserve=0))
    server.faults.add("*", Fault(status=500), times=2)
    await client.organization()
    assert client.budget.used == len(server.requests) == 3


@pytest.mark.usefixtures("quick")
async def test_the_observer_hears_of_every_attempt(
    server: FakeApplivery, build: FakeBuild, make_client: MakeClient
) -> None:
    heard: list[tuple[str, str]] = []
    client = make_client(observe=lambda name, outcome, seconds: heard.append((name, outcome)) if seconds >= 0 else None)
    server.faults.add(BUILDS, Fault(status=500))
    await client.builds(fact_app(build.app))
    await client.resolve(await client.polling().mint(fact(build), FileKind.FILE))
    with pytest.raises(exceptions.NotFound):
        await client.app("nobody")
    assert heard == [
        ("builds", "AppliveryDown"),
        ("builds", "ok"),
        ("mint", "ok"),
        ("resolve", "ok"),
        ("app", "Gone"),
        ("organization", "ok"),
    ]


def test_lanes_share_one_session(client: AppliveryClient) -> None:
    polling = client.polling()
    assert polling._transport is client._transport
    assert (client._lane, polling._lane) == (Priority.PEOPLE, Priority.POLLING)


# ------------------------------------------------------------------ odd lists


def reshaped(items: list[Any], shape: str) -> Callable[[Any], Any]:
    shapes: dict[str, Any] = {
        "items": {"items": items},
        "data-items": {"data": {"items": items}},
        "data-list": {"status": True, "data": items},
        "bare": items,
    }
    return lambda _body: shapes[shape]


@pytest.mark.parametrize("shape", ["items", "data-items", "data-list", "bare"])
async def test_a_list_is_read_in_every_envelope(server: FakeApplivery, client: AppliveryClient, shape: str) -> None:
    server.reshape(APPS, reshaped([{"id": "one"}, None, "odd", {"id": "two"}], shape))
    assert [app.id for app in await client.apps()] == ["one", "two"]
    assert len(server.requests) <= 2  # the second shows that the first was all


async def test_a_server_that_repeats_its_page_ends_the_list(server: FakeApplivery, client: AppliveryClient) -> None:
    server.reshape(APPS, lambda _body: {"data": {"items": [{"id": "one"}], "hasNextPage": True}})
    assert [app.id for app in await client.apps()] == ["one"]
    assert len(server.requests) == 2


async def test_an_empty_page_ends_the_list(server: FakeApplivery, client: AppliveryClient) -> None:
    server.reshape(APPS, lambda _body: {"data": {"items": [], "hasNextPage": True}})
    assert await client.apps() == []
    assert len(server.requests) == 1


async def test_a_list_without_end_is_cut(server: FakeApplivery, client: AppliveryClient) -> None:
    server.reshape(APPS, lambda _body: {"items": [{"id": f"app-{len(server.requests)}"}], "hasNextPage": True})
    assert len(await client.apps()) == PAGE_CEILING
    assert len(server.requests) == PAGE_CEILING


async def test_refused_fields_are_named_to_the_person(server: FakeApplivery, client: AppliveryClient) -> None:
    error = {"code": 6002, "message": "x", "data": {"errors": [{"field": ["limit"], "messages": ["too large"]}]}}
    server.faults.add("*", Fault(status=400, body=json.dumps({"status": False, "error": error})))
    with pytest.raises(exceptions.RequestRejected, match="fields: limit"):
        await client.apps()


# ------------------------------------------------------------------ a server of our own, where the sandbox has no say


class Serving:
    """One handler for every path, on a port of its own."""

    def __init__(self, handler: Callable[[web.Request], Awaitable[web.Response]]) -> None:
        application = web.Application()
        application.router.add_route("*", "/{any:.*}", handler)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)

    async def __aenter__(self) -> str:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def __aexit__(self, *_error: object) -> None:
        await self._runner.cleanup()
