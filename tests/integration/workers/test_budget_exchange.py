"""One hourly allowance for all replicas, and for one that starts again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.applivery.rate_budget import Priority
from bot.exceptions import BudgetExhausted
from tests.conftest import Environment
from tests.integration.workers.conftest import on_postgresql
from tests.integration.workers.test_outbox_dispatcher import replicas

__all__ = ["replicas"]


async def test_restart_forgets_no_request(world: Environment) -> None:
    await world.start(applivery_requests_per_hour=1000)
    await world.ask("builds courier")
    made = world.bot.applivery.budget.used
    assert made > 0
    await world.bot.budget_exchange.step()
    await world.restart(applivery_requests_per_hour=1000)
    fresh = world.bot.applivery.budget.used
    await world.bot.budget_exchange.step()
    assert world.bot.applivery.budget.used == fresh + made


@on_postgresql
async def test_two_replicas_share_the_hourly_allowance(world: Environment, replicas: Callable[..., Any]) -> None:
    first, second = await replicas(2, jobs=False)
    allowed, spent = first.applivery.budget.per_hour, 0
    while first.applivery.budget.left and second.applivery.budget.left:
        for replica in (first, second):
            replica.applivery.budget.take(Priority.PEOPLE)
            spent += 1
        if spent % 100 == 0:
            await first.budget_exchange.step()
            await second.budget_exchange.step()
    assert allowed - 100 <= spent <= allowed + 100
    for replica in (first, second, first):
        await replica.budget_exchange.step()
    for replica in (first, second):
        with pytest.raises(BudgetExhausted):
            replica.applivery.budget.take(Priority.PEOPLE)
