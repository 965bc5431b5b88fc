"""Every number a report shows is what a recount of Applivery's raw rows comes to, and parts make wholes."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from datetime import UTC, date, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.applivery import parse
from bot.db import install_failures
from bot.db.types import micros
from bot.domain.adoption import NewestVersions, adoption
from bot.domain.downloads import DownloadAggregator, DownloadSummary, GroupBy, missing
from bot.domain.model.failures import FailureCause
from bot.domain.reports import DownloadReport, PreviousPeriod, report
from bot.slack.views import downloads, scheduled_report
from bot.slack.views import missing as missing_cards
from sandbox.faults import Fault
from sandbox.slack.validation import check_message
from tests.conftest import Environment
from tests.support.everything import execute
from tests.support.recount import CAUSES, NOW, RecountResult, Row, answer, failed_installs, recount, shares
from tests.support.seeing import press

NEWEST = {"ios": "2.5.0", "android": "2.4.0"}
ROWS = "GET */downloads/by-user"
CARDS = {GroupBy.VERSION: "versions", GroupBy.OS: "systems", GroupBy.SOURCE: "sources", GroupBy.DAY: "days"}
TEAM = {"U1": "ana@acme.io", "U2": "Bob@acme.io", "U3": "carol@acme.io", "U4": None}
chances = st.randoms(use_true_random=False)


def summary(rows: list[Row], *, period: bool) -> DownloadSummary:
    """What the bot makes of an answer."""
    tally = DownloadAggregator("Europe/Madrid", totals=not period)
    for row in parse.member_downloads(json.dumps({"status": True, "data": rows}).encode()):
        tally.add(row)
    return tally.summary()


def made(
    rows: list[Row],
    by: GroupBy,
    *,
    period: bool,
    before: list[Row] | None = None,
    failures: tuple[tuple[str, int], ...] = (),
) -> DownloadReport:
    """The report of an answer, and of the one before."""
    found = replace(summary(rows, period=period), failures=failures)
    told = report("Courier", "so far", found, tz="Europe/Madrid", by=by)
    earlier = summary(before, period=True) if before is not None else None
    return DownloadReport(
        **{
            **{name: getattr(told, name) for name in told.__slots__},
            "typed": "courier",
            "adopted": adoption(found.people, NewestVersions(tuple(NEWEST.items()))),
            "before": PreviousPeriod(earlier.recorded, len(earlier.people), "the day before") if earlier else None,
            "stretch": (date(2026, 10, 1), date(2026, 11, 21)) if period else None,
        }
    )


# ------------------------------------------------------------------ reading what is shown


def numbers(pattern: str, text: str) -> list[int]:
    """The numbers of the one place where the pattern stands."""
    (found,) = set(re.findall(pattern, text))  # a message of one text says it in its fallback too
    return [int(item.replace(",", "")) for item in ([found] if isinstance(found, str) else found)]


def one(pattern: str, text: str) -> int:
    """A number that is there, or 0."""
    found = re.search(pattern, text)
    return int(found[1].replace(",", "")) if found else 0


def table(message: Any) -> list[list[dict[str, Any]]]:
    """The rows of a message's table, without its header."""
    return next(block["rows"][1:] for block in message.blocks if block["type"] == "data_table")


def chart(message: Any) -> dict[str, int]:
    """A chart's labels and values."""
    drawn = next(block["chart"] for block in message.blocks if block["type"] == "data_visualization")
    return {point["label"]: point["value"] for point in drawn["series"][0]["data"]}


def check_headline(text: str, found: RecountResult) -> None:
    """The headline's numbers."""
    if not found.recorded:
        assert "No downloads" in text
        return
    assert one(r"([\d,]+) downloads?\b", text) == found.recorded
    assert one(r"downloads? · ([\d,]+) (?:person|people)", text) == found.crowd
    assert one(r"anonymous \(([\d,]+)\)", text) == found.unnamed
    if found.unnamed:
        named = one(r"downloads? · [\d,]+ (?:person|people) \(([\d,]+)\)", text)
        assert named == found.recorded - found.unnamed == sum(found.each)
    if found.crowd and "newest version" in text:
        on_it = numbers(r"On the newest version [^:]*: ([\d,]+) of ([\d,]+) (?:person|people) \((\d+)%\)", text)
        share = shares(found.standing, found.crowd).get("newest", "0%")
        assert on_it == [found.standing["newest"], found.crowd, int(share.removesuffix("%"))]
        assert one(r"Older: ([\d,]+)", text) == found.standing["older"]
        assert one(r"Unknown: ([\d,]+)", text) == found.standing["unknown"]


