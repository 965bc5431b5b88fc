"""500 apps with the default allowance over 3 pretended hours: how long an app waits for a look, and a webhook for its.

The real budget and the real pace, by a clock of its own: one replica and two, alone and with people and webhooks.
"""

from __future__ import annotations

import asyncio
import math

from bench.rounds import Partial, worst
from bench.row import TableRow
from bot.applivery.rate_budget import RequestBudget
from tests.support.poll_simulation import ALLOWANCE, HOUR, Simulation

APPS, HOURS = 500, 3
# Replicas, and what people and webhooks take in an hour.
LOADS = ((1, 0, 14), (1, 1500, 300), (2, 0, 14), (2, 1500, 300))


async def rows() -> list[TableRow]:
    """The worst of all these hours."""
    partial = Partial()
    gaps, follows, refused, most = [], [], 0, []
    for replicas, people, webhooks in LOADS:
        with partial.keeping(f"{replicas} replicas"):
            hours = Simulation(APPS, replicas=replicas, people_per_hour=people, webhooks_per_hour=webhooks)
            await asyncio.to_thread(hours.run, HOURS)
            gaps.append(hours.longest_gap())
            follows.append(hours.longest_follow())
            refused += hours.refused.total()
            most.append(float(hours.most_in_an_hour()))
    share = APPS * HOUR / RequestBudget(ALLOWANCE).routine_per_hour
    why, who = partial.words, f"{APPS} apps, {ALLOWANCE:,} requests an hour"
    return [
        TableRow(
            f"{who}: longest time between two looks, beside a fair share",
            "s",
            worst(gaps),
            share,
            330,
            absolute=True,
            incomplete=why,
        ),
        TableRow(f"{who}: a webhook until it is followed", "s", worst(follows), target=10, incomplete=why),
        TableRow(f"{who}: most requests in an hour", "", worst(most), target=ALLOWANCE, incomplete=why),
        TableRow(f"{who}: requests refused", "", refused if gaps else math.nan, target=0, incomplete=why),
    ]
