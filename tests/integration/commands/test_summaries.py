"""A summary's other ways: shared in a channel, as a file, by version, about one person, through the form."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from bot.db import access, audit
from bot.domain.audit import AuditAction
from bot.domain.downloads import GroupBy
from sandbox.applivery.models import FakeBuild
from sandbox.faults import Fault
from sandbox.slack import FakeMessage
from tests.conftest import Environment
from tests.integration.commands.test_downloads import people, private
from tests.support.handing import ready, start_with_page
from tests.support.seeing import every_message, labels, old_card, press

NAMES = ("Eva", "Ruiz", "Zoe", "Lang", "acme.test")
DAY = timedelta(days=1)
PAGE = re.compile(r"https?://\S+/b/[\w-]+")


def everything_in(world: Environment, channel: Any) -> list[FakeMessage]:
    """What stands in a channel for everybody, threads included."""
    head = world.slack.messages(channel)
    return [message for parent in head for message in (parent, *world.slack.messages(channel, parent.ts))]


def text_of(messages: list[FakeMessage]) -> str:
    return json.dumps([message.saved() for message in messages], ensure_ascii=False)


async def leads(world: Environment, user: Any = None) -> Any:
    """#leads, which is on the managers' list."""
    channel = world.slack.channel("leads", members=(world.ana, world.bruno))
    answer = await world.ask(f"grant <#{channel.id}|leads> manager")
    assert "name people" in answer.text
    return channel


async def asked_in(world: Environment, channel: Any, text: str, user: Any = None) -> list[FakeMessage]:
    """Type a command whose answer is for the whole channel."""
    before = len(everything_in(world, channel))
    await world.slack.command("/applivery", text, user=user or world.ana, channel=channel)
    await world.slack.until(lambda: len(everything_in(world, channel)) > before)
    await world.bot.dispatcher.drain(5)
    return everything_in(world, channel)[before:]


# ------------------------------------------------------------------ shared


async def test_summary_shared_in_public_channel_has_only_counts(world: Environment) -> None:
    await world.start()
    people(world)
    answer = await world.ask("downloads courier")
    assert "Share here" in labels(answer)
    await press(world.slack, answer, "Share here", user=world.ana)
    await world.bot.dispatcher.drain(5)
    head, *thread = everything_in(world, world.releases)
    assert "4 downloads · 2 people (3)" in head.text
    assert head.ephemeral_to is None
    assert [message.blocks[0]["type"] for message in thread] == ["data_visualization", "data_table"]
    said = text_of([head, *thread])
    assert [name for name in NAMES if name in said] == []
    assert f"<@{world.ana.id}>" in said, "who asked for it is said"


async def test_shared_in_a_manager_channel_it_names_people(world: Environment) -> None:
    await world.start()
    people(world)
    channel = await leads(world)
    answer = await world.ask("downloads courier")
    world.releases.members.append(world.slack.bot_user_id)
    card = old_card(world.slack, channel, "summary.share.v1", _typed(answer))
    await world.slack.click(card, "summary.share.v1", user=world.ana)
    await world.bot.dispatcher.drain(5)
    assert "Eva Ruiz" in text_of(everything_in(world, channel))


def _typed(answer: FakeMessage) -> str:
    return next(str(entry["value"]) for _, entry in answer.elements() if entry["action_id"] == "summary.csv.v1")


async def test_summary_in_manager_channel_headline_and_thread_public(world: Environment) -> None:
    await world.start()
    people(world)
    head, *thread = await asked_in(world, await leads(world), "downloads courier")
    assert all(message.thread_ts == head.ts and message.ephemeral_to is None for message in thread)
    assert "Eva Ruiz" in text_of(thread)
    assert world.slack.messages(world.slack.dm(world.ana)) == []


async def test_a_channel_taken_off_the_list_has_counts_again(world: Environment) -> None:
    await world.start()
    people(world)
    channel = await leads(world)
    await world.ask(f"revoke <#{channel.id}|leads>")
    answer = await world.ask("downloads courier", channel=channel)
    assert answer.ephemeral_to == world.ana.id
    await press(world.slack, answer, "Share here", user=world.ana)
    await world.bot.dispatcher.drain(5)
    said = text_of(everything_in(world, channel))
    assert "4 downloads" in said
    assert [name for name in NAMES if name in said] == []


