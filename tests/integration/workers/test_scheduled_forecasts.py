"""Forecasts that come by themselves: once over crashes and replicas, with what their readers may see at that moment."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.app import running
from bot.db import scheduled_reports
from bot.db.types import micros
from sandbox.applivery.models import FakeApp
from sandbox.applivery.payloads import timestamp
from sandbox.faults import Fault
from sandbox.slack import FakeMessage
from tests.conftest import Environment
from tests.integration.workers.conftest import on_postgresql, on_sqlite
from tests.support.everything import execute
from tests.support.seeing import labels, press

POST = "chat.postMessage"
DAY = timedelta(days=1)


def ending(world: Environment, app: FakeApp | None = None, *, days: float = 9) -> None:
    """A build whose profile ends in so many days, which Eva has."""
    at = datetime.now(UTC)
    made = world.applivery.build(app or world.courier, version="2.4.0", os="ios", created_at=at - DAY)
    made.wire["info"]["ios"]["mobileprovision"]["ExpirationDate"] = timestamp(at + days * DAY)
    world.applivery.download(made, world.applivery.member("employee", email="eva@acme.test", first="Eva"), at=at)


async def begun(world: Environment, typed: str = "courier", *, user: Any = None, channel: Any = None) -> None:
    """A daily forecast in #releases, or elsewhere."""
    answer = await world.ask(f"forecast {typed} every:daily@09:00", user=user, channel=channel)
    assert "*Scheduled:*" in answer.text, answer.text
    due(world)


def due(world: Environment, late: timedelta = timedelta(seconds=1)) -> None:
    at = datetime.now(UTC) - late
    execute(world, f"UPDATE scheduled_reports SET due_at = {micros(at)}, reported_until = {micros(at - DAY)}")


async def tell(world: Environment) -> None:
    await world.bot.digest.step()
    await world.settle()


def posted(world: Environment, channel: Any = None) -> list[FakeMessage]:
    return [message for message in world.slack.messages(channel or world.releases) if message.bot_id]


async def test_forecast_is_posted_when_due_without_names(world: Environment) -> None:
    await world.start()
    ending(world)
    await begun(world)
    await tell(world)
    await tell(world)
    [message] = posted(world)
    said = message.text + json.dumps(message.blocks)
    assert "*What ends for Courier by " in message.text
    assert "profile expires · 1 person" in message.text
    assert "Eva" not in said
    assert "eva@acme.test" not in said
    assert labels(message) == ["Details"]
    [report] = await world.bot.store.run(scheduled_reports.list_reports, [world.releases.id])
    assert report.due_at > datetime.now(UTC)


@pytest.mark.parametrize(("quiet", "messages"), [("", 1), (" quiet:yes", 0)])
async def test_empty_forecast_is_one_line_or_none_as_set(world: Environment, quiet: str, messages: int) -> None:
    await world.start()
    await begun(world, f"courier{quiet}")
    await tell(world)
    assert [message.text[:35] for message in posted(world)] == ["*Nothing breaks for Courier until <"] * messages


async def test_a_quiet_forecast_says_what_it_could_not_check(world: Environment) -> None:
    await world.start()
    await begun(world, "courier quiet:yes")
    world.applivery.faults.add("GET */builds", Fault(status=403, code=4003), times=None)
    await tell(world)
    [message] = posted(world)
    assert "Couldn't check builds of Courier" in message.text


async def test_late_forecast_looks_ahead_from_now_and_says_so(world: Environment) -> None:
    await world.start()
    ending(world)
    await begun(world)
    due(world, timedelta(days=3, hours=2))
    await tell(world)
    [message] = posted(world)
    assert "Sent late. It was due" in message.text


async def test_forecast_survives_a_crash_before_its_post(world: Environment) -> None:
    await world.start()
    ending(world)
    await begun(world)
    await world.bot.digest.step()
    await world.restart()
    await tell(world)
    assert len(posted(world)) == 1


async def test_forecast_with_a_lost_answer_is_not_repeated(world: Environment) -> None:
    await world.start()
    ending(world)
    await begun(world)
    await world.bot.digest.step()
    world.slack.faults.add(POST, Fault(drop_after=True))
    await world.settle()
    assert len(posted(world)) == 1


@on_postgresql
async def test_two_replicas_post_a_forecast_once(world: Environment) -> None:
    await world.start()
    ending(world)
    await begun(world)
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(running(world.settings(), world.tuning, jobs=False))
        await asyncio.gather(world.bot.digest.step(), other.digest.step())
        await asyncio.gather(world.settle(), world.settle(other))
    assert len(posted(world)) == 1


