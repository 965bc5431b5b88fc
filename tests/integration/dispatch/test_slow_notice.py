"""A user who waits for Applivery is told so, once, before the answer or the error comes."""

from __future__ import annotations

import pytest

from bot.dispatch import slow_notice
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.support.seeing import press

NOTICE = "⏳ Applivery is slow. I'm still trying."


@pytest.fixture
async def slow(world: Environment, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Applivery takes a second for each list of builds, and a notice is due after a third of one."""
    monkeypatch.setattr(slow_notice, "SLOW_SECONDS", 0.3)
    monkeypatch.setattr(slow_notice, "STALLED_SECONDS", 0.1)
    world.applivery.build(world.courier, version="2.4.0")
    await world.start()
    world.applivery.faults.add("GET *builds*", Fault(latency=1.0), times=1)
    return world


async def test_slow_answer_is_announced_and_comes_below(slow: Environment) -> None:
    await slow.ask("builds courier", user=slow.bruno)
    await slow.slack.until(lambda: len(slow.slack.ephemerals(slow.bruno)) == 2)
    notice, answer = slow.slack.ephemerals(slow.bruno)
    assert notice.text == NOTICE
    assert answer.text.startswith("Builds of Courier")


async def test_slow_answer_to_a_click_leaves_the_message(slow: Environment) -> None:
    slow.applivery.faults.clear()
    menu = await slow.ask("", user=slow.bruno)
    slow.applivery.faults.add("GET *builds*", Fault(latency=1.0), times=1)
    await press(slow.slack, menu, "Builds", user=slow.bruno)
    await slow.slack.until(lambda: len(slow.slack.ephemerals(slow.bruno)) == 2)
    assert NOTICE in [message.text for message in slow.slack.ephemerals(slow.bruno)]


async def test_notice_is_in_the_user_s_language(slow: Environment) -> None:
    slow.bruno.locale = "es-ES"
    await slow.ask("builds courier", user=slow.bruno)
    await slow.slack.until(lambda: len(slow.slack.ephemerals(slow.bruno)) == 2)
    assert slow.slack.ephemerals(slow.bruno)[0].text == "⏳ Applivery va lenta. Sigo intentándolo."


async def test_quick_answer_has_no_notice(slow: Environment) -> None:
    slow.applivery.faults.clear()
    await slow.ask("builds courier", user=slow.bruno)
    await slow.slack.settled()
    assert [message.text for message in slow.slack.ephemerals(slow.bruno) if message.text == NOTICE] == []


async def test_slow_work_of_ours_is_not_applivery_s(slow: Environment) -> None:
    slow.applivery.faults.clear()
    slow.slack.faults.add("users.info", Fault(latency=1.0), times=1)
    zoe = slow.slack.user("zoe", email="zoe@acme.test")
    await slow.ask("builds courier", user=zoe)
    await slow.slack.settled()
    assert [message.text for message in slow.slack.ephemerals(zoe) if message.text == NOTICE] == []
