"""A short slice of the fuzz; `make fuzz` plays it for as long as one likes."""

from __future__ import annotations

import os
import random

import pytest

from bot.dispatch.arguments import option_keys
from bot.dispatch.registry import HandlerKind
from sandbox.faults import Fault
from tests.conftest import Environment, logged
from tests.fuzz.deeds import FuzzEnvironment
from tests.fuzz.rounds import fuzz
from tests.fuzz.scenery import furnish
from tests.fuzz.verdict import Oracle
from tests.fuzz.words import InputGenerator
from tests.support.everything import broken
from tests.support.handing import rested
from tests.support.waiting import PATIENCE

SLICE = 150  # deeds
CHANCE = 22 if os.environ.get("CI") else random.randrange(1_000_000)


@pytest.mark.parametrize("seed", [20, 21, CHANCE], ids=["over a socket", "over HTTP", "by chance"])
async def test_fuzz_any_input_causes_no_unhandled_error(seed: int) -> None:
    print(f"make fuzz ARGS='--seed {seed} --rounds 1'")  # noqa: T201  pytest shows it with a failure
    report = await fuzz(seed, seconds=PATIENCE, rounds=1, deeds=SLICE)
    assert report.deeds >= SLICE or report.findings
    assert not report.findings, str(report)


async def test_every_subcommand_is_typed_with_every_option_it_has(world: Environment) -> None:
    await world.start()
    furnish(world, random.Random(1))
    typist = InputGenerator(world, random.Random(1))
    for entry in typist.entries_of(HandlerKind.COMMAND):
        typed = " ".join(word for _ in range(500) for word in typist.sentence(entry))
        keys = {key for parameter in entry.parameters if parameter.is_option for key in option_keys(parameter)}
        assert entry.name in typed
        assert {key for key in keys if f"{key}:" not in typed} == set(), entry.name


async def test_verdict_sees_bug_unanswered_command_and_refused_request(world: Environment) -> None:
    """It also sees each request that Slack or Applivery refuses."""
    with logged("INFO") as log:
        await world.start()
        furnish(world, random.Random(1))
        world.bot.dispatcher.registry.add(broken.entries[0])  # type: ignore[attr-defined]
        scene = FuzzEnvironment(world, random.Random(1), InputGenerator(world, random.Random(1)))
        judge = Oracle(world, log)

        async def found(words: str) -> str:
            turn = await world.slack.command("/applivery", words, user=world.ana, channel=world.releases)
            scene.took(words, turn)
            await rested(world)
            return "\n".join(sorted(finding.kind for finding in judge.findings(scene, trouble=False)))

        assert await found("builds courier") == ""
        said = await found("broken")
        assert said.startswith("request.error ValueError")
        assert said.endswith("somebody was told that something went wrong")
        world.applivery.faults.add("GET */builds", Fault(status=400, code=6002), times=None)
        assert (await found("builds courier")).startswith("Applivery was asked nonsense")
        world.slack.faults.add("response_url", Fault(status=400, error="invalid_blocks"), times=None)
        world.slack.faults.add("chat.postMessage", Fault(error="invalid_blocks"), times=None)
        assert "chat.postMessage: invalid_blocks" in await found("help")


async def test_verdict_sees_unanswered_command(world: Environment) -> None:
    with logged("INFO") as log:
        await world.start()
        furnish(world, random.Random(1))
        scene = FuzzEnvironment(world, random.Random(1), InputGenerator(world, random.Random(1)))
        for target in ("response_url", "chat.postMessage"):
            world.slack.faults.add(target, Fault(error="gone"), times=None)
        scene.took("help", await world.slack.command("/applivery", "help", user=world.ana, channel=world.releases))
        await rested(world)
        [finding] = Oracle(world, log).findings(scene, trouble=False)
        assert finding.kind == "a command without an answer"