def check_small_print(said: str, found: RecountResult) -> None:
    """What stands below the headline."""
    differs = found.claimed != found.listed or found.recorded != found.listed
    assert ("Applivery counts" in said) is differs
    if differs:
        told = numbers(r"Applivery counts ([\d,]+) downloads? but lists only ([\d,]+)", said)
        assert told == [found.claimed, found.listed]
    if len(found.versions) > 1:
        (line,) = re.findall(r"By version: ([^\"\\]*)", said)
        assert sum(int(item) for item in re.findall(r": (\d+)", f": {line.partition(': ')[2]}")) == found.recorded


def check_people(message: Any, found: RecountResult) -> None:
    """The table of people, and the lines of nobody."""
    rows = table(message)
    assert sorted(row[1]["value"] for row in rows) == sorted(found.each)
    assert len({row[0]["text"] for row in rows}) == len(rows) == found.crowd, "nobody reads like somebody else"
    check_nobody(message, found)


def check_nobody(message: Any, found: RecountResult) -> None:
    """The lines of downloads that are nobody's."""
    contexts = [block["elements"][0]["text"] for block in message.blocks if block["type"] == "context"]
    assert sum(one(r"_ · (\d+) download", text) for text in contexts) == found.unnamed


def check_table(message: Any, by: GroupBy, found: RecountResult) -> None:
    """A table of counts."""
    counts: Counter[str] = getattr(found, CARDS[by])
    rows = {row[0]["text"]: row for row in table(message)}
    assert {label: row[1]["value"] for label, row in rows.items() if row[1]["value"]} == counts
    assert sum(row[1]["value"] for row in rows.values()) == found.recorded
    assert {label: row[2]["text"] for label, row in rows.items() if row[1]["value"]} == shares(counts, found.recorded)
    if by is GroupBy.VERSION:
        assert {label: row[3]["value"] for label, row in rows.items() if row[3]["value"]} == +found.now_on
    check_nobody(message, found)


def check_chart(message: Any, found: RecountResult, *, by_day: bool) -> None:
    """A chart's points, with those without a date, are all there is."""
    points = chart(message)
    contexts = [block["elements"][0]["text"] for block in message.blocks if block["type"] == "context"]
    undated = sum(one(r"(\d+) downloads? without a date", text) for text in contexts)
    assert sum(points.values()) + undated == found.recorded
    assert undated == (found.days["without a date"] if by_day else 0)
    assert len(points) <= 20


def check_failures(text: str, thread: Any, failures: Counter[str]) -> None:
    """The failed installs: in the headline, drawn, and as a table whose parts are the whole."""
    assert one(r"([\d,]+) failed installs?\b", text) == failures.total()
    assert bool(thread) is bool(failures)
    if failures:
        drawn, listed = thread
        assert chart(drawn) == failures
        rows = {row[0]["text"]: row for row in table(listed)}
        assert {label: row[1]["value"] for label, row in rows.items()} == failures
        assert {label: row[2]["text"] for label, row in rows.items()} == shares(failures, failures.total())


def check_thread(thread: Any, by: GroupBy, found: RecountResult, *, named: bool) -> None:
    """All that hangs below a headline."""
    if not found.recorded:
        assert not thread
        return
    *above, last = thread
    for message in above:
        check_chart(message, found, by_day=by in (GroupBy.PERSON, GroupBy.DAY))
    if by is GroupBy.PERSON and named and found.crowd:
        check_people(last, found)
    else:
        check_table(last, GroupBy.VERSION if by is GroupBy.PERSON else by, found)


# ------------------------------------------------------------------ any rows


