"""Rounds of the fuzz: each in a fresh world, over Socket Mode or HTTP in turn, until the time is over."""

from __future__ import annotations

import asyncio
import gc
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.db.database import migrate
from bot.i18n import LANGUAGES
from sandbox.faults import Fault
from tests.conftest import Environment, living, logged
from tests.fuzz import deeds, misdeeds
from tests.fuzz.deeds import FuzzEnvironment
from tests.fuzz.scenery import furnish
from tests.fuzz.verdict import FuzzFailure, Oracle, leaks
from tests.fuzz.words import InputGenerator
from tests.support.handing import Clock, free_port
from tests.support.waiting import busyness

ROUND_SECONDS = 15.0
HANG_SECONDS = 20.0  # no deed of ours takes a tenth of it
AT_ONCE = 4
TROUBLE = 0.12  # share of the steps in which Slack or Applivery misbehave

APPLIVERY_FAULTS = (
    Fault(status=500, error="no"), Fault(status=503, body="<html>"), Fault(status=429, retry_after=0.1),
    Fault(status=401, code=4004), Fault(status=403, code=5001), Fault(status=404, code=3001),
    Fault(status=400, code=5014), Fault(drop=True), Fault(drop_after=True), Fault(body="<html>"), Fault(body="[]"),
    Fault(body='{"status": true}'), Fault(body='{"status": true, "data": 5}'), Fault(latency=0.2),
)  # fmt: skip
SLACK_FAULTS = (
    Fault(error="internal_error"), Fault(error="fatal_error"), Fault(error="channel_not_found"),
    Fault(error="not_in_channel"), Fault(error="is_archived"), Fault(error="user_not_found"),
    Fault(error="message_not_found"), Fault(error="missing_scope"), Fault(error="a_new_error"),
    Fault(status=500, body="oops"), Fault(status=429, retry_after=0.1), Fault(drop=True), Fault(drop_after=True),
    Fault(latency=0.2), Fault(status=200, body="<html>"),
)  # fmt: skip

Deed = Callable[[FuzzEnvironment], Awaitable[str]]
DEEDS: tuple[tuple[int, Deed], ...] = (
    (30, deeds.command), (14, deeds.click), (8, deeds.made_up_click), (10, deeds.form), (4, deeds.shortcut),
    (6, deeds.mention), (3, deeds.event), (3, deeds.typeahead), (12, misdeeds.spoiled_again), (3, misdeeds.raw),
    (2, misdeeds.claim), (9, misdeeds.builds_move), (2, misdeeds.time_passes),
)  # fmt: skip


@dataclass
class FuzzReport:
    """What came of it: how much was done, and each fault with the step that showed it first."""

    deeds: int = 0
    rounds: int = 0
    seconds: float = 0.0
    findings: dict[FuzzFailure, str] = field(default_factory=dict)

    def add(self, finding: FuzzFailure, where: str) -> None:
        """Keep a fault unless it is known already."""
        self.findings.setdefault(finding, where)

    def __str__(self) -> str:
        lines = [f"{self.deeds} deeds in {self.rounds} rounds and {self.seconds:.0f} s: {len(self.findings)} faults"]
        for finding, where in self.findings.items():
            lines += [
                "",
                f"# {finding.kind}",
                f"  in {where}",
                *(f"  {line}" for line in finding.about.splitlines()[-40:]),
            ]
        return "\n".join(lines)


