"""`status` without a build: an admin reads how the bot does, by the same looks as /readyz and /metrics."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import structs

import bot
from bot import __version__
from bot.db import app_polls, subscriptions
from bot.domain.health import (
    AppliveryHealth,
    DatabaseHealth,
    Health,
    LastOutage,
    OutboxHealth,
    PollingHealth,
    SlackHealth,
)
from bot.exceptions import DatabaseUnavailable, ServiceUnavailable
from bot.i18n import english, use_locale
from bot.slack.views.health import PARTS, health, summary
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.integration.web.test_server import ask
from tests.support.handing import ready, seen
from tests.support.seeing import labels, press
from tests.support.waiting import busyness, patience

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
WELL = Health(
    slack=SlackHealth(True, 2, 2),
    applivery=AppliveryHealth(7950, 8000),
    database=DatabaseHealth(True, "postgresql", "16.4", "0006"),
    polling=PollingHealth(True, 1200, 0, NOW),
    to_say=OutboxHealth(0),
    trouble=None,
    version="1.2.3",
    started_at=NOW,
)


def told(message: Any) -> str:
    """What a person reads in the blocks of a message that was not sent."""
    return seen(SimpleNamespace(blocks=list(message.blocks)))  # type: ignore[arg-type]


async def test_an_admin_who_names_no_build_reads_how_the_bot_does(world: Environment) -> None:
    ready(world)
    await world.start()
    await world.ask("subscribe courier")
    await world.look()
    answer = await world.ask("status")
    lines = seen(answer).splitlines()
    assert lines[0] == "*Everything works*"
    assert lines[1] == "✅ *Slack* · 1 of 1 connection"
    assert re.match(r"✅ \*Applivery\* · 7,99\d of 8,000 requests left this hour$", lines[2])
    assert lines[3].startswith("✅ *Database* · SQLite 3.")
    assert lines[4] == "✅ *Polling* · 1 app"
    assert lines[5] == "✅ *Announcements* · none waiting"
    assert lines[6].startswith(f"Version {__version__} · up since <!date^")
    assert "checked <!date^" in lines[6], "it says how old it is"
    assert lines[7].startswith("Claim page off: set `PUBLIC_URL`")
    for line in ("*Slack*", "*Database*", "*Announcements* · none waiting"):
        assert line in answer.text, "the text alone says it all"
    assert labels(answer) == ["Check again", "Newest build"]


async def test_from_there_a_click_leads_to_the_newest_build(world: Environment) -> None:
    ready(world)
    await world.start()
    answer = await world.ask("status")
    turn = await press(world.slack, answer, "Newest build", user=world.ana)
    assert "Courier 2.4.0 (173) for iOS: ✅ ready" in (await turn.answer()).text


async def test_health_for_non_global_admin_is_newest_build(world: Environment) -> None:
    ready(world)
    await world.start()
    await world.ask(f"grant <@{world.bruno.id}|bruno> admin app:courier")
    answer = await world.ask("status", user=world.bruno)
    assert "Courier 2.4.0 (173) for iOS: ✅ ready" in answer.text
    assert "Slack" not in answer.text
    assert "No build of Courier matches" in (await world.ask("status os:macos")).text, (
        "an admin who filters means a build"
    )


async def test_over_http_it_says_whether_slack_takes_the_token(world: Environment) -> None:
    await world.start(slack_app_token=None)
    assert "✅ *Slack* · HTTP mode" in seen(await world.ask("status"))


async def test_health_without_applivery_reported_watched_or_not(world: Environment) -> None:
    await world.start()
    world.applivery.faults.add("GET /v1/*", Fault(status=500), times=None)
    text = seen(await world.ask("status"))
    assert text.startswith("*Needs attention*")
    assert "⚠️ *Applivery* · Applivery" in text
    assert "✅ *Polling* · no apps yet" in text


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(status=500), "(HTTP 500)"),
        (Fault(drop=True), "(the connection was closed before an answer came)"),
        (Fault(status=401, code=4004), "(HTTP 401, code 4004)"),
        (Fault(status=403), "(HTTP 403)"),
        (Fault(status=404, code=3001), "(HTTP 404, code 3001)"),
        (Fault(body="null"), "(HTTP 200, null)"),
        (Fault(latency=30), "(no answer in time)"),
    ],
)
async def test_status_asks_afresh(world: Environment, fault: Fault, words: str) -> None:
    await world.start()
    await world.ask("subscribe courier")
    await world.look()
    assert seen(await world.ask("status")).startswith("*Everything works*")
    world.applivery.faults.add("GET *", fault, times=None)
    started = time.monotonic()
    text = seen(await world.ask("status"))
    assert time.monotonic() - started < 6 * busyness(), "a person waits for it"
    assert text.startswith("*Needs attention*")
    line = next(candidate for candidate in text.splitlines() if "*Applivery*" in candidate)
    assert line.startswith("⚠️ *Applivery* · ")
    assert words in line
    assert "last success <!date^" in line, "how old what is known is"
    world.applivery.faults.clear()
    async with patience():  # a question from before that hangs is shared until its own time is over
        while "✅ *Applivery* · " not in seen(await world.ask("status")):
            await asyncio.sleep(0.2)


async def test_status_asks_slack_afresh(world: Environment) -> None:
    await world.start()
    world.slack.faults.add("auth.test", Fault(error="token_revoked"), times=None)
    text = seen(await world.ask("status"))
    assert "⚠️ Slack · 1 of 1 connection (" in text.replace("*", "")
    assert "revoked)" in text, "the cause"
    answer = await ask(world, "GET", "/readyz")
    assert answer.json["checks"]["slack"]["ok"] is False, "a refusal is known at once, however fresh the last answer is"


async def test_status_wakes_polls_that_wait(world: Environment) -> None:
    await world.start(poll_idle_seconds=3600)
    await world.ask("subscribe courier")
    await world.look()
    world.applivery.faults.add("GET *", Fault(status=403), times=None)
    for _ in range(3):
        await world.look()
    assert "⚠️ *Polling* · 1 app · 1 behind" in seen(await world.ask("status"))
    world.applivery.faults.clear()
    await world.ask("status")
    assert await world.bot.store.run(app_polls.poll_due_in) == 0


async def test_health_names_waiting_messages_and_paused_channel(world: Environment) -> None:
    shift = timedelta()
    world.tuning = replace(world.tuning, clock=lambda: datetime.now(UTC) + shift)
    await world.start()
    await world.ask("subscribe courier")
    await world.look()
    ready(world)
    await world.bot.store.run(app_polls.request_poll, None)
    await world.bot.watch.step()
    await world.bot.store.run(subscriptions.pause_subscriptions, world.releases.id, "not_in_channel")
    shift = timedelta(minutes=10)
    text = seen(await world.ask("status"))
    assert f"⚠️ *Announcements* · 1 waiting for 10 minutes · can't post in <#{world.releases.id}>" in text
    assert "⚠️ *Polling* · 1 app · 1 behind" in text


async def test_an_outage_is_told_while_it_lasts_and_afterwards(world: Environment) -> None:
    await world.start()
    world.bot.watch.outage.record_failure(ServiceUnavailable())
    during = seen(await world.ask("status"))
    assert "*Outage* · Applivery, since <!date^" in during
    world.bot.watch.outage.record_success()
    assert "*Last outage* · Applivery, <!date^" in seen(await world.ask("status"))
    world.bot.announce.outage.record_failure(DatabaseUnavailable())
    world.bot.announce.outage.record_success()
    assert "*Last outage* · database, <!date^" in seen(await world.ask("status"))


async def test_a_job_that_fails_is_an_outage_too(world: Environment) -> None:
    await world.start(jobs=True)
    names = {outage.what for outage in world.bot.outages()}
    assert {"applivery", "slack", "digest", "watch", "announce", "progress"} <= names
    job = next(outage for outage in world.bot.outages() if outage.what == "hold")
    job.record_failure(DatabaseUnavailable())
    assert "utage* · database" in seen(await world.ask("status"))


async def test_status_and_readyz_and_metrics_say_the_same(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    await world.look()
    found = await world.bot.dispatcher.services.health()
    ready_now = (await ask(world, "GET", "/readyz")).json["checks"]
    assert found.slack.connections == ready_now["slack"]["connections"]
    assert found.polling.apps == ready_now["polling"]["apps"] == 1
    assert found.polling.oldest
    assert found.polling.oldest.isoformat() == ready_now["polling"]["oldest_poll"]
    assert found.applivery.left == world.bot.applivery.budget.left


async def test_health_without_database_measures_the_rest(world: Environment) -> None:
    from tests.support.everything import away

    await world.start()
    async with asyncio.timeout(12 * busyness()):
        with away(world, "outbox"), away(world, "app_polls"):
            found = await world.bot.dispatcher.services.health()
    assert found.slack.well
    assert not found.to_say.well
    assert found.polling.apps is None
    said = told(health(found))
    assert "*Polling* · unknown while the database is down" in said
    assert "*Announcements* · unknown while the database is down" in said


@pytest.mark.postgres
async def test_on_postgresql_its_version_is_told(world: Environment, postgres_url: str) -> None:
    world.database = postgres_url
    await world.start()
    assert "✅ *Database* · PostgreSQL 1" in seen(await world.ask("status"))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"slack": SlackHealth(True, 1, 2)}, "⚠️ *Slack* · 1 of 2 connections"),
        ({"slack": SlackHealth(False)}, "⚠️ *Slack* · not connected"),
        (
            {"applivery": AppliveryHealth(900, 8000, 3.25)},
            "⚠️ *Applivery* · 900 of 8,000 requests left this hour · polls 3.2× less often",
        ),
        (
            {"applivery": AppliveryHealth(1, 8000, 1.0, english("no <token>"))},
            "⚠️ *Applivery* · no &lt;token&gt; · no success since the bot started",
        ),
        ({"database": DatabaseHealth(False, "sqlite")}, "⚠️ *Database* · SQLite is down"),
        (
            {"polling": PollingHealth(False, 1200, 2, None)},
            "⚠️ *Polling* · 1,200 apps · 2 behind · none polled yet",
        ),
        ({"to_say": OutboxHealth(1500, 7300.0)}, "⚠️ *Announcements* · 1,500 waiting for 2 hours"),
        (
            {"to_say": OutboxHealth(0, 0.0, tuple(f"C{n}" for n in range(7)))},
            "can't post in <#C0>, <#C1>, <#C2>, <#C3>, <#C4> and 2 more",
        ),
    ],
)
def test_health_fault_is_said_in_words_and_marked(changed: dict[str, Any], words: str) -> None:
    found = structs.replace(WELL, **changed)
    assert not found.well
    assert words in told(health(found))
    assert words in summary(found)
    assert "*Needs attention*" in summary(found)


def test_health_all_well_is_one_line_and_past_outage_no_warning() -> None:
    past = structs.replace(WELL, trouble=LastOutage("applivery", "AppliveryDown", NOW, NOW + timedelta(minutes=3)))
    assert summary(past) == "✅ Everything works"
    assert "*Last outage* · Applivery, <!date^" in told(health(past))


def test_health_has_words_for_each_worker_that_may_fail() -> None:
    source = "".join(path.read_text("utf-8") for path in Path(bot.__file__).parent.rglob("*.py"))
    trackers = re.findall(r'OutageTracker\("(\w+)"\)', source)
    loops = re.findall(r'\("(\w+)", self\.\w+\.step, Topic\.', source)
    assert "goals" in trackers
    assert "hold" in loops
    assert {*trackers, *loops} == PARTS.keys()


def test_health_is_said_in_spanish() -> None:
    with use_locale("es"):
        said = told(health(WELL))
    assert "7.950 de 8.000" in said
    assert "1.200 apps" in said