@on_sqlite
async def test_while_applivery_is_away_a_forecast_waits(world: Environment) -> None:
    world.tuning = replace(world.tuning, digest_lease_seconds=0.1)
    await world.start()
    ending(world)
    await begun(world)
    world.applivery.faults.add("GET */apps", Fault(status=401, code=4004), times=None)
    await tell(world)
    assert posted(world) == []
    world.applivery.faults.clear()
    async with asyncio.timeout(20):
        while not posted(world):
            await tell(world)
    assert "What ends" in posted(world)[0].text


async def test_forecast_of_a_deleted_app_pauses_and_tells_its_maker(world: Environment) -> None:
    await world.start()
    await begun(world)
    world.applivery.apps.remove(world.courier)
    await tell(world)
    await tell(world)
    [said] = posted(world, world.slack.dm(world.ana))
    assert "*Paused the scheduled report in" in said.text
    assert "forecast of Courier for 30 days every day" in said.text


# ------------------------------------------------------------------ what its readers may see


async def test_forecast_of_all_has_only_the_makers_apps(world: Environment) -> None:
    await world.start()
    rider = world.applivery.app("Rider", slug="rider", oss=("ios",))
    ending(world)
    ending(world, rider)
    await world.ask(f"grant <@{world.bruno.id}> releaser app:rider")
    await begun(world, "", user=world.bruno)
    await tell(world)
    [message] = posted(world)
    assert "Rider 2.4.0" in message.text
    assert "Courier" not in message.text


async def test_forecast_of_all_pauses_without_any_role(world: Environment) -> None:
    await world.start()
    ending(world)
    await world.ask(f"grant <@{world.bruno.id}> releaser app:courier")
    await begun(world, "", user=world.bruno)
    await world.ask(f"revoke <@{world.bruno.id}> app:courier")
    await world.restart()
    await tell(world)
    assert posted(world) == []
    [said] = posted(world, world.slack.dm(world.bruno))
    assert "Paused: the scheduled report on every app" in said.text
    await world.ask(f"grant <@{world.bruno.id}> releaser app:courier")
    await world.restart()
    await world.bot.withdrawals.step()
    await tell(world)
    assert len(posted(world)) == 1


async def test_a_queued_forecast_loses_an_app_that_was_withdrawn(world: Environment) -> None:
    await world.start()
    rider = world.applivery.app("Rider", slug="rider", oss=("ios",))
    ending(world)
    ending(world, rider)
    await begun(world, "")
    await world.bot.digest.step()
    beta = world.slack.channel("beta", members=(world.ana,))
    await world.ask(f"grant <#{beta.id}|beta> app:rider")
    await world.settle()
    [message] = posted(world)
    assert "Courier 2.4.0" in message.text
    assert "Rider" not in message.text


async def test_a_channel_learns_of_no_other_private_channel(world: Environment) -> None:
    await world.start()
    ending(world, days=200)
    secret = world.slack.channel("secret", members=(world.ana,), private=True)
    public = world.slack.channel("public", members=(world.ana,))
    for channel in (secret, public):
        await world.ask("subscribe courier branch:nowhere", channel=channel)
    direct = world.slack.dm(world.ana)
    await begun(world)
    await begun(world, channel=direct)
    await tell(world)
    await tell(world)
    [message] = [each for each in posted(world) if "forecast" not in each.text]
    assert public.id in message.text
    assert secret.id not in message.text
    assert secret.id in posted(world, direct)[-1].text


async def test_more_of_a_posted_forecast_is_for_those_who_may(world: Environment) -> None:
    await world.start()
    for number in range(8):
        ending(world, world.applivery.app(f"App {number}", slug=f"app-{number}", oss=("ios",)), days=number + 1)
    await begun(world, "")
    await tell(world)
    [message] = posted(world)
    refused = await (await press(world.slack, message, "More", user=world.bruno)).answer()
    assert "Only releasers can see forecasts" in refused.text
    await world.ask(f"grant <@{world.bruno.id}> releaser app:app-7")
    await world.restart()
    more = await (await press(world.slack, message, "More", user=world.bruno)).answer()
    assert "App 7" in more.text
    assert "App 6" not in more.text
    assert len(posted(world)) == 1


async def test_forecast_by_dm_is_in_its_readers_language(world: Environment) -> None:
    lucia = world.slack.user("lucia", locale="es-ES", email="lucia@acme.test")
    await world.start(access_default_role="releaser")
    ending(world)
    direct = world.slack.dm(lucia)
    answer = await world.ask("forecast courier every:daily@09:00", user=lucia, channel=direct)
    assert "previsión de Courier para 30 días" in answer.text
    due(world)
    await tell(world)
    message = posted(world, direct)[-1]
    assert "*Lo que termina en Courier hasta el " in message.text
    assert "el perfil caduca · 1 persona" in message.text
