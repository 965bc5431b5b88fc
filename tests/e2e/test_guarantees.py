"""The twelve promises of the design, each with a test that fails when it is broken."""

from __future__ import annotations

import ast
import asyncio
import hashlib
import importlib.metadata
import io
import json
import os
import pkgutil
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest

import bot
from bot.app import running
from bot.db import app_polls, builds
from bot.db import audit as stored_audit
from bot.db import subscriptions as stored_subscriptions
from bot.db import tickets as stored_tickets
from bot.domain import tickets
from bot.domain.model import FileKind, Stage
from bot.domain.states import DeliveryState
from bot.exceptions import StartupError
from sandbox.applivery.payloads import NETWORKS
from sandbox.faults import Fault
from sandbox.slack.signing import signature
from tests.conftest import Environment
from tests.support.places import everywhere
from tests.support.seeing import every_message, everything_said, everything_stored, labels, link, press
from tests.support.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
READERS = {
    name
    for module in ("settings.", "bot_settings.")
    for name in (f"{module}read", f"{module}read_slack_app", f"{module}read_upload", f"{module}Settings", "Settings")
}
MINTING = "GET */downloadToken"
TOKEN = re.compile(r"/v1/download/([\w-]+)")


async def card(world: Environment, version: str = "2.4.0", **about: Any) -> Any:
    """A build announced to #releases, as everybody there sees it."""
    if not await world.bot.store.run(stored_subscriptions.list_subscriptions):
        await world.ask("subscribe courier")
    world.applivery.build(world.courier, version=version, **about)
    await world.look()
    return world.slack.messages(world.releases)[-1]


async def scraped(world: Environment) -> str:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{world.bot.web.port}/metrics") as answer:
            return await answer.text()


async def every_way(world: Environment) -> None:
    """Everything this bot says: each command, each button, each card, a form, a refusal, a mishap."""
    shown = await card(world, changelog="Faster https://docs.acme.test/notes")
    member = world.applivery.member("employee", email="eva@acme.test", first="Eva", last="Ruiz")
    world.applivery.download(world.applivery.builds[0], member)
    failed = world.applivery.build(world.courier, version="2.5.0", status="pending", os="android")
    await world.look()
    world.applivery.fail(failed, error="see https://docs.acme.test/why")
    await world.look()
    for words in ("", "help", "help get", "get courier", "get courier type:file", "get nothing", "builds courier",
                  "status courier", "downloads courier", "subscriptions", "subscribe *", "unsubscribe *", "nonsense",
                  "get courier since:whenever"):  # fmt: skip
        answer = await world.ask(words)
        if words == "get courier":
            await (await press(world.slack, answer, "Fresh link", user=world.ana)).answer()
    await (await press(world.slack, shown, "Get build", user=world.bruno)).answer()
    await world.ask("downloads courier", user=world.bruno)
    world.applivery.faults.add(MINTING, Fault(status=500))
    await world.ask("get courier")
    world.applivery.app("Driver", slug="driver")
    await world.bot.dispatcher.services.apps.apps(fresh=True)
    turn = await world.slack.command("/applivery", "get", user=world.ana, channel=world.releases)
    form = await turn.view()
    submitted = await world.slack.submit(form, {"get.app": {"get.app": world.courier.id}}, user=world.ana)
    assert submitted.acked
    world.releases.archived = True
    world.applivery.build(world.courier, version="2.6.0")
    await world.look()
    await world.slack.until(lambda: [m for m in every_message(world.slack) if "is paused in" in m.text])
    world.releases.archived = False


# ------------------------------------------------------------------ 1


@everywhere
async def test_promise_01_token_only_in_private_reply_to_asker(world: Environment, log: io.StringIO) -> None:
    await world.start()
    await every_way(world)
    for trouble in (Fault(drop_after=True), Fault(status=500, error="no")):
        world.applivery.faults.add(MINTING, trouble)
        await world.ask("get courier")
    metrics = await scraped(world)
    audit = repr(await world.bot.store.run(stored_audit.list_entries))
    await world.stop()

    tokens = [token.token for token in world.applivery.minted]
    assert len(tokens) >= 5
    found = 0
    for message in every_message(world.slack, own=False):
        for token in TOKEN.findall(json.dumps(message.saved())):
            found += 1
            assert token in tokens
            assert message.ephemeral_to in (world.ana.id, world.bruno.id)
    assert found >= 5, "the private replies do carry them, so this test can see one"
    stored = everything_stored(world.folder)
    assert world.courier.id.encode() in stored
    assert "service.started" in log.getvalue()
    assert "applivery_bot_mints_total" in metrics
    for token in tokens:
        assert token not in log.getvalue()
        assert token not in metrics
        assert token not in audit
        assert token.encode() not in stored
    for secret in ("xoxb-sandbox", "xapp-sandbox", "sandbox-signing-secret", world.applivery.token):
        assert secret not in log.getvalue()
        assert secret.encode() not in stored


