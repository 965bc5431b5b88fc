"""`doctor --blocks`: Slack's own verdict on each message and view, in words; nothing is posted."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from bot.doctor import blocks, message_examples, slack
from bot.doctor.blocks import batches
from bot.doctor.message_examples import Example, Surface
from bot.doctor.results import CheckOutcome, CheckResult, DoctorReport
from bot.doctor.runner import examine
from sandbox.faults import Fault
from tests.conftest import Environment

VALIDATE = "blocks.validate"


def example(name: str, *kinds: str, surface: Surface = Surface.MESSAGE) -> Example:
    return Example(name, "en, short", surface, {"blocks": [{"type": kind} for kind in kinds]})


SECTION = {"type": "section", "text": {"type": "plain_text", "text": "x"}}
WRONG = {"type": "section", "text": {"type": "plain_text", "text": ""}}
FEW = [
    Example("links.link", "en, short", Surface.MESSAGE, {"blocks": [SECTION]}),
    Example("links.link", "en, long", Surface.MESSAGE, {"blocks": [SECTION, SECTION]}),
    Example("home.home", "en, short", Surface.HOME, {"type": "home", "blocks": [SECTION]}),
]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> list[Example]:
    """Only a few examples, so that a test of how Slack is asked is short; the first test asks about all."""
    found = list(FEW)
    monkeypatch.setattr(message_examples, "examples", lambda: found)
    return found


async def asked(world: Environment, **changes: Any) -> tuple[DoctorReport, list[CheckResult]]:
    report = await examine(world.settings(**changes), lambda _: False, also=(slack.BLOCKS,))
    return report, [finding for finding in report.findings if finding.check == slack.BLOCKS]


def calls(world: Environment) -> list[dict[str, Any]]:
    return [call.args for call in world.slack.calls if call.method == VALIDATE]


async def test_slack_accepts_every_message_and_view(world: Environment) -> None:
    world.slack.scopes.difference_update(("channels:history", "groups:history"))
    posted = [call for call in world.slack.calls if call.method.startswith(("chat.", "views."))]
    _, [result] = await asked(world)
    assert result.outcome is CheckOutcome.WELL, result.said
    assert result.said.endswith("Home views accepted.")
    assert " messages, " in result.said
    assert " modals, " in result.said
    assert len(calls(world)) < 350, "messages are asked about together"
    assert all(len(set(call) & {"blocks", "message", "view"}) == 1 for call in calls(world))
    assert [call for call in world.slack.calls if call.method.startswith(("chat.", "views."))] == posted


async def test_slack_is_asked_in_http_mode_too(world: Environment, few: list[Example]) -> None:
    _, [result] = await asked(world, slack_app_token=None, slack_signing_secret="s" * 32)
    assert result.outcome is CheckOutcome.WELL, result.said
    assert [call for call in world.slack.calls if call.method.startswith(("chat.", "views."))] == []


async def test_slack_is_not_asked_without_the_option(world: Environment) -> None:
    report = await examine(world.settings(), lambda _: False)
    assert slack.BLOCKS not in {finding.check for finding in report.findings}
    assert calls(world) == []


async def test_a_refusal_has_its_name_reason_and_pointer(world: Environment, few: list[Example]) -> None:
    few.append(Example("missing.nudge", "es, odd", Surface.MESSAGE, {"blocks": [SECTION, WRONG]}))
    few.append(Example("recalls.ask", "en, odd", Surface.MODAL, {"type": "modal", "title": {}, "blocks": [SECTION]}))
    report, found = await asked(world)
    assert found[0].said == "2 messages, 1 Home view accepted."
    assert [finding.said for finding in found[1:]] == [
        "Slack refuses the message missing.nudge (es, odd): must be more than 0 characters (at /blocks/1/text/text).",
        "Slack refuses the modal recalls.ask (en, odd): missing required field: type (at /title).",
    ]
    assert {finding.outcome for finding in found[1:]} == {CheckOutcome.BROKEN}
    assert not report.fine


async def test_a_type_of_block_slack_lacks_is_said_once(world: Environment) -> None:
    world.slack.workspace.unsupported_blocks |= {"data_table"}
    report, found = await asked(world)
    assert found[0].outcome is CheckOutcome.WELL, "the rest is accepted"
    assert 1 < len(found) < 10
    for finding in found[1:]:
        assert "unsupported type: data_table (at /blocks/" in finding.said
        assert "more like it" in finding.said
    assert not report.fine


async def test_rate_limit_is_waited_for(world: Environment, few: list[Example]) -> None:
    world.slack.faults.add(VALIDATE, Fault(status=429, retry_after=1), times=5)
    _, [result] = await asked(world)
    assert result.said == "2 messages, 1 Home view accepted."


async def test_long_rate_limit_ends_in_words(world: Environment, few: list[Example]) -> None:
    world.slack.faults.add(VALIDATE, Fault(status=429, retry_after=3600), times=None)
    report, [result] = await asked(world)
    assert (result.outcome, result.said) == (CheckOutcome.WARNING, "Slack's rate limit left 3 unchecked.")
    assert result.fix == "Run `doctor --blocks` again later."
    assert "itself failed" not in report.text()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"errors": [{"code": "failed_constraint", "pointer": "/blocks/0"}]}, "failed_constraint (at /blocks/0)"),
        ({"errors": ["no [json-pointer:/blocks]"]}, "no [json-pointer:/blocks]"),
        ({"errors": [], "response_metadata": {"messages": ["[ERROR] no"]}}, "[ERROR] no"),
        ({"errors": {"odd": 1}, "response_metadata": []}, "invalid_message"),
        ({}, "invalid_message"),
    ],
)
async def test_refusal_in_any_shape_is_said(
    world: Environment, few: list[Example], more: dict[str, Any], words: str
) -> None:
    refusal = Fault(packed=gzip.compress(json.dumps({"ok": False, "error": "invalid_message", **more}).encode()))
    world.slack.faults.add(VALIDATE, refusal, times=None)
    _, found = await asked(world)
    assert found[0].said == f"Slack refuses the message links.link (en, short; 1 more like it): {words}."


@pytest.mark.parametrize("code", blocks.UNKNOWN)
async def test_a_slack_without_the_method_is_said_in_words(world: Environment, few: list[Example], code: str) -> None:
    world.slack.faults.add(VALIDATE, Fault(error=code), times=None)
    _, [result] = await asked(world)
    assert result.outcome is CheckOutcome.SKIPPED
    assert result.said == f"{world.slack.api_url.rstrip('/')} doesn't know blocks.validate."
    assert "SLACK_API_URL" in result.fix


@pytest.mark.parametrize(
    "fault", [Fault(error="fatal_error"), Fault(status=500), Fault(drop=True), Fault(body="<html>"), Fault(body="[]")]
)
async def test_a_slack_that_fails_is_no_refusal(world: Environment, few: list[Example], fault: Fault) -> None:
    world.slack.faults.add(VALIDATE, fault, times=None)
    _, [result] = await asked(world)
    assert result.outcome is CheckOutcome.BROKEN
    assert result.said.startswith("can't ask Slack (")


async def test_without_slack_it_is_not_checked(world: Environment) -> None:
    world.slack.revoke()
    _, [result] = await asked(world)
    assert (result.outcome, result.said) == (CheckOutcome.SKIPPED, "fix Slack token first.")


def test_a_batch_fits_into_one_message() -> None:
    table, chart, card = example("a", "data_table"), example("b", "data_visualization"), example("c", *["divider"] * 26)
    assert [len(batch) for batch in batches([table, table, card, card, chart, chart, chart])] == [1, 2, 3, 1]
    assert list(batches([])) == []
