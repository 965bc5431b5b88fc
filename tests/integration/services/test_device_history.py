"""The verdict beside a link: from the asker's own downloads, asked once at most, and never in the link's way."""

from __future__ import annotations

import asyncio
import gc
import html
import io
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from bot.applivery.rate_budget import Priority
from bot.services.device_history import KEEP_SECONDS
from sandbox import seed_data
from sandbox.applivery.models import FakeBuild
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.support.everything import dump
from tests.support.handing import Clock
from tests.support.seeing import link, old_card, press

HISTORY = "GET /v1/organizations/*/downloads/by-user"
WORKS = "Works on your iPhone 15 (iOS 17.1, last seen "


def ready(world: Environment, min_os: str = "15.0", **about: Any) -> FakeBuild:
    build = world.applivery.build(world.courier, version="2.4.0", number="173", **about)
    if "ios" in build.wire["info"]:
        build.wire["info"]["ios"]["plist"]["MinimumOSVersion"] = min_os
    return build


def downloaded(world: Environment, email: str = "ana@acme.test", **about: Any) -> None:
    """A person took an earlier build of Courier, ten days ago."""
    os = about.pop("os", "ios")
    old = world.applivery.build(world.courier, version="1.0.0", number="1", os=os, created_at=days_ago(world, 20))
    world.applivery.download(old, world.applivery.member(email=email), **{"at": days_ago(world, 10), **about})


def days_ago(world: Environment, days: int) -> datetime:
    return world.tuning.clock() - timedelta(days=days)


def asked(world: Environment) -> list[dict[str, str]]:
    """The queries by which Applivery was asked for downloads."""
    return [request.query for request in world.applivery.requests if request.path.endswith("/downloads/by-user")]


def small(message: Any) -> str:
    return "\n".join(
        part["text"] for block in message.blocks if block["type"] == "context" for part in block["elements"]
    )


async def test_a_link_says_that_it_works_on_ones_device(world: Environment) -> None:
    Clock(world, datetime(2026, 11, 20, 23, 30, tzinfo=UTC))  # half past midnight in Madrid
    await world.start()
    downloaded(world)
    ready(world)
    answer = await world.ask("get courier")
    assert f"{WORKS}11 Nov)" in small(answer)
    assert WORKS in answer.text
    assert "iOS 15.0+" not in small(answer)
    assert asked(world) == [{"email": "ana@acme.test"}]


async def test_a_link_warns_of_a_system_that_is_too_old(world: Environment) -> None:
    await world.start()
    downloaded(world)
    ready(world, "18.0")
    answer = await world.ask("get courier")
    assert "⚠️ Needs iOS 18.0; your last download was from iOS 17.1" in small(answer)
    assert "Needs iOS 18.0; your last download was from iOS 17.1" in answer.text
    assert link(answer)


async def test_without_downloads_nothing_is_claimed(world: Environment) -> None:
    await world.start()
    downloaded(world, "eva@acme.test")
    ready(world)
    answer = await world.ask("get courier")
    assert "your" not in small(answer)
    assert "iOS 15.0+" in small(answer)


async def test_a_button_gives_the_same_verdict(world: Environment) -> None:
    await world.start()
    downloaded(world)
    build = ready(world)
    card = old_card(world.slack, world.releases, "get.v1", f"{world.courier.id}/{build.id}")
    assert WORKS in small(await (await press(world.slack, card, "Old", user=world.ana)).answer())


async def test_a_watched_build_says_that_it_works(world: Environment) -> None:
    await world.start()
    downloaded(world)
    build = ready(world, status="in_progress")
    await world.look()
    await world.ask("watch courier #173")
    world.applivery.move(build, "processed")
    await world.look()
    assert WORKS in world.slack.messages(world.slack.dm(world.ana))[-1].text


async def test_each_user_is_told_of_their_own_device_alone(world: Environment) -> None:
    """Even where Applivery ignores the address it was asked about."""
    await world.start()
    downloaded(world)
    downloaded(world, "bruno@acme.test", device="Pixel 8", os_version="14", os="android")
    ready(world)

    def of_everybody(body: Any) -> Any:
        rows = [row.wire | {"member": row.member} for row in world.applivery.downloads]
        return {**body, "data": [{"member": row["member"], "downloads": [row]} for row in rows]}

    world.applivery.reshape(HISTORY, of_everybody)
    assert WORKS in small(await world.ask("get courier"))
    assert "your" not in small(await world.ask("get courier", user=world.bruno))


async def test_history_is_asked_once_in_some_minutes(world: Environment) -> None:
    await world.start()
    downloaded(world)
    ready(world)
    for _ in range(3):
        assert WORKS in small(await world.ask("get courier"))
    assert len(asked(world)) == 1
    await world.ask("get courier", user=world.bruno)
    assert len(asked(world)) == 2


async def test_history_keeps_no_task_of_its_requests(world: Environment) -> None:
    """A finished task would hold the whole request that began it."""
    await world.start()
    downloaded(world)
    ready(world)
    await world.ask("get courier")
    gc.collect()
    tasks = [each for each in gc.get_objects() if isinstance(each, asyncio.Task)]
    assert not [task for task in tasks if "DeviceHistory" in repr(task.get_coro())]


async def test_history_drops_what_is_too_old(world: Environment) -> None:
    await world.start()
    ready(world)
    devices = world.bot.dispatcher.services.devices
    clock = [0.0]
    devices._clock = lambda: clock[0]
    for user in (world.ana, world.bruno):
        await world.ask("get courier", user=user)
        clock[0] += KEEP_SECONDS
    assert list(devices._questions) == [world.bruno.id]


