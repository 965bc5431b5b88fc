"""While a person waits no call waits for long; what Slack or Applivery has limited is left alone until its time."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from bot.applivery.client import AppliveryClient
from bot.applivery.hosts import AppliveryHosts
from bot.applivery.rate_budget import RequestBudget
from bot.exceptions import AppliveryRateLimited, DeliveryUnknown, ServiceUnavailable, SlackError, SlackRateLimited
from bot.slack.blocks import Message
from bot.slack.client import SlackClient
from bot.slack.web_api import AT_ONCE
from bot.timeouts import (
    JOB_SECONDS,
    PERSON_SECONDS,
    RateLimitDeadlines,
    call_limit,
    for_a_person,
    longest_wait,
    no_later_than,
    retry_after,
)
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.support.asking import AROUND
from tests.support.seeing import press
from tests.support.waiting import busyness

HOUR = Fault(status=429, retry_after=3600, error="ratelimited")
NEVER = Fault(latency=60)
FAIR = 3.0  # seconds a busy machine may take beyond
NOW = datetime(2026, 3, 4, 11, 39, 20, tzinfo=UTC)
OVER = NOW + timedelta(seconds=3640)  # 12:40, the first full minute after the hour
SAYS_WHEN = re.compile(
    rf"(Slack|Applivery) is busy\. Try again at <!date\^{int(OVER.timestamp())}\^{{time}}\|.*12:40 UTC>"
)


async def calm(world: Environment) -> None:
    world.tuning = replace(world.tuning, clock=lambda: NOW, slack_seconds=15.0, applivery_seconds=30.0)
    await world.start()
    await world.bot.slack_client.identity()


async def ask(world: Environment, text: str, person: Any) -> Any:
    turn = await world.slack.command("/applivery", text, user=person, channel=world.releases)
    assert turn.acked
    return turn


async def test_timeout_seventy_new_users_block_no_other(world: Environment) -> None:
    await calm(world)
    assert "What you can do" in (await world.ask("help")).text
    world.slack.faults.add("users.info", HOUR, times=None)
    new = [world.slack.user(f"new{number}") for number in range(70)]
    started = time.monotonic()
    turns = await asyncio.gather(*(ask(world, "builds", user) for user in new))
    answers = [await turn.answer() for turn in turns]
    assert time.monotonic() - started < (PERSON_SECONDS + FAIR) * busyness()
    assert all(SAYS_WHEN.search(answer.text) for answer in answers)
    assert len(world.slack.calls_of("users.info")) <= 1 + AT_ONCE  # Ana's before, and what was under way already
    assert "What you can do" in (await world.ask("help")).text


async def test_try_again_asks_the_same_once_more(world: Environment) -> None:
    await calm(world)
    world.slack.faults.add("users.info", HOUR)
    told = await (await ask(world, "builds courier", world.bruno)).answer()
    world.bot.slack_client.api.limits = RateLimitDeadlines()  # an hour later
    again = await press(world.slack, told, "Try again", user=world.bruno)
    assert "no build" in (await again.answer()).text.lower()


async def test_a_click_that_has_to_wait_can_be_repeated(world: Environment) -> None:
    await calm(world)
    world.applivery.build(world.courier, version="2.4.0")
    builds = await world.ask("builds courier")
    world.applivery.faults.add("GET /v1/*/builds/*", replace(HOUR, error="slow"))
    told = await (await press(world.slack, builds, "Get 2.4.0 iOS", user=world.ana)).answer()
    assert SAYS_WHEN.search(told.text)
    assert "Try again" in str(told.blocks)


@pytest.mark.parametrize("method", ["users.info", "usergroups.users.list", "auth.test"])
async def test_a_method_that_hangs_is_given_up_on(world: Environment, method: str) -> None:
    world.tuning = replace(world.tuning, slack_seconds=15.0)
    await world.start()
    group = world.slack.usergroup("qa", [world.bruno])
    assert await world.ask(f"grant <!subteam^{group.id}|@qa> member app:courier")
    await world.restart()
    world.slack.faults.add(method, NEVER, times=None)
    started = time.monotonic()
    assert await (await ask(world, "help", world.slack.user("new"))).answer()
    assert time.monotonic() - started < (2 + PERSON_SECONDS + FAIR) * busyness()


@pytest.mark.parametrize("typed", ["get courier", "downloads courier"])
async def test_an_applivery_that_hangs_is_given_up_on(world: Environment, typed: str) -> None:
    await calm(world)
    await world.bot.dispatcher.services.apps.apps()
    world.applivery.faults.add("*", NEVER, times=None)
    started = time.monotonic()
    said = await (await ask(world, typed, world.ana)).answer()
    assert "didn't answer within 5 seconds" in said.text
    assert "Try again" in str(said.blocks)
    assert time.monotonic() - started < (PERSON_SECONDS + FAIR) * busyness()


async def test_a_busy_applivery_says_when_and_is_left_alone(world: Environment) -> None:
    await calm(world)
    world.applivery.faults.add("GET /v1/*", HOUR, times=None)
    for _ in range(5):
        said = await world.ask("builds courier")
        assert SAYS_WHEN.search(said.text)
        assert "Try again" in str(said.blocks)
    assert len(world.applivery.requests) == 1


@pytest.fixture
async def poster(world: Environment) -> AsyncIterator[SlackClient]:
    async with aiohttp.ClientSession() as session:
        yield poster_for(world, session)


def poster_for(world: Environment, session: aiohttp.ClientSession) -> SlackClient:
    return SlackClient(token=world.slack.bot_token, base_url=world.slack.api_url, session=session, pace=0.0)


ASKED = {
    "users.info": lambda poster, world: poster.user(world.ana.id),
    "conversations.info": lambda poster, world: poster.channel(world.releases.id),
    "conversations.members": lambda poster, world: poster.members(world.releases.id),
    "usergroups.list": lambda poster, _: poster.groups(),
    "usergroups.users.list": lambda poster, _: poster.group_members("S1"),
    "users.list": lambda poster, _: poster.workspace_admins(),
    "auth.test": lambda poster, _: poster.identity(),
    "conversations.open": lambda poster, world: poster.delete(world.ana.id, "1.1"),
    "conversations.history": lambda poster, world: poster.find_messages(world.releases.id, ("k",), (AROUND,)),
    "conversations.replies": lambda poster, world: poster.find_messages(
        world.releases.id, ("k",), (AROUND,), thread_ts="1.1"
    ),
    "chat.delete": lambda poster, world: poster.delete(world.releases.id, "1.1"),
    "chat.update": lambda poster, world: poster.edit(world.releases.id, "1.1", Message("x")),
    "chat.postMessage": lambda poster, world: poster.post(world.releases.id, Message("x")),
    "chat.postEphemeral": lambda poster, world: poster.post_ephemeral(world.releases.id, world.ana.id, Message("x")),
    "files.info": lambda poster, _: poster.file_facts("F1"),
}


@pytest.mark.parametrize("method", ASKED)
async def test_a_limited_method_is_not_called_before_its_time(world: Environment, method: str) -> None:
    world.slack.faults.add(method, HOUR, times=None)
    async with aiohttp.ClientSession() as session:
        poster = poster_for(world, session)
        started = time.monotonic()
        for waits in (True, False, True):
            with for_a_person(waits), pytest.raises(SlackRateLimited) as caught:
                await ASKED[method](poster, world)
            assert 3590 < caught.value.retry_after <= 3600
        assert time.monotonic() - started < (FAIR) * busyness()
    assert len(world.slack.calls_of(method)) == 1


async def test_a_person_waits_for_no_method_that_hangs(world: Environment) -> None:
    world.slack.faults.add("*", NEVER, times=None)
    async with aiohttp.ClientSession() as session:
        poster, started = poster_for(world, session), time.monotonic()
        with for_a_person():
            ended = await asyncio.gather(*(ask(poster, world) for ask in ASKED.values()), return_exceptions=True)
        assert [item for item in ended if not isinstance(item, SlackError)] == []
        assert time.monotonic() - started < (PERSON_SECONDS + FAIR) * busyness()


async def test_a_job_waits_out_a_short_limit(world: Environment) -> None:
    world.slack.faults.add("users.info", Fault(status=429, retry_after=1))
    async with aiohttp.ClientSession() as session:
        assert (await poster_for(world, session).user(world.ana.id))["id"] == world.ana.id
    assert [call.status for call in world.slack.calls_of("users.info")] == [429, 200]


async def test_an_announcement_keeps_the_whole_retry_after(world: Environment) -> None:
    world.slack.faults.add("chat.postMessage", HOUR)
    async with aiohttp.ClientSession() as session:
        poster = poster_for(world, session)
        for _ in range(3):
            with pytest.raises(SlackRateLimited) as caught:
                await poster.post(world.releases.id, Message("x"))
            assert caught.value.retry_after > 3590
        assert await poster.post(world.ana.id, Message("x")), "the limit is one channel's"
    assert len(world.slack.calls_of("chat.postMessage")) == 2


async def test_an_answer_that_is_limited_takes_another_way(world: Environment) -> None:
    await calm(world)
    world.slack.faults.add("response_url", HOUR, times=None)
    await ask(world, "help", world.bruno)
    await world.slack.until(lambda: world.slack.messages(world.slack.dm(world.bruno)), PERSON_SECONDS + FAIR)


def applivery_for(world: Environment) -> AppliveryClient:
    hosts = AppliveryHosts(*[world.applivery.url] * 4)
    return AppliveryClient(hosts=hosts, organization="acme", token=world.applivery.token, budget=RequestBudget(10_000))


async def test_a_job_s_limit_holds_for_people_and_theirs_for_jobs(world: Environment) -> None:
    world.applivery.faults.add("*", HOUR, times=None)
    async with applivery_for(world) as applivery:
        for waits, client in ((False, applivery.polling()), (True, applivery), (False, applivery.polling())):
            with for_a_person(waits), pytest.raises(AppliveryRateLimited) as caught:
                await client.organization()
            assert caught.value.retry_after > 3590
    assert len(world.applivery.requests) == 1


async def test_a_person_waits_five_seconds_for_applivery_in_all(
    world: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.applivery.transport.PERSON_SECONDS", 1.0)
    world.applivery.faults.add("*", Fault(latency=0.4, status=503), times=None)
    async with applivery_for(world) as applivery:
        started = time.monotonic()
        with for_a_person(), pytest.raises(ServiceUnavailable):
            await applivery.organization()
        assert time.monotonic() - started < (PERSON_SECONDS + FAIR) * busyness()


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("3600", 3600.0), ("0", 0.0), ("1e9", 86_400.0), ("nan", 7.0), ("-1", 7.0), ("soon", 7.0), (None, 7.0)],
)
def test_retry_after_is_bounded_and_may_be_nonsense(said: str | None, seconds: float) -> None:
    assert retry_after(said, otherwise=7.0) == seconds


def test_a_limit_ends_and_is_never_shortened() -> None:
    now = [100.0]
    limits = RateLimitDeadlines(lambda: now[0])
    limits.limit("users.info", 60)
    limits.limit("users.info", 1)
    assert (limits.left("users.info"), limits.left("users.list")) == (60, 0)
    now[0] += 60
    assert limits.left("users.info") == 0


async def test_waits_of_one_call_end_with_the_lease(world: Environment, poster: SlackClient) -> None:
    """Each of them fits; together they would not."""
    world.slack.faults.add("users.info", Fault(status=429, retry_after=1), times=None)
    started = time.monotonic()
    with no_later_than(started + 1.9), pytest.raises(SlackRateLimited):
        await poster.user(world.ana.id)
    assert time.monotonic() - started < 1.9 * busyness()
    assert len(world.slack.calls_of("users.info")) == 2


async def test_hanging_read_is_broken_off_with_the_lease(world: Environment, poster: SlackClient) -> None:
    world.slack.faults.add("users.info", Fault(latency=5.0))
    started = time.monotonic()
    with no_later_than(started + 0.5), pytest.raises(DeliveryUnknown):
        await poster.user(world.ana.id)
    assert time.monotonic() - started < 2.5 * busyness()


async def test_post_is_not_begun_past_the_lease(world: Environment, poster: SlackClient) -> None:
    with no_later_than(time.monotonic()), pytest.raises(SlackRateLimited):
        await poster.post(world.releases.id, Message("late"))
    assert world.slack.messages(world.releases) == []


def test_time_left_is_the_shortest_of_all() -> None:
    now = time.monotonic()
    with no_later_than(now + 10), no_later_than(now + 99):
        assert 9 < longest_wait() <= 10
    assert longest_wait() == JOB_SECONDS
    assert call_limit() is None
