"""What is found by typing it: builds and apps beyond the first page, in every menu and by every command."""

from __future__ import annotations

import time

import pytest

from sandbox.applivery.models import FakeBuild
from sandbox.faults import Fault
from sandbox.slack import FakeView
from tests.conftest import Environment
from tests.support.waiting import busyness

MANY = 905


def fill(world: Environment, count: int = MANY) -> dict[int, FakeBuild]:
    """So many builds of Courier by their numbers; the highest is the newest."""
    return {
        number: world.applivery.build(
            world.courier,
            version=f"1.0.{number}",
            number=str(number),
            os="ios" if number == 7 else "android",
            branch="feature/old" if number == 5 else "main",
            tag="v-first" if number == 3 else None,
            tags=["golden"] if number == 4 else [],
            created_at=float(1_700_000_000 + number),
        )
        for number in range(1, count + 1)
    }


@pytest.fixture(params=[100, 20])
def page(request: pytest.FixtureRequest, world: Environment) -> int:
    """What Applivery silently holds any `limit` to."""
    world.applivery.largest_page = request.param
    return int(request.param)


FORMS = {"get": "get.build", "attach": "attach.build", "recall": "recall.build", "downloads": "downloads.version"}


async def form(world: Environment, command: str) -> FakeView:
    world.applivery.app("Driver")  # with one app alone `get` asks nothing
    turn = await world.slack.command("/applivery", command, user=world.ana, channel=world.releases)
    view: FakeView = await turn.view()
    await world.slack.click(view, f"{command}.app", user=world.ana, value=world.courier.id)
    return view


async def offered(world: Environment, view: FakeView, menu: str, typed: str) -> list[str]:
    begun = time.monotonic()
    found = await world.slack.options(view, menu, typed, user=world.ana)
    assert time.monotonic() - begun < 2.5 * busyness()
    return [entry["text"]["text"] for entry in found]


async def is_first_offered(world: Environment, view: FakeView, menu: str, typed: str, wanted: str) -> bool:
    """Return whether an option with the wanted words is the first.

    On a busy machine a menu's time may end before all builds are searched: the user types again.
    """
    for _ in range(round(busyness()) + 1):
        first, *_ = await offered(world, view, menu, typed) or [""]
        if wanted in f"{first} ":
            return True
    return False


@pytest.mark.parametrize("command", FORMS)
async def test_a_menu_finds_any_build_by_its_version(world: Environment, page: int, command: str) -> None:
    fill(world)
    await world.start()
    view = await form(world, command)
    for number in (MANY, MANY - 109, MANY - 899, 1):
        typed = f"1.0.{number}"
        assert await is_first_offered(world, view, FORMS[command], typed, f"{typed} "), "typed whole, it comes first"
    assert await offered(world, view, FORMS[command], "7.7.7") == []


@pytest.mark.parametrize("command", ["get", "attach", "recall"])
async def test_a_menu_finds_any_build_by_what_it_shows(world: Environment, command: str) -> None:
    fill(world)
    await world.start()
    view = await form(world, command)
    for typed, number in {
        "#6": 6, "6": 6, "feature/old": 5, "1.0.5 (5) Android · feature/old": 5, "(8)": 8, "ios": 7, "golden": 4,
        "V-FIRST": 3, "android golden": 4, "v1.0.2": 2, "1.0.8 android": 8,
    }.items():  # fmt: skip
        assert await is_first_offered(world, view, FORMS[command], typed, f"({number})"), typed


async def test_a_slow_applivery_still_finds_a_version_in_time(world: Environment) -> None:
    fill(world)
    await world.start()
    view = await form(world, "get")
    world.applivery.largest_page = 20  # 46 pages
    world.applivery.faults.add("GET */builds", Fault(latency=0.7), times=None)
    assert await offered(world, view, "get.build", "1.0.2") == ["1.0.2 (2) Android · main"]


