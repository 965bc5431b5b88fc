"""How often apps are polled, in pretended time: `python -m bench.polls APPS HOURS` prints it as JSON.

The real budget and the real pace of the checkout it is run in, alone and with what people and webhooks ask for.
"""

from __future__ import annotations

import json
import sys

from bot.applivery.rate_budget import RequestBudget
from tests.support.poll_simulation import ALLOWANCE, HOUR, Simulation

# Replicas, and what people and webhooks take in an hour.
LOADS = ((1, 0, 14), (1, 1500, 300), (2, 0, 14), (2, 1500, 300))


def measure(apps: int, hours: int) -> dict[str, float]:
    """The worst of all these hours; times in seconds."""
    runs = [
        Simulation(apps, replicas=replicas, people_per_hour=people, webhooks_per_hour=webhooks)
        for replicas, people, webhooks in LOADS
    ]
    for run in runs:
        run.run(hours)
    return {
        "gap": max(run.longest_gap() for run in runs),
        "follow": max(run.longest_follow() for run in runs),
        "most": max(run.most_in_an_hour() for run in runs),
        "refused": sum(run.refused.total() for run in runs),
        "share": apps * HOUR / RequestBudget(ALLOWANCE).routine_per_hour,
    }


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