@given(chances, st.sampled_from(GroupBy), st.booleans())
def test_any_rows_are_counted_as_they_are(chance: Random, by: GroupBy, period: bool) -> None:
    rows, earlier = answer(chance), answer(chance)
    found, before = recount(rows, NEWEST, period=period), recount(earlier, NEWEST, period=True)
    failures = Counter({label: chance.randrange(1, 30) for label in CAUSES.values() if chance.random() < 0.5})
    asked = tuple(failures.items()) if by is GroupBy.FAILURE else ()
    told = made(rows, by, period=period, before=earlier if period else None, failures=asked)
    for shown in (told, told.without_names(), told.shared("acme.io")):
        head, thread = downloads.headline(shown), downloads.thread(shown)
        digest = scheduled_report.summary(shown)
        assert (digest.text, [each_message.text for each_message in digest.thread]) == (
            head.text,
            [each_message.text for each_message in thread],
        )
        for message in (head, *thread):
            check_message(message.payload())
        if by is GroupBy.FAILURE and (failures or found.recorded):
            check_failures(head.text, thread, failures)
        if found.recorded or not asked:
            check_headline(head.text, found)
            check_small_print(json.dumps(head.payload(), ensure_ascii=False), found)
        if by is not GroupBy.FAILURE:
            check_thread(thread, by, found, named=shown.named)
        if period and found.recorded:
            check_comparison(head.text, found, before)


def check_comparison(text: str, found: RecountResult, before: RecountResult) -> None:
    """Against the time before."""
    more, crowd = found.recorded - before.recorded, found.crowd - before.crowd
    words = {
        0: rf"Same as the day before \({before.recorded}\)",
        1: rf"▲ {more} more than the day before \({before.recorded}\)",
        -1: rf"▼ {-more} fewer than the day before \({before.recorded}\)",
    }
    assert re.search(words[(more > 0) - (more < 0)], text), text
    words = {
        0: rf"same number of people \({before.crowd}\)",
        1: rf"▲ {crowd} more (?:person|people) \({before.crowd}\)",
        -1: rf"▼ {-crowd} fewer (?:person|people) \({before.crowd}\)",
    }
    assert re.search(words[(crowd > 0) - (crowd < 0)], text), text


@given(chances, st.booleans())
def test_missing_is_who_has_not_downloaded(chance: Random, period: bool) -> None:
    rows = answer(chance)
    found = recount(rows, NEWEST, period=period)
    told = missing(TEAM, summary(rows, period=period))
    have = {user for user, email in TEAM.items() if email and found.have(email)}
    assert set(told.have) == have
    assert set(told.lack) == {"U1", "U2", "U3"} - have
    assert told.unknown == ("U4",)
    card = missing_cards.headline("Courier", "<!subteam^S1>", told)
    assert card.text.startswith(f"*{len(have)} of 3 people*")
    no_mail = [n for marks, n in zip(found.people, found.each, strict=True) if not any(m[:4] == "mail" for m in marks)]
    assert one(r"(\d+) unattributed download", card.text) == found.unnamed + sum(no_mail)
    assert "1 more person has no email" in card.text


@given(chances, st.integers(0, 8))
def test_rows_counted_apart_are_counted_once(chance: Random, at: int) -> None:
    rows = answer(chance)
    found, new_tally, other = (
        recount(rows, NEWEST, period=True),
        DownloadAggregator("Europe/Madrid"),
        DownloadAggregator("Europe/Madrid"),
    )
    for tally, part in ((new_tally, rows[:at]), (other, rows[at:])):
        for row in parse.member_downloads(json.dumps({"status": True, "data": part}).encode()):
            tally.add(row)
    new_tally.absorb(other)
    told = new_tally.summary()
    found = recount(rows, NEWEST, period=False)
    assert (told.recorded, len(told.people), told.unnamed) == (found.recorded, found.crowd, found.unnamed)
    assert sorted(each.recorded for each in told.people) == sorted(found.each)
    assert dict(told.versions) == found.versions


# ------------------------------------------------------------------ the whole bot


async def shown(world: Environment, typed: str) -> tuple[Any, list[Any]]:
    """The headline where it was asked, and the thread in direct messages (none when nothing was recorded)."""
    before = world.slack.messages(world.slack.dm(world.ana))
    said = await world.ask(typed)
    await world.bot.dispatcher.drain(5)
    heads = [each for each in world.slack.messages(world.slack.dm(world.ana)) if each not in before]
    return said, world.slack.messages(world.slack.dm(world.ana), heads[-1].ts) if heads else []


def applivery_says(world: Environment, rows: list[Row]) -> None:
    """From now on, this is its by-user answer."""
    world.applivery.faults.clear()
    world.applivery.faults.add(ROWS, Fault(body=json.dumps({"status": True, "data": rows})), times=None)


