"""How long builds usually take, how long one still has, and when it is late or stuck."""

from __future__ import annotations

from datetime import timedelta
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import estimates
from bot.domain.model import Build, Stage
from tests.support import facts
from tests.support.facts import NOON, build

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def done(seconds: float, *, unit: float = 1.0, edited: timedelta = timedelta(0), **more: Any) -> Build:
    """A build that took so long, as Applivery tells it in its unit, and was edited so much later."""
    said: dict[str, Any] = {"waited": seconds * 0.25 / unit, "worked": seconds * 0.75 / unit}
    return build(updated_at=NOON + timedelta(seconds=seconds) + edited, **{**said, **more})


def seconds(builds: list[Build], platform: str = "ios") -> float | None:
    found = estimates.usual(builds, platform)
    return None if found is None else found.total_seconds()


# ------------------------------------------------------------------ what is usual

durations = st.integers(2, 6 * 3600)


@given(st.lists(durations, min_size=1, max_size=20), st.sampled_from((1.0, 0.001)))
def test_estimate_is_median_in_any_unit(took: list[int], unit: float) -> None:
    assert seconds([done(number, unit=unit) for number in took]) == pytest.approx(median(took))


@given(st.lists(st.tuples(durations, st.integers(0, 10_000)), min_size=5, max_size=20))
def test_estimate_keeps_seconds_when_builds_were_edited_later(took: list[tuple[int, int]]) -> None:
    builds = [done(number, edited=timedelta(minutes=later)) for number, later in took]
    assert seconds(builds) == pytest.approx(median(number for number, _ in took))


def test_estimate_detects_milliseconds_by_few_unedited_builds() -> None:
    edited = [done(90, unit=0.001, edited=30 * HOUR) for _ in range(8)]
    assert seconds([*edited, done(90, unit=0.001), done(90, unit=0.001)]) == 90


def test_only_the_last_twenty_count() -> None:
    assert seconds([*[done(60)] * 20, *[done(6000)] * 100]) == 60


def test_only_builds_of_the_platform_that_are_ready_count() -> None:
    others = [done(6000, platform="android"), done(6000, stage=Stage.FAILED), done(6000, stage=Stage.RUNNING)]
    assert seconds([*others, done(60)]) == 60
    assert seconds(others) is None
    assert seconds([done(60, platform="iOS")]) == 60
    assert seconds([done(60, platform="")], "") == 60


def test_another_platform_helps_to_tell_the_unit() -> None:
    told = [done(60, unit=0.001, platform="android")]
    assert seconds([*told, build(worked=30_000, waited=None)]) == 30
    assert seconds([build(worked=30_000, waited=None)]) is None


@pytest.mark.parametrize("silent", [{"worked": None}, {"worked": 0.0}, {"worked": -5.0}, {"worked": 1e300}])
def test_estimate_without_plausible_figures_uses_last_change(silent: dict[str, Any]) -> None:
    assert seconds([done(60, **silent), done(120, **silent), done(240, **silent)]) == 120


def test_estimate_without_waiting_time_uses_processing_time() -> None:
    assert seconds([done(60, waited=None, worked=60.0)]) == 60


@pytest.mark.parametrize("nothing", [{"updated_at": None}, {"created_at": None}, {"updated_at": NOON}])
def test_when_nothing_tells_nothing_is_said(nothing: dict[str, Any]) -> None:
    assert seconds([build(**{"updated_at": NOON + MINUTE, "worked": None, **nothing})]) is None
    assert seconds([]) is None


def test_estimate_ignores_duration_of_late_edits() -> None:
    assert seconds([done(60, edited=timedelta(days=3), worked=None)]) is None
    assert seconds([done(60, edited=timedelta(days=3), worked=None), done(90, worked=None)]) == 90


@given(st.lists(facts.builds, max_size=5), st.text(max_size=5))
def test_estimate_of_any_builds_is_plausible_or_none(builds: list[Build], platform: str) -> None:
    found = estimates.usual(builds, platform)
    assert found is None or SECOND <= found <= timedelta(days=1)


wild = st.none() | st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.builds(build, worked=wild, waited=wild, updated_at=facts.maybe(facts.moments)), max_size=6))
def test_estimate_of_odd_figures_is_plausible_or_none(builds: list[Build]) -> None:
    found = estimates.usual(builds, "ios")
    assert found is None or SECOND <= found <= timedelta(days=1)


# ------------------------------------------------------------------ how long it still has

spans = st.timedeltas(timedelta(0), timedelta(days=400))
usuals = st.timedeltas(SECOND, timedelta(days=1))


@given(usuals, spans)
def test_estimate_left_and_passed_add_up_to_usual(usual: timedelta, passed: timedelta) -> None:
    left = estimates.left(NOON, usual, NOON + passed)
    assert left == max(timedelta(0), usual - passed)
    assert estimates.left(NOON, None, NOON + passed) is None


@given(usuals, spans)
def test_estimate_is_late_before_it_is_stuck(usual: timedelta, passed: timedelta) -> None:
    late, stuck = (judge(NOON, usual, NOON + passed) for judge in (estimates.is_late, estimates.is_stuck))
    assert late == (passed > usual)
    assert stuck == (passed > 3 * usual)
    assert late or not stuck


def test_estimate_absent_means_not_late_and_stuck_at_30_minutes() -> None:
    assert not estimates.is_late(NOON, None, NOON + HOUR)
    assert not estimates.is_stuck(NOON, None, NOON + 30 * MINUTE)
    assert estimates.is_stuck(NOON, None, NOON + 30 * MINUTE + SECOND)


def test_a_clock_that_is_behind_applivery_s_makes_nothing_late() -> None:
    assert estimates.left(NOON, MINUTE, NOON - MINUTE) == 2 * MINUTE
    assert not estimates.is_stuck(NOON, MINUTE, NOON - HOUR)
