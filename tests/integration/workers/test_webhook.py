"""The doorbell: a hint that makes us look sooner, and nothing that anybody believes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from bot.app import running
from bot.db import app_polls, builds
from bot.db.wakeups import Topic
from bot.domain.outcomes import WebhookOutcome
from bot.domain.token_buckets import TokenBuckets
from bot.services.webhook import NOTICES_AT_ONCE, POLLS_AT_ONCE, WebhookHandler
from tests.conftest import Environment
from tests.integration.workers.conftest import on_postgresql, on_sqlite
from tests.integration.workers.test_build_poller import lists, ready, subscribed
from tests.support.waiting import patience

SECRET = "a-long-random-word"


async def ring(world: Environment, body: bytes = b"", *, secret: str = SECRET) -> int:
    """Ring as Applivery does; returns the HTTP status."""
    url = f"http://127.0.0.1:{world.bot.web.port}/webhooks/applivery/{secret}"
    async with aiohttp.ClientSession() as session, session.post(url, data=body) as answer:
        return answer.status


async def due(world: Environment) -> set[str]:
    """The ids of the apps that are due now; they are given back as due."""
    claims = await world.bot.store.run(app_polls.claim_due_apps, 20, 60)
    for claim in claims:
        await world.bot.store.run(app_polls.record_failure, claim.app_id, claim.token, 0)
    return {claim.app_id for claim in claims}


@pytest.fixture
async def rested(world: Environment) -> Environment:
    """Courier and Parcel are watched, have been looked at, and are not due for an hour."""
    world.applivery.app("Parcel", slug="parcel")
    await world.start(poll_busy_seconds=3600, poll_idle_seconds=3600, applivery_webhook_secret=SECRET)
    await subscribed(world, "courier")
    await subscribed(world, "parcel")
    await world.look()
    assert await due(world) == set()
    return world


def parcel(world: Environment) -> Any:
    return world.applivery.find_app("parcel")


async def test_the_app_a_webhook_names_is_due_at_once_and_no_other(rested: Environment) -> None:
    body = {"action": "build_processed", "application": {"id": rested.courier.id}}
    await WebhookHandler(rested.bot.store).handle_webhook(json.dumps(body).encode())
    assert await due(rested) == {rested.courier.id}


@pytest.mark.parametrize(
    "body",
    [
        '{{"deep": {{"er": ["{id}"]}}}}',
        "application={id}&action=build_created",
        "<app>{id}</app>",
        "{ID}",
        "{id}",
        '\xff\x00 {id}"',
    ],
)
@on_sqlite
async def test_an_app_is_found_wherever_its_id_stands(rested: Environment, body: str) -> None:
    text = body.format(id=rested.courier.id, ID=rested.courier.id.upper())
    await WebhookHandler(rested.bot.store).handle_webhook(text.encode("latin-1"))
    assert await due(rested) == {rested.courier.id}


@pytest.mark.parametrize("body", [b"", b"{}", b"not JSON", b'{"build": "0123456789abcdef01234567"}', b"\xff" * 1000])
@on_sqlite
async def test_a_body_that_names_no_watched_app_makes_all_of_them_due(rested: Environment, body: bytes) -> None:
    await WebhookHandler(rested.bot.store).handle_webhook(body)
    assert await due(rested) == {rested.courier.id, parcel(rested).id}


async def test_webhook_during_poll_causes_another_poll(rested: Environment) -> None:
    await WebhookHandler(rested.bot.store).handle_webhook(rested.courier.id.encode())
    (claim,) = await rested.bot.store.run(app_polls.claim_due_apps, 1, 60)
    await WebhookHandler(rested.bot.store).handle_webhook(rested.courier.id.encode())
    await rested.bot.store.run(builds.record_poll, claim.app_id, claim.token, [], [], next_at_seconds=3600)
    assert await due(rested) == {rested.courier.id}


@on_sqlite
async def test_webhook_content_is_not_trusted(rested: Environment) -> None:
    build = rested.applivery.build(rested.courier, version="1.0.0", status="in_progress")
    await rested.look()
    lie = {"action": "build_processed", "application": {"id": rested.courier.id}, "build": {"id": build.id}}
    assert await ring(rested, json.dumps(lie).encode()) == 204
    await rested.look()
    assert rested.said() == [], "Applivery itself says that it is still being processed"


# ------------------------------------------------------------------ over HTTP


async def test_a_webhook_brings_the_news_at_once(rested: Environment) -> None:
    await rested.restart(jobs=True, poll_busy_seconds=3600, poll_idle_seconds=3600, applivery_webhook_secret=SECRET)
    rested.applivery.webhook_url = f"http://127.0.0.1:{rested.bot.web.port}/webhooks/applivery/{SECRET}"
    build = rested.applivery.build(rested.courier, version="1.0.0", status="pending")
    rested.applivery.webhook.announce("build_created", build)
    before = lists(rested)
    await rested.applivery.until(lambda: lists(rested) > before)
    rested.applivery.move(build, "processed")  # Applivery rings by itself
    await rested.slack.until(lambda: rested.said() == [ready("1.0.0")])


async def test_a_storm_of_webhooks_announces_once(rested: Environment) -> None:
    await rested.restart(jobs=True, poll_busy_seconds=3600, poll_idle_seconds=3600, applivery_webhook_secret=SECRET)
    for version in ("1", "2", "3"):
        rested.applivery.build(rested.courier, version=version)
        statuses = await asyncio.gather(*(ring(rested, rested.courier.id.encode()) for _ in range(15)))
        assert set(statuses) == {204}
    await rested.slack.until(lambda: len(rested.said()) >= 3)
    await rested.restart()
    await rested.settle()
    assert rested.said() == [ready("1"), ready("2"), ready("3")]


@on_sqlite
async def test_a_forged_webhook_does_nothing_and_is_counted(rested: Environment) -> None:
    for secret in ("guess", SECRET + "x", SECRET[:-1], "%C3%A9"):
        assert await ring(rested, rested.courier.id.encode(), secret=secret) == 404
    assert await due(rested) == set()
    counted = rested.bot.metrics.webhooks.labels(WebhookOutcome.FORGED)._value.get()
    assert counted == 4


@on_sqlite
async def test_a_webhook_too_large_does_nothing_and_is_counted(rested: Environment) -> None:
    assert await ring(rested, b"x" * (64 * 1024 + 1)) == 413
    assert await due(rested) == set()
    assert rested.bot.metrics.webhooks.labels(WebhookOutcome.TOO_LARGE)._value.get() == 1


@on_sqlite
async def test_without_its_secret_the_doorbell_does_not_exist(rested: Environment) -> None:
    await rested.restart(poll_busy_seconds=3600, poll_idle_seconds=3600)
    for secret in (SECRET, "", "None"):
        assert await ring(rested, rested.courier.id.encode(), secret=secret) == 404
    assert await due(rested) == set()


@on_postgresql
async def test_a_webhook_at_one_replica_wakes_the_other(rested: Environment) -> None:
    await rested.restart(jobs=True, poll_busy_seconds=3600, poll_idle_seconds=3600, applivery_webhook_secret=SECRET)
    quiet = rested.settings(applivery_webhook_secret=SECRET)
    rested.applivery.build(rested.courier, version="1.0.0")
    async with running(quiet, rested.tuning, jobs=False) as other:
        await WebhookHandler(other.store).handle_webhook(b"")
        await rested.slack.until(lambda: rested.said() == [ready("1.0.0")])


# ------------------------------------------------------------------ whoever knows the address


@on_sqlite
async def test_a_flood_of_hints_polls_an_app_few_times(rested: Environment) -> None:
    now = 0.0
    bell = WebhookHandler(rested.bot.store, clock=lambda: now)
    polls = 0
    for _ in range(43):
        await bell.handle_webhook(rested.courier.id.encode())
        polls += len(await due(rested) & {rested.courier.id})
        await rested.bot.store.run(app_polls.claim_due_apps, 20, 0.0)  # looked at
        await rested.look()
        now += 15 / 43
    assert polls <= POLLS_AT_ONCE + 2
    now += 3600
    await bell.handle_webhook(rested.courier.id.encode())
    assert await due(rested) == {rested.courier.id}, "later it is polled at once again"
    bell.close()


@on_sqlite
async def test_a_hint_that_came_too_soon_is_followed_later(rested: Environment) -> None:
    bell = WebhookHandler(rested.bot.store)
    for _ in range(POLLS_AT_ONCE):
        await bell.handle_webhook(rested.courier.id.encode())
    await rested.look()
    bell._polls = TokenBuckets(1, 0.05)
    bell._polls.wait(rested.courier.id, bell._clock())
    await bell.handle_webhook(rested.courier.id.encode())
    async with patience():
        while not (polled := await due(rested)):
            await rested.bot.store.wait(Topic.APP_POLLS, 1)
    assert polled == {rested.courier.id}
    bell.close()


@on_sqlite
async def test_hints_have_their_own_share_of_the_hour(rested: Environment) -> None:
    now = 0.0
    bell = WebhookHandler(rested.bot.store, per_hour=10, clock=lambda: now)
    polls = 0
    for _ in range(60):
        await bell.handle_webhook(b"")  # every app
        polls += len(await due(rested))
        await rested.look()
        now += 60
    assert polls <= 21
    bell.close()


@on_sqlite
async def test_invented_feedback_is_told_of_a_few_times(rested: Environment) -> None:
    await rested.ask("subscribe courier on:feedback")
    bell = WebhookHandler(rested.bot.store)
    for number in range(40):
        body = {"action": "feedback_created", "application": rested.courier.id, "feedback": f"{number:024x}"}
        await bell.handle_webhook(json.dumps(body).encode())
    await rested.settle()
    assert len(rested.said()) <= NOTICES_AT_ONCE
    bell.close()
