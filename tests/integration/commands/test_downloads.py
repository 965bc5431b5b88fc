"""`downloads`: the headline, its thread, and whom each may reach."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from bot.db.transaction import Transaction
from bot.db.types import micros
from bot.db.wakeups import Topic
from sandbox.applivery.models import FakeBuild
from sandbox.applivery.responses import LIST_SHAPES
from sandbox.faults import Fault
from sandbox.slack import FakeMessage
from tests.conftest import Environment
from tests.support.everything import execute
from tests.support.seeing import controls, everything_said, everything_stored, labels, press

# One for each field of networkInfo, so that whatever came through would be found. Numbers have digits of their own.
MARKERS: dict[str, Any] = {
    "ip": "203.0.113.199",
    "city": "Markerville",
    "continent": "MARKERCONTINENT",
    "country": "MARKERLAND",
    "latitude": 71.2345678,
    "longitude": -171.8765432,
    "postalCode": "MARKER-90210",
    "region": "Marker Region",
    "regionCode": "MK-99",
    "timezone": "Marker/Zone",
    "visitor": "vis-marker-0001",
}


def people(world: Environment) -> FakeBuild:
    """A build that Eva (twice) and Zoe downloaded, and somebody nobody can name."""
    build = world.applivery.build(world.courier, version="2.4.0", number="173")
    eva = world.applivery.member("employee", email="eva@acme.test", first="Eva", last="Ruiz")
    zoe = world.applivery.member("user", email="zoe@acme.test", first="Zoe", last="Lang")
    now = datetime.now(UTC)
    world.applivery.download(build, eva, at=now - timedelta(days=40), device="iPhone 12")
    world.applivery.download(build, eva, at=now - timedelta(hours=2), device="iPhone 15")
    world.applivery.download(build, zoe, at=now - timedelta(days=3))
    world.applivery.download(build, world.applivery.member("unknown"), at=now - timedelta(days=1))
    return build


def private(world: Environment, user: Any) -> tuple[FakeMessage, list[FakeMessage]]:
    """The newest headline in somebody's direct messages, and its thread."""
    head = world.slack.messages(world.slack.dm(user))[-1]
    return head, world.slack.messages(world.slack.dm(user), head.ts)


async def test_downloads_headline_by_dm_with_people_in_thread(world: Environment) -> None:
    await world.start()
    people(world)
    await world.ask("downloads courier")
    head, [chart, people_] = private(world, world.ana)
    assert head.text == (
        "Downloads of Courier so far: 4 downloads · 2 people (3) · anonymous (1). "
        "On the newest version (2.4.0): 2 of 2 people (100%)."
    )
    assert chart.thread_ts == people_.thread_ts == head.ts
    assert chart.blocks[0]["type"] == "data_visualization"
    assert people_.blocks[0]["type"] == "data_table"
    [header, *rows] = [[cell["text"] for cell in row] for row in people_.blocks[0]["rows"]]
    assert header == ["Name", "Downloads", "Last version", "Last download", "Device"]
    assert [row[:3] + row[4:] for row in rows] == [  # the most recent first
        ["Eva Ruiz", "2", "2.4.0", "iPhone 15"],
        ["Zoe Lang", "1", "2.4.0", "iPhone 15"],
    ]
    for words in ("Eva Ruiz", "2 downloads", "iPhone 15", "Zoe Lang", "1 download", "Unattributed"):
        assert words in people_.text
    assert "Unattributed" in json.dumps(people_.blocks[1])


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("shape", LIST_SHAPES)
async def test_downloads_are_the_same_in_every_shape(world: Environment, shape: str, flat: bool) -> None:
    await world.start()
    people(world)
    world.applivery.flat_downloads = flat
    world.applivery.shape_list("GET *by-user", shape)
    answer = await world.ask("downloads courier")
    assert "4 downloads · 2 people (3)" in answer.text


@pytest.mark.parametrize(
    "odd",
    [
        lambda body: {"status": True, "data": {"rows": body["data"]}},
        lambda body: {"status": True, "data": [{"uid": 1, "who": "Eva"} for _ in body["data"]]},
        lambda body: {"status": True, "data": {"items": [], "totalDocs": len(body["data"])}},
        lambda body: {"status": True, "data": {"items": body["data"][:1], "hasNextPage": True}},
    ],
)
async def test_downloads_in_an_unknown_shape_are_not_none(world: Environment, odd: Any) -> None:
    await world.start()
    people(world)
    world.applivery.reshape("GET *by-user", odd)
    answer = await world.ask("downloads courier")
    assert "doesn't understand" in answer.text
    assert "0 downloads" not in answer.text
    assert "No downloads" not in answer.text


