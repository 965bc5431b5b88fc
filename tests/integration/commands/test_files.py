"""What is attached to a build: listed for whoever asks, each piece by a link of its own."""

from __future__ import annotations

import re

import aiohttp

from sandbox.applivery.models import FakeBuild
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.support.handing import MINTING, mints, rested, said, seen, start_with_page
from tests.support.handing import ready as made
from tests.support.seeing import labels, link, press


def ready(world: Environment, **about: object) -> FakeBuild:
    """An .apk with a PDF and an archive attached."""
    build = made(world, os="android", extension="aab", **about)
    world.applivery.attach(build, "notes.pdf", b"%PDF" * 512, "application/pdf")
    world.applivery.attach(build, "mapping.txt", b"a -> b", "text/plain")
    return build


async def test_attachments_are_listed_with_name_and_size(world: Environment) -> None:
    await world.start()
    ready(world)
    answer = await world.ask("files courier", user=world.bruno)
    assert answer.text == ("Attachments of Courier 2.4.0 (173) for Android: notes.pdf · 2.0 kB; mapping.txt · 6 bytes.")
    assert "*notes.pdf* · 2.0 kB" in seen(answer)
    assert answer.ephemeral_to == world.bruno.id
    assert mints(world) == 0


async def test_applivery_s_own_files_are_not_attachments(world: Environment) -> None:
    await world.start()
    ready(world)
    answer = await world.ask("files courier")
    assert labels(answer) == ["Get", "Get"]
    assert not re.search(r"\.apk|\.aab|icon|package|original", answer.text)


async def test_a_build_without_attachments_says_so(world: Environment) -> None:
    await world.start()
    made(world)
    assert (await world.ask("files courier")).text == "Courier 2.4.0 (173) for iOS has no attachments."


async def test_each_button_mints_for_its_own_file_with_type_auto(world: Environment) -> None:
    await world.start()
    build = ready(world)
    listed = await world.ask("files courier")
    got = await (await press(world.slack, listed, "Get", user=world.ana, nth=1)).answer()
    wanted = [file["id"] for file in build.wire["files"] if file["file"]["originalName"] == "mapping.txt"]
    [token] = world.applivery.minted
    assert ([token.file_id], token.type) == (wanted, "auto")
    [query] = [request.query for request in world.applivery.requests if request.path.endswith("/downloadToken")]
    assert set(query) == {"type", "fileId"}
    async with aiohttp.ClientSession() as session:
        async with session.get(link(got)) as response:
            assert await response.read() == b"a -> b"
        async with session.get(link(got)) as response:
            assert response.status == 401


async def test_files_attachment_link_is_private_with_lifetime(world: Environment) -> None:
    await world.start()
    ready(world)
    listed = await world.ask("files courier", user=world.bruno)
    got = await (await press(world.slack, listed, "Get", user=world.bruno)).answer()
    assert got is not listed, "the list stays for the next one"
    assert got.ephemeral_to == world.bruno.id
    assert "Single use · expires <!date^" in seen(got)
    assert "*notes.pdf* · 2.0 kB\nCourier 2.4.0 (173) · Android" in seen(got)
    back = await (await press(world.slack, got, "All attachments", user=world.bruno)).answer()
    assert "mapping.txt" in back.text


async def test_a_file_that_was_taken_away_meanwhile_is_said_to_be(world: Environment) -> None:
    await world.start()
    build = ready(world)
    listed = await world.ask("files courier")
    world.applivery.raw_extra(build, "files", [])
    await world.restart()
    assert await said(await press(world.slack, listed, "Get", user=world.ana)) == (
        "That file is no longer attached to this build."
    )
    assert mints(world) == 0


async def test_a_version_and_filters_name_the_build(world: Environment) -> None:
    await world.start()
    ready(world)
    made(world, version="2.5.0", number="174")
    assert "notes.pdf" in (await world.ask("files courier 2.4.0")).text
    assert "notes.pdf" in (await world.ask("files courier os:android")).text
    assert (await world.ask("files courier")).text.endswith("has no attachments.")


async def test_files_attachment_name_is_inert(world: Environment) -> None:
    await world.start()
    build = made(world)
    world.applivery.attach(build, "<!channel> *x*.txt", b"x", "text/plain")
    answer = await world.ask("files courier")
    assert "<!channel>" not in seen(answer) + answer.text
    got = await (await press(world.slack, answer, "Get", user=world.ana)).answer()
    assert "<!channel>" not in seen(got) + got.text


async def test_very_many_attachments_still_fit(world: Environment) -> None:
    await world.start()
    build = made(world)
    for number in range(60):
        world.applivery.attach(build, f"{number}.txt", b"x")
    answer = await world.ask("files courier")
    assert labels(answer) == ["Get"] * 20 + ["More"]
    assert "1–20 of 60" in seen(answer)
    middle = await (await press(world.slack, answer, "More", user=world.ana)).answer()
    assert labels(middle) == ["Get"] * 20 + ["Previous", "More"]
    more = await (await press(world.slack, middle, "More", user=world.ana)).answer()
    assert labels(more) == ["Get"] * 20 + ["Previous"]
    assert "59.txt" in seen(more)
    link(await (await press(world.slack, more, "Get", user=world.ana, nth=19)).answer())


async def test_an_outage_while_getting_a_file_is_said_in_words(world: Environment) -> None:
    await world.start()
    ready(world)
    listed = await world.ask("files courier")
    world.applivery.faults.add(MINTING, Fault(status=500))
    assert "Applivery isn't answering right now." in await said(await press(world.slack, listed, "Get", user=world.ana))


async def test_a_double_click_on_a_file_mints_once(world: Environment) -> None:
    await world.start()
    ready(world)
    listed = await world.ask("files courier")
    for _ in range(2):
        await press(world.slack, listed, "Get", user=world.ana)
    await rested(world)
    assert mints(world) == 1


async def test_with_a_public_address_a_file_is_had_from_its_page(world: Environment) -> None:
    address = await start_with_page(world)
    ready(world)
    listed = await world.ask("files courier")
    got = await (await press(world.slack, listed, "Get", user=world.ana)).answer()
    assert mints(world) == 0
    page = re.search(rf"{re.escape(address)}/b/[\w-]+", got.text)
    assert page
    async with aiohttp.ClientSession() as session:
        async with session.get(page[0]) as response:
            assert response.status == 200
        assert mints(world) == 0
        async with session.post(page[0]) as response:
            assert await response.read() == b"%PDF" * 512
    assert [token.type for token in world.applivery.minted] == ["auto"]
