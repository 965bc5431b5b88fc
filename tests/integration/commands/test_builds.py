from __future__ import annotations

from html import unescape

import pytest

from tests.conftest import Environment
from tests.support.handing import seen
from tests.support.seeing import labels, link, press


async def test_builds_listed_newest_first_with_state_in_words(world: Environment) -> None:
    await world.start()
    for number, status in enumerate(["processed", "success", "error", "in_progress", "pending", "thawing"]):
        world.applivery.build(world.courier, version=f"1.{number}.0", number=str(number), status=status)
    answer = await world.ask("builds courier", user=world.bruno)
    states = [part.rpartition(": ")[2] for part in answer.text.removesuffix(".").split("; ")]
    unknown = "unknown status `thawing`"
    assert states == [unknown, "waiting", "processing", "failed", "ready", "ready"]
    assert answer.text.index("1.5.0") < answer.text.index("1.0.0")
    assert labels(answer)[:3] == ["Get 1.1.0 iOS", "Status of 1.5.0 (5) iOS", "Status of 1.4.0 (4) iOS"]
    assert labels(answer)[-1] == "Get 1.0.0 (0) iOS"
    assert "⚠️ *1.5.0 (5)* iOS · unknown status `thawing`\n" in seen(answer)
    assert "✅ *1.1.0 (1)* iOS · " in seen(answer)
    assert answer.ephemeral_to == world.bruno.id


async def test_each_build_of_a_list_can_be_had_or_looked_at(world: Environment) -> None:
    await world.start()
    world.applivery.build(world.courier, version="1.0.0")
    world.applivery.build(world.courier, version="2.0.0")
    world.applivery.build(world.courier, version="3.0.0", status="pending")
    answer = await world.ask("builds courier")
    for label, version in (("Get 2.0.0 iOS", "2.0.0"), ("Get 1.0.0 (1) iOS", "1.0.0")):
        got = await (await press(world.slack, answer, label, user=world.ana)).answer()
        assert version in got.text
        assert link(got)
    asked = await (await press(world.slack, answer, "Status of 3.0.0 (1) iOS", user=world.ana)).answer()
    assert "3.0.0" in asked.text
    assert asked is not answer


async def test_filters_narrow_the_list_and_are_said_back(world: Environment) -> None:
    await world.start()
    world.applivery.build(world.courier, version="1.0.0", os="android", branch="main", tags=("nightly",))
    world.applivery.build(world.courier, version="2.0.0", os="ios", branch="release/2")
    world.applivery.build(world.courier, version="3.0.0", os="ios", branch="main")
    for typed, versions in {
        "os:ios": {"2.0.0", "3.0.0"},
        "branch:release/*": {"2.0.0"},
        "-tag:nightly": {"2.0.0", "3.0.0"},
        "version:1.0.0 version:2.0.0": {"1.0.0", "2.0.0"},
        "-os:ios": {"1.0.0"},
    }.items():
        answer = await world.ask(f"builds courier {typed}")
        assert {version for version in ("1.0.0", "2.0.0", "3.0.0") if version in answer.text} == versions
        assert f"Builds of Courier* · {typed}" in seen(answer).replace("Courier ·", "Courier* ·")


async def test_builds_no_match_and_empty_app_are_explained(world: Environment) -> None:
    await world.start()
    empty = await world.ask("builds courier")
    assert (empty.text, labels(empty)) == ("Courier has no builds yet.", ["Upload a build"])
    assert labels(await world.ask("builds courier", user=world.bruno)) == ["Check again"]
    world.applivery.build(world.courier, os="ios")
    none = await world.ask("builds courier os:windows")
    assert none.text == "No build of Courier matches os:windows."
    everything = await (await press(world.slack, none, "Show all builds", user=world.ana)).answer()
    assert "Get 1.0.0 iOS" in labels(everything)


async def test_a_long_list_is_turned_to_its_end(world: Environment) -> None:
    await world.start()
    for number in range(25):
        world.applivery.build(world.courier, version=f"1.{number}.0", changelog="x" * 5000)
    answer = await world.ask("builds courier -version:1.7.0")
    read = [answer.text]
    for part in ("11–20", "21–24 of 24"):
        answer = await (await press(world.slack, answer, "More", user=world.ana)).answer()
        assert part in seen(answer)
        read.append(answer.text)
    assert "More" not in labels(answer)
    assert [f"1.{number}.0 " in " ".join(read) for number in range(25)] == [number != 7 for number in range(25)]


async def test_builds_without_app_offers_buttons_that_keep_filter(world: Environment) -> None:
    await world.start()
    driver = world.applivery.app("Driver")
    world.applivery.build(driver, version="7.0.0", os="ios")
    world.applivery.build(driver, version="8.0.0", os="android")
    answer = await world.ask("builds os:ios")
    assert labels(answer) == ["Courier", "Driver"]
    turn = await press(world.slack, answer, "Driver", user=world.ana)
    listed = await turn.answer()
    assert listed is answer  # private, so the answer takes the place of the question
    assert "7.0.0" in listed.text
    assert "8.0.0" not in listed.text


async def test_text_from_applivery_is_inert(world: Environment) -> None:
    await world.start()
    evil = "<!channel> <@U0S000001> <https://evil.test|x> *b* `c` & _d_"
    world.courier["name"] = evil
    world.applivery.build(world.courier, version=evil, number=evil, branch=evil, tags=(evil,), changelog=evil)
    answer = await world.ask("builds courier")
    for alive in ("<!channel", "<@U", "<https:"):
        # what stands on a button is plain text
        words = [line for line in seen(answer).splitlines() if line not in labels(answer)]
        assert alive not in answer.text + "\n".join(words)
    assert evil in unescape(answer.text)
    assert evil in unescape(seen(answer))


@pytest.mark.parametrize("typed", ["builds courier", "BUILDS Courier", '  builds   "courier"  ', "builds “courier”"])
async def test_builds_works_over_signed_http_however_it_is_typed(world: Environment, typed: str) -> None:
    await world.start(slack_app_token=None)
    world.applivery.build(world.courier, version="2.4.0", number="173")
    assert (await world.ask(typed)).text == "Builds of Courier: 2.4.0 (173) iOS: ready."


# The answer is the same whatever was typed of an app that has no builds: nothing that was typed is at fault.
@pytest.mark.parametrize(
    "typed",
    ["get {}", "get {} 2.4.0", "get {} os:ios", "watch {}", "status {}", "status {} 2.4.0", "files {}", "bisect {}"],
)
async def test_an_app_without_builds_has_none_yet(world: Environment, typed: str) -> None:
    world.applivery.build(world.courier)
    world.applivery.app("Empty", slug="empty")
    await world.start()
    answer = await world.ask(typed.format("empty"), user=world.bruno)
    assert answer.text.startswith("Empty has no builds yet.")
    assert labels(answer) == ["Check again"]


async def test_a_quotation_mark_names_no_app(world: Environment) -> None:
    world.applivery.build(world.courier)
    await world.start()
    assert "Builds of Courier" in (await world.ask('builds "')).text