async def test_promise_01_ledger_keeps_hash_of_token(world: Environment) -> None:
    await world.start()
    world.applivery.build(world.courier)
    await world.ask("get courier")
    (row,) = await world.bot.store.run(stored_audit.list_entries)
    assert row.token_hash == hashlib.sha256(world.applivery.minted[0].token.encode()).hexdigest()


@everywhere
async def test_promise_01_click_answer_seen_only_by_clicker(world: Environment) -> None:
    await world.start()
    shown = await card(world)
    answer = await (await press(world.slack, shown, "Get build", user=world.bruno)).answer()
    assert answer.ephemeral_to == world.bruno.id
    assert not [message for message in world.slack.ephemerals(world.ana) if TOKEN.search(str(message.saved()))]


# ------------------------------------------------------------------ 2


async def test_promise_02_card_has_button_no_link_and_mints_nothing(world: Environment) -> None:
    await world.start()
    shown = await card(world)
    assert "Get build" in labels(shown)
    assert "/download/" not in json.dumps(shown.saved())
    assert world.applivery.minted == []


@dataclass
class Clock:
    """The bot's clock, which can be put forward."""

    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock(world: Environment) -> Clock:
    clock = Clock()
    world.tuning = replace(world.tuning, clock=clock)
    return clock


@everywhere
async def test_promise_02_each_click_mints_fresh_token_for_clicker(world: Environment, clock: Clock) -> None:
    await world.start()
    shown = await card(world)
    found = []
    for user in (world.ana, world.bruno, world.ana):
        found.append(link(await (await press(world.slack, shown, "Get build", user=user)).answer()))
        clock.ahead += timedelta(minutes=1)  # no double click
    assert len(set(found)) == 3
    assert len(world.applivery.minted) == 3
    assert world.applivery.spent == []


@everywhere
async def test_promise_02_button_works_after_all_links_expired(world: Environment, clock: Clock) -> None:
    world.applivery.token_life = 0.0
    await world.start()
    shown = await card(world)
    stale = link(await (await press(world.slack, shown, "Get build", user=world.ana)).answer())
    world.applivery.token_life = 300.0
    clock.ahead = timedelta(days=90)
    await world.restart()
    fresh = link(await (await press(world.slack, shown, "Get build", user=world.ana)).answer())
    async with aiohttp.ClientSession() as session:
        async with session.get(stale) as response:
            assert response.status == 401
        async with session.get(fresh) as response:
            assert response.status == 200


@pytest.mark.parametrize("trouble", [Fault(drop_after=True), Fault(drop=True), Fault(status=503), Fault(status=429)])
async def test_promise_02_minting_is_never_repeated_by_itself(world: Environment, trouble: Fault) -> None:
    await world.start()
    world.applivery.build(world.courier)
    await world.ask("builds courier")  # so that a connection is open, which a library may want to use again
    world.applivery.faults.add(MINTING, trouble)
    answer = await world.ask("get courier")
    assert not TOKEN.search(answer.text)
    assert len([request for request in world.applivery.requests if request.path.endswith("/downloadToken")]) == 1


# ------------------------------------------------------------------ 3


@everywhere
async def test_promise_03_every_message_kind_stops_crawler(world: Environment) -> None:
    await world.start()
    await every_way(world)
    await world.slack.settled()
    said = every_message(world.slack)
    assert len(said) > 20
    assert {(message.unfurl_links, message.unfurl_media) for message in said} == {(False, False)}
    assert world.slack.crawled == []
    assert world.applivery.spent == []

    # The crawler is really there: what a person writes is fetched, and burns the link.
    answer = await world.ask("get courier")
    world.slack.say(f"<{link(answer)}>", world.ana, world.releases)
    await world.slack.settled()
    assert len(world.applivery.spent) == 1