@pytest.mark.parametrize("role", ["member", "releaser", "admin", "king"])
async def test_a_channel_can_be_a_manager_channel_and_nothing_else(world: Environment, role: str) -> None:
    await world.start()
    said = (await world.ask(f"grant <#{world.releases.id}|releases> {role}")).text
    assert "`grant #leads manager`" in said or "no role" in said
    assert await world.bot.store.cached(access.list_manager_channels) == frozenset()


async def test_manager_channel_set_only_by_admin_and_never_shared(world: Environment) -> None:
    """A channel of two organisations never becomes a manager channel."""
    await world.start(access_default_role="manager")
    said = (await world.ask(f"grant <#{world.releases.id}|r> manager", user=world.bruno)).text
    assert said.startswith("Only admins can grant roles.")
    world.releases.shared = True
    assert "another organisation" in (await world.ask(f"grant <#{world.releases.id}|r> manager")).text
    assert await world.bot.store.cached(access.list_manager_channels) == frozenset()


async def test_summary_masks_emails_of_other_organisations(world: Environment) -> None:
    await world.start()
    build = world.applivery.build(world.courier)
    for email in ("nameless@agency.example", "nobody@acme.test"):
        world.applivery.download(build, world.applivery.member("user", email=email, first="", last=""))
    await world.ask("downloads courier")
    alone = text_of(private(world, world.ana)[1])
    assert "nameless@agency.example" in alone
    shared = text_of(await asked_in(world, await leads(world), "downloads courier"))
    assert "nameless@agency.example" not in shared
    assert "n…@agency.example" in shared
    assert "nobody@acme.test" in shared


@pytest.mark.parametrize("where", ["shared", "not a member", "archived"])
async def test_summary_unshareable_says_why_and_does_not_ask_applivery(world: Environment, where: str) -> None:
    await world.start()
    people(world)
    answer = await world.ask("downloads courier")
    world.releases.shared = where == "shared"
    if where == "not a member":
        world.releases.members.remove(world.slack.bot_user_id)
    world.releases.archived = where == "archived"
    before = len(world.applivery.requests)
    turn = await press(world.slack, answer, "Share here", user=world.ana)
    said = (await turn.answer()).text
    if where == "archived":
        assert "archived" in said
        return
    assert ("another organisation" if where == "shared" else "/invite @") in said
    assert not [request for request in world.applivery.requests[before:] if "downloads" in request.path]
    assert world.slack.messages(world.releases) == []


async def test_summary_channel_shared_later_gets_no_names(world: Environment) -> None:
    """A manager channel that has two organisations by then gets no names."""
    await world.start()
    people(world)
    channel = await leads(world)
    channel.shared = True
    answer = await world.ask("downloads courier", channel=channel)
    assert "another organisation" in answer.text
    assert world.slack.messages(channel) == []


@pytest.mark.parametrize("action", ["summary.share.v1", "summary.csv.v1", "page.v1", "nudge.v1"])
async def test_summary_buttons_refuse_non_manager_without_applivery(world: Environment, action: str) -> None:
    """Applivery is not asked."""
    await world.start()
    build = people(world)
    value = f"{'1 ' * (action == 'page.v1')}{world.courier.id} {build.id}"
    card = old_card(world.slack, world.releases, action, value)
    turn = await world.slack.click(card, action, user=world.bruno)
    assert "nly managers can" in (await turn.answer()).text
    assert all(request.path.endswith("/apps") for request in world.applivery.requests), "a request says for which app"


@pytest.mark.parametrize("action", ["summary.share.v1", "summary.csv.v1", "page.v1", "nudge.v1", "undigest.v1"])
@pytest.mark.parametrize("value", ["x", "1", "-1 courier", "courier nope:x", "99999999999999999999 courier", "d"])
async def test_a_made_up_button_is_answered_in_words(world: Environment, action: str, value: str) -> None:
    await world.start()
    people(world)
    card = old_card(world.slack, world.releases, action, value)
    turn = await world.slack.click(card, action, user=world.ana)
    await world.bot.dispatcher.drain(5)
    said = [message.text for message in turn.answers] + [message.text for message in every_message(world.slack)]
    assert said
    assert not any("Something went wrong" in text for text in said)


