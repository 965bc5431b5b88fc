"""How often apps are polled: three hours of it in pretended time, with the real budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.applivery.rate_budget import Priority
from bot.domain.polling import BUSY_SHARE, FEW, FEW_SHARE, poll_pace
from tests.support.poll_simulation import ALLOWANCE, BUSY, HOUR, IDLE, Simulation


@pytest.mark.parametrize(
    ("people", "webhooks", "replicas"), [(0, 0, 1), (0, 14, 2), (1500, 0, 1), (1500, 300, 1), (1500, 300, 2)]
)
def test_five_hundred_apps_wait_no_longer_than_their_turn(people: int, webhooks: int, replicas: int) -> None:
    hours = Simulation(500, replicas=replicas, people_per_hour=people, webhooks_per_hour=webhooks)
    hours.run(3)
    assert hours.longest_gap() <= 330
    assert len(hours.followed) == max(0, webhooks * 3 - 1)
    assert hours.longest_follow() <= 10
    assert hours.most_in_an_hour() <= ALLOWANCE
    assert not hours.refused, "neither people nor webhooks nor regular polls"


@pytest.mark.parametrize("replicas", [1, 2])
def test_busy_apps_are_stretched_before_idle_ones(replicas: int) -> None:
    hours = Simulation(50, running=25, replicas=replicas, people_per_hour=1500, webhooks_per_hour=14)
    hours.run(3)
    assert hours.longest_gap(range(25, 50)) <= 1.1 * IDLE
    assert hours.longest_gap(range(25)) <= 30
    assert hours.most_in_an_hour() <= ALLOWANCE
    assert not hours.refused


def test_people_get_their_share_from_a_hungry_fleet() -> None:
    hours = Simulation(2000, running=1000, replicas=2, people_per_hour=1590, webhooks_per_hour=1000)
    hours.run(3)
    assert not hours.refused[Priority.PEOPLE]
    assert hours.most_in_an_hour() <= ALLOWANCE


def test_people_beyond_their_reserve_only_slow_polls_down() -> None:
    hours = Simulation(500, people_per_hour=2500)
    hours.run(3)
    fair = 500 * HOUR / (ALLOWANCE - 2500 - 400)
    assert hours.longest_gap() <= 2 * fair
    assert not hours.refused[Priority.PEOPLE]


@pytest.mark.parametrize("apps", [3, FEW])
def test_a_few_apps_may_be_quick_while_the_hour_is_young(apps: int) -> None:
    hours = Simulation(apps, running=apps)
    hours.run(3)
    assert hours.looks[0][5] < 6 * 1.1 * BUSY
    assert hours.longest_gap() <= 15
    assert hours.most_in_an_hour() <= ALLOWANCE


@given(
    apps=st.integers(0, 5000),
    share=st.floats(0, 1),
    per_hour=st.floats(1, 10_000),
    busy=st.floats(0.1, 600),
    idle=st.floats(0.1, 3600),
)
def test_no_pace_needs_more_than_the_hour_has(
    apps: int, share: float, per_hour: float, busy: float, idle: float
) -> None:
    running = int(apps * share)
    pace = poll_pace(apps=apps, running=running, per_hour=per_hour, busy=busy, idle=idle)
    assert 3600 * (running / pace.busy + (apps - running) / pace.idle) <= per_hour * 1.001
    assert pace.busy >= min(busy, idle)
    assert pace.idle >= idle
    assert pace.stretch >= 1


def test_a_few_busy_apps_stay_quick_among_many() -> None:
    pace = poll_pace(apps=500, running=5, per_hour=6000, busy=BUSY, idle=IDLE)
    assert pace.busy == pytest.approx(5 * 3600 / (BUSY_SHARE * 6000))
    assert pace.busy < 0.25 * pace.idle


def test_a_pace_that_can_be_kept_is_as_it_was_set() -> None:
    pace = poll_pace(apps=50, running=2, per_hour=6000, busy=BUSY, idle=IDLE)
    assert (pace.busy, pace.idle, pace.stretch) == (BUSY, IDLE, 1.0)


def test_a_few_apps_that_had_their_quarter_have_the_rest() -> None:
    fast, paced = (
        poll_pace(apps=8, running=8, per_hour=6000, busy=1, idle=1, spent=spent) for spent in (0, 6000 * FEW_SHARE)
    )
    assert fast.busy == 1
    assert paced.busy == pytest.approx(8 * 3600 / (6000 * (1 - FEW_SHARE)))
