"""What somebody has missed since the build they have."""

from __future__ import annotations

from msgspec.structs import replace

from bot.domain.changes_since import since
from bot.domain.model import Build, BuildSource, Stage
from tests.support.facts import NOON, build


def on(number: int, branch: str = "main", **about: object) -> Build:
    """A build of a branch."""
    return replace(build(number, **about), origin=BuildSource(branch=branch))


def test_changes_counted_from_newest_earlier_build_of_platform() -> None:
    listed = [on(5), on(4, platform="android"), on(3), on(2), on(1)]
    found = since(listed[0], listed, {listed[1].id: NOON, listed[3].id: NOON, listed[4].id: NOON})
    assert found
    assert (found.build, found.got_at, found.between) == (listed[3], NOON, (listed[2],))


def test_later_build_or_build_itself_is_no_earlier_build() -> None:
    listed = [on(3), on(2), on(1)]
    assert since(listed[1], listed, {listed[0].id: NOON, listed[1].id: NOON}) is None


def test_only_ready_builds_of_the_same_line_lie_between() -> None:
    listed = [
        on(6, "release/2.5"),
        on(5, "feature/cart"),
        on(4, "release/2.5", stage=Stage.FAILED),
        on(3, "release/2.4"),
        on(2, "release/2.4", stage=Stage.RUNNING),
        on(1, "feature/login"),
    ]
    found = since(listed[0], listed, {listed[5].id: NOON})
    assert found
    assert found.between == (listed[3],)


def test_a_build_too_old_to_be_listed_says_nothing() -> None:
    assert since(on(1), [on(3), on(2)], {on(2).id: NOON}) is None
