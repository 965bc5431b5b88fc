from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from msgspec.structs import replace

from bot.dispatch.arguments import bind
from bot.dispatch.context import CommandContext
from bot.dispatch.registry import HandlerRegistry, RegisteredHandler, command
from bot.dispatch.targets import BuildReference, Filters
from bot.domain import grammar
from bot.domain.audit import Entrypoint
from bot.domain.model import Actor, App, Role
from bot.domain.timeparse.period import Period
from bot.exceptions import NotFoundByName, UserInputError
from bot.services.app_directory import AppDirectory
from bot.slack.blocks import Message
from tests.conftest import Environment

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@command(need=Role.MEMBER)
async def paint(
    call: CommandContext,
    app: App,
    words: str | None = None,
    *,
    type: Colour | None = None,  # noqa: A002
    since: Period | None = None,
    filters: Filters,
) -> Message:
    """Paint an app.

    /applivery paint courier type:red
    """
    return Message("painted")


@command(need=Role.MEMBER)
async def point(call: CommandContext, target: BuildReference | None = None) -> Message:
    """Point at a build."""
    return Message("there")


@command(need=Role.MEMBER, name="bare")
async def nothing(call: CommandContext) -> Message:
    """Take nothing."""
    return Message("nothing")


def entry(handler: Any) -> RegisteredHandler:
    found: RegisteredHandler = handler.entries[0]
    return found


Bound = Callable[..., Any]


@pytest.fixture
async def bound(world: Environment) -> Bound:
    """Bind a text to a command of this file, in a workspace with Courier and Driver."""
    world.applivery.app("Driver")
    await world.start()
    services = replace(world.bot.dispatcher.services, apps=AppDirectory(world.bot.applivery), command="/builds")
    asker = Actor(team_id="T", user_id="U", tz="Europe/Madrid")
    call = CommandContext(
        asker=asker, services=services, registry=HandlerRegistry(), now=NOW, entrypoint=Entrypoint.COMMAND
    )

    async def run(handler: Any, text: str) -> dict[str, Any]:
        return await bind(entry(handler), call, grammar.parse(text))

    return run


@pytest.mark.parametrize("typed", ["courier", "Courier", "COURIER", '"courier"', "“courier”"])
async def test_an_app_is_looked_up_by_what_was_typed(bound: Bound, typed: str) -> None:
    assert (await bound(paint, typed))["app"].name == "Courier"


async def test_arguments_positional_in_order_and_options_in_any_order(bound: Bound) -> None:
    for typed in ("courier bright type:red os:ios", "type:RED courier os:ios bright", "os:ios courier type:Red bright"):
        got = await bound(paint, typed)
        assert (got["app"].slug, got["words"], got["type"]) == ("courier", "bright", Colour.RED)
        assert got["filters"].values("os") == ("ios",)


async def test_arguments_omitted_use_default_of_command(bound: Bound) -> None:
    got = await bound(paint, "courier")
    assert got.keys() == {"app", "filters"}
    assert got["filters"].options == ()
    assert await bound(point, "") == {}
    assert await bound(nothing, "") == {}


async def test_arguments_missing_named_with_example_of_set_command(bound: Bound) -> None:
    """The example starts with the command of the settings."""
    with pytest.raises(UserInputError) as refused:
        await bound(paint, "type:red")
    assert str(refused.value) == "`paint` needs an app. Example: `/builds paint courier type:red`"


async def test_arguments_superfluous_are_quoted(bound: Bound) -> None:
    with pytest.raises(UserInputError, match="“and more”"):
        await bound(paint, "courier bright and more")
    with pytest.raises(UserInputError, match="“anything”"):
        await bound(nothing, "anything")


@pytest.mark.parametrize(
    ("handler", "typed", "words"),
    [
        (paint, "courier typ:red", "Unknown option `typ:`. Did you mean `type:`?"),
        (paint, "courier sicne:7d", "Did you mean `since:`"),
        (
            paint,
            "courier zzzzz:1",
            "Choose `type:`, `since:`, `until:`, `os:`, `branch:`, `tag:`, `version:` or `by:`.",
        ),
        (nothing, "os:ios", "`bare` takes no options."),
        (paint, "courier type:green", "`type:` can't be “green”. Choose `type:red` or `type:blue`."),
        (paint, "courier type:red type:blue", "Use `type:` only once. Choose `type:red` or `type:blue`."),
        (paint, "courier -type:red", "`-type:` doesn't work here."),
        (paint, "courier -since:7d", "`-since:` doesn't work here."),
        (paint, "courier since:whenever", "I can't read the time “whenever”."),
        (paint, "courier since:2026-11-30", "is in the future"),
        (paint, "courier since:7d until:2026-11-01", "ends before it starts"),
    ],
)
async def test_an_option_that_cannot_be_is_explained(bound: Bound, handler: Any, typed: str, words: str) -> None:
    with pytest.raises(UserInputError) as refused:
        await bound(handler, typed)
    assert words in str(refused.value)


async def test_arguments_period_in_asker_time_zone_with_end_included(bound: Bound) -> None:
    got = (await bound(paint, "courier since:2026-11-01 until:2026-11-02"))["since"]
    assert got.start == datetime(2026, 10, 31, 23, 0, tzinfo=UTC)  # midnight in Madrid
    assert got.end == datetime(2026, 11, 2, 22, 59, 59, 999000, tzinfo=UTC)


async def test_filters_keep_their_order_repeats_and_minus(bound: Bound) -> None:
    got = (await bound(paint, "courier tag:a -tag:b branch:release/* tag:c"))["filters"]
    assert [(option.key, option.value, option.no) for option in got.options] == [
        ("tag", "a", False),
        ("tag", "b", True),
        ("branch", "release/*", False),
        ("tag", "c", False),
    ]


async def test_arguments_target_is_app_with_build_or_bare_build_id(bound: Bound, world: Environment) -> None:
    some_id = "65F0C1D2E3A4B5C6D7E8F901"
    for typed, app, which in (
        ("courier", "courier", None),
        ("courier 2.4.0", "courier", "2.4.0"),
        ("courier #173", "courier", "#173"),
        (f"courier {some_id}", "courier", some_id),
        (some_id, None, some_id),
        (world.courier.id.upper(), "courier", None),
    ):
        target = (await bound(point, typed))["target"]
        assert (target.app and target.app.slug, target.which) == (app, which), typed


async def test_an_unknown_app_is_not_passed_on(bound: Bound) -> None:
    for handler in (paint, point):
        with pytest.raises(NotFoundByName, match="curier"):
            await bound(handler, "curier")
