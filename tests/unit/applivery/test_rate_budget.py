"""How many requests may be made in an hour, and by whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.applivery.rate_budget import Priority, RequestBudget
from bot.exceptions import BudgetExhausted


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def take(budget: RequestBudget, lane: Priority, times: int) -> None:
    for _ in range(times):
        budget.take(lane)


def test_polling_leaves_the_reserve_to_people(clock: Clock) -> None:
    budget = RequestBudget(10, reserve=0.3, clock=clock)
    take(budget, Priority.POLLING, 7)
    with pytest.raises(BudgetExhausted):
        budget.take(Priority.POLLING)
    take(budget, Priority.PEOPLE, 3)
    with pytest.raises(BudgetExhausted):
        budget.take(Priority.PEOPLE)
    assert (budget.used, budget.left) == (10, 0)


def test_people_may_use_everything_and_then_polling_waits(clock: Clock) -> None:
    budget = RequestBudget(10, reserve=0.3, clock=clock)
    take(budget, Priority.PEOPLE, 10)
    for lane in (Priority.POLLING, Priority.ROUTINE):
        with pytest.raises(BudgetExhausted):
            budget.take(lane)


def test_budget_reserves_no_more_than_people_have_left(clock: Clock) -> None:
    budget = RequestBudget(100, reserve=0.2, clock=clock)
    take(budget, Priority.PEOPLE, 20)
    take(budget, Priority.POLLING, 80)
    with pytest.raises(BudgetExhausted):
        budget.take(Priority.POLLING)


def test_regular_polls_leave_a_reserve_to_webhooks(clock: Clock) -> None:
    budget = RequestBudget(100, reserve=0.2, clock=clock)
    take(budget, Priority.ROUTINE, 76)
    with pytest.raises(BudgetExhausted):
        budget.take(Priority.ROUTINE)
    take(budget, Priority.POLLING, 4)
    take(budget, Priority.PEOPLE, 20)
    assert budget.left == 0


def test_a_refused_request_costs_nothing(clock: Clock) -> None:
    budget = RequestBudget(1, reserve=0, clock=clock)
    budget.take(Priority.PEOPLE)
    for _ in range(5):
        with pytest.raises(BudgetExhausted):
            budget.take(Priority.PEOPLE)
    assert budget.used == 1


def test_an_hour_later_the_allowance_is_back(clock: Clock) -> None:
    budget = RequestBudget(4, reserve=0, clock=clock)
    take(budget, Priority.PEOPLE, 2)
    clock.now += 1800
    take(budget, Priority.PEOPLE, 2)
    clock.now += 1811
    assert budget.left == 2
    clock.now += 1800
    assert (budget.used, budget.left) == (0, 4)


def test_no_hour_ever_holds_more_than_the_allowance(clock: Clock) -> None:
    budget = RequestBudget(20, reserve=0, clock=clock)
    made: list[float] = []
    for _ in range(3000):
        clock.now += 7.3
        if budget.left:
            budget.take(Priority.PEOPLE)
            made.append(clock.now)
    assert all(late - early >= 3600 for early, late in zip(made, made[20:], strict=False))
    assert len(made) > 100


@pytest.mark.parametrize("lane", Priority)
def test_the_wait_ends_when_a_request_may_be_made(clock: Clock, lane: Priority) -> None:
    budget = RequestBudget(10, reserve=0.2, clock=clock)
    assert budget.wait(lane) == 0
    take(budget, Priority.PEOPLE, 5)
    clock.now += 600
    take(budget, Priority.PEOPLE, 5)
    clock.now += budget.wait(lane) - 1
    with pytest.raises(BudgetExhausted):
        budget.take(lane)
    clock.now += 1
    assert budget.wait(lane) == 0
    budget.take(lane)


def test_the_refusal_says_when_to_come_back(clock: Clock) -> None:
    budget = RequestBudget(1, reserve=0, clock=clock)
    budget.take(Priority.PEOPLE)
    clock.now += 3000
    with pytest.raises(BudgetExhausted, match="in 11 minutes"):
        budget.take(Priority.PEOPLE)


def test_a_budget_of_one_still_lets_polling_start(clock: Clock) -> None:
    RequestBudget(1, reserve=0.5, clock=clock).take(Priority.POLLING)


@pytest.mark.parametrize(("per_hour", "reserve"), [(0, 0.1), (-5, 0.1), (10, 1.0), (10, -0.1)])
def test_a_budget_that_allows_nothing_is_refused(per_hour: int, reserve: float) -> None:
    with pytest.raises(ValueError, match="at least one"):
        RequestBudget(per_hour, reserve=reserve)


def test_memory_does_not_grow_with_the_limit(clock: Clock) -> None:
    budget = RequestBudget(100_000, clock=clock)
    for _ in range(20_000):
        clock.now += 0.1
        budget.take(Priority.POLLING)
    assert budget.used == 20_000
    assert len(budget._own[Priority.POLLING].slots) <= 361


def test_requests_of_other_replicas_count_for_an_hour(clock: Clock) -> None:
    budget = RequestBudget(10, reserve=0.3, clock=clock)
    take(budget, Priority.PEOPLE, 2)
    assert budget.unshared[Priority.PEOPLE] == 2
    budget.share({Priority.PEOPLE: 2}, {Priority.POLLING: [(3000.0, 4), (10.0, 1)]})
    assert (budget.unshared[Priority.PEOPLE], budget.used, budget.left) == (0, 7, 3)
    take(budget, Priority.POLLING, 2)
    with pytest.raises(BudgetExhausted):
        budget.take(Priority.POLLING)
    assert budget.wait(Priority.POLLING) == 600
    clock.now += 601
    assert (budget.used, budget.left) == (5, 5)
    budget.share({}, {})
    assert budget.used == 4


def test_more_than_the_allowance_leaves_nothing(clock: Clock) -> None:
    budget = RequestBudget(10, reserve=0, clock=clock)
    take(budget, Priority.PEOPLE, 5)
    budget.share({Priority.PEOPLE: 5}, {Priority.POLLING: [(0.0, 20)]})
    assert budget.left == 0
    assert budget.routine_per_hour > 0
    with pytest.raises(BudgetExhausted):
        budget.take(Priority.PEOPLE)
    assert budget.wait(Priority.PEOPLE) == 3600


@given(
    made=st.lists(st.tuples(st.floats(0, 500), st.sampled_from(["own", "other"])), max_size=60),
    every=st.integers(1, 10),
)
def test_two_that_exchange_count_what_one_would(made: list[tuple[float, str]], every: int) -> None:
    clock = Clock()
    budgets = {name: RequestBudget(1000, clock=clock) for name in ("own", "other")}
    log: dict[str, list[float]] = {"own": [], "other": []}
    for number, (wait, taker) in enumerate(made, 1):
        clock.now += wait
        budgets[taker].take(Priority.PEOPLE)
        log[taker].append(clock.now)
        if number % every == 0:
            for name, other in (("own", "other"), ("other", "own")):
                budgets[name].share(
                    dict(budgets[name].unshared), {Priority.PEOPLE: [(clock.now - at, 1) for at in log[other]]}
                )
    for name, other in (("own", "other"), ("other", "own")):
        budgets[name].share(dict(budgets[name].unshared), {Priority.PEOPLE: [(clock.now - at, 1) for at in log[other]]})
        recent = sum(clock.now - at < 3600 for at in log["own"] + log["other"])
        slack = sum(3600 <= clock.now - at < 3610 for at in log["own"] + log["other"])  # slots of 10 s
        assert recent <= budgets[name].used <= recent + slack
        assert not any(budgets[name].unshared.values())