async def test_downloads_in_channel_only_counts_and_only_to_asker(world: Environment) -> None:
    await world.start()
    people(world)
    answer = await world.ask("downloads courier")
    assert answer.ephemeral_to == world.ana.id
    assert "4 downloads · 2 people (3)" in answer.text
    assert "sent you the details by DM" in answer.text
    assert world.slack.messages(world.releases) == []
    in_channel = world.slack.ephemerals(world.ana, world.releases)
    said = json.dumps([message.saved() for message in in_channel], ensure_ascii=False)
    for name in ("Eva", "Zoe", "acme.test", "iPhone"):
        assert name not in said


async def test_downloads_locations_never_said_stored_or_logged(world: Environment, log: io.StringIO) -> None:
    build = people(world)
    for row in world.applivery.downloads:
        row.wire["networkInfo"] = dict(MARKERS)
    async with aiohttp.ClientSession() as session:
        path = f"{world.applivery.url}/v1/organizations/acme/apps/{world.courier.id}/downloads/by-user"
        async with session.get(path, headers={"Authorization": f"Bearer {world.applivery.token}"}) as response:
            wire = await response.text()
    await world.start(jobs=True)
    await world.ask("subscribe courier")
    group = world.slack.usergroup("qa", [world.ana, world.bruno])
    for typed in ("downloads courier", f"downloads {build.id}", "downloads courier 2.4.0 since:7d", "status courier"):
        answer = await world.ask(typed)
    for typed in ("by:version", "by:day", "by:os", "by:source", "person:eva@acme.test", "every:daily@09:00",
                  f"missing:<!subteam^{group.id}|@qa>", "since:7d"):  # fmt: skip
        answer = await world.ask(f"downloads courier {typed}")
    await (await press(world.slack, answer, "CSV", user=world.ana)).answer()
    await press(world.slack, answer, "Share here", user=world.ana)
    now = micros(datetime.now(UTC)) - 1_000_000
    execute(world, f"UPDATE scheduled_reports SET due_at = {now}, reported_until = {now - 40 * 24 * 3600 * 10**6}")
    await world.bot.store.run(Transaction.notify, Topic.SCHEDULED_REPORTS)
    await world.slack.until(lambda: any(message.metadata for message in world.slack.messages(world.releases)))
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{world.bot.web.port}/metrics") as response:
            metrics = await response.text()
    await world.stop()
    places = {
        "slack": everything_said(world.slack),
        "database": everything_stored(world.folder).decode(errors="replace"),
        "log": log.getvalue(),
        "metrics": metrics,
        "files": "\n".join(bytes(file.content).decode() for file in world.slack.desk.files.files.values()),
    }
    assert "Eva" in places["slack"]  # the answer did come
    assert "Eva" in places["files"]
    for field, marker in MARKERS.items():
        assert str(marker) in wire, field  # and Applivery did say it
        assert [place for place, text in places.items() if str(marker) in text] == [], field


async def test_downloads_names_and_addresses_not_stored_or_logged(world: Environment, log: io.StringIO) -> None:
    await world.start()
    people(world)
    await world.ask("downloads courier")
    await world.stop()
    left = everything_stored(world.folder).decode(errors="replace") + log.getvalue()
    for words in ("Eva Ruiz", "eva@acme.test", "Zoe Lang"):
        assert words not in left


@pytest.mark.parametrize(
    ("typed", "count"),
    [
        ("", 4),
        ("all", 4),
        ("2.4.0", 4),
        ("#173", 4),
        ("latest", 4),
        ("since:7d", 3),
        ("since:1h", 0),
        ("2.4.0 since:7d", 3),
        ("since:2020-01-01..2020-12-31", 0),
    ],
)
async def test_a_build_and_a_period_narrow_what_is_counted(world: Environment, typed: str, count: int) -> None:
    await world.start()
    people(world)
    said = (await world.ask(f"downloads courier {typed}")).text
    assert f"{count or 'No'} downloads" in said