# ------------------------------------------------------------------ as a file


async def test_the_file_has_each_download_and_comes_to_the_asker_alone(world: Environment) -> None:
    await world.start()
    build = people(world)
    trick = world.applivery.member("user", email="=cmd@acme.test", first="=HYPERLINK(1)", last="@x")
    world.applivery.download(build, trick, at=datetime(2026, 7, 1, 22, 30, tzinfo=UTC), device="+1")
    answer = await world.ask("downloads courier")
    turn = await press(world.slack, answer, "CSV", user=world.ana)
    assert "direct message" in (await turn.answer()).text
    [file] = world.slack.desk.files.files.values()
    assert file.name.startswith("downloads-courier-")
    assert file.name.endswith(".csv")
    assert file.channels == [world.slack.dm(world.ana).id]
    [header, *rows] = csv.reader(io.StringIO(file.content.decode("utf-8-sig")))
    assert header == ["name", "email", "member", "at", "version", "platform", "os", "device", "source"]
    assert len(rows) == 5
    by_name = {row[0]: row for row in rows}
    assert by_name["'=HYPERLINK(1) @x"][1] == "'=cmd@acme.test"
    assert by_name["'=HYPERLINK(1) @x"][3] == "2026-07-02T00:30:00+02:00", "in the asker's own time zone"
    assert by_name["'=HYPERLINK(1) @x"][7] == "'+1"
    assert by_name[""][2] == "unknown"
    [entry] = [
        audit_entry
        for audit_entry in await world.bot.store.run(audit.list_entries)
        if audit_entry.action == AuditAction.DOWNLOADS
    ]
    assert entry.outcome == "5 lines as a file"


async def test_a_button_means_the_same_period_however_much_later(world: Environment) -> None:
    await world.start()
    build = people(world)
    answer = await world.ask("downloads courier since:7d")
    typed = _typed(answer)
    late = world.applivery.member("user", email="late@acme.test", first="Late", last="Comer")
    world.applivery.download(build, late, at=datetime.now(UTC) + timedelta(seconds=1))
    card = old_card(world.slack, world.releases, "page.v1", f"0 {typed}")
    await world.slack.click(card, "page.v1", user=world.ana)
    await world.bot.dispatcher.drain(5)
    said = text_of(world.slack.ephemerals(world.ana))
    assert "Eva Ruiz" in said
    assert "Late Comer" not in said


# ------------------------------------------------------------------ what is compared and joined


async def test_a_period_is_compared_with_the_one_before(world: Environment) -> None:
    await world.start()
    build = world.applivery.build(world.courier)
    eva = world.applivery.member(email="eva@acme.test")
    zoe = world.applivery.member(email="zoe@acme.test")
    for who, ago in ((eva, 1), (eva, 2), (zoe, 3), (eva, 9)):
        world.applivery.download(build, who, at=datetime.now(UTC) - ago * DAY)
    said = (await world.ask("downloads courier since:7d")).text
    assert "▲ 2 more than the period before (1) · ▲ 1 more person (1)." in said
    assert "than in" not in (await world.ask("downloads courier")).text
    assert "than in" not in (await world.ask("downloads courier until:today")).text


async def test_summary_shows_links_requested_beside_recorded_downloads(world: Environment) -> None:
    await world.start()
    build = people(world)
    for user in (world.ana, world.bruno):
        await world.ask(f"get {build.id}", user=user)
    said = json.dumps((await world.ask("downloads courier")).blocks, ensure_ascii=False)
    assert "Links requested in Slack (last 90 days): 2 · Unattributed: 1" in said
    said = json.dumps((await world.ask("downloads courier since:7d")).blocks, ensure_ascii=False)
    assert "Links requested in Slack: 2 · Unattributed: 1" in said


async def test_a_link_taken_on_its_page_is_one_link(world: Environment) -> None:
    await start_with_page(world)
    ready(world, os="android")
    page = PAGE.findall((await world.ask("get courier")).text)[0]
    async with aiohttp.ClientSession() as session, session.post(page) as response:
        assert response.status == 200
    for typed in ("downloads courier", "downloads courier since:1d", "downloads courier 2.4.0"):
        asked = json.dumps((await world.ask(typed)).blocks)
        assert re.search(r"Links requested in Slack[^:]*: 1\b", asked)


