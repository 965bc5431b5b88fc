"""The time from ready builds until they are announced in two channels: poll → record → announce.

50 apps have new builds and the webhook is called; the sink counts messages until the last. Each has to arrive once and,
in each channel, in the order of its app. Slack's limit of one message per second and channel is left out.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median

from bench.processes import BEFORE, QUICK, ROOT
from bench.rounds import Partial, Unfinished, in_turn
from bench.row import TableRow
from bench.telling import CHANNELS, OutboxScenario, has_postgresql, postgresql, scene

APPS = 50
WARM_UP, BUILDS = 2, 10  # in each app
TIMES = 2 if QUICK else 4  # as many in the long round
ROUNDS = 2 if QUICK else 3
TARGETS = {"SQLite": 600.0, "PostgreSQL": 500.0}


@dataclass(frozen=True, slots=True)
class Round:
    """Announcements per second, and the bot's memory in MB at the end."""

    rate: float
    held: float


async def rows() -> list[TableRow]:
    """Each database with a bot and a sink of its own, all asked in turn; then a longer round of ours."""
    made: list[TableRow] = []
    partial = Partial() if has_postgresql() else Partial(["PostgreSQL: initdb and pg_ctl are missing"])
    with partial.keeping():
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(postgresql()) if has_postgresql() else None
            bots = {}
            for name, where in {"SQLite": None, **({"PostgreSQL": server} if server else {})}.items():
                for version, root in {"ours": ROOT, **({"before": BEFORE} if BEFORE else {})}.items():
                    bots[name, version] = await stack.enter_async_context(scene(APPS, server=where, root=root))
            made = await _all(bots)
    every = [row for name in TARGETS for row in _rows(name, {}, partial)]
    have = {row.figure for row in made}
    return [*made, *(row for row in every if row.figure not in have)]


async def _all(bots: dict[tuple[str, str], OutboxScenario]) -> list[TableRow]:
    told = dict.fromkeys(bots, 0)

    async def measure(key: tuple[str, str], builds: int) -> Round:
        posts = builds * APPS * len(CHANNELS)
        rate = await _rate(bots[key], builds, told[key])
        told[key] += posts
        return Round(rate, bots[key].bot.resident())

    names = {"ours" if key == ("SQLite", "ours") else " ".join(key): key for key in bots}
    found = await in_turn(names, lambda _, key, number: measure(key, BUILDS if number else WARM_UP), ROUNDS)
    rounds = {key: found.found[name] for name, key in names.items()}
    long: dict[str, Round] = {}
    for name, version in bots:
        if version == "ours" and rounds[name, version]:
            with found.keeping(f"{name}, long round"):
                long[name] = await measure((name, version), BUILDS * TIMES)
    made: list[TableRow] = []
    for name, version in bots:
        if version == "ours":
            of: dict[str, Sequence[Round | None]] = {
                "ours": rounds[name, "ours"],
                "before": rounds.get((name, "before"), []),
                "long": [long.get(name)],
            }
            made += _rows(name, of, found)
    return made


def _rows(name: str, found: Mapping[str, Sequence[Round | None]], partial: Partial) -> list[TableRow]:
    """Return the rows of one database; a value that was not measured is NaN."""
    rates = {version: [value.rate for value in values if value] for version, values in found.items()}
    ours, before, long = (rates.get(key) or [] for key in ("ours", "before", "long"))
    held = [value.held for key in ("ours", "long") for value in found.get(key, []) if value]
    thousands = (len(ours) - 1 + TIMES) * BUILDS * APPS / 1000
    nan = float("nan")
    return [
        TableRow(
            f"announcements/s, {BUILDS * APPS:,} builds × {len(CHANNELS)} channels, {name}",
            "/s",
            median(ours) if ours else nan,
            target=TARGETS[name],
            better="higher",
            before=median(before) if before else None,
            incomplete=partial.words,
        ),
        TableRow(
            f"announcements/s, {BUILDS * APPS * TIMES:,} × {len(CHANNELS)}, {name}",
            "/s",
            long[0] if long else nan,
            incomplete=partial.words,
        ),
        TableRow(
            f"memory growth per 1,000 builds, {name}",
            "MB",
            (held[-1] - held[0]) / thousands if long and ours else nan,
            target=10,
            incomplete=partial.words,
        ),
    ]


async def _rate(scenario: OutboxScenario, builds: int, told: int) -> float:
    """Return announcements per second. Raises Unfinished, with the rate so far, if not all arrived in time."""
    posts = builds * APPS * len(CHANNELS)
    began = await scenario.more(builds)
    await scenario.ring()
    try:
        rate = posts / (await scenario.heard(told + posts) - began)
    except TimeoutError:
        came = await scenario.heard_so_far() - told
        measured = Round(came / (time.time() - began), scenario.bot.resident())
        raise Unfinished(measured, f"{came:,} of {posts:,} announced in time") from None
    await scenario.settled()  # so that the edits of this bot do not slow down the next one
    return rate