async def fuzz(
    seed: int,
    *,
    seconds: float,
    rounds: int | None = None,
    deeds: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> FuzzReport:
    """Play rounds with the seeds from this one on, until the time is over or so many were played, or deeds done."""
    report, started = FuzzReport(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.db"
        await asyncio.to_thread(migrate, f"sqlite:///{empty}")
        while (left := seconds - (time.monotonic() - started)) > 0 and report.rounds != rounds:
            before = len(report.findings)
            await _round(seed + report.rounds, left if deeds else min(left, ROUND_SECONDS), empty, report, deeds)
            report.rounds += 1
            new = len(report.findings) - before
            say(f"seed {seed + report.rounds - 1}: {report.deeds} deeds so far, {new} new faults")
    report.seconds = time.monotonic() - started
    return report


async def _round(seed: int, seconds: float, empty: Path, report: FuzzReport, deeds: int | None) -> None:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as name, logged("INFO") as log:
        folder = Path(name)
        async with living(folder, empty) as world:
            judge = Oracle(world, log)
            try:
                scene = await _opened(world, chance, over_http=seed % 2 == 1)
                await _played(scene, judge, seconds, report, seed, deeds)
                async with asyncio.timeout(10 * busyness()):
                    await world.stop()
            except TimeoutError:
                report.add(FuzzFailure("it hangs", f"{_pending()}"), f"seed {seed}")
            gc.collect()  # what asyncio has to say of forgotten tasks and sessions, it says now
            for finding in (*judge.findings(scene, trouble=True), *leaks(world)):
                report.add(finding, f"seed {seed}, at the end")


async def _opened(world: Environment, chance: random.Random, *, over_http: bool) -> FuzzEnvironment:
    # Bolt compares timestamps with the machine's clock, so that over HTTP no other can be used
    clock = None if over_http else Clock(world)
    world.tuning = replace(world.tuning, applivery_seconds=3.0)
    world.slack.ack_seconds *= 2  # four deeds come at once; other tests keep to Slack's own
    port = free_port()
    changes = {"slack_app_token": None} if over_http else {}
    changes |= {"language": chance.choice(LANGUAGES)}
    if chance.random() < 0.5:
        changes |= {"public_url": f"http://127.0.0.1:{port}"}
    furnish(world, chance)
    await world.start(
        jobs=True,
        port=port,
        links_per_minute=10_000,
        links_per_hour=10_000,
        applivery_webhook_secret=misdeeds.WEBHOOK,
        applivery_requests_per_hour=10**9,
        **changes,
    )
    scene = FuzzEnvironment(world, chance, InputGenerator(world, chance), clock)
    for words in (
        "subscribe * on:uploaded,processed,failed",
        "watch courier",
        f"grant <#{world.releases.id}|releases> manager",
    ):
        await world.slack.command("/applivery", words, user=world.ana, channel=world.releases)
    return scene


async def _played(
    scene: FuzzEnvironment, judge: Oracle, seconds: float, report: FuzzReport, seed: int, deeds: int | None
) -> None:
    started, step, met = time.monotonic(), 0, [0, 0]
    weights, every = zip(*DEEDS, strict=True)
    while time.monotonic() - started < seconds and (deeds is None or report.deeds < deeds):
        step += 1
        if scene.chance.random() < TROUBLE:
            _let_in(scene)
        chosen = scene.chance.choices(every, weights, k=scene.chance.randint(1, AT_ONCE))
        async with asyncio.timeout(HANG_SECONDS * busyness()):
            done = await asyncio.gather(*(deed(scene) for deed in chosen))
            await _rested(scene)
        report.deeds += len(done)
        met.append(_met(scene))
        # what a fault did to a job may be told a step later
        for finding in judge.findings(scene, trouble=met[-1] != met[-3]):
            report.add(finding, f"seed {seed}, step {step}: {' | '.join(done)}")


async def _rested(scene: FuzzEnvironment) -> None:
    door, carrier = scene.world.bot.dispatcher, scene.world.bot.upload_runner
    while door._tasks or carrier._tasks:
        await door.drain(HANG_SECONDS)
        await carrier.drain(HANG_SECONDS)


def _let_in(scene: FuzzEnvironment) -> None:
    """Some trouble with Slack or Applivery, for the next few requests."""
    chance, times = scene.chance, scene.chance.randint(1, 4)
    if chance.random() < 0.5:
        scene.world.applivery.faults.add(
            chance.choice(("*", "GET */builds*", "GET */downloadToken")), chance.choice(APPLIVERY_FAULTS), times=times
        )
        return
    fault = chance.choice(SLACK_FAULTS)
    target = chance.choice(("*", "chat.*", "response_url", "views.open", "users.info", "conversations.*", "file"))
    scene.world.slack.faults.add(target, fault, times=times)


def _met(scene: FuzzEnvironment) -> int:
    """How many requests have met trouble so far; trouble that waits for one may meet a request of the jobs."""
    return len(scene.world.slack.faults.fired) + len(scene.world.applivery.faults.fired)


def _pending() -> str:
    """Where every task stands."""
    found = []
    for task in asyncio.all_tasks():
        frames = [f"{frame.f_code.co_filename}:{frame.f_lineno}" for frame in task.get_stack()]
        found.append(f"{task.get_name()}: {frames}")
    return "\n".join(found)