async def test_a_version_of_many_builds_is_asked_about_once(world: Environment) -> None:
    await world.start()
    eva = world.applivery.member(email="eva@acme.test", first="Eva", last="Ruiz")
    for number in range(6):
        world.applivery.download(world.applivery.build(world.courier, version="3.0.0", number=str(number)), eva)
    world.applivery.download(world.applivery.build(world.courier, version="4.0.0"), eva)
    said = (await world.ask("downloads courier 3.0.0")).text
    assert "Downloads of Courier 3.0.0 so far: 6 downloads · 1 person." in said
    [asked] = [request.path for request in world.applivery.requests if "downloads" in request.path]
    assert asked.endswith(f"/apps/{world.courier.id}/downloads/by-user")


async def test_summary_counts_users_on_old_build_by_last_download(world: Environment) -> None:
    await world.start()
    old, new = (world.applivery.build(world.courier, version=text) for text in ("1.0.0", "2.0.0"))
    world.applivery.build(world.courier, version="3.0.0", status="in_progress")
    now = datetime.now(UTC)
    eva, zoe = (world.applivery.member(email=f"{text}@acme.test") for text in ("eva", "zoe"))
    for build, who, ago in ((old, eva, 9), (new, eva, 1), (new, zoe, 8), (old, zoe, 2)):
        world.applivery.download(build, who, at=now - ago * DAY)
    said = (await world.ask("downloads courier")).text
    assert "On the newest version (2.0.0): 1 of 2 people (50%) · Older: 1." in said


@pytest.mark.parametrize(
    ("by", "header", "first"),
    [
        (GroupBy.VERSION, ["Version", "Downloads", "Percentage", "People on it now"], ["2.4.0", "4", "100%", "2"]),
        (GroupBy.OS, ["OS", "Downloads", "Percentage"], None),
        (GroupBy.SOURCE, ["Source", "Downloads", "Percentage"], ["Store", "4", "100%"]),
        (GroupBy.DAY, ["Day", "Downloads", "Percentage"], None),
    ],
)
async def test_a_thread_can_be_by_something_else_than_people(
    world: Environment, by: str, header: list[str], first: list[Any] | None
) -> None:
    await world.start()
    people(world)
    await world.ask(f"downloads courier by:{by}")
    _, thread = private(world, world.ana)
    table = thread[-1].blocks[0]
    [head, *rows] = [[cell["text"] for cell in row] for row in table["rows"]]
    assert head == header
    assert sum(int(row[1]) for row in rows) == 4
    assert first is None or rows[0] == first
    assert "Eva" not in text_of(thread)


# ------------------------------------------------------------------ one person


@pytest.mark.parametrize("typed", ["eva@acme.test", "EVA@acme.test", "<mailto:eva@acme.test|eva@acme.test>", "mention"])
async def test_one_person_is_asked_about_by_address_or_mention(world: Environment, typed: str) -> None:
    await world.start()
    eva = world.slack.user("eva", email="eva@acme.test")
    people(world)
    typed = f"<@{eva.id}|eva>" if typed == "mention" else typed
    said = (await world.ask(f"downloads courier person:{typed}")).text
    assert "by eva@acme.test so far: 2 downloads · 1 person" in said.replace("EVA", "eva")


async def test_summary_of_one_person_stays_private_in_manager_channel(world: Environment) -> None:
    await world.start()
    people(world)
    channel = await leads(world)
    answer = await world.ask("downloads courier person:eva@acme.test", channel=channel)
    assert answer.ephemeral_to == world.ana.id
    assert "Share here" not in labels(answer)
    card = old_card(world.slack, channel, "summary.share.v1", _typed(answer))
    turn = await world.slack.click(card, "summary.share.v1", user=world.ana)
    assert "can't be shared" in (await turn.answer()).text
    assert len(world.slack.messages(channel)) == 1  # the card itself


@pytest.mark.parametrize("typed", ["eva", "@eva", "<#C1>", "a@b@c d"])
async def test_summary_unidentifiable_person_is_asked_for(world: Environment, typed: str) -> None:
    await world.start()
    assert "person:" in (await world.ask(f'downloads courier person:"{typed}"')).text


# ------------------------------------------------------------------ when Slack refuses