@everywhere
async def test_promise_03_click_answer_leaves_shared_card_unchanged(world: Environment) -> None:
    await world.start()
    shown = await card(world)
    before = json.dumps(shown.saved())
    for user in (world.ana, world.bruno):
        await (await press(world.slack, shown, "Get build", user=user)).answer()
    assert json.dumps(shown.saved()) == before
    assert world.slack.messages(world.releases) == [shown]
    uses = [body for _, body, _ in world.slack.responses.uses][-2:]
    assert [(entry["replace_original"], entry["response_type"]) for entry in uses] == [(False, "ephemeral")] * 2


@everywhere
async def test_promise_03_claim_page_get_spends_nothing_post_once(world: Environment) -> None:
    await world.start(public_url="http://127.0.0.1:9")
    build = world.applivery.build(world.courier, os="android")
    ticket = tickets.new_ticket()
    await world.bot.store.run(
        stored_tickets.issue_ticket, tickets.fingerprint(ticket),
        team_id="T", user_id=world.bruno.id, app_id=world.courier.id, build_id=build.id,
        kind=FileKind.AUTO, file_id=None, life_seconds=600.0, origin="",
    )  # fmt: skip
    page = f"http://127.0.0.1:{world.bot.web.port}/b/{ticket}"
    async with aiohttp.ClientSession() as session:
        for _ in range(3):
            for look in (session.get, session.head):
                async with look(page, allow_redirects=False) as answer:
                    assert answer.status == 200
        assert world.applivery.minted == []
        async with session.post(page, allow_redirects=False) as answer:
            assert answer.status < 400
    assert len(world.applivery.minted) == 1


# ------------------------------------------------------------------ 4


@pytest.fixture
def housed(database: str, world: Environment) -> Environment:
    """The world, once on each database."""
    world.database = database
    world.tuning = replace(world.tuning, lease_seconds=0.7, slack_seconds=0.6)
    return world


def execute(address: str, statement: str) -> None:
    """Do something behind the bot's back."""
    if address.startswith("sqlite"):
        with closing(sqlite3.connect(address.removeprefix("sqlite:///"), timeout=5)) as database, database:
            database.execute(statement)
    else:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]


NO_ANNOUNCEMENTS = {
    "sqlite": (
        "CREATE TRIGGER away BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'no announcements'); END",
        "DROP TRIGGER away",
    ),
    "postgresql": (
        f"ALTER TABLE outbox ADD CONSTRAINT away CHECK (state <> '{DeliveryState.DUE}') NOT VALID",
        "ALTER TABLE outbox DROP CONSTRAINT away",
    ),
}


async def test_promise_04_stage_and_announcement_are_one_commit(housed: Environment) -> None:
    await housed.start()
    await housed.ask("subscribe courier")
    build = housed.applivery.build(housed.courier, version="1.0.0", status="pending")
    await housed.look()
    housed.applivery.move(build, "processed")

    forbid, allow = NO_ANNOUNCEMENTS[housed.database.partition(":")[0]]
    execute(housed.database, forbid)
    try:
        await housed.bot.store.run(app_polls.request_poll, None)
        with suppress(Exception):
            await housed.bot.watch.step()
        known = await housed.bot.store.run(builds.list_known, housed.courier.id)
        assert {key: how.stage for key, how in known.items()} == {build.id: Stage.PENDING}, (
            "without its announcement the stage is not remembered either"
        )
    finally:
        execute(housed.database, allow)

    await housed.restart()
    await housed.look()
    await housed.settle()
    assert housed.said() == ["✅ Courier 1.0.0 (1) for iOS is ready."]


@everywhere
async def test_promise_04_decision_survives_process_death(housed: Environment) -> None:
    await housed.start()
    await housed.ask("subscribe courier")
    housed.applivery.build(housed.courier, version="1.0.0")
    await housed.bot.store.run(app_polls.request_poll, None)
    await housed.bot.watch.step()
    await housed.restart()
    housed.applivery.faults.add("GET *", Fault(status=403), times=None)  # it is not asked again, either
    await housed.settle()
    assert housed.said() == ["✅ Courier 1.0.0 (1) for iOS is ready."]


