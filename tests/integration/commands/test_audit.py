"""The audit trail: who got what, when, by which door and how it ended; never a token."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from bot.db import audit
from bot.domain.audit import AuditAction, AuditEntry, AuditOutcome, Entrypoint
from bot.exceptions import BuildNotProcessed, RateLimited
from sandbox.faults import Fault
from sandbox.slack import FakeMessage
from tests.conftest import Environment
from tests.support.handing import MINTING, Clock, direct, directs, raw, ready, rested, said, seen, start_with_page
from tests.support.seeing import labels, link, press


def lines_of(answer: FakeMessage) -> list[str]:
    """The entries that a page shows."""
    return [line for line in seen(answer).splitlines() if line.startswith("<!date^")]


async def some(world: Environment) -> None:
    """Ana and Bruno get builds of two apps, by several doors, and one try fails."""
    driver = world.applivery.app("Driver")
    world.applivery.build(driver, version="9.0.0", number="9", os="android")
    ready(world)
    answer = await world.ask("get courier")
    await press(world.slack, answer, "Fresh link", user=world.ana)
    await rested(world)
    await world.slack.mention("get courier", world.bruno, world.releases)
    await direct(world, world.bruno)
    world.applivery.faults.add(MINTING, Fault(status=500))
    await world.ask("get driver", user=world.bruno)


async def file_of(world: Environment, typed: str, separator: str = ",") -> list[list[str]]:
    """The rows of the CSV that Ana gets by direct message."""
    before = len(world.slack.desk.files.files)
    answer = await world.ask(typed)
    assert "I sent it to you in a direct message." in answer.text
    await world.slack.until(lambda: len(world.slack.desk.files.files) > before)
    *_, file = world.slack.desk.files.files.values()
    assert file.name == "audit.csv"
    await world.slack.until(lambda: file.content)
    return list(csv.reader(io.StringIO(bytes(file.content).decode("utf-8-sig"), newline=""), delimiter=separator))


async def test_audit_line_says_who_what_when_entrypoint_and_outcome(world: Environment) -> None:
    await world.start()
    await some(world)
    lines = lines_of(await world.ask("audit"))
    assert len(lines) == 4
    assert all(line.startswith("<!date^") for line in lines)
    ends = [line.partition(" UTC> · ")[2] for line in lines]
    assert ends == [
        f"<@{world.bruno.id}> · get Driver 9.0.0 (9) Android · ❌ Applivery isn't answering right now.",
        f"<@{world.bruno.id}> · get Courier 2.4.0 (173) iOS",
        f"<@{world.ana.id}> · get Courier 2.4.0 (173) iOS",
        f"<@{world.ana.id}> · get Courier 2.4.0 (173) iOS",
    ]


async def test_audit_shows_names_of_users_groups_and_channels(world: Environment) -> None:
    await world.start()
    group = world.slack.usergroup("qa-team", [world.bruno])
    short = world.slack.workspace.users["U1"] = replace(world.bruno, id="U1", handle="short")
    for typed in (
        f"grant <!subteam^{group.id}> releaser",
        f"grant <@{short.id}> manager",
        f"grant <#{world.releases.id}> manager",
    ):
        await world.ask(typed)
    ends = [line.rpartition(" · ")[2] for line in lines_of(await world.ask("audit"))]
    assert ends == [
        f"names in reports in <#{world.releases.id}>",
        "manager to <@U1>",
        f"releaser to <!subteam^{group.id}>",
    ]


async def test_audit_line_of_every_app_names_them(world: Environment) -> None:
    await world.start()
    for typed in ("subscribe *", "forecast within:30d every:monday@09:00"):
        await world.ask(typed)
    subscribed, scheduled = reversed(lines_of(await world.ask("audit")))
    assert "· subscribe to every app" in subscribed
    assert "· schedule reports on every app · " in scheduled


async def test_a_build_keeps_its_name_when_it_is_deleted(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    await world.look()
    build = ready(world)
    await world.look()
    await world.ask("get courier")
    world.applivery.delete(build)
    assert "2.4.0 (173) iOS" in seen(await world.ask("audit"))


async def test_audit_unknown_build_keeps_its_id(world: Environment) -> None:
    await world.start()
    build = ready(world)
    await world.ask("get courier")
    world.applivery.delete(build)
    assert f"get Courier `{build.id}`" in seen(await world.ask("audit"))
    world.applivery.faults.add("GET *", Fault(status=500), times=None)
    assert build.id in seen(await world.ask("audit")), "the trail can be read while Applivery is away"


async def test_people_and_channels_are_named_by_slack(world: Environment) -> None:
    await world.start()
    await world.ask(f"grant <@{world.bruno.id}|bruno> releaser")
    assert f"releaser to <@{world.bruno.id}>" in seen(await world.ask("audit"))


async def test_the_trail_is_private_and_only_for_admins(world: Environment) -> None:
    await world.start()
    await some(world)
    assert (await world.ask("audit")).ephemeral_to == world.ana.id
    for typed in ("audit", "audit format:csv"):
        refused = await world.ask(typed, user=world.bruno)
        assert "Only admins can see the audit log. You're a member." in refused.text
    assert len(directs(world, world.bruno)) == 1  # his link


@pytest.mark.parametrize(
    ("typed", "count"),
    [
        ("audit person:{ana}", 2),
        ("audit person:{bruno}", 2),
        ("audit app:driver", 1),
        ("audit app:courier person:{bruno}", 1),
        ("audit since:1h", 4),
        ("audit until:2026-01-01 since:2025-01-01", 0),
        ("audit person:U0NOBODY", 0),
    ],
)
async def test_audit_is_filtered_by_user_app_and_time(world: Environment, typed: str, count: int) -> None:
    await world.start()
    await some(world)
    people = {"ana": f"<@{world.ana.id}|ana>", "bruno": f"<@{world.bruno.id}|bruno>"}
    answer = await world.ask(typed.format(**people))
    if count:
        assert len(lines_of(answer)) == count
    else:
        assert answer.text == "Nothing in the audit log matches."


async def test_audit_since_excludes_older_entries(world: Environment) -> None:
    clock = Clock(world)
    await world.start()
    ready(world)
    await world.ask("get courier")
    clock.forward(days=10)
    await world.ask("get courier", user=world.bruno)
    answer = await world.ask("audit since:7d")
    assert [world.bruno.id in line for line in lines_of(answer)] == [True]
    assert len(lines_of(await world.ask("audit since:30d"))) == 2


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("audit format:xlsx", "`format:` can't be “xlsx”. Did you mean `format:csv`?"),
        ("audit person:bruno", "I couldn't find “bruno”. Type @ and pick the person from Slack's list."),
        ("audit app:nothing", "There is no app called “nothing”."),
        ("audit since:whenever", "whenever"),
        ("audit courier", "Unknown word “courier”."),
    ],
)
async def test_audit_invalid_request_is_explained(world: Environment, typed: str, words: str) -> None:
    await world.start()
    assert words in (await world.ask(typed)).text


async def test_more_than_fits_is_turned_and_the_file_has_it_all(world: Environment) -> None:
    await world.start()
    for number in range(15):
        await world.bot.store.run(audit.add_entry, entry(world, number, app_id=world.courier.id))
    ready(world)
    answer = await world.ask("audit app:courier")
    assert labels(answer) == ["More", "Download as CSV"]
    await world.bot.store.run(audit.add_entry, entry(world, 2000, app_id=world.courier.id, outcome="meanwhile"))
    more = await (await press(world.slack, answer, "More", user=world.ana)).answer()
    assert more is answer, "it takes its place"
    assert labels(more) == ["Previous", "Download as CSV"]
    assert len(lines_of(more)) == 5
    back = await (await press(world.slack, more, "Previous", user=world.ana)).answer()
    assert "meanwhile" not in seen(back), "what came meanwhile moves nothing"
    assert len(await file_of(world, "audit format:csv")) == 17


def entry(world: Environment, number: int, **about: Any) -> AuditEntry:
    at = world.tuning.clock() + timedelta(seconds=number - 1000)
    facts = {
        "at": at,
        "team_id": "T1",
        "user_id": world.ana.id,
        "action": AuditAction.GET,
        "outcome": AuditOutcome.MINTED,
        **about,
    }
    return AuditEntry(**facts)


# ------------------------------------------------------------------ the file


async def test_audit_file_sent_by_dm_with_all_columns_oldest_first(world: Environment) -> None:
    await world.start()
    await some(world)
    head, *rows = await file_of(world, "audit format:csv")
    assert head == ["at", "user_id", "action", "outcome", "door", "channel_id", "app_id", "build_id", "app", "build"]
    doors = [Entrypoint.COMMAND, Entrypoint.BUTTON, Entrypoint.MENTION, Entrypoint.COMMAND]
    assert [row[4] for row in rows] == doors
    assert rows[0][1] == world.ana.id
    assert (rows[0][6], *rows[0][8:]) == (world.courier.id, "Courier", "2.4.0 (173) iOS")
    assert [
        candidate.ephemeral_to for candidate in world.slack.messages(world.releases) if "audit" in candidate.text
    ] == []
    [message] = [candidate for candidate in directs(world, world.ana) if "Audit log" in candidate.text]
    assert message.text == "Audit log, 4 entries."


async def test_no_cell_of_the_file_is_a_formula(world: Environment) -> None:
    await world.start()
    cell, harmless = "=cmd|' /C calc'!A0\t-1;\uff1d2", "'=cmd|' /C calc'!A0\t'-1;'\uff1d2"
    await world.bot.store.run(audit.add_entry, entry(world, 1, outcome=cell, app_id=cell, build_id=cell))
    _, row = await file_of(world, "audit format:csv")
    assert [row[place] for place in (3, 6, 7)] == [harmless] * 3


async def test_audit_csv_follows_the_asker_s_locale(world: Environment) -> None:
    await world.start()
    world.ana.locale = "de-DE"  # nothing is said in German, and yet their Excel wants a semicolon
    await world.bot.store.run(audit.add_entry, entry(world, 1))
    head, row = await file_of(world, "audit format:csv", separator=";")
    assert (head[0], row[2]) == ("at", AuditAction.GET)


async def test_commas_quotes_and_line_breaks_stay_in_their_cell(world: Environment) -> None:
    await world.start()
    await world.bot.store.run(audit.add_entry, entry(world, 1, outcome='a,"b"\nc'))
    _, row = await file_of(world, "audit format:csv")
    assert row[3] == 'a,"b"\nc'


async def test_audit_stored_text_is_inert(world: Environment) -> None:
    await world.start()
    await world.bot.store.run(audit.add_entry, entry(world, 1, outcome="<!channel> *x*", build_id="<@U1>"))
    answer = await world.ask("audit")
    for text in (answer.text, seen(answer)):
        assert "<!channel>" not in text
        assert "<@U1>" not in text


# ------------------------------------------------------------------ never a token


async def test_neither_a_token_nor_its_hash_is_shown(world: Environment) -> None:
    await world.start()
    await some(world)
    secrets = [token.token for token in world.applivery.minted]
    entries = await world.bot.store.run(audit.list_entries)
    secrets += [entry.token_hash for entry in entries if entry.token_hash]
    assert len(secrets) == 6
    shown = raw(await world.ask("audit"))
    shown += repr(await file_of(world, "audit format:csv"))
    for secret in secrets:
        assert secret not in shown


async def test_the_claim_page_s_own_door_is_in_the_trail_too(world: Environment) -> None:
    await start_with_page(world)
    ready(world, os="android")
    answer = await world.ask("get courier")
    page = answer.element("open.link")["url"]
    async with aiohttp.ClientSession() as session, session.post(page) as response:
        assert response.status == 200
    rows = await file_of(world, "audit format:csv")
    assert [(row[1], row[3], row[4]) for row in rows[1:]] == [
        (world.ana.id, AuditOutcome.TICKET, Entrypoint.COMMAND),
        (world.ana.id, AuditOutcome.MINTED, Entrypoint.CLAIM_PAGE),
    ]
    assert page.rpartition("/")[2] not in seen(await world.ask("audit"))


async def test_every_refused_or_failed_try_is_in_it_by_its_reason(world: Environment) -> None:
    await world.start(links_per_minute=1)
    ready(world)
    answer = await world.ask("get courier")
    assert link(answer)
    assert "too many links" in await said(await press(world.slack, answer, "Fresh link", user=world.ana))
    world.applivery.faults.add(MINTING, Fault(status=400, code=5014, error="Build Not Processed"))
    await world.ask("get courier", user=world.bruno)
    await rested(world)
    outcomes = [entry.outcome for entry in await world.bot.store.run(audit.list_entries)]
    assert outcomes == [BuildNotProcessed.kind, RateLimited.kind, AuditOutcome.MINTED]
