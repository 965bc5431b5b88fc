"""The app is uninstalled or its token revoked: the bot goes quiet, says so once, and goes on by itself after that."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from bot.db import link_expiries, outbox
from bot.db.link_expiries import LinkExpiry
from bot.db.schema import channel_leases
from bot.exceptions import SlackInvalidCredentials
from bot.slack.scopes import EVENTS
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.support.handing import directs, ready, rested
from tests.support.sqlalchemy_core import core
from tests.support.waiting import patience

POST, ASKED = "chat.postMessage", "auth.test"


@pytest.fixture
def world(database: str, world: Environment) -> Environment:
    world.database = database
    world.slack.subscribed = set(EVENTS)
    return world


async def announced(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    await world.look()
    await world.bot.slack_client.identity()


def refusals(world: Environment) -> list[str]:
    """The methods that were answered with a refusal of the token."""
    words = ("account_inactive", "token_revoked", "invalid_auth")
    return [call.method for call in world.slack.calls if call.answer and call.answer.get("error") in words]


async def readiness(world: Environment) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{world.bot.web.port}/readyz") as answer,
    ):
        return {"status": answer.status, **(await answer.json())}


async def lines(world: Environment) -> str:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{world.bot.web.port}/metrics") as answer,
    ):
        return await answer.text()


def reinstalled(world: Environment) -> None:
    world.slack.reinstall()
    world.bot.slack_client.standing._ask_at = 0.0  # as if the wait were over
    world.bot.slack_client.standing.ask_seconds = 0.0


async def again(world: Environment) -> None:
    """As if what was refused a minute ago were due."""
    world.bot.announce._pace = 0.0
    async with patience():
        while not world.said():
            await world.bot.announce.drain()
            await world.bot.store.run(_due)


def _due(tx: Any) -> None:
    core(tx, sa.update(channel_leases).values(next_send_at=sa.literal(0, sa.BigInteger)))


async def test_an_uninstalled_bot_is_quiet_and_loses_nothing(world: Environment) -> None:
    await announced(world)
    with capture_logs() as log:
        await world.slack.uninstall()
        await rested(world)
        ready(world)
        asked = len(world.applivery.requests)
        for _ in range(5):
            await world.look()
        assert await world.bot.watch.step() > 1
        assert refusals(world) == [ASKED], "one question, and nothing else"
        assert len(world.applivery.requests) == asked
        reinstalled(world)
        await world.look()
    assert [line["event"] for line in log if "token" in line["event"] and line["log_level"] == "warning"] == [
        "slack.token_refused"
    ]
    assert len(world.said()) == 1
    assert directs(world, world.ana) == []


@pytest.mark.parametrize("code", ["token_revoked", "account_inactive", "invalid_auth"])
async def test_a_queued_announcement_outlives_a_revoked_token(world: Environment, code: str) -> None:
    await announced(world)
    world.slack.api.revoked[world.slack.bot_token] = code
    ready(world)
    for _ in range(3):
        await world.look()
    assert (await world.bot.store.run(outbox.get_backlog)).count <= 1
    assert len(refusals(world)) <= 3, "what failed, and one question about it"
    reinstalled(world)
    await world.look()
    await again(world)
    assert len(world.said()) == 1


async def test_readiness_and_metrics_name_the_reason(world: Environment) -> None:
    await announced(world)
    assert (await readiness(world))["status"] == 200
    await world.slack.uninstall()
    await rested(world)
    for _ in range(3):
        found = await readiness(world)
        assert found["status"] == 503
        assert "uninstalled" in found["checks"]["slack"]["problem"]
        assert "account_inactive" in found["checks"]["slack"]["problem"]
    assert 'applivery_bot_slack_token_refused_total{reason="account_inactive"} 1.0' in await lines(world)
    assert refusals(world) == [ASKED]
    reinstalled(world)
    assert (await readiness(world))["status"] == 200


async def test_one_refusal_of_one_method_is_no_revocation(world: Environment) -> None:
    await announced(world)
    world.slack.faults.add(POST, Fault(error="invalid_auth"))
    ready(world)
    await world.look()
    assert world.bot.slack_client.standing.code == ""


@pytest.mark.parametrize(
    "event",
    [
        {"type": "tokens_revoked", "tokens": {"oauth": ["UXXXXXXXX"], "bot": ["UXXXXXXXX"]}},
        {"type": "tokens_revoked"},
        {"type": "tokens_revoked", "tokens": []},
        {"type": "app_uninstalled", "tokens": None},
    ],
)
async def test_an_event_about_other_tokens_changes_nothing(world: Environment, event: dict[str, Any]) -> None:
    await announced(world)
    assert (await asyncio.wait_for(world.slack.event(event), 5)).acked
    await rested(world)
    assert world.bot.slack_client.standing.code == ""


async def test_an_expired_link_is_marked_after_a_reinstallation(world: Environment) -> None:
    await announced(world)
    expiry = LinkExpiry(world.slack.dm(world.bruno).id, "1.1", "a", "b", "Courier", "a/b", "en")
    await world.bot.store.run(link_expiries.schedule_expiry, datetime(2026, 3, 1, tzinfo=UTC), expiry)
    world.slack.revoke()
    with pytest.raises(SlackInvalidCredentials):
        await world.bot.slack_client.identity(younger_than=0)
    assert await world.bot.expire.step() == 15
    assert await world.bot.store.run(link_expiries.expiry_due_in) == 0, "it is still to be done"
    reinstalled(world)
    await world.bot.expire.step()
    assert await world.bot.store.run(link_expiries.expiry_due_in) is None