@everywhere
async def test_promise_04_unmarked_post_is_found_and_not_repeated(housed: Environment) -> None:
    await housed.start()
    await housed.ask("subscribe courier")
    housed.applivery.build(housed.courier, version="1.0.0")
    await housed.bot.store.run(app_polls.request_poll, None)
    await housed.bot.watch.step()
    await housed.bot.announce.step()
    await housed.slack.until(lambda: len(housed.said()) == 1)
    await housed.restart()  # by hand there is no finish: the process never heard that Slack took it
    await housed.settle()
    assert housed.said() == ["✅ Courier 1.0.0 (1) for iOS is ready."]
    assert len(housed.slack.calls_of("conversations.history")) == 1


async def test_promise_04_claimed_before_post_and_marked_after(housed: Environment) -> None:
    await housed.start()
    await housed.ask("subscribe courier")
    housed.applivery.build(housed.courier, version="1.0.0")
    await housed.bot.store.run(app_polls.request_poll, None)
    await housed.bot.watch.step()
    states: list[list[str]] = []
    housed.slack.listeners.append(
        lambda what, about: (
            states.append(states_of(housed.database))
            if what == "message" and about["channel"] == housed.releases.id
            else None
        )
    )
    await housed.settle()
    assert states == [[DeliveryState.SENDING]], "while Slack stores it, it is claimed and not yet marked"
    assert states_of(housed.database) == [DeliveryState.POSTED]


def states_of(address: str) -> list[str]:
    statement = "SELECT state FROM outbox"
    if address.startswith("sqlite"):
        with closing(sqlite3.connect(address.removeprefix("sqlite:///"), timeout=5)) as database:
            return [row[0] for row in database.execute(statement)]
    with psycopg.connect(address) as connection:
        return [row[0] for row in connection.execute(statement)]


# ------------------------------------------------------------------ 5


