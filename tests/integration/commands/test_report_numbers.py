"""What `downloads` and `missing:` make of by-user rows that say little, too much, or something odd."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.faults import Fault
from tests.conftest import Environment
from tests.integration.commands.test_downloads import private
from tests.integration.commands.test_missing import mention, to
from tests.integration.commands.test_summaries import text_of
from tests.support.seeing import press

ROWS = "GET */downloads/by-user"
ANA = {"email": "ana@acme.io", "firstName": "Ana"}
TODAY = datetime.now(UTC) - timedelta(seconds=5)


def took(version: str | None = "2.5.0", os: str | None = "ios", at: datetime = TODAY) -> dict[str, Any]:
    build = {key: value for key, value in (("versionName", version), ("os", os)) if value}
    return {"id": "d" * 24, "from": "store", "build": build, "createdAt": at.isoformat()}


async def begun(world: Environment, *rows: dict[str, Any]) -> None:
    """Courier's newest is 2.5.0 for iOS and 2.4.0 for Android, and these are its by-user rows."""
    await world.start()
    for version, os in (("2.4.0", "ios"), ("2.4.0", "android"), ("2.5.0", "ios")):
        world.applivery.build(world.courier, version=version, os=os)
    body = json.dumps({"status": True, "data": rows})
    world.applivery.faults.add(ROWS, Fault(body=body), times=None)


def cells(message: Any) -> list[list[str]]:
    return [[cell["text"] for cell in row] for row in message.blocks[0]["rows"][1:]]


# ------------------------------------------------------------------ who is somebody


KINDS: tuple[dict[str, Any], ...] = ({}, {"type": None}, {"type": "unknown"}, {"type": ""}, {"type": "anonymous"})


@pytest.mark.parametrize("kind", KINDS, ids=json.dumps)
async def test_report_email_identifies_user_of_any_kind(world: Environment, kind: dict[str, Any]) -> None:
    ana = world.slack.user("ana2", name="Ana Two", email="ANA@acme.io")
    bo = world.slack.user("bo", name="Bo", email="bo@acme.io")
    await begun(world, {"member": {**kind, **ANA}, "total": 1, "downloads": [took()]})
    said = await world.ask("downloads courier")
    assert "1 download · 1 person." in said.text
    assert cells(private(world, world.ana)[1][-1])[0][:2] == ["Ana", "1"]
    await press(world.slack, said, "CSV", user=world.ana)
    await world.bot.dispatcher.drain(5)
    [file] = world.slack.desk.files.files.values()
    [line] = csv.DictReader(io.StringIO(file.content.decode("utf-8-sig")))
    assert (line["name"], line["email"]) == ("Ana", "ana@acme.io")
    group = world.slack.usergroup("qa", [ana, bo])
    said = await world.ask(f"downloads courier missing:{mention(group)}")
    assert "*1 of 2 people*" in said.text
    await press(world.slack, private(world, world.ana)[1][-1], "Ask 1 person", user=world.ana)
    await world.bot.dispatcher.drain(5)
    assert (to(world, ana), len(to(world, bo))) == ([], 1)


@pytest.mark.parametrize("kind", KINDS, ids=json.dumps)
async def test_report_id_identifies_user_of_any_kind(world: Environment, kind: dict[str, Any]) -> None:
    await begun(world, {"member": {**kind, "memberId": "a" * 24}, "downloads": [took()]})
    said = await world.ask("downloads courier")
    assert "1 download · 1 person." in said.text
    assert re.fullmatch("(User|Anonymous visitor) a{6}", cells(private(world, world.ana)[1][-1])[0][0])
    await press(world.slack, said, "CSV", user=world.ana)
    await world.bot.dispatcher.drain(5)
    [file] = world.slack.desk.files.files.values()
    assert "a" * 24 in file.content.decode(), "the file names them too"


async def test_one_person_is_one_line_everywhere(world: Environment) -> None:
    by_id = {"type": "user", "memberId": "a" * 24}
    await begun(
        world,
        {"member": by_id, "total": 1, "downloads": [took()]},
        {"member": {**by_id, **ANA}, "total": 1, "downloads": [took()]},
        {"member": {"type": "employee", "email": "ANA@acme.io"}, "total": 1, "downloads": [took()]},
    )
    said = await world.ask("downloads courier")
    assert "3 downloads · 1 person." in said.text
    assert [row[:2] for row in cells(private(world, world.ana)[1][-1])] == [["Ana", "3"]]
    await press(world.slack, said, "CSV", user=world.ana)
    await world.bot.dispatcher.drain(5)
    [file] = world.slack.desk.files.files.values()
    lines = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert {(line["name"], line["email"]) for line in lines} == {("Ana", "ana@acme.io")}
    for typed in ("ana@acme.io", "Ana@ACME.IO"):
        assert "3 downloads" in (await world.ask(f"downloads courier person:{typed}")).text


