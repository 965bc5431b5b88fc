"""After a crash: what is read of a channel, by whose clock, at whose pace; and whose message is ours."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.db.schema import key_value, outbox
from bot.slack.client import MARGIN
from bot.workers.attempt_clocks import UNKNOWN
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.integration.workers.conftest import on_sqlite
from tests.integration.workers.test_build_poller import subscribed
from tests.integration.workers.test_outbox_dispatcher import EVERY, LOOK_UP, POST, crash, record
from tests.support.sqlalchemy_core import core
from tests.support.waiting import patience

Log = list[Any]


@pytest.fixture
async def watched(world: Environment) -> Environment:
    """#releases is subscribed to Courier, and one build was announced there."""
    await world.start()
    await subscribed(world)
    await world.look()
    await record(world, "1")
    await world.settle()
    return world


async def lost(world: Environment, version: str) -> None:
    """A build is posted, and the process dies before it hears so."""
    before = len(world.said())
    await record(world, version)
    async with patience():
        while len(world.said()) == before:
            if not world.bot.announce._posts:  # on a busy machine an attempt may be given up before it posts
                await world.bot.announce.step()
            await asyncio.sleep(0.01)


def spans(world: Environment) -> list[float]:
    """How many seconds of a channel each look-up asked for."""
    asked = [call.args for call in world.slack.calls_of(LOOK_UP)]
    return [float(args["latest"]) - float(args["oldest"]) for args in asked]


# ------------------------------------------------------------------ when


async def test_look_up_asks_for_the_seconds_around_the_attempt(watched: Environment) -> None:
    await lost(watched, "2")
    await crash(watched)
    for number in range(300):
        watched.slack.other_bot_posts(watched.releases, f"chatter {number}")
    await watched.settle()
    assert len([text for text in watched.said() if text in EVERY]) == 2
    assert max(spans(watched)) <= 2 * MARGIN + watched.tuning.lease_seconds + 1


@on_sqlite
@pytest.mark.parametrize("hours", [-30, -1, 1, 30])
async def test_wrong_clock_is_known_and_costs_nothing(world: Environment, hours: int) -> None:
    world.tuning = replace(world.tuning, clock=lambda: datetime.now(UTC) + timedelta(hours=hours))
    await world.start()
    await subscribed(world)
    await world.look()
    await record(world, "1")
    await world.settle()
    await lost(world, "2")
    await crash(world)
    await world.settle()
    assert world.said() == EVERY[:2]
    assert len(spans(world)) == 1


@on_sqlite
@pytest.mark.parametrize("hours", [-30, -1, 1, 30])
async def test_clock_set_after_the_crash_repeats_nothing(watched: Environment, hours: int) -> None:
    """The machine starts again with another time: the attempt is looked for by both."""
    await lost(watched, "2")
    watched.tuning = replace(watched.tuning, clock=lambda: datetime.now(UTC) + timedelta(hours=hours))
    await crash(watched)
    await watched.settle()
    assert watched.said() == EVERY[:2]


async def test_unknown_clock_widens_within_bounds(watched: Environment) -> None:
    """Nothing was written down: it is looked for by the present difference, then two hours around it."""
    await lost(watched, "2")
    watched.slack.faults.add(POST, Fault(status=429, retry_after=1))
    for message in watched.slack.messages(watched.releases):
        if message.metadata and message is watched.slack.messages(watched.releases)[-1]:
            watched.slack.mailbox.delete(message)
    await watched.bot.store.run(lambda tx: core(tx, sa.delete(key_value).where(key_value.c.key == "slack_clock_ahead")))
    await crash(watched)
    await watched.settle()
    assert watched.said() == EVERY[:2]
    assert len(spans(watched)) == 2
    assert spans(watched)[1] <= 2 * UNKNOWN + watched.tuning.lease_seconds + 1


