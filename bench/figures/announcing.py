"""Builds that are ready until two channels have heard of all of them, through watch → record → announce.

50 apps have new builds and the doorbell rings; the sink counts messages until the last. Each has to come once and, in
each channel, in its app's order. The pace of one message a second that Slack allows a channel is left out.
"""

from __future__ import annotations

from statistics import median

from bench.row import TableRow
from bench.telling import CHANNELS, OutboxScenario, postgresql, scene
from tests.support.postgres import PostgresServer

APPS = 50
BUILDS = 20  # in each app
ROUNDS = 3
TARGETS = {"SQLite": 400.0, "PostgreSQL": 300.0}


async def rows() -> list[TableRow]:
    """SQLite and PostgreSQL beside each other, in turns, each with a bot and a sink of its own; then ten times more."""
    async with postgresql() as server:
        found = await _in_turn(server)
    made = [
        TableRow(
            f"announcements/s, 1000 builds × 2 channels, {name}",
            "/s",
            median(rates[:ROUNDS]),
            target=TARGETS[name],
            better="higher",
        )
        for name, (rates, _) in found.items()
    ]
    made += [TableRow(f"announcements/s, 10,000 × 2, {name}", "/s", rates[-1]) for name, (rates, _) in found.items()]
    made += [
        TableRow(f"memory growth per 1000 builds, {name}", "MB", grown, target=10) for name, (_, grown) in found.items()
    ]
    return made


async def _in_turn(server: PostgresServer) -> dict[str, tuple[list[float], float]]:
    """For each database the rates of the rounds, the tenfold one last, and the memory grown per 1000 builds."""
    async with scene(APPS) as sqlite, scene(APPS, server) as postgres:
        both = {"SQLite": sqlite, "PostgreSQL": postgres}
        told = dict.fromkeys(both, 0)
        rates: dict[str, list[float]] = {name: [] for name in both}
        before: dict[str, float] = {}
        for number in range(ROUNDS + 2):
            builds = BUILDS * 10 if number > ROUNDS else BUILDS
            for name, value in both.items():
                rate = await _round(value, builds, told[name])
                told[name] += builds * APPS * len(CHANNELS)
                if number:  # the first warms up
                    rates[name].append(rate)
                else:
                    before[name] = value.bot.resident()
        grown = {name: (each_scene.bot.resident() - before[name]) / (ROUNDS + 10) for name, each_scene in both.items()}
    return {name: (rates[name], grown[name]) for name in both}


async def _round(scene: OutboxScenario, builds: int, told: int) -> float:
    posts = builds * APPS * len(CHANNELS)
    began = await scene.more(builds)
    await scene.ring()
    return posts / (await scene.heard(told + posts) - began)