async def test_every_app_is_found_by_its_name(world: Environment, page: int) -> None:
    apps = [world.applivery.app(f"App {number}") for number in range(1, 131)]
    await world.start()
    turn = await world.slack.command("/applivery", "get", user=world.ana, channel=world.releases)
    view = await turn.view()
    for number in (1, 11, 110, 130):
        [first, *_] = await offered(world, view, "get.app", f"app {number}")
        assert first == f"App {number}"
    found = await world.slack.options(view, "get.app", apps[109]["slug"], user=world.ana)
    assert found[0]["value"] == apps[109].id


TYPED = {
    "status courier 1.0.6": "1.0.6 (6)",
    "status courier #6": "1.0.6 (6)",
    "get courier v1.0.6": "1.0.6 (6)",
    "get courier branch:feature/*": "1.0.5 (5)",
    "get courier latest tag:golden": "1.0.4 (4)",
    "get courier os:ios": "1.0.7 (7)",
    "status courier branch:feature/old": "1.0.5 (5)",
    "watch courier version:1.0.9": "1.0.9 (9)",
    "news courier 1.0.6": "1.0.6 (6)",
    "files courier #6": "1.0.6 (6)",
    "builds courier branch:feature/*": "1.0.5 (5)",
    "builds courier tag:v-first": "1.0.3 (3)",
    "recall courier 1.0.6 crash": "1.0.6 (6)",
    "downloads courier 1.0.6": "1.0.6",
}


@pytest.mark.parametrize("typed", TYPED)
async def test_a_command_finds_any_build(world: Environment, page: int, typed: str) -> None:
    fill(world)
    await world.start()
    answer = await world.ask(typed)
    assert TYPED[typed] in answer.text, answer.text


async def test_the_other_platform_s_latest_is_offered_however_old(world: Environment) -> None:
    fill(world)
    await world.start()
    answer = await world.ask("get courier")
    assert "iOS" in str(answer.blocks)


async def test_builds_of_one_version_are_all_offered_however_old(world: Environment) -> None:
    made = fill(world)
    twin = world.applivery.build(world.courier, version="1.0.1", number="906", os="ios")
    await world.start()
    answer = await world.ask("status courier 1.0.1")
    assert "2 builds of Courier match" in answer.text
    assert all(build.id in str(answer.blocks) for build in (twin, made[1]))


async def test_a_recalled_build_leads_to_the_newest_of_its_line(world: Environment) -> None:
    made = fill(world, 230)
    old = [made[number] for number in (1, 2)]
    for number in (1, 2):
        world.applivery.edit(made[number], {"deployer": {"info": {"branch": "lts"}}})
    await world.start()
    await world.ask("recall courier 1.0.1 crash")
    answer = await world.ask("get courier 1.0.1")
    assert old[1].id in str(answer.blocks), answer.text


async def test_deleted_recalled_builds_hide_no_other(world: Environment) -> None:
    made = fill(world, 14)
    await world.start()
    for number in range(1, 15):
        await world.ask(f"recall courier 1.0.{number} crash")
    for number in range(3, 15):
        world.applivery.delete(made[number])
    answer = await world.ask("unrecall courier")
    assert "1.0.1" in answer.text
    assert "1.0.2" in answer.text


async def test_a_menu_asks_once_for_what_stays_the_same(world: Environment) -> None:
    fill(world)
    await world.start()
    view = await form(world, "get")
    await offered(world, view, "get.build", "feature")
    asked = len(world.applivery.requests)
    await offered(world, view, "get.build", "feature/")
    again = [request.query for request in world.applivery.requests[asked:] if request.path.endswith("/builds")]
    assert [entry["page"] for entry in again] == ["1", "1"]
    assert [entry.get("versionName") for entry in again].count("feature/") == 1


async def test_a_new_build_moves_none_out_of_sight(world: Environment) -> None:
    fill(world, 130)
    await world.start()
    view = await form(world, "get")
    await offered(world, view, "get.build", "feature")
    world.applivery.build(world.courier, version="9.9.9", number="999", os="android")
    assert await offered(world, view, "get.build", "#31") == ["1.0.31 (31) Android · main"]
