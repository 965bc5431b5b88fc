"""/readyz counts what polls brought: each way in which Applivery can fail makes it not ready, and one success ready."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.db import app_polls
from bot.domain.builds import next_look, retry_look
from bot.domain.polling import PollPace
from bot.web.readiness import late_after, overdue_after
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.integration.web.test_metrics_collector import scraped
from tests.integration.web.test_server import ask
from tests.support.handing import directs, ready

HALF = '{"status": true, "data": {"items": [{"id": "0123456789abcdef01234567"'
FAILURES = {
    "401": Fault(status=401, code=4004),
    "403": Fault(status=403),
    "403 of the plan": Fault(status=403, code=5004),
    "404": Fault(status=404, code=3001),
    "404 without words": Fault(status=404, body=""),
    "429": Fault(status=429, retry_after=0),  # any other is waited for
    "500": Fault(status=500),
    "503 page": Fault(status=503, body="<html>maintenance"),
    "200 page": Fault(body="<html>log in, please"),
    "200 nothing": Fault(body=""),
    "200 null": Fault(body="null"),
    "200 data null": Fault(body='{"status": true, "data": null}'),
    "200 numbers": Fault(body='{"status": true, "data": {"items": [1, 2]}}'),
    "200 cut": Fault(body=HALF),
    "200 refused": Fault(body='{"status": false}'),
    "quota": Fault(status=400, code=5003),
    "plan": Fault(status=400, code=5004),
    "unknown code": Fault(status=400, code=9999),
    "redirect": Fault(status=302),
    "dropped": Fault(drop=True),
    "silent": Fault(latency=30),
}
BUILDS = "GET /v1/organizations/acme/apps/*/builds"


async def readyz(world: Environment) -> Any:
    answer = await ask(world, "GET", "/readyz")
    assert (answer.status == 200) is answer.json["ready"]
    return answer.json["checks"]["polling"]


async def watched(world: Environment, *apps: str, **changes: Any) -> None:
    world.tuning = replace(world.tuning, applivery_seconds=0.3)
    await world.start(**changes)
    for app in ("courier", *apps):
        await world.ask(f"subscribe {app}")
    await world.look()


@pytest.mark.parametrize("where", ["GET *", BUILDS])
@pytest.mark.parametrize("failure", FAILURES)
async def test_three_polls_without_success_are_not_ready(world: Environment, failure: str, where: str) -> None:
    await watched(world)
    world.applivery.faults.add(where, FAILURES[failure], times=None)
    for polls in (1, 2, 3):
        assert (await readyz(world))["ok"], f"after {polls - 1} polls"
        await world.look()
    found = await readyz(world)
    assert (found["ok"], found["behind"]) == (False, 1)
    assert found["problem"].startswith("the last 3 polls failed (")
    assert found["oldest_poll_seconds_ago"] >= 0
    metrics = await scraped(world)
    assert (metrics["ready polling"], metrics["apps behind"]) == (0, 1), "both alerts are about these"
    world.applivery.faults.clear()
    await world.look()
    assert (await readyz(world))["ok"]
    assert (await scraped(world))["apps behind"] == 0


async def test_the_last_success_is_at_most_ninety_seconds_old(world: Environment) -> None:
    now, shift = datetime.now(UTC), timedelta()
    world.tuning = replace(world.tuning, clock=lambda: now + shift, applivery_seconds=0.3)
    await world.start(poll_idle_seconds=60, poll_busy_seconds=5)
    await world.ask("subscribe courier")
    await world.look()
    shift = timedelta(seconds=89)
    assert (await readyz(world))["ok"], "with the default cadence a poll may be this late"
    shift = timedelta(seconds=90.5)
    assert not (await readyz(world))["ok"], "whether the poll hangs, or none was begun"


def test_polls_in_time_are_never_late() -> None:
    for idle in (0.1, 2.0, 30.0, 60.0, 300.0, 3600.0):
        for stretch in (1.0, 3.0, 10.0):
            latest = next_look(0, PollPace(1, idle * stretch, idle), rng=1.0)
            assert latest + 20 < late_after(idle, stretch)
            assert latest + overdue_after(idle, stretch) <= late_after(idle, stretch) + 0.001
    assert late_after(60) == 90


def test_three_polls_fit_into_ninety_seconds() -> None:
    first = next_look(0, PollPace(5, 60, 60), rng=1.0)
    assert first + retry_look(0, busy=5, idle=60) + retry_look(1, busy=5, idle=60) <= 90


async def test_after_an_outage_the_first_success_is_ready(world: Environment) -> None:
    for name in ("field", "shop", "store"):
        world.applivery.app(name, slug=name)
    await watched(world, "field", "shop", "store", poll_idle_seconds=0.01)
    world.applivery.faults.add("GET *", FAILURES["401"], times=None)
    for _ in range(3):
        await world.look()
    assert (await readyz(world))["behind"] == 4
    world.applivery.faults.clear()
    await world.bot.store.run(app_polls.request_poll, [world.courier.id])
    await world.bot.watch.step()
    found = await readyz(world)
    assert (found["ok"], found["behind"]) == (True, 0)
    assert await world.bot.store.run(app_polls.poll_due_in) == 0, "the others are polled at once"


async def test_one_app_that_is_gone_leaves_it_ready(world: Environment) -> None:
    shop = world.applivery.app("Shop", slug="shop")
    await watched(world, "shop")
    world.applivery.faults.add(f"GET */apps/{shop.id}/builds", Fault(status=404, code=3001), times=None)
    for _ in range(20):
        await world.look()
        if (found := await readyz(world))["behind"]:
            break
    assert (found["ok"], found["behind"]) == (True, 1), "an alert of its own is about that app"
    await world.bot.outage_notifier.step()
    await world.bot.announce.drain()
    assert directs(world, world.ana) == []


async def test_most_apps_failing_is_not_ready(world: Environment) -> None:
    bad = [world.applivery.app(name, slug=name) for name in ("field", "shop", "store")]
    await watched(world, "field", "shop", "store")
    for app in bad:
        world.applivery.faults.add(f"GET */apps/{app.id}/builds", Fault(status=403), times=None)
    for _ in range(5):
        await world.look()
    found = await readyz(world)
    assert (found["ok"], found["behind"]) == (False, 3)


async def test_the_only_app_deleted_is_an_answer(world: Environment, log: Any) -> None:
    await watched(world)
    world.applivery.apps.clear()
    for _ in range(5):
        await world.look()
    found = await readyz(world)
    assert (found["ok"], found["behind"]) == (True, 0)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["event"] for line in lines if "away" in line["event"]] == ["watch.app.away"]


async def test_with_nothing_watched_it_asks_all_the_same(world: Environment) -> None:
    await world.start()
    world.applivery.faults.add("GET *", Fault(status=403), times=None)
    world.bot.watch._probe_at = 0.0
    await world.bot.watch.step()
    found = await readyz(world)
    assert (found["ok"], found["apps"]) == (False, 0), "it has never worked since the start"
    assert "PermissionMissing: HTTP 403" in found["problem"]
    world.applivery.faults.clear()
    world.bot.watch._probe_at = 0.0
    await world.bot.watch.step()
    assert (await readyz(world))["ok"]
    assert len([request for request in world.applivery.requests if request.path == "/v1/organizations/acme"]) == 2


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("403", "isn't allowed to do that"),
        ("404", "can't find its Applivery workspace"),
        ("401", "doesn't accept this bot's token"),
        ("plan", "plan doesn't include this"),
        ("200 null", "a response this bot doesn't understand"),
    ],
)
async def test_admins_are_told_once_of_an_outage(world: Environment, failure: str, words: str) -> None:
    await watched(world)
    world.applivery.faults.add("GET *", FAILURES[failure], times=None)

    async def looked(times: int) -> list[str]:
        for _ in range(times):
            await world.look()
            await world.bot.outage_notifier.step()
            await world.bot.announce.drain()
        return [message.text for message in directs(world, world.ana)]

    assert await looked(2) == [], "not of a hiccup"
    [said] = await looked(4)
    assert "Can't check Applivery for new builds" in said
    assert words in said
    await world.restart()
    assert await looked(4) == [said], "a restart is no new outage"
    world.applivery.faults.clear()
    ready(world)
    [_, over] = await looked(6)
    assert "Applivery works again" in over
    assert directs(world, world.bruno) == []


async def test_command_error_names_the_real_cause(world: Environment) -> None:
    await watched(world)
    for fault, words in (
        (Fault(status=403), "isn't allowed to do that"),
        (Fault(status=404, code=3001), "can't find its Applivery workspace"),
        (Fault(status=403, code=5004), "plan doesn't include"),
    ):
        world.applivery.faults.clear()
        world.applivery.faults.add("GET *", fault, times=None)
        for typed in ("get courier", "builds courier", "status courier", "downloads courier"):
            said = (await world.ask(typed)).text
            assert words in said
            assert "deleted" not in said
