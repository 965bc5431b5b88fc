from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families

from bot import __version__
from bot.db import app_polls
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.integration.web.test_server import ask


async def scraped(world: Environment) -> dict[str, float]:
    """What Prometheus gets now, by name and labels."""
    text = (await ask(world, "GET", "/metrics")).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {
        " ".join([sample.name.removeprefix("applivery_bot_"), *sample.labels.values()]): sample.value
        for sample in samples
    }


async def test_metrics_outbox_and_polling_measured_on_request(world: Environment) -> None:
    now, shift = datetime.now(UTC), timedelta()
    world.tuning = replace(world.tuning, clock=lambda: now + shift)
    await world.start()
    empty = await scraped(world)
    assert (empty["announcements_waiting"], empty["announcements_oldest_seconds"]) == (0, 0)
    assert (empty["apps watched"], empty["apps behind"]) == (0, 0)
    await world.ask("subscribe courier")
    await world.look()
    world.applivery.build(world.courier, status="processed")
    await world.bot.store.run(app_polls.request_poll, None)
    await world.bot.watch.step()
    shift = timedelta(minutes=10)
    late = await scraped(world)
    assert (late["announcements_waiting"], late["announcements_oldest_seconds"]) == (1, 600)
    assert (late["apps watched"], late["apps behind"]) == (1, 1)
    await world.look()
    after = await scraped(world)
    assert (after["announcements_waiting"], after["apps behind"]) == (0, 0)


async def test_readiness_is_a_gauge_for_each_check(world: Environment) -> None:
    await world.start()
    ready = await scraped(world)
    assert {name: ready[f"ready {name}"] for name in ("slack", "database", "polling")} == {
        "slack": 1,
        "database": 1,
        "polling": 1,
    }
    world.applivery.faults.add("GET /v1/*", Fault(status=500), times=None)
    world.slack.revoke()
    await world.restart(slack_app_token=None)
    assert (await scraped(world))["ready slack"] == 0


async def test_metrics_without_database_keep_counters_and_have_gaps(world: Environment) -> None:
    await world.start()
    await world.ask("help")
    with closing(sqlite3.connect(world.folder / "bot.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        found = await scraped(world)
        other.execute("ROLLBACK")
    assert math.isnan(found["announcements_waiting"])
    assert math.isnan(found["apps behind"])
    assert found["ready database"] == 0
    assert found["requests_total command help answered"] == 1


async def test_version_memory_and_processor_time_are_there(world: Environment) -> None:
    await world.start()
    found = await scraped(world)
    assert found[f"info {__version__}"] == 1
    assert found["process_resident_memory_bytes"] > 1e6
    assert found["process_cpu_seconds_total"] > 0