async def test_summary_without_tables_and_charts_is_all_in_words(world: Environment) -> None:
    await world.start()
    people(world)
    as_usual, refused = Fault(), Fault(error="invalid_blocks")
    for fault in (as_usual, refused, as_usual, refused):
        world.slack.faults.add("chat.postMessage", fault)
    await world.ask("downloads courier")
    await world.bot.dispatcher.drain(5)
    _, thread = private(world, world.ana)
    assert [message.blocks[0]["type"] for message in thread] == ["section", "section"]
    assert "▇" in thread[0].blocks[0]["text"]["text"]
    assert "Eva Ruiz" in thread[1].blocks[0]["text"]["text"]
    assert "Unattributed" in text_of(thread[1:])


async def test_the_most_that_fits_into_words_still_fits(world: Environment) -> None:
    await world.start()
    build = world.applivery.build(world.courier)
    for number in range(120):
        who = world.applivery.member(email=f"p{number}@acme.test", first="<!channel> & <b>" * 6, last=f"{number}" * 20)
        world.applivery.download(build, who, device="x" * 90)
    for fault in (Fault(), Fault(error="invalid_blocks")):
        world.slack.faults.add("chat.postMessage", fault)
    await world.ask("downloads courier")
    await world.bot.dispatcher.drain(5)
    _, [table] = private(world, world.ana)
    said = "".join(block["text"]["text"] for block in table.blocks if block["type"] == "section")
    assert said.count(" · 1 download") == 100
    assert "<!channel>" not in said


# ------------------------------------------------------------------ the form


async def test_nothing_typed_opens_a_form_whose_answer_is_the_summary(world: Environment) -> None:
    await world.start()
    people(world)
    world.applivery.app("Driver")
    turn = await world.slack.command("/applivery", "downloads", user=world.ana, channel=world.releases)
    form = await turn.view()
    assert form.callback_id == "downloads.v1"
    apps = await world.slack.options(form, "downloads.app", "cou", user=world.ana)
    assert [app["text"]["text"] for app in apps] == ["Courier"]
    values = {"downloads.app": {"downloads.app": world.courier.id}}
    form.values["downloads.app"] = {"downloads.app": {"type": "external_select", "selected_option": apps[0]}}
    versions = await world.slack.options(form, "downloads.version", "", user=world.ana)
    assert [version["value"] for version in versions] == ["2.4.0"]
    typed = {**values, "downloads.since": {"downloads.since": "7d"}, "downloads.by": {"downloads.by": "day"}}
    await world.slack.submit(form, typed, user=world.ana)
    await world.slack.until(lambda: world.slack.ephemerals(world.ana))
    assert "3 downloads" in world.slack.ephemerals(world.ana)[0].text
    assert "by day" in private(world, world.ana)[1][-1].text


async def test_summary_unauthorised_user_gets_no_form_or_options(world: Environment) -> None:
    await world.start()
    people(world)
    answer = await world.ask("downloads", user=world.bruno)
    assert "nly managers can" in answer.text
    await world.ask(f"grant <@{world.bruno.id}|bruno> manager")
    turn = await world.slack.command("/applivery", "downloads", user=world.bruno, channel=world.releases)
    form = await turn.view()
    await world.ask(f"revoke <@{world.bruno.id}|bruno>")
    assert await world.slack.options(form, "downloads.app", "", user=world.bruno) == []


def odd_rows(build: FakeBuild, world: Environment) -> None:
    """Rows with something missing or wrong in each."""
    for member in ({"type": "martian", "memberId": "m1"}, {}, {"type": "otpUser"}, {"type": "mdmUser"}):
        world.applivery.download(build, {**member})
    late = world.applivery.download(build, world.applivery.member(email="eva@acme.test"))
    late.wire |= {"createdAt": "yesterday", "device": None, "os": [], "build": None}


async def test_rows_with_something_missing_are_shown_and_not_hidden(world: Environment) -> None:
    await world.start()
    odd_rows(world.applivery.build(world.courier), world)
    said = (await world.ask("downloads courier")).text
    assert "5 downloads · 2 people (2) · anonymous (3)" in said
    thread = text_of(private(world, world.ana)[1])
    for words in ("User m1", "One-time visitors", "Managed devices", "without a date"):
        assert words in thread