async def test_a_version_means_every_platform_s_build_of_it(world: Environment) -> None:
    await world.start()
    world.applivery.download(people(world), None)
    other = world.applivery.build(world.courier, version="2.4.0", number="80", os="android")
    world.applivery.download(other, world.applivery.member(email="eva@acme.test"))
    said = (await world.ask("downloads courier 2.4.0")).text
    assert "Downloads of Courier 2.4.0 so far: 6 downloads · 2 people (4) · anonymous (2)" in said


async def test_downloads_choice_between_builds_keeps_period(world: Environment) -> None:
    await world.start()
    people(world)
    world.applivery.build(world.courier, version="2.4.0", number="173", os="android")
    answer = await world.ask("downloads courier #173 since:7d")
    assert "Which one?" in answer.text
    turn = await press(world.slack, answer, "2.4.0 (173) iOS", user=world.ana)
    assert "3 downloads" in (await turn.answer()).text


async def test_no_downloads_are_said_without_a_thread(world: Environment) -> None:
    await world.start()
    world.applivery.build(world.courier)
    answer = await world.ask("downloads courier")
    assert answer.text == "*No downloads* of Courier so far."
    assert world.slack.messages(world.slack.dm(world.ana)) == []


async def test_a_crowd_fits_and_is_paged_in_place(world: Environment) -> None:
    await world.start()
    build = world.applivery.build(world.courier)
    for number in range(230):
        somebody = world.applivery.member(email=f"p{number}@acme.test", first="P" * 90, last=f"Number{number:03d}" * 9)
        world.applivery.download(build, somebody, device="A device with a very long name " * 3)
    await world.ask("downloads courier")
    head, [table] = private(world, world.ana)
    assert "230 downloads · 230 people" in head.text
    for words, label in (("1–100 of 230", "Next page ›"), ("101–200 of 230", "Next page ›"), ("201–230 of 230", "")):
        assert words in table.blocks[0]["caption"]
        rows = table.blocks[0]["rows"][1:]
        assert len(rows) == (30 if "230 of" in words else 100)
        assert len(json.dumps([cell.get("text") for row in rows for cell in row])) < 12_000
        if label:
            turn = await press(world.slack, table, label, user=world.ana)
            assert await turn.answer() is table  # it takes the place of the page before
    assert labels(table) == ["‹ Earlier page"]
    assert len(world.slack.messages(world.slack.dm(world.ana), head.ts)) == 1


async def test_downloads_dm_refused_headline_is_not_lost(world: Environment) -> None:
    await world.start()
    people(world)
    world.slack.scopes -= {"chat:write"}
    answer = await world.ask("downloads courier")
    assert "chat:write" in answer.text
    assert "reinstall" in answer.text


async def test_downloads_member_told_missing_role_nothing_fetched(world: Environment) -> None:
    await world.start()
    people(world)
    answer = await world.ask("downloads courier", user=world.bruno)
    assert "Only managers can see downloads." in answer.text
    assert labels(answer) == ["Request access"]
    assert all(request.path.endswith("/apps") for request in world.applivery.requests), "the request says for which app"


async def test_downloads_over_signed_http_work_for_permitted_role(world: Environment) -> None:
    await world.start(slack_app_token=None, access_default_role="manager")
    people(world)
    await world.ask("downloads courier", user=world.bruno)
    head, [_, thread] = private(world, world.bruno)
    assert "4 downloads" in head.text
    assert "Eva Ruiz" in thread.text


# ------------------------------------------------------------------ the way to the details


async def test_open_details_leads_to_the_thread(world: Environment) -> None:
    await world.start()
    people(world)
    answer = await world.ask("downloads courier")
    head, [below, _] = private(world, world.ana)
    [details] = [control for control in controls(answer) if control.label == "Open details"]
    channel, ts = world.slack.dm(world.ana).id, below.ts.replace(".", "")
    assert details.url.endswith(f"/archives/{channel}/p{ts}?thread_ts={head.ts}&cid={channel}")


async def test_details_without_permalink_are_named_in_words(world: Environment) -> None:
    await world.start()
    people(world)
    world.slack.faults.add("chat.getPermalink", Fault(error="internal_error"), times=None)
    answer = await world.ask("downloads courier")
    _, below = private(world, world.ana)
    assert len(below) == 2, "nothing that was sent is lost"
    assert "Open details" not in labels(answer)
    assert "I sent you the details by DM." in json.dumps(answer.blocks)