async def fail(world: Environment, chance: Random) -> Counter[str]:
    """Some users say why a build did not install, some of them twice; what that comes to by the rows themselves."""
    for number in range(chance.randrange(12)):
        user, build, cause = f"U{number % 7}", f"b{number % 3}", FailureCause(chance.choice(list(CAUSES)[:-1]))
        await world.bot.store.run(install_failures.record_failure, user, world.courier.id, build, cause)
    execute(world, "UPDATE install_failures SET cause = 'quantum_lock' WHERE cause = 'other' AND build_id = 'b0'")
    return failed_installs(world.database.removeprefix("sqlite:///"), world.courier.id)


@pytest.mark.parametrize("seed", range(8))
async def test_the_whole_bot_shows_what_is_there(world: Environment, seed: int) -> None:
    await world.start()
    for os, version in reversed(NEWEST.items()):
        world.applivery.build(world.courier, version="1.0.0", os=os)
        world.applivery.build(world.courier, version=version, os=os)
    chance = Random(seed)
    failures = await fail(world, chance)
    for typed, by in (("", GroupBy.PERSON), *((f"by:{by.value}", by) for by in GroupBy)):
        for since in ("", "since:30d"):
            rows = answer(chance, now=datetime.now(UTC), days=29)
            found = recount(rows, NEWEST, period=bool(since))
            applivery_says(world, rows)
            said, thread = await shown(world, f"downloads courier {typed} {since}")
            if found.recorded or by is not GroupBy.FAILURE:
                check_headline(said.text, found)
            if found.recorded:
                check_small_print(json.dumps(said.blocks, ensure_ascii=False), found)
            if by is GroupBy.FAILURE:
                check_failures(said.text, thread, failures)
            else:
                check_thread(thread, by, found, named=True)
            if found.recorded and since:
                assert f"period before ({found.recorded})" in said.text or "days before (" in said.text
            if found.recorded and by is GroupBy.SOURCE:
                await check_file(world, said, rows)
    await check_one_person(world, chance)


async def check_file(world: Environment, said: Any, rows: list[Row]) -> None:
    """The CSV has each download, and the same people as the headline."""
    await press(world.slack, said, "CSV", user=world.ana)
    await world.bot.dispatcher.drain(5)
    file = list(world.slack.desk.files.files.values())[-1]
    lines = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    found = recount(rows, NEWEST, period=True)
    assert len(lines) == found.listed
    assert Counter(line["version"] or "unknown version" for line in lines) == found.versions
    people = Counter(line["email"].casefold() for line in lines if line["email"])
    with_mail = [n for marks, n in zip(found.people, found.each, strict=True) if any(m[:4] == "mail" for m in marks)]
    assert sorted(people.values()) == sorted(with_mail)


async def check_one_person(world: Environment, chance: Random) -> None:
    """About one person it is what is theirs among everybody's, however their address is written."""
    for email in ("Ana@acme.IO", "bob@ACME.io"):
        rows = answer(chance, now=datetime.now(UTC))
        found = recount(rows, NEWEST, period=False)
        applivery_says(world, rows)
        said, _ = await shown(world, f"downloads courier person:{email}")
        assert one(r"(\d+) downloads? ", said.text) == found.of(email)


async def test_a_scheduled_report_shows_what_is_there(world: Environment) -> None:
    await world.start()
    for os, version in reversed(NEWEST.items()):
        world.applivery.build(world.courier, version=version, os=os)
    await world.ask(f"grant <#{world.releases.id}|releases> manager")
    await world.ask("downloads courier every:daily@09:00")
    rows = answer(Random(3), now=NOW)
    found = recount(rows, NEWEST, period=True)
    assert found.recorded, "there is something to say"
    applivery_says(world, rows)
    now = micros(datetime.now(UTC))
    execute(world, f"UPDATE scheduled_reports SET due_at = {now - 10**6}, reported_until = {now - 24 * 3600 * 10**6}")
    await world.bot.digest.step()
    await world.settle()
    head = [each for each in world.slack.messages(world.releases) if " downloads · " in each.text][-1]
    check_headline(head.text, found)
    check_small_print(json.dumps(head.blocks, ensure_ascii=False), found)
    check_thread(world.slack.messages(world.releases, head.ts), GroupBy.PERSON, found, named=True)
