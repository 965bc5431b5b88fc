from __future__ import annotations

import json

import pytest

from tests.conftest import Environment
from tests.support.seeing import controls, labels, link, press


@pytest.mark.parametrize(
    ("status", "words", "buttons"),
    [
        ("pending", "waiting to be processed", ["Watch", "Check again", "Open in Applivery"]),
        ("in_progress", "being processed", ["Watch", "Check again", "Open in Applivery"]),
        ("thawing", "unknown status `thawing`", ["Check again", "Open in Applivery"]),
        ("processed", "ready", ["Get build", "What's new", "Open in Applivery"]),
        ("success", "ready", ["Get build", "What's new", "Open in Applivery"]),
        ("error", "failed", ["Open in Applivery"]),
        ("failed", "failed", ["Open in Applivery"]),
    ],
)
async def test_status_every_applivery_status_in_words_with_actions(
    world: Environment, status: str, words: str, buttons: list[str]
) -> None:
    await world.start()
    world.applivery.build(world.courier, version="2.4.0", number="173", status=status)
    answer = await world.ask("status courier", user=world.bruno)
    assert words in answer.text
    assert "Courier 2.4.0 (173) for iOS" in answer.text
    assert labels(answer) == buttons


async def test_the_newest_build_is_meant_even_when_it_is_not_ready(world: Environment) -> None:
    await world.start()
    world.applivery.build(world.courier, version="1.0.0")
    world.applivery.build(world.courier, version="2.0.0", status="pending")
    for typed in ("status courier", "status", "status courier latest"):
        assert "2.0.0" in (await world.ask(typed, user=world.bruno)).text
    assert "1.0.0" in (await world.ask("status courier 1.0.0")).text


async def test_a_failure_is_told_with_applivery_s_own_words(world: Environment) -> None:
    await world.start()
    build = world.applivery.build(world.courier, version="2.4.0", status="in_progress")
    world.applivery.fail(build, "The profile <expired> & more", "E-17")
    for typed in ("status courier", f"status {build.id}"):
        answer = await world.ask(typed)
        assert "The profile &lt;expired&gt; &amp; more" in answer.text
        assert "E-17" in answer.text


async def test_check_again_takes_the_place_of_what_was_known(world: Environment) -> None:
    await world.start()
    build = world.applivery.build(world.courier, status="in_progress")
    answer = await world.ask("status courier")
    world.applivery.move(build, "processed")
    await world.restart()
    turn = await press(world.slack, answer, "Check again", user=world.ana)
    now = await turn.answer()
    assert "ready" in now.text
    got = await (await press(world.slack, now, "Get build", user=world.ana)).answer()
    assert link(got)


async def test_status_dashboard_button_opens_build_and_needs_no_answer(world: Environment) -> None:
    await world.start()
    build = world.applivery.build(world.courier)
    answer = await world.ask("status courier")
    [url] = [control.url for control in controls(answer) if control.action == "open.dashboard"]
    assert url.startswith(world.applivery.url)
    assert build.id in url
    turn = await press(world.slack, answer, "Open in Applivery", user=world.ana)
    assert turn.acked
    await world.stop()
    assert turn.answers == []


async def test_a_build_of_another_app_is_found_by_its_id(world: Environment) -> None:
    await world.start()
    build = world.applivery.build(world.applivery.app("Driver"), version="9.9.9")
    answer = await world.ask(f"status {build.id}")
    assert "Driver 9.9.9" in answer.text


async def test_filters_choose_which_newest_is_meant(world: Environment) -> None:
    await world.start()
    world.applivery.build(world.courier, version="1.0.0", os="android")
    world.applivery.build(world.courier, version="2.0.0", os="ios")
    assert "1.0.0" in (await world.ask("status courier os:android")).text
    assert "No build of Courier matches" in (await world.ask("status courier os:macos")).text


async def test_status_works_over_signed_http(world: Environment) -> None:
    await world.start(slack_app_token=None)
    world.applivery.build(world.courier, status="pending")
    answer = await world.ask("status courier")
    assert "waiting" in answer.text
    turn = await press(world.slack, answer, "Check again", user=world.ana)
    assert "waiting" in json.dumps((await turn.answer()).blocks)
