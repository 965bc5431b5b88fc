"""Platforms, branches, versions and apps are understood without their keys, in any order."""

from __future__ import annotations

import pytest

from tests.conftest import Environment
from tests.support.handing import ready
from tests.support.seeing import labels


@pytest.fixture
async def workspace(world: Environment) -> Environment:
    """Two apps; an older iOS build of main, a newer Android build of release/2.4."""
    world.applivery.app("Driver", slug="driver")
    ready(world, branch="main", tags=["nightly"])
    ready(world, os="android", version="2.4.1", number="174", branch="release/2.4", extension="apk")
    await world.start(links_per_minute=100)
    return world


@pytest.mark.parametrize(
    ("typed", "build"),
    [
        ("get courier ios", "2.4.0"),
        ("get courier iphone", "2.4.0"),
        ("get courier latest android", "2.4.1"),
        ("get courier android latest", "2.4.1"),
        ("get android courier", "2.4.1"),
        ("get latest courier", "2.4.1"),
        ("get the latest courier build for ios", "2.4.0"),
        ("get la última de courier para ios", "2.4.0"),
        ("get courier main", "2.4.0"),
        ("get main courier", "2.4.0"),
        ("get courier nightly", "2.4.0"),
        ("get courier release/2.4", "2.4.1"),
        ("get courier release/*", "2.4.1"),
        ("get courier release/2.4 android", "2.4.1"),
        ("status courier main", "2.4.0"),
        ("builds courier main", "2.4.0"),
        ("builds main courier", "2.4.0"),
        ("builds ios courier", "2.4.0"),
        ("builds courier 2.4.1", "2.4.1"),
        ("builds courier release/2.4 android", "2.4.1"),
        ("courier", "2.4.1"),
        ("courier 2.4.0", "2.4.0"),
        ("courier main", "2.4.0"),
        ("android courier", "2.4.1"),
        ("latest courier", "2.4.1"),
    ],
)
async def test_bare_words_mean_what_their_options_mean(workspace: Environment, typed: str, build: str) -> None:
    text = (await workspace.ask(typed)).text
    assert {version for version in ("2.4.0", "2.4.1") if version in text} == {build}


@pytest.mark.parametrize("typed", ["get ios", "get latest android", "builds ios", "latest", "android", "ios latest"])
async def test_build_without_app_asks_which_app(workspace: Environment, typed: str) -> None:
    answer = await workspace.ask(typed)
    assert answer.text.startswith("Which app?")
    assert labels(answer) == ["Courier", "Driver"]


async def test_app_named_like_platform_wins(workspace: Environment) -> None:
    workspace.applivery.app("iOS", slug="ios")
    assert "iOS has no builds yet." in (await workspace.ask("get ios")).text


async def test_bare_branch_is_understood_in_workspace_of_one_app(world: Environment) -> None:
    ready(world, branch="main")
    await world.start()
    assert "2.4.0" in (await world.ask("get main")).text


@pytest.mark.parametrize("typed", ["hi", "Hello", "hola", "?", "menu"])
async def test_greeting_opens_menu(workspace: Environment, typed: str) -> None:
    assert (await workspace.ask(typed)).text == (await workspace.ask("")).text
