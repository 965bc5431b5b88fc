"""HTTP mode as it begins with real Slack: commands come, events do not until the request URL has been verified."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import aiohttp
import pytest

from bot.app import running
from bot.doctor.http_events import EVENTS
from bot.doctor.results import CheckOutcome, CheckResult
from bot.services import event_arrivals
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.integration.doctor.test_runner import examined, the
from tests.support.waiting import patience

PAGE = "https://api.slack.com/apps/A0SANDBOX/event-subscriptions"


async def begun(world: Environment, **changes: Any) -> None:
    """Start in HTTP mode as the first time: Slack knows the address and has not verified it."""
    await world.start(slack_app_token=None, **changes)
    world.slack.request_url = world.slack.request_url


async def fresh(world: Environment, **changes: Any) -> None:
    """The same, where the address was never verified in the life of this database."""
    verify, world.slack.verify = world.slack.verify, _yes
    await world.start(slack_app_token=None, **changes)
    world.slack.verify = verify


async def _yes() -> bool:
    return True


async def events(world: Environment) -> CheckResult:
    return the(await examined(world, slack_app_token=None, port=world.bot.web.port), EVENTS)


async def ready(world: Environment) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{world.bot.web.port}/readyz") as answer:
            assert answer.status == 200, "commands work without events, so the bot is ready"
            return dict((await answer.json())["checks"]["slack"])


async def seen(world: Environment) -> event_arrivals.Arrivals:
    """What is in the database, once what is being written is there."""
    async with patience():
        while not (found := await event_arrivals.read(world.bot.store)).event:
            await asyncio.sleep(0.01)
    return found


async def test_unverified_address_gets_commands_and_no_event(world: Environment) -> None:
    await fresh(world)
    assert (await world.ask("whoami")).text
    turn = await world.slack.home(world.ana)
    assert not turn.acked
    assert world.slack.home_of(world.ana) is None
    assert await world.slack.verify()
    assert (await world.slack.home(world.ana)).acked


async def test_doctor_says_where_to_verify_the_address(world: Environment, log: io.StringIO) -> None:
    await fresh(world)
    found = await events(world)
    assert found.outcome is CheckOutcome.WARNING
    assert found.said == f"no event has ever arrived: verify the URL under {PAGE}."
    assert "Retry" in found.fix
    assert (await ready(world))["events"] == "none yet"
    async with patience():
        while "slack.no_event_yet" not in log.getvalue():
            await asyncio.sleep(0.01)
    assert PAGE in log.getvalue()


async def test_address_without_app_id_is_said_in_words(world: Environment) -> None:
    world.slack.faults.add("bots.info", Fault(error="missing_scope"), times=None)
    await fresh(world)
    assert "https://api.slack.com/apps → your app → Event Subscriptions" in (await events(world)).said


async def test_app_id_is_known_from_a_command(world: Environment) -> None:
    world.slack.faults.add("bots.info", Fault(error="unknown_method"), times=None)
    await fresh(world)
    await world.ask("whoami")
    async with patience():
        while not (await event_arrivals.read(world.bot.store)).app_id:
            await asyncio.sleep(0.01)
    assert PAGE in (await events(world)).said


async def test_verified_address_is_told_from_an_unverified(world: Environment) -> None:
    await fresh(world)
    assert await world.slack.verify()
    async with patience():
        while not (await event_arrivals.read(world.bot.store)).verified:
            await asyncio.sleep(0.01)
    assert (await events(world)).said == "the URL is verified, and no event has arrived yet."


async def test_arrived_event_is_known_after_a_restart(world: Environment, log: io.StringIO) -> None:
    await begun(world)
    assert await world.slack.verify()
    await world.slack.home(world.ana)
    at = (await seen(world)).event
    assert at is not None
    assert (await ready(world))["events"] == at.isoformat(timespec="seconds")
    await world.restart(slack_app_token=None)
    found = await events(world)
    assert found.outcome is CheckOutcome.WELL
    assert found.said.startswith("the last one arrived ")
    assert "slack.no_event_yet" not in log.getvalue().partition("service.stopping")[2]


async def test_events_cost_one_write_in_ten_minutes(world: Environment) -> None:
    await begun(world)
    assert await world.slack.verify()
    await world.slack.home(world.ana)
    first = await seen(world)
    for _ in range(3):
        await world.slack.home(world.bruno)
    assert await seen(world) == first


@pytest.mark.parametrize("headers", [{}, {"X-Slack-Signature": "v0=" + "0" * 64}], ids=["unsigned", "wrong"])
async def test_unsigned_verification_is_refused(world: Environment, headers: dict[str, str]) -> None:
    await fresh(world)
    stamp = {"X-Slack-Request-Timestamp": str(int(world.slack.workspace.clock()))}
    asked = {"type": "url_verification", "challenge": "secret", "token": "x"}
    async with aiohttp.ClientSession() as session:
        async with session.post(str(world.slack.request_url), json=asked, headers={**stamp, **headers}) as answer:
            assert answer.status == 401
            assert "secret" not in await answer.text()
    assert await event_arrivals.read(world.bot.store) == event_arrivals.Arrivals()


async def test_wrong_signing_secret_is_said_once(world: Environment, log: io.StringIO) -> None:
    await fresh(world, slack_signing_secret="anothersecret")
    assert not await world.slack.verify()
    assert not await world.slack.verify()
    assert log.getvalue().count("slack.wrong_signature") == 1
    assert "SLACK_SIGNING_SECRET" in log.getvalue()
    assert (await ready(world))["signature"] == "refused"
    found = await events(world)
    assert found.outcome is CheckOutcome.WARNING  # a stranger can send such a request, too
    assert "signature" in found.said
    assert "SLACK_SIGNING_SECRET" in found.fix


async def test_a_stranger_s_signature_is_no_wrong_secret(world: Environment, log: io.StringIO) -> None:
    await begun(world)
    world.slack.http.secret = "a stranger's"
    assert not await world.slack.verify()
    assert "slack.wrong_signature" not in log.getvalue()
    assert "signature" not in await ready(world)


async def test_socket_mode_has_no_address_to_verify(world: Environment, log: io.StringIO) -> None:
    async with running(world.settings(), world.tuning, jobs=False) as world.bot:
        await world.slack.until(lambda: world.slack.sockets)
        assert "events" not in await ready(world)
    assert not [found for found in (await examined(world)).findings if found.check == EVENTS]
    assert "slack.no_event_yet" not in log.getvalue()