async def test_an_address_in_other_letters_is_theirs(world: Environment) -> None:
    await world.start()
    build = world.applivery.build(world.courier)
    world.applivery.download(build, world.applivery.member(email="bob@acme.io"))
    for typed in ("Bob@acme.io", "BOB@ACME.IO", "bob@acme.io"):
        assert "1 download" in (await world.ask(f"downloads courier person:{typed}")).text


async def test_people_of_one_name_are_told_apart(world: Environment) -> None:
    twins = [{"email": f"john{n}@{host}", "firstName": "John", "lastName": "Smith"} for n, host in enumerate(HOSTS)]
    await begun(world, *({"member": entry, "total": 1, "downloads": [took()]} for entry in twins))
    await world.ask("downloads courier")
    names = [row[0] for row in cells(private(world, world.ana)[1][-1])]
    assert sorted(names) == [f"John Smith (john{n}@{host})" for n, host in enumerate(HOSTS)]
    await world.ask(f"grant <#{world.releases.id}|releases> manager")
    await world.slack.command("/applivery", "downloads courier", user=world.ana, channel=world.releases)
    await world.bot.dispatcher.drain(5)
    head = world.slack.messages(world.releases)[-1]
    said = world.slack.messages(world.releases, head.ts)[-1]
    names = sorted(row[0] for row in cells(said))
    assert names == ["John Smith (john0@acme.test)", "John Smith (j…@agency.example)"]
    assert "john1" not in text_of([head, said])


HOSTS = ("acme.test", "agency.example")


# ------------------------------------------------------------------ what is a download


@pytest.mark.parametrize("total", [0, -1, None, "missing"])
@pytest.mark.parametrize("listed", [[], None, "missing"])
@pytest.mark.parametrize("since", ["", "since:7d"])
async def test_a_row_is_no_download(world: Environment, total: Any, listed: Any, since: str) -> None:
    said = {"total": total, "downloads": listed, "member": ANA}
    await begun(world, {key: value for key, value in said.items() if value != "missing"})
    assert "No downloads" in (await world.ask(f"downloads courier {since}")).text
    bo = world.slack.user("bo", email="ana@acme.io")
    group = world.slack.usergroup("qa", [bo])
    assert "*0 of 1 person*" in (await world.ask(f"downloads courier missing:{mention(group)} {since}")).text


async def test_with_a_period_the_rows_count(world: Environment) -> None:
    await begun(world, {"member": ANA, "total": 40, "downloads": [took()]})
    said = await world.ask("downloads courier since:today")
    assert "1 download · 1 person." in said.text
    assert "Same as the period before (1) · same number of people (1)" in said.text
    assert "Applivery counts 40 downloads but lists only 1." in text_of([said])
    assert [row[:2] for row in cells(private(world, world.ana)[1][-1])] == [["Ana", "1"]]


async def test_totals_of_a_silent_period_are_only_noted(world: Environment) -> None:
    await begun(world, {"member": ANA, "total": 40, "downloads": []})
    said = (await world.ask("downloads courier since:today")).text
    assert "No downloads" in said
    assert "Applivery counts 40 downloads but lists only 0" in said


async def test_report_unlisted_downloads_are_unknown_in_each_table(world: Environment) -> None:
    await begun(world, {"member": ANA, "total": 40, "downloads": [took()]})
    for by, unknown in (("version", "unknown version"), ("os", "unknown OS"), ("source", "unknown source")):
        assert "40 downloads · 1 person." in (await world.ask(f"downloads courier by:{by}")).text
        rows = {row[0]: row[1:3] for row in cells(private(world, world.ana)[1][-1])}
        assert rows[unknown] == ["39", "98%"]
    await world.ask("downloads courier by:day")
    assert ["without a date", "39", "98%"] in cells(private(world, world.ana)[1][-1])


# ------------------------------------------------------------------ who has the newest


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([took("2.4.0", "android")], "(iOS 2.5.0 · Android 2.4.0): 1 of 1 person (100%)."),
        ([took("2.4.0", "ios")], "0 of 1 person (0%) · Older: 1."),
        ([took(None, "ios")], "0 of 1 person (0%) · Unknown: 1."),
        ([took("2.4.0", None)], "0 of 1 person (0%) · Unknown: 1."),
        ([], "0 of 1 person (0%) · Unknown: 1."),
    ],
)
async def test_the_newest_is_each_platform_s(world: Environment, rows: list[dict[str, Any]], words: str) -> None:
    await begun(world, {"member": ANA, "total": 7, "downloads": rows})
    said = (await world.ask("downloads courier")).text
    assert words in said
    assert ("old build" in said) is ("old build" in words)