async def test_a_device_is_known_from_another_app(world: Environment) -> None:
    await world.start()
    downloaded(world)
    ready(world)
    await world.ask("get courier")
    other = world.applivery.app("Driver")
    await world.bot.dispatcher.services.apps.apps(fresh=True)
    world.applivery.build(other, version="1.0.0", number="1")
    assert WORKS in small(await world.ask("get driver"))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500, error="no"),
        Fault(status=429, retry_after=1),
        Fault(status=403, code=5001),
        Fault(status=400, code=5004),
        Fault(status=404),
        Fault(drop=True),
        Fault(body="<html>"),
    ],
)
async def test_a_link_needs_no_history(world: Environment, fault: Fault) -> None:
    await world.start()
    downloaded(world)
    ready(world)
    world.applivery.faults.add(HISTORY, fault, times=None)
    for _ in range(2):
        answer = await world.ask("get courier")
        assert link(answer)
        assert "your" not in small(answer)
    assert len(asked(world)) == 1


async def test_a_late_answer_is_left_out_and_used_later(world: Environment) -> None:
    await world.start()
    downloaded(world)
    ready(world)
    world.applivery.faults.add(HISTORY, Fault(latency=1.5))
    began = time.monotonic()
    answer = await world.ask("get courier")
    assert time.monotonic() - began < 1.4
    assert link(answer)
    assert "your" not in small(answer)
    (known,) = world.bot.dispatcher.services.devices._questions[world.ana.id].values()
    await known.answer
    assert WORKS in small(await world.ask("get courier"))
    assert len(asked(world)) == 1


async def test_without_the_email_scope_nothing_is_asked(world: Environment) -> None:
    world.slack.scopes -= {"users:read.email"}
    await world.start()
    downloaded(world)
    ready(world)
    assert "your" not in small(await world.ask("get courier"))
    assert asked(world) == []


async def test_nothing_is_asked_when_requests_are_short(world: Environment) -> None:
    await world.start(applivery_requests_per_hour=1000)
    downloaded(world)
    ready(world)
    budget = world.bot.dispatcher.services.devices._applivery.budget
    while budget.wait(Priority.ROUTINE) == 0:
        budget.take(Priority.ROUTINE)
    assert link(await world.ask("get courier"))
    assert asked(world) == []


async def test_nothing_is_asked_about_a_build_for_computers(world: Environment) -> None:
    await world.start()
    ready(world, os="macos")
    await world.ask("get courier")
    assert asked(world) == []


async def test_a_device_is_in_no_log_and_no_table(world: Environment, log: io.StringIO) -> None:
    await world.start()
    downloaded(world)
    ready(world)
    assert WORKS in small(await world.ask("get courier"))
    assert "iPhone 15" not in log.getvalue()
    assert "iPhone 15" not in dump(world)


async def test_forget_drops_what_is_known_of_a_device(world: Environment) -> None:
    await world.start()
    downloaded(world)
    ready(world)
    await world.ask("get courier")
    turn = await press(world.slack, await world.ask(f"forget <@{world.ana.id}|ana>"), "Delete 1 record", user=world.ana)
    await turn.answer()
    assert world.ana.id not in world.bot.dispatcher.services.devices._questions


async def test_the_demo_shows_each_verdict(world: Environment) -> None:
    await world.start()
    seed_data.seed_applivery(world.applivery)
    await world.bot.dispatcher.services.apps.apps(fresh=True)
    ana = world.slack.user("demo", email="ana@acme.example")
    world.releases.members.append(ana.id)
    said = {
        typed: small(await world.ask(f"get {typed}", user=ana)) for typed in ("courier 2.4.1 os:ios", "field-notes")
    }
    assert "Works on your iPhone 15 (iOS 17.5, last seen " in said["courier 2.4.1 os:ios"]
    assert "Needs iOS 18.0; your last download was from iOS 17.5" in said["field-notes"]
    assert "your" not in small(await world.ask("get storefront", user=ana))
    question = await press(world.slack, await world.ask("get field-notes", user=ana), "It didn't install", user=ana)
    assert "Likely cause: This app needs iOS 18.0 or newer" in (await question.answer()).text


# ------------------------------------------------------------------ on the claim page

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 Version/17.1 Mobile Safari/604.1"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15"


def claim_address(message: Any) -> str:
    found = re.search(r"https://bot\.acme\.test/b/\S+", message.text)
    assert found, message.text
    return found[0]


async def page(world: Environment, address: str, agent: str) -> str:
    """The claim page, as this browser gets it."""
    url = f"http://127.0.0.1:{world.bot.web.port}/b/{address.rpartition('/')[2]}"
    async with aiohttp.ClientSession() as session, session.get(url, headers={"User-Agent": agent}) as response:
        return html.unescape(await response.text())


async def test_a_claim_page_names_the_device_to_its_like(world: Environment) -> None:
    await world.start(public_url="https://bot.acme.test")
    downloaded(world)
    ready(world)
    address = claim_address(await world.ask("get courier"))
    assert WORKS in await page(world, address, PHONE)
    for agent in (MAC, "curl/8.5.0", f"{PHONE} (compatible; Googlebot/2.1)", "Slackbot-LinkExpanding 1.0", ""):
        assert "iPhone 15" not in await page(world, address, agent)
    assert len(asked(world)) == 1


async def test_a_claim_page_asks_nothing_for_a_crawler(world: Environment) -> None:
    await world.start(public_url="https://bot.acme.test")
    downloaded(world)
    ready(world)
    address = claim_address(await world.ask("get courier"))
    world.bot.dispatcher.services.devices.forget([world.ana.id])
    for agent in ("Googlebot/2.1", f"{PHONE} (compatible; Googlebot/2.1)", MAC):
        await page(world, address, agent)
    assert len(asked(world)) == 1
    assert WORKS in await page(world, address, PHONE)
    assert len(asked(world)) == 2