async def test_attempt_of_version_before_is_still_found(watched: Environment) -> None:
    """It wrote neither when it posted nor which installation it was."""
    await lost(watched, "2")
    card = watched.slack.messages(watched.releases)[-1]
    assert card.metadata is not None
    del card.metadata["event_payload"]["installation"]
    nothing = {outbox.c.attempted_from: None, outbox.c.attempted_until: None}
    await watched.bot.store.run(lambda tx: core(tx, sa.update(outbox).values(nothing)))
    await crash(watched)
    await watched.settle()
    assert watched.said() == EVERY[:2]


# ------------------------------------------------------------------ at whose pace


async def test_limited_app_loses_and_repeats_nothing(watched: Environment, log: Log) -> None:
    """One request in two seconds (a minute in Slack) and 15 objects of a busy channel."""
    beta = watched.slack.channel("beta", members=(watched.ana,))
    await subscribed(watched, "courier", beta)
    await watched.settle()
    watched.slack.history_seconds = 2.0
    watched.slack.faults.add(POST, Fault(drop_after=True), times=2)
    await record(watched, "2", "3")
    for number in range(20):
        watched.slack.other_bot_posts(watched.releases, f"chatter {number}")
    await watched.settle()
    for channel in (watched.releases, beta):
        assert [text for text in watched.said(channel) if text in EVERY][-2:] == EVERY[1:3]
    assert [line["event"] for line in log].count("slack.history_limited") == 1
    assert [line["event"] for line in log].count("slack.away") == 1, "for the lost answers: a limit is no outage"
    sample = watched.bot.metrics.registry.get_sample_value("applivery_bot_slack_history_limited")
    assert sample == 1


async def test_history_refused_for_a_minute_is_said_once(watched: Environment, log: Log) -> None:
    watched.slack.faults.add(LOOK_UP, Fault(status=429, retry_after=60), times=1)
    await lost(watched, "2")
    await crash(watched)
    began = time.monotonic()
    while not watched.slack.calls_of(LOOK_UP):  # its lease has to lapse first
        await watched.bot.announce.drain()
        await asyncio.sleep(0.05)
    await watched.bot.announce.drain()
    assert time.monotonic() - began < 15, "it never sleeps as long as Slack says"
    [said] = [line for line in log if line["event"] == "slack.history_limited"]
    assert "several minutes" in said["consequence"]
    assert "internal app" in said["fix"]


# ------------------------------------------------------------------ whose


@pytest.mark.parametrize("installation", ["another", None])
async def test_card_of_another_bot_is_never_taken_for_ours(watched: Environment, installation: str | None) -> None:
    """Staging posts with the same key: from another database by our own app, or by an app of its own."""
    watched.slack.faults.add(POST, Fault(drop=True))  # ours does not arrive
    await record(watched, "2")
    await watched.bot.announce.step()
    await watched.slack.until(lambda: len(watched.slack.calls_of(POST)) >= 2)
    mine = watched.slack.calls_of(POST)[-1].args["metadata"]
    payload = {**mine["event_payload"]}
    if installation:
        payload["installation"] = installation
    us = (watched.slack.bot_user_id, watched.slack.bot_id, watched.slack.workspace.app_id)
    bot = us if installation else ("U0STAGING", "B0STAGING", "A0STAGING")
    watched.slack.other_bot_posts(watched.releases, "staging", metadata={**mine, "event_payload": payload}, bot=bot)
    await crash(watched)
    await watched.settle()
    assert [text for text in watched.said() if text in EVERY] == EVERY[:2]


async def test_installation_stays_over_restarts(watched: Environment) -> None:
    await record(watched, "2")
    await watched.settle()
    await watched.restart()
    await record(watched, "3")
    await watched.settle()
    cards = [message.metadata for message in watched.slack.messages(watched.releases) if message.metadata]
    marks = {card["event_payload"]["installation"] for card in cards}
    assert len(cards) == 3
    assert len(marks) == 1