async def test_a_recalled_build_is_no_newest(world: Environment) -> None:
    await begun(
        world,
        {"member": ANA, "downloads": [took("2.5.0")]},
        {"member": {"email": "bo@acme.io"}, "downloads": [took("2.4.0")]},
    )
    await world.ask('recall courier 2.5.0 "crash"')
    said = (await world.ask("downloads courier")).text
    assert "On the newest version (2.4.0): 1 of 2 people (50%) · Recalled: 1." in said


async def test_missing_asks_for_each_platform_s_newest(world: Environment) -> None:
    await world.start()
    for version, os in (("2.4.0", "android"), ("2.4.0", "ios"), ("2.5.0", "ios")):
        world.applivery.build(world.courier, version=version, os=os)
    android, old, new = world.applivery.builds
    people = [world.slack.user(name, email=f"{name}@acme.io") for name in ("ina", "oli", "nia", "zoe")]
    for build, who in zip((android, old, new), people, strict=False):
        world.applivery.download(build, world.applivery.member(email=who.email))
    world.applivery.download(new, world.applivery.member("unknown"))
    group = world.slack.usergroup("qa", people)
    for typed in ("", "latest "):
        said = (await world.ask(f"downloads courier {typed}missing:{mention(group)}")).text
        assert "*2 of 4 people*" in said
        assert "downloaded Courier iOS 2.5.0 · Android 2.4.0" in said
        assert "1 unattributed download may be theirs" in said or "may be one of theirs" in said
    await press(world.slack, private(world, world.ana)[1][-1], "Ask 2 people", user=world.ana)
    await world.bot.dispatcher.drain(5)
    assert [len(to(world, user)) for user in people] == [0, 1, 0, 1]
    assert "Courier iOS 2.5.0 · Android 2.4.0" in to(world, people[3])[0].text


# ------------------------------------------------------------------ what is drawn


async def test_a_chart_of_weeks_says_weeks(world: Environment) -> None:
    now = datetime.now(UTC)
    for days, word in ((10, "day"), (60, "week"), (300, "month")):
        await world.stop()
        world.applivery.faults.clear()
        rows = [took(at=now - timedelta(days=ago)) for ago in (0, days)]
        await begun(world, {"member": ANA, "downloads": [*rows, {**took(), "createdAt": None}]})
        await world.ask("downloads courier by:day")
        _, [chart, table] = private(world, world.ana)
        assert chart.blocks[0]["title"] == f"Downloads by {word}"
        assert "1 download without a date." in text_of([chart])
        assert sum(int(row[1]) for row in cells(table)) == 3


async def test_labels_that_begin_alike_are_drawn(world: Environment) -> None:
    rows = [{**took(), "os": {"name": "Windows Enterprise Edition", "version": str(n)}} for n in range(45)]
    await begun(world, {"member": ANA, "downloads": rows})
    await world.ask("downloads courier by:os")
    _, [chart, table] = private(world, world.ana)
    labels = [point["label"] for point in chart.blocks[0]["chart"]["series"][0]["data"]]
    assert len(set(labels)) == len(labels) == 20
    assert max(map(len, labels)) == 20
    assert sum(point["value"] for point in chart.blocks[0]["chart"]["series"][0]["data"]) == 45
    assert sum(int(row[1]) for row in cells(table)) == 45
    assert all(cell["text"] for row in table.blocks[0]["rows"] for cell in row)


async def test_each_line_of_a_plain_log_is_one_download(world: Environment) -> None:
    await begun(world, {**took(), "member": ANA}, {**took(), "member": ANA})
    assert "2 downloads · 1 person." in (await world.ask("downloads courier")).text


async def test_a_version_of_many_builds_has_what_names_it(world: Environment) -> None:
    await begun(
        world,
        {"member": ANA, "total": 9, "downloads": [took("3.0.0"), took("2.0.0"), {**took(), "build": {"id": "c" * 24}}]},
    )
    for number in range(5):
        world.applivery.build(world.courier, version="3.0.0", number=str(number))
    assert "1 download · 1 person." in (await world.ask("downloads courier 3.0.0")).text


async def test_latest_without_an_app_is_each_platform_s(world: Environment) -> None:
    await begun(world, {"member": ANA, "total": 1, "downloads": [took()]})
    for typed in ("latest", "Latest", "courier latest", "courier LATEST"):
        said = (await world.ask(f"downloads {typed}")).text
        assert "Downloads of Courier iOS 2.5.0 · Android 2.4.0 so far" in said, typed
