"""Which builds lie between a good and a bad one."""

from __future__ import annotations

from msgspec.structs import replace

from bot.domain.bisection_candidates import between
from bot.domain.model import BuildSource, Stage
from tests.unit.domain.test_bisection import build


def test_between_has_ready_builds_of_the_line_alone() -> None:
    builds = [
        build(1),
        build(2, stage=Stage.FAILED),
        build(3, platform="android"),
        build(4, origin=BuildSource(branch="feature/cart")),
        build(5),
        build(6),
        build(7),
    ]
    ends = builds[0], builds[5]
    assert between(*ends, builds[::-1]) == [builds[0], builds[4], builds[5]]
    assert between(*ends, builds[::-1], any_line=True) == [builds[0], builds[3], builds[4], builds[5]]


def test_between_is_none_for_a_good_build_that_is_newer() -> None:
    builds = [build(1), build(2), build(3)]
    assert between(builds[2], builds[0], builds[::-1]) is None


def test_between_follows_the_upload_times_where_all_are_known() -> None:
    builds = [build(1), build(2), build(3)]
    shuffled = [builds[0], builds[2], builds[1]]
    assert between(builds[0], builds[2], shuffled) == builds
    undated = [replace(each, created_at=None) for each in builds]
    assert between(undated[0], undated[2], undated[::-1]) == undated


def test_between_takes_ends_that_are_not_listed() -> None:
    builds = [build(n) for n in range(1, 6)]
    assert between(builds[0], builds[4], builds[3:0:-1]) == builds
