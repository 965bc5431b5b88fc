"""Goals: what they need, how they go, whom they ask when, over clock changes too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from bot.domain import goals
from bot.domain.goals import Goal, GoalSample, GoalStatus
from bot.domain.states import GoalState

MADRID = ZoneInfo("Europe/Madrid")
MONDAY = datetime(2026, 11, 30, 9, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
GOAL = Goal(
    id=1,
    team_id="T1",
    channel_id="C1",
    app_id="a1",
    app_name="Courier",
    build_ref="2.4.1",
    what="Courier 2.4.1",
    group_id="S1",
    members_of="",
    place_name="@qa",
    percent=90,
    people=0,
    deadline=MONDAY + 4 * DAY,
    tz="Europe/Madrid",
    asks=True,
    created_by="U1",
    created_at=MONDAY,
)


@pytest.mark.parametrize(
    ("percent", "people", "total", "needed"),
    [(90, 0, 18, 17), (100, 0, 7, 7), (1, 0, 3, 1), (0, 5, 18, 5), (0, 5, 3, 3)],
)
def test_goal_needs_at_least_its_share(percent: int, people: int, total: int, needed: int) -> None:
    assert goals.needed(percent, people, total) == needed


@pytest.mark.parametrize(
    ("have", "total", "after", "state"),
    [
        (17, 18, 0, GoalState.REACHED),
        (16, 18, 0, GoalState.RUNNING),
        (16, 18, 5, GoalState.MISSED),
        (17, 18, 5, GoalState.REACHED),
        (0, 0, 0, GoalState.RUNNING),
        (0, 0, 5, GoalState.MISSED),
    ],
)
def test_goal_ends_when_reached_or_over(have: int, total: int, after: int, state: GoalState) -> None:
    now = MONDAY + after * DAY
    assert goals.outcome(GOAL, GoalSample(now, have, total), now) is state


def test_goal_is_counted_oftener_close_to_its_deadline() -> None:
    left = [4 * DAY, DAY, HOUR, timedelta(minutes=1)]
    pauses = [goals.next_count(GOAL, GOAL.deadline - each) - (GOAL.deadline - each) for each in left]
    assert pauses == [timedelta(seconds=seconds) for seconds in (3456, 864, 36, 30)]
    assert goals.next_count(GOAL, GOAL.deadline - timedelta(seconds=5)) == GOAL.deadline
    assert goals.next_count(replace(GOAL, deadline=MONDAY + 30 * DAY), MONDAY) - MONDAY == HOUR


@pytest.mark.parametrize(("have", "share"), [(178, 89), (179, 89), (180, 90), (200, 100)])
def test_shown_percentage_reaches_the_goal_only_when_it_is(have: int, share: int) -> None:
    status = GoalStatus(replace(GOAL, percent=90), (GoalSample(MONDAY, have, 200),))
    assert (status.percent, status.to_go == 0) == (share, share >= 90)


def test_burn_down_is_counted_first_and_then_the_pace() -> None:
    samples = tuple(GoalSample(MONDAY + number * DAY, 5 + 3 * number, 18) for number in range(3))
    status = GoalStatus(GOAL, samples)
    points = goals.burn_down(status)
    assert [point.to_go for point in points] == [12, 9, 6, 3, 0]
    assert [point.planned for point in points] == [12, 9, 6, 3, 0]
    assert goals.pace(samples) == 3
    assert goals.needed_pace(status) == 3
    stuck = replace(status, samples=(samples[0],))
    assert [point.to_go for point in goals.burn_down(stuck)] == [12] * 5, "no pace is known yet"


@pytest.mark.parametrize("length", [timedelta(minutes=1), HOUR, 3 * DAY, 30 * DAY])
def test_burn_down_has_two_to_twenty_points(length: timedelta) -> None:
    points = goals.burn_down(GoalStatus(replace(GOAL, deadline=MONDAY + length), (GoalSample(MONDAY, 1, 10),)))
    assert 2 <= len(points) <= goals.POINTS
    assert (points[0].at, points[-1].at) == (MONDAY, MONDAY + length)
    assert points[-1].planned == 0


# The clocks in Madrid go back on 25 October 2026, and those in Santiago de Chile forward on 6 September.
@pytest.mark.parametrize(
    ("now", "tz", "may"),
    [
        ("2026-11-30T07:59:59", "Europe/Madrid", False),
        ("2026-11-30T08:00:00", "Europe/Madrid", True),
        ("2026-11-30T16:59:59", "Europe/Madrid", True),
        ("2026-11-30T17:00:00", "Europe/Madrid", False),
        ("2026-11-30T08:00:00", "America/New_York", False),
        ("2026-11-30T14:00:00", "America/New_York", True),
        ("2026-10-23T07:00:00", "Europe/Madrid", True),
        ("2026-10-26T07:00:00", "Europe/Madrid", False),
        ("2026-10-26T08:00:00", "Europe/Madrid", True),
        ("2026-09-04T12:30:00", "America/Santiago", False),
        ("2026-09-07T12:30:00", "America/Santiago", True),
        ("2026-12-05T10:00:00", "Europe/Madrid", False),
        ("2026-11-30T08:30:00", "No/Such_Zone", False),
    ],
)
def test_people_are_asked_in_their_working_hours(now: str, tz: str, may: bool) -> None:
    at = datetime.fromisoformat(f"{now}+00:00")
    assert goals.may_ask(at, tz, at + 10 * DAY) is may


def test_people_are_asked_at_a_weekend_only_if_it_ends_then() -> None:
    saturday = datetime(2026, 12, 5, 12, tzinfo=MADRID)
    assert goals.may_ask(saturday, "Europe/Madrid", datetime(2026, 12, 7, 17, tzinfo=MADRID))
    assert not goals.may_ask(saturday, "Europe/Madrid", datetime(2026, 12, 7, 18, tzinfo=MADRID))
    assert not goals.may_ask(saturday, "Europe/Madrid", saturday), "it is over"


def test_waves_ask_all_before_the_deadline() -> None:
    waiting, waves = 12, []
    for number in range(5):
        size = goals.wave_size(GOAL, waiting, 0, MONDAY + number * DAY)
        assert goals.wave_size(GOAL, waiting - size, size, MONDAY + number * DAY) == 0, "one wave a day"
        waves.append(size)
        waiting -= size
    assert waves == [3, 3, 2, 2, 2]
    weekend = replace(GOAL, deadline=MONDAY + 7 * DAY)
    assert goals.wave_size(weekend, 10, 0, MONDAY + 4 * DAY) == 5, "Friday and Monday"


def test_waves_begin_with_who_was_asked_least_and_seen_last() -> None:
    order = goals.in_order(["U1", "U2", "U3", "U4"], {"U1": 1, "U4": 2}, {"U1": 9.0, "U3": 5.0})
    assert order == ["U3", "U2", "U1", "U4"]
