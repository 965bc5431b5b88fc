"""An error whose right answers are known has a button for each; pressing one runs the corrected command."""

from __future__ import annotations

import re

import pytest

from bot.domain import grammar
from tests.conftest import Environment
from tests.support.handing import ready
from tests.support.seeing import controls, labels, press

# What is typed, and a button below the answer
MISTAKES = [
    ("get curier", "Courier", "get courier"),
    ("get zzz", "Field Notes", "get field-notes"),
    ("get courier 2.4.1", "2.4.0", "get courier 2.4.0"),
    ("get courier relaese/2.4", "release/2.4", "get courier branch:release/2.4"),
    ("get courier oss:ios", "os:", "get courier os:ios"),
    ("get courier foo:ios", "branch:", "get courier branch:ios"),
    ("get courier type:zip", "type:file", "get courier type:file"),
    ("get courier type:aab type:file", "type:aab", "get courier type:aab"),
    ("builds courier andriod", "android", "builds courier android"),
    ("builds courier by:No Body", 'by:"No Body"', 'builds courier by:"No Body"'),
    ("downloads courier by:country", "by:version", "downloads courier by:version"),
    ("downloads courier since:yesterdya", "7d", "downloads courier since:7d"),
    ("downloads courier since:7d until:2001-01-01", "30d", "downloads courier since:30d until:2001-01-01"),
    ("downloads courier every:soon", "daily@09:00", "downloads courier every:daily@09:00"),
    ("downloads courier every:daily@09:00 quiet:perhaps", "quiet:no", "downloads courier every:daily@09:00 quiet:no"),
    ("subscribe courier on:procesd,failed", "on:processed", "subscribe courier on:processed,failed"),
    ("subscribe courier on:nothing", "on:uploaded", "subscribe courier on:uploaded"),
    ("subscribe courier -on:failed", "on:processed", "subscribe courier on:processed"),
    ("subscribe courier format:tiny", "format:compact", "subscribe courier format:compact"),
    ("subscribe courier -threads:on", "threads:off", "subscribe courier threads:off"),
    ("subscribe courier digest:soon", "daily@09:00", "subscribe courier digest:daily@09:00"),
    ("subscribe courier quiet:night", "quiet:22:00-08:00", "subscribe courier quiet:22:00-08:00"),
    ("subscribe courier tz:Europe/Madird", "tz:Europe/Madrid", "subscribe courier tz:Europe/Madrid"),
    ("subscribe courier mention:@moblie-qa", "@mobile-qa", "subscribe courier mention:@mobile-qa"),
    ("grant <@U123456|bruno> releasr", "releaser", "grant &lt;@U123456|bruno&gt; releaser"),
    ("grant <@U123456|bruno>", "manager", "grant &lt;@U123456|bruno&gt; manager"),
    ("audit format:xls", "format:csv", "audit format:csv"),
    ("subscriptions mine", "subscriptions all", "subscriptions all"),
    ("help gte", "get", "help get"),
    ("bilds courier main", "builds courier main", "builds courier main"),
    ("download courier", "get courier", "get courier"),
    ("list courier", "builds courier", "builds courier"),
    ("get ios", "Courier", "get courier ios"),
    ("builds latest android", "Courier", "builds courier latest android"),
]


@pytest.fixture
async def workspace(world: Environment) -> Environment:
    """Three apps, two builds and a user group."""
    world.applivery.app("Driver", slug="driver")
    world.applivery.app("Field Notes", slug="field-notes")
    world.slack.usergroup("mobile-qa", [world.bruno])
    ready(world, branch="main", uploader="No One")
    ready(world, os="android", version="2.4.0", number="174", extension="apk")
    await world.start()
    return world


async def test_error_with_known_answers_has_button_for_each(workspace: Environment) -> None:
    for typed, label, corrected in MISTAKES:
        answer = await workspace.ask(typed)
        offered = {control.label: control for control in controls(answer)}
        assert label in offered, (typed, answer.text, list(offered))
        assert (offered[label].action.partition("#")[0], offered[label].value) == ("run.v1", corrected)


async def test_every_offered_command_is_registered_and_parses(workspace: Environment) -> None:
    names = {entry.name for entry in workspace.bot.dispatcher.registry.commands()}
    for typed, _, _ in MISTAKES:
        answer = await workspace.ask(typed)
        for control in controls(answer):
            verb, _, rest = control.value.partition(" ")
            assert verb in names, control
            words = grammar.parse(rest)
            assert grammar.parse(grammar.explain(words)) == words


async def test_sentence_offering_alternatives_has_as_many_buttons(workspace: Environment) -> None:
    for typed, _, _ in MISTAKES:
        answer = await workspace.ask(typed)
        named = re.findall(r"`[^`]+`", answer.text.partition("Did you mean")[2] or answer.text.partition("Choose")[2])
        assert len(controls(answer)) >= len(named), (typed, answer.text)


async def test_report_is_offered_no_branch(workspace: Environment) -> None:
    answer = await workspace.ask("downloads courier mian")
    assert labels(answer) == ["See builds"]
    assert "Did you mean" not in answer.text


async def test_pressed_answer_runs_corrected_command(workspace: Environment) -> None:
    answer = await workspace.ask("builds curier branch:main")
    turn = await press(workspace.slack, answer, "Courier", user=workspace.ana)
    assert "2.4.0 (173)" in (await turn.answer()).text


async def test_member_is_offered_no_command_of_others(workspace: Environment) -> None:
    assert "audit" not in " ".join(labels(await workspace.ask("adit", user=workspace.bruno)))
