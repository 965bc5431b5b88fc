"""An answer that says the same as the last one is not read again; askers of one moment share one question."""

from __future__ import annotations

import asyncio

import pytest

from bot.applivery.client import AppliveryClient
from bot.applivery.decode_cache import DecodeCache
from bot.domain.model import Stage
from bot.exceptions import NotFound
from bot.services.app_directory import MOST_DETAILS, AppDirectory
from sandbox.applivery import FakeApplivery
from sandbox.faults import Fault


def test_the_same_bytes_are_read_once_and_others_anew() -> None:
    unchanged: DecodeCache[str] = DecodeCache()
    first = unchanged.read("q", b"one", bytes.decode)
    assert unchanged.read("q", b"one", bytes.decode) is first
    assert unchanged.read("q", b"two", bytes.decode) == "two"
    assert unchanged.read("q", b"one", bytes.decode) == "one"


def test_two_questions_with_the_same_answer_are_two() -> None:
    unchanged: DecodeCache[str] = DecodeCache()
    assert unchanged.read("q", b"one", bytes.decode) == "one"
    assert unchanged.read("r", b"one", lambda body: f"r {body.decode()}") == "r one"


def test_only_the_last_questions_are_kept() -> None:
    unchanged: DecodeCache[str] = DecodeCache(most=2)
    read: list[str] = []

    def decode(body: bytes) -> str:
        read.append(body.decode())
        return read[-1]

    for question in "aba":
        unchanged.read(question, question.encode(), decode)
    unchanged.read("c", b"c", decode)
    unchanged.read("a", b"a", decode)
    unchanged.read("b", b"b", decode)
    assert read == ["a", "b", "c", "b"]


def test_decode_cache_keeps_no_unreadable_answer() -> None:
    unchanged: DecodeCache[str] = DecodeCache()
    for _ in range(2):
        with pytest.raises(UnicodeDecodeError):
            unchanged.read("q", b"\xff", bytes.decode)


async def test_a_list_that_changed_is_seen_by_the_next_who_asks(client: AppliveryClient, server: FakeApplivery) -> None:
    courier = server.app("Courier", slug="courier")
    server.build(courier, version="1.0", number="1")
    catalogue = AppDirectory(client)
    app = await catalogue.app("courier")
    assert [build.version for build in await catalogue.builds(app)] == ["1.0"]
    server.build(courier, version="1.1", number="2")
    assert [build.version for build in await catalogue.builds(app)] == ["1.1", "1.0"]


async def test_builds_concurrent_requests_of_one_list_share_it(client: AppliveryClient, server: FakeApplivery) -> None:
    server.build(server.app("Courier", slug="courier"), version="1.0", number="1")
    catalogue = AppDirectory(client)
    app = await catalogue.app("courier")
    used = client.budget.used
    answers = await asyncio.gather(*(catalogue.builds(app) for _ in range(20)))
    assert [[build.version for build in answer] for answer in answers] == [["1.0"]] * 20
    assert client.budget.used == used + 1


async def test_one_impatient_asker_leaves_the_others_their_answer(
    client: AppliveryClient, server: FakeApplivery
) -> None:
    server.build(server.app("Courier", slug="courier"), version="1.0", number="1")
    catalogue = AppDirectory(client)
    app = await catalogue.app("courier")
    impatient, patient = (asyncio.create_task(catalogue.builds(app)) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    assert len(await patient) == 1
    assert impatient.cancelled()


async def test_a_failed_question_is_asked_again_by_the_next(client: AppliveryClient, server: FakeApplivery) -> None:
    server.build(server.app("Courier", slug="courier"), version="1.0", number="1")
    catalogue = AppDirectory(client)
    app = await catalogue.app("courier")
    server.faults.add("*", Fault(status=404, code=3001))
    with pytest.raises(NotFound):
        await catalogue.builds(app)
    assert len(await catalogue.builds(app)) == 1


async def test_details_of_a_ready_build_are_shared_for_ten_seconds(
    client: AppliveryClient, server: FakeApplivery
) -> None:
    now = 0.0
    build = server.build(server.app("Courier", slug="courier"), version="1.0", number="1")
    catalogue = AppDirectory(client, clock=lambda: now)
    app = await catalogue.app("courier")
    for now, expected in ((0.0, "1.0"), (9.9, "1.0"), (10.0, "1.1"), (19.9, "1.1")):  # noqa: B007 - the clock reads it
        assert (await catalogue.recent_build(build.id, app)).version == expected
        build.wire["versionName"] = "1.1"


async def test_details_of_a_build_in_progress_are_asked_for_each_time(
    client: AppliveryClient, server: FakeApplivery
) -> None:
    build = server.upload(server.app("Courier", slug="courier"), version="1.0", number="1")
    catalogue = AppDirectory(client)
    app = await catalogue.app("courier")
    assert (await catalogue.recent_build(build.id, app)).stage is not Stage.READY
    server.move(build, "processed")
    assert (await catalogue.recent_build(build.id, app)).stage is Stage.READY


async def test_details_of_few_builds_are_kept(client: AppliveryClient, server: FakeApplivery) -> None:
    courier = server.app("Courier", slug="courier")
    builds = [server.build(courier, version="1.0", number=str(number)) for number in range(MOST_DETAILS + 1)]
    catalogue = AppDirectory(client)
    app = await catalogue.app("courier")
    for build in builds:
        await catalogue.recent_build(build.id, app)
    used = client.budget.used
    await catalogue.recent_build(builds[1].id, app)
    assert client.budget.used == used
    await catalogue.recent_build(builds[0].id, app)
    assert client.budget.used == used + 1
