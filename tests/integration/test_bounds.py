"""Every answer from outside has a bound, on what is unpacked: asked for each client, one question after the other."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

import bot
from bot import exceptions, http_client
from bot.applivery.client import AppliveryClient
from bot.applivery.hosts import AppliveryHosts
from bot.applivery.pagination import LIST_BYTES, PAGE_CEILING
from bot.applivery.rate_budget import RequestBudget
from bot.db.postgres import CONNECTIONS
from bot.domain.model import App
from bot.slack.client import SlackClient
from bot.slack.pagination import PAGES
from bot.testing_overrides import TestingOverrides
from sandbox.applivery import FakeApplivery
from sandbox.faults import Fault
from sandbox.slack import FakeSlack
from tests.conftest import Environment
from tests.support import asking
from tests.support.waiting import PATIENCE

MB = 1024 * 1024
GROWTH = 100  # MB, of all questions together


def packed(start: bytes, piece: bytes, times: int, wbits: int = 31) -> bytes:
    """`start` and then `piece` so many times, packed; gzip unless said otherwise.

    After a full flush the same piece is packed as the same bytes, so it is packed once. The checksum at the end is
    wrong then, which only a reader that came so far would see.
    """
    packer = zlib.compressobj(9, wbits=wbits)

    def add(text: bytes) -> bytes:
        return packer.compress(text) + packer.flush(zlib.Z_FULL_FLUSH)

    return add(start) + add(piece) * times + packer.flush()


TEXT, ROWS, MEMBER = b"a" * MB, b"{}," * (MB // 3), b'{"a":[1,{}],"b":"x"},' * (MB // 21)
# Made when they are asked for: packing them all takes five seconds, in each worker that only collects the tests.
BOMBS: dict[str, Callable[[], Fault]] = {
    "one text": lambda: Fault(packed=packed(b'{"status":true,"ok":true,"data":"', TEXT, 600)),
    "one text, deflate": lambda: Fault(packed=packed(b'{"ok":true,"data":"', TEXT, 600, 15), coding="deflate"),
    "one text, bare deflate": lambda: Fault(packed=packed(b'{"ok":true,"data":"', TEXT, 600, -15), coding="deflate"),
    "a hundred members": lambda: Fault(packed=packed(b"", TEXT * 6, 1) * 100),
    "endless rows": lambda: Fault(packed=packed(b'{"status":true,"data":[', ROWS, 600)),
    "endless members": lambda: Fault(packed=packed(b'{"status":true,"data":{"items":[', MEMBER, 600)),
    "one long row": lambda: Fault(packed=packed(b'{"status":true,"data":[{"downloads":[', ROWS, 600)),
    "small values": lambda: Fault(packed=b'{"ok":true,"data":[' + b"[],0," * (MB + 1) + b"0]}", coding="identity"),
    "not repaired": lambda: Fault(packed=b'{"ok":true,"data":[' + b"[],NaN," * MB + b"0]}", coding="identity"),
    "packed twice": lambda: Fault(packed=packed(b"", packed(b"", TEXT * 600, 1), 1), coding="gzip, gzip"),
    "not packed as it says": lambda: Fault(packed=b"\x1f\x8b\x08\x00" + b"x" * 100),
    "cut short": lambda: Fault(packed=packed(b"", b'{"ok":true}', 1)[:-9]),
    "not asked for": lambda: Fault(packed=b"\x0b\x02\x80hello\x03", coding="br"),
}


@pytest.fixture
async def outside() -> AsyncIterator[tuple[FakeSlack, FakeApplivery]]:
    slack, applivery = FakeSlack(), FakeApplivery(processing=None)
    await slack.start()
    await applivery.start()
    yield slack, applivery
    await slack.stop()
    await applivery.stop()


async def asked(outside: tuple[FakeSlack, FakeApplivery]) -> dict[str, Any]:
    """How each question ended, and the growth in MB, in a process of its own."""
    slack, applivery = outside
    app = applivery.app("Courier", slug="courier")
    build = applivery.build(app, version="1.0.0")
    about = (slack.api_url, slack.bot_token, applivery.url, applivery.token, app.id, build.id)
    found: dict[str, Any] = await asyncio.wait_for(asyncio.to_thread(asking.in_a_process, *about), PATIENCE)
    return found


def named(end: str) -> bool:
    """Whether a question ended in an error of ours, or in not knowing."""
    kind = getattr(exceptions, end, None)
    return end == "None" or (isinstance(kind, type) and issubclass(kind, exceptions.BotError))


@pytest.mark.parametrize("bomb", BOMBS)
async def test_no_answer_is_read_beyond_its_bound(outside: tuple[FakeSlack, FakeApplivery], bomb: str) -> None:
    fault = BOMBS[bomb]()
    for side in outside:
        side.faults.add("*", fault, times=None)
    found = await asked(outside)
    assert {name: end for name, end in found["ends"].items() if not named(end)} == {}
    assert found["growth"] < GROWTH


# ------------------------------------------------------------------ pages


Answers = Callable[[int, Mapping[str, str]], dict[str, Any]]


@asynccontextmanager
async def endless(answers: Answers) -> AsyncIterator[tuple[str, list[str]]]:
    """A server that gives the n-th of these answers to the n-th request, whatever it is; and the paths it heard."""
    heard: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        heard.append(request.path)
        asked = {**request.query, **{key: str(value) for key, value in (await request.post()).items()}}
        return web.json_response(answers(len(heard), asked))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", heard
    await runner.cleanup()


def page(key: str, cursor: str, items: list[Any]) -> dict[str, Any]:
    us = {"team_id": "T1", "user_id": "U1"}  # of auth.test, which comes first where the author is to be known
    return {"ok": True, **us, key: items, "response_metadata": {"next_cursor": cursor}}


CURSORS: dict[str, Callable[[int], str]] = {
    "the same": lambda _: "again",
    "always new": str,
    "two": lambda n: str(n % 2),
}
LISTS: dict[str, tuple[str, Callable[[SlackClient], Awaitable[object]]]] = {
    "members": ("members", lambda poster: poster.members("C1")),
    "history": ("messages", lambda poster: poster.find_messages("C1", ("key",), (asking.AROUND,))),
    "replies": ("messages", lambda poster: poster.find_messages("C1", ("key",), (asking.AROUND,), thread_ts="1.1")),
}


@pytest.mark.parametrize("cursor", CURSORS)
@pytest.mark.parametrize("items", [0, 1])
@pytest.mark.parametrize("name", LISTS)
async def test_a_list_of_slack_s_that_never_ends_is_given_up(name: str, items: int, cursor: str) -> None:
    key, question = LISTS[name]
    found = [{"ts": "1.1"}] if key == "messages" else ["U1"]
    async with (
        endless(lambda number, _: page(key, CURSORS[cursor](number), found * items)) as (url, heard),
        http_client.session() as session,
    ):
        poster = SlackClient(token="xoxb-x", base_url=f"{url}/", session=session, pace=0.0)
        with pytest.raises(exceptions.SlackResponseTooLarge):
            await question(poster)
    assert len([path for path in heard if "auth.test" not in path]) <= PAGES


async def test_more_members_than_are_read_are_too_many() -> None:
    async with (
        endless(lambda number, _: page("members", str(number), [f"U{n}" for n in range(50_000)])) as (url, heard),
        http_client.session() as session,
    ):
        poster = SlackClient(token="xoxb-x", base_url=f"{url}/", session=session, pace=0.0)
        with pytest.raises(exceptions.SlackResponseTooLarge):
            await poster.members("C1")
    assert len(heard) <= 5


def many(number: int, name: str) -> dict[str, Any]:
    return {"status": True, "data": {"items": [{"id": f"{number:024x}", "name": name}], "hasNextPage": True}}


def client_of(url: str) -> AppliveryClient:
    hosts = AppliveryHosts(api=url, upload=url, download=url, dashboard=url)
    return AppliveryClient(hosts=hosts, organization="acme", token="t", budget=RequestBudget(10_000))


@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("name", ["apps", "notifications"])
async def test_a_list_of_applivery_s_that_never_ends_has_a_last_page(name: str, step: int) -> None:
    async with endless(lambda number, _: many(number * step, "x")) as (url, heard), client_of(url) as client:
        found = await getattr(client, name)()
    assert len(found) <= len(heard) <= PAGE_CEILING


async def test_pages_that_come_to_too_much_are_too_much() -> None:
    async with endless(lambda number, _: many(number, "x" * 3_000_000)) as (url, heard), client_of(url) as client:
        with pytest.raises(exceptions.ResponseTooLarge):
            await client.apps()
    assert len(heard) <= LIST_BYTES // 3_000_000 + 10  # several pages are asked for at once


async def test_people_who_are_not_all_counted_are_not_counted() -> None:
    person = {"items": [{"id": "1", "employee": {"id": "1"}}], "hasNextPage": True}
    async with endless(lambda *_: {"status": True, "data": person}) as (url, _), client_of(url) as client:
        assert await client.recipients(App(id="a" * 24, slug="courier", name="Courier")).employees() is None


# ------------------------------------------------------------------ seconds and places


async def test_every_session_waits_so_long_and_has_so_many_places(world: Environment) -> None:
    running = await world.start()
    sessions = {"Slack": running.slack_client._session, "Applivery": running.applivery._transport._session}
    for name, session in sessions.items():
        assert session
        assert isinstance(session.connector, aiohttp.TCPConnector), name
        assert 0 < session.connector.limit <= 100, name
        assert session._auto_decompress is False, name
    slack = sessions["Slack"]
    assert slack
    assert slack.timeout.total == world.tuning.slack_seconds
    assert TestingOverrides().slack_seconds <= 15
    assert TestingOverrides().applivery_seconds <= 30


def test_the_database_has_so_many_connections() -> None:
    assert 0 < CONNECTIONS <= 32


def test_no_session_is_made_without_bounds() -> None:
    made = {path for path in Path(bot.__path__[0]).rglob("*.py") if "ClientSession(" in path.read_text("utf-8")}
    allowed = {"http_client.py", "slack/file_source.py"}
    assert {path.relative_to(bot.__path__[0]).as_posix() for path in made} <= allowed