@pytest.mark.parametrize("database", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
async def test_promise_05_two_replicas_post_once_and_share_polling(housed: Environment) -> None:
    seldom = {"poll_idle_seconds": 3600, "poll_busy_seconds": 3600}
    await housed.start(**seldom)
    apps = [housed.applivery.app(f"App {number}", slug=f"app-{number}") for number in range(6)]
    for app in apps:
        await housed.ask(f"subscribe {app.slug}")
    await housed.look()
    service = housed.bot
    async with running(housed.settings(**seldom), housed.tuning, jobs=False) as other:
        for app in apps:
            housed.applivery.build(app, version="1.0.0")
        await service.store.run(app_polls.request_poll, None)
        before = len(housed.applivery.requests)
        await asyncio.gather(*(replica.watch.step() for replica in (service, other)))
        lists = [r.path for r in housed.applivery.requests[before:] if r.path.endswith("/builds")]
        assert sorted(lists) == sorted({*lists}), "an app is polled by one of them"
        assert len(lists) == len(apps)
        await asyncio.gather(*(replica.announce.drain() for replica in (service, other)))
    assert sorted(housed.said()) == sorted(f"✅ {app.name} 1.0.0 (1) for iOS is ready." for app in apps)
    assert len(housed.slack.calls_of("chat.postMessage")) == len(apps)


async def test_promise_05_second_sqlite_process_is_refused(world: Environment, tmp_path: Path) -> None:
    await world.start()
    environment = {
        name.upper(): value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
        for name, value in world.settings().model_dump(exclude_none=True).items()
        if value != ()
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run",
        cwd=tmp_path, env={**environment, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 1
    words = err.decode().strip()
    assert f"Another process (id {os.getpid()}) is using the database" in words
    assert "PostgreSQL" in words
    assert "Traceback" not in words + out.decode()
    with pytest.raises(StartupError):
        async with running(world.settings(), world.tuning):
            pass


# ------------------------------------------------------------------ 6


@everywhere
@pytest.mark.parametrize("app", ["courier", "*"])
async def test_promise_06_the_first_start_announces_no_history(world: Environment, app: str) -> None:
    for number in range(12):
        world.applivery.build(world.courier, version=f"1.{number}", status=("processed", "error")[number % 2])
    processing = world.applivery.build(world.courier, version="2.0.0", status="in_progress")
    await world.start()
    await world.ask(f"subscribe {app} on:uploaded,processed,failed")
    await world.look()
    await world.look()
    assert [text for text in world.said() if " 1." in text] == []
    said = len(world.said())

    world.applivery.move(processing, "processed")
    await world.look()
    assert world.said()[said:] == ["✅ Courier 2.0.0 (1) for iOS is ready."], "except what is still being processed"


# ------------------------------------------------------------------ 7


@pytest.mark.parametrize(
    ("status", "card"),
    [
        ("processed", "✅ Courier 1.0.0 (1) for iOS is ready."),
        ("success", "✅ Courier 1.0.0 (1) for iOS is ready."),
        ("error", "❌ Courier 1.0.0 (1) for iOS failed to process."),
        ("failed", "❌ Courier 1.0.0 (1) for iOS failed to process."),
        ("in_progress", None),
        ("thawing", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
async def test_promise_07_status_maps_to_ready_failed_or_running(
    world: Environment, status: Any, card: str | None
) -> None:
    """Processed is ready, error is failed and every other status is running."""
    await world.start()
    await world.ask("subscribe courier")
    world.applivery.build(world.courier, version="1.0.0", status=status)
    await world.look()
    assert world.said() == ([card] if card else [])


@everywhere
async def test_promise_07_unknown_and_missing_things_crash_nothing(world: Environment, log: io.StringIO) -> None:
    await world.start()
    await world.ask("subscribe courier")
    await world.look()
    build = world.applivery.build(world.courier, version="1.0.0", flavour={"new": [1]}, deployer=None, uploader={})
    for key in ("size", "os", "tags", "info", "createdAt", "applicationInfo"):
        build.wire.pop(key)
    for kind in ("robot", None, 7, ""):
        world.applivery.download(build, {"type": kind, "secretField": 1}, device=None)

    def odder(body: Any) -> Any:
        body["meta"] = {"new": True}
        items = body.get("data", {}).get("items") if isinstance(body.get("data"), dict) else None
        if isinstance(items, list):
            items.insert(0, {"what": "is this"})
        return body

    world.applivery.reshape("GET *", odder)
    await world.look()
    assert len(world.said()) == 1
    for words in ("get courier", "builds courier", "status courier", "downloads courier", "subscriptions"):
        answer = await world.ask(words)
        assert "our side" not in answer.text, (words, answer.text)
    for code in (1, 9999, None):
        world.applivery.faults.add("GET */builds", Fault(status=418, code=code, error="teapot"))
        assert "Applivery" in (await world.ask("builds courier")).text
    assert "unexpected" not in log.getvalue()


async def test_promise_07_only_documented_parameters_are_sent(world: Environment) -> None:
    await world.start()
    await every_way(world)
    documented = {
        "/builds": {"page", "limit", "sort", "versionName", "status", "os"},
        "/apps": {"page", "limit", "sort"},
        "/downloadToken": {"type", "fileId"},
        "/by-user": {"email", "iniDate", "endDate"},
    }
    assert len(world.applivery.requests) > 10
    for request in world.applivery.requests:
        allowed = next((keys for end, keys in documented.items() if request.path.endswith(end)), set())
        assert set(request.query) <= allowed, request
        assert request.status != 400, request


# ------------------------------------------------------------------ 8


async def test_promise_08_parser_drops_download_locations(world: Environment, log: io.StringIO) -> None:
    await world.start()
    build = world.applivery.build(world.courier, version="1.0.0")
    for number in range(4):
        member = world.applivery.member("user", email=f"p{number}@acme.test", first="Pia", last=f"Nr{number}")
        world.applivery.download(build, member)
    for words in ("downloads courier", "downloads courier 1.0.0"):
        await world.ask(words)
    metrics = await scraped(world)
    await world.stop()
    said = everything_said(world.slack)
    assert "Pia Nr3" in said, "the rows were read"
    places = (said, log.getvalue(), metrics, everything_stored(world.folder).decode("latin-1"))
    for network in NETWORKS:
        for key, value in network.items():
            if len(str(value)) > 2:  # a two-letter country code stands in any text
                assert not [place for place in places if str(value) in place], (key, value)


@everywhere
async def test_promise_08_names_private_to_manager_counts_in_channel(world: Environment) -> None:
    await world.start()
    build = world.applivery.build(world.courier, version="1.0.0")
    world.applivery.download(build, world.applivery.member("user", email="eva@acme.test", first="Eva", last="Ruiz"))
    answer = await world.ask("downloads courier")
    assert "1 download · 1 person" in answer.text
    assert (await world.ask("downloads courier", user=world.bruno)).text.startswith("Only managers can see downloads.")
    for message in every_message(world.slack):
        if "Eva" in str(message.saved()) or "eva@acme.test" in str(message.saved()):
            assert message.channel == world.slack.dm(world.ana).id
            assert message.thread_ts, "in the thread"
            break
    else:
        pytest.fail("nobody was told the name")


# ------------------------------------------------------------------ 9


@everywhere
@pytest.mark.parametrize("way", ["socket", "http"])
async def test_promise_09_command_acknowledged_at_once_when_slow(world: Environment, way: str) -> None:
    await world.start(**({} if way == "socket" else {"slack_app_token": None}))
    world.applivery.build(world.courier)
    world.applivery.faults.add("GET *", Fault(latency=0.8), times=None)
    words = ["get courier", "builds courier", "status courier", "downloads courier", "subscribe courier", "nonsense"]
    turns = await asyncio.gather(
        *(world.slack.command("/applivery", text, user=world.ana, channel=world.releases) for text in words)
    )
    assert [turn.error for turn in turns] == [None] * len(words)
    assert max(turn.ack_seconds or 9 for turn in turns) < 0.75, "before Applivery said anything"
    world.applivery.faults.clear()
    for turn in turns:
        assert (await turn.answer()).text


async def test_promise_09_unexpected_error_reference_is_in_log(world: Environment, log: io.StringIO) -> None:
    await world.start()
    execute(world.database, "DROP TABLE subscriptions")
    answer = await world.ask("subscriptions")
    reference = re.search(r"reference ([0-9a-f]{8})", answer.text)
    assert reference, answer.text
    assert reference[1] in log.getvalue()
    assert "SELECT" not in answer.text
    assert "Traceback" not in answer.text


@everywhere
@pytest.mark.parametrize("words", ["frobnicate", "get couriers", "get courier 99", "get courier #x", 'get "', "watch"])
async def test_promise_09_bad_input_gets_words_and_a_next_step(world: Environment, words: str) -> None:
    await world.start()
    world.applivery.build(world.courier)
    answer = await world.ask(words)
    assert answer.ephemeral_to == world.ana.id
    assert len(answer.text.split()) >= 4 or "Show help" in str(answer.blocks), "a sentence, or a button that goes on"
    assert "our side" not in answer.text


# ------------------------------------------------------------------ 10

PINGS = "<!channel> <!here> <@U0S000001> <#C1> <!subteam^S1> <https://evil.test|Install> & `code` *bold*"


async def test_promise_10_external_text_is_inert_everywhere(world: Environment) -> None:
    world.courier["name"] = f"Courier {PINGS}"
    await world.start()
    await world.ask("subscribe courier on:uploaded,processed,failed")
    outside = {"version": PINGS, "branch": PINGS, "tag": PINGS, "changelog": PINGS, "tags": (PINGS,), "commit": PINGS}
    who = {"firstName": PINGS, "lastName": "", "email": ""}
    build = world.applivery.build(world.courier, number=PINGS, commit_message=PINGS, uploader=who, **outside)
    failed = world.applivery.build(world.courier, status="pending", number="2", **outside)
    await world.look()
    world.applivery.fail(failed, error=PINGS, code=PINGS)
    await world.look()
    world.applivery.download(build, world.applivery.member("user", first=PINGS, last=PINGS), device=PINGS)
    for words in ("builds courier", "status courier", f"get courier {build.id}", "downloads courier", "subscriptions",
                  f"get {PINGS}", PINGS):  # fmt: skip
        await world.ask(words)
    assert len(world.said()) == 2, "a card for each, and the first has a thread"
    inert = 0
    for message in every_message(world.slack):
        for text in mrkdwn(message):
            inert += "&lt;!channel&gt;" in text
            assert not re.search(r"<(?!!date\^|@U0S0000\d+>|#C0S|http://127|https://ci\.acme\.example/)[^>]*>", text), (
                text
            )
            assert "<https://evil" not in text
            assert "<!channel" not in text
            assert not re.search(r"&(?!amp;|lt;|gt;)", text), text
    assert inert >= 10, "it was shown, escaped"


def mrkdwn(message: Any) -> list[str]:
    """Every text of a message in which Slack reads < and > as its own marks."""
    found = [message.text]

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            if part.get("type") == "mrkdwn":
                found.append(part["text"])
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(message.blocks)
    return found


async def test_promise_10_long_text_is_cut_and_marked(world: Environment, log: io.StringIO) -> None:
    long = "&" * 5000 + "\n" + "très long 👩‍👩‍👧 " * 3000
    await world.start()
    await world.ask("subscribe courier on:uploaded,processed,failed")
    about = {"version": long, "branch": long, "tag": long, "changelog": long, "commit": long, "commit_message": long}
    world.applivery.build(world.courier, number=long, tags=(long,) * 50, **about)
    failed = world.applivery.build(world.courier, status="error", error=long, errorCode=long, **about)
    failed.wire["error"] = long
    await world.look()
    assert len(world.said()) == 2
    assert "card_refused" not in log.getvalue()
    for shown in world.slack.messages(world.releases):
        assert shown.blocks
        assert "…" in str(shown.blocks)
        assert "'What's new'" in str(shown.blocks).replace('"', "'"), "the rest is in the card's menu"
    for words in ("builds courier", "status courier", "get courier type:file", "subscriptions"):
        answer = await world.ask(words)
        assert answer.blocks, words
        assert "our side" not in answer.text, words
    assert not [call for call in world.slack.calls if call.answer and not call.answer["ok"]]


# ------------------------------------------------------------------ 11


@everywhere
@pytest.mark.parametrize("who", ["stranger", "guest", "bot", "deleted"])
async def test_promise_11_people_who_may_not_are_refused_at_every_door(world: Environment, who: str) -> None:
    await world.start()
    shown = await card(world)
    eve = world.slack.user(
        "eve", guest=who == "guest", team_id="T0ELSEWHERE" if who == "stranger" else None, admin=False
    )
    eve.bot, eve.deleted = who == "bot", who == "deleted"
    world.releases.members.append(eve.id)
    before, subscriptions = (
        len(world.applivery.requests),
        await world.bot.store.run(stored_subscriptions.list_subscriptions),
    )
    for words in ("", "get courier", "builds courier", "downloads courier", "unsubscribe courier", "subscribe *"):
        answer = await world.ask(words, user=eve)
        assert answer.ephemeral_to == eve.id
        assert re.search(r"organi[sz]ation|Guests|members of this workspace", answer.text), answer.text
    answer = await (await press(world.slack, shown, "Get build", user=eve)).answer()
    assert not TOKEN.search(answer.text)
    link = "https://dashboard.applivery.io/acme/apps/courier"
    message = world.slack.say(link, eve, world.releases)
    where = {"user": eve.id, "channel": world.releases.id, "message_ts": message.ts}
    await world.slack.event({"type": "link_shared", **where, "links": [{"url": link}]})
    await world.slack.event({"type": "entity_details_requested", **where, "trigger_id": "1.2", "entity_url": link})
    await world.bot.dispatcher.drain(5)
    assert message.cards == []
    assert len(world.applivery.requests) == before, "nothing was even asked"
    assert world.applivery.minted == []
    assert await world.bot.store.run(stored_subscriptions.list_subscriptions) == subscriptions
    assert 'outcome="denied"' in await scraped(world), "and it is counted"


async def test_promise_11_bad_signature_or_timestamp_is_counted(world: Environment) -> None:
    """A wrong signature or a stale timestamp does nothing and is counted."""
    await world.start(slack_app_token=None)
    world.applivery.build(world.courier)
    body = f"command=/applivery&text=get+courier&user_id={world.ana.id}&team_id={world.slack.team_id}"
    body += f"&channel_id={world.releases.id}&response_url=http://127.0.0.1:9/x"
    now, old = str(int(time.time())), str(int(time.time()) - 600)
    secret = "sandbox-signing-secret"
    forgeries = [
        {},
        {"X-Slack-Request-Timestamp": now},
        {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": signature("guess", now, body)},
        {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": signature(secret, now, body + "&x=1")},
        {"X-Slack-Request-Timestamp": old, "X-Slack-Signature": signature(secret, old, body)},
        {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": signature(secret, old, body)},
        {"X-Slack-Request-Timestamp": "soon", "X-Slack-Signature": "v0=00"},
        {"X-Slack-Request-Timestamp": "9" * 5000, "X-Slack-Signature": "v0=00"},
    ]
    url = f"http://127.0.0.1:{world.bot.web.port}/slack/events"
    async with aiohttp.ClientSession(headers={"Content-Type": "application/x-www-form-urlencoded"}) as session:
        for headers in forgeries:
            async with session.post(url, data=body, headers=headers) as answer:
                assert answer.status in (400, 401), headers
        await world.bot.dispatcher.drain(1)
        assert world.applivery.requests == []
        counted = re.search(r'outcome="unverified"\} (\d+)', await scraped(world))
        assert counted
        assert int(counted[1]) == len(forgeries)
        good = {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": signature(secret, now, body)}
        async with session.post(url, data=body, headers=good) as answer:
            assert answer.status == 200, "the signature alone made the difference"


async def test_promise_11_forged_webhook_or_ticket_is_counted(world: Environment) -> None:
    """A forged webhook or a guessed ticket does nothing and is counted."""
    seldom = {"poll_idle_seconds": 3600, "poll_busy_seconds": 3600}
    await world.start(applivery_webhook_secret="a-long-random-word", public_url="http://127.0.0.1:9", **seldom)
    await world.ask("subscribe courier")
    await world.look()
    requests = len(world.applivery.requests)
    base = f"http://127.0.0.1:{world.bot.web.port}"
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{base}/webhooks/applivery/guess", data=b"{}") as answer:
            assert answer.status == 404
        for method in ("GET", "POST"):
            async with session.request(method, f"{base}/b/{tickets.new_ticket()}") as answer:
                assert answer.status == 404
    assert (await world.bot.store.run(app_polls.poll_due_in) or 0) > 0, "nobody looks sooner"
    assert len(world.applivery.requests) == requests
    metrics = await scraped(world)
    assert 'applivery_bot_webhooks_total{outcome="forged"} 1.0' in metrics
    assert re.search(r'applivery_bot_claims\w*_total\{outcome="unknown"\} 2.0', metrics), metrics


# ------------------------------------------------------------------ 12


def test_promise_12_importing_any_module_reads_no_settings(tmp_path: Path) -> None:
    scripts = ("bot.__main__", "bot.db.migrations.env")  # run by Python and by Alembic, never imported
    names = [module.name for module in pkgutil.walk_packages(bot.__path__, "bot.") if module.name not in scripts]
    assert len(names) > 60
    tmp_path.joinpath(".env").write_text("SLACK_BOT_TOKEN=not-a-token\nPORT=many\n")
    wrong = {"SLACK_BOT_TOKEN": "not-a-token", "PORT": "many", "DATABASE_URL": "nowhere", "PYTHONPATH": str(ROOT)}
    traced = f"""
import importlib, os
reads = []
class Watched(dict):
    def __getitem__(self, key): reads.append(key); return super().__getitem__(key)
    def get(self, key, default=None): reads.append(key); return super().get(key, default)
    def __contains__(self, key): reads.append(key); return super().__contains__(key)
import bot.settings
os.environ = Watched(os.environ)
for name in {names}:
    importlib.import_module(name)
ours = [name for name in bot.settings.EXAMPLES if name in reads or name.upper() in reads]
assert not ours, ours
"""
    done = subprocess.run(
        [sys.executable, "-c", traced], cwd=tmp_path, env=wrong, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_promise_12_settings_are_read_in_cli_and_nowhere_else() -> None:
    readers, peekers = set(), set()
    for file in sorted((ROOT / "bot").rglob("*.py")):
        name = str(file.relative_to(ROOT / "bot"))
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in READERS:
                readers.add(name)
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv"):
                peekers.add(name)
    asking = {"cli/program.py", "cli/settings_process.py", "cli/upload_command.py", "cli/attach_command.py"}
    assert readers == asking, "settings.py knows how, the command line asks"
    # the CI system's own variables, which are no settings of ours; where systemd has put files of secrets; what a
    # program of PostgreSQL's is started with; and the proxies, as every program reads them
    assert peekers == {"cli/upload_command.py", "settings.py", "db/postgres_tools.py", "http_proxy.py"}


def test_promise_12_installed_program_reads_settings() -> None:
    (script,) = importlib.metadata.distribution("applivery-bot").entry_points.select(name="applivery-bot")
    assert script.value == "bot.cli:main"
