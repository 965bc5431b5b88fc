"""How often apps are polled: hours of it in pretended time, with the real budget and the real pace."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.applivery.rate_budget import Priority, RequestBudget
from bot.domain.builds import next_look
from bot.domain.polling import PollPace, poll_pace
from bot.exceptions import BudgetExhausted

ALLOWANCE, HOUR, EXCHANGE = 8000, 3600.0, 10.0
BUSY, IDLE = 5.0, 60.0
AT_START = 40.0  # polls a second, while all apps are due at once


@dataclass
class Simulation:
    """Replicas that poll apps, people who ask, and webhooks; they exchange their counts as the workers do."""

    apps: int
    running: int = 0
    replicas: int = 1
    people_per_hour: int = 0
    webhooks_per_hour: int = 0
    now: float = 0.0
    made: list[float] = field(default_factory=list)
    looks: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    refused: Counter[Priority] = field(default_factory=Counter)
    rung: dict[int, float] = field(default_factory=dict)  # apps whose webhook came and was not followed yet, and when
    followed: list[float] = field(default_factory=list)  # seconds from each webhook to the look at its app

    def __post_init__(self) -> None:
        self.rng = random.Random(17)
        self.budgets = [RequestBudget(ALLOWANCE, clock=lambda: self.now) for _ in range(self.replicas)]
        self.minutes: list[dict[Priority, dict[int, int]]] = [
            {lane: defaultdict(int) for lane in Priority} for _ in self.budgets
        ]

    def run(self, hours: float) -> None:
        order = itertools.count()
        events: list[tuple[float, int, str, int]] = [
            (app / AT_START, next(order), "poll", app) for app in range(self.apps)
        ]
        for kind, every in (("people", self.people_per_hour), ("webhook", self.webhooks_per_hour)):
            events += [(HOUR * n / every, next(order), kind, 0) for n in range(1, int(every * hours))]
        events += [(EXCHANGE * n, next(order), "exchange", 0) for n in range(1, int(hours * HOUR / EXCHANGE))]
        heapq.heapify(events)
        due = {app: app / AT_START for app in range(self.apps)}
        while events and events[0][0] < hours * HOUR:
            at, _, kind, app = heapq.heappop(events)
            self.now = max(self.now, at)
            replica = self.rng.randrange(self.replicas)
            if kind == "exchange":
                self.exchange()
            elif kind == "people":
                self.take(replica, Priority.PEOPLE)
            else:
                lane = Priority.ROUTINE
                if kind == "webhook":
                    app, lane = self.rng.randrange(self.apps), Priority.POLLING
                    self.rung.setdefault(app, at)
                elif due[app] != at:
                    continue  # a webhook came first
                if self.take(replica, lane):
                    self.looks[app].append(self.now)
                    if app in self.rung:
                        self.followed.append(self.now - self.rung.pop(app))
                    pause = next_look(app < self.running, self.pace(replica), rng=self.rng.random())
                else:
                    pause = min(max(self.budgets[replica].wait(lane), 1.0), 60.0)
                due[app] = self.now + pause
                heapq.heappush(events, (due[app], next(order), "poll", app))

    def pace(self, replica: int) -> PollPace:
        budget = self.budgets[replica]
        return poll_pace(
            apps=self.apps,
            running=self.running,
            per_hour=budget.routine_per_hour,
            busy=BUSY,
            idle=IDLE,
            spent=budget.routine_spent,
        )

    def take(self, replica: int, lane: Priority) -> bool:
        try:
            self.budgets[replica].take(lane)
        except BudgetExhausted:
            self.refused[lane] += 1
            return False
        self.made.append(self.now)
        self.minutes[replica][lane][int(self.now // 60)] += 1
        return True

    def exchange(self) -> None:
        for replica, budget in enumerate(self.budgets):
            others = {
                lane: [
                    (max(0.0, self.now - 60 * (minute + 1)), count)
                    for other, counts in enumerate(self.minutes)
                    if other != replica
                    for minute, count in counts[lane].items()
                ]
                for lane in Priority
            }
            budget.share(dict(budget.unshared), others)

    def longest_gap(self, apps: range | None = None) -> float:
        gaps = [late - early for app in apps or range(self.apps) for early, late in itertools.pairwise(self.ends(app))]
        return max(gaps)

    def longest_follow(self) -> float:
        """The seconds from a webhook to the look at its app; one that was not followed counts until now."""
        return max([*self.followed, *(self.now - at for at in self.rung.values())], default=0.0)

    def ends(self, app: int) -> Iterator[float]:
        return itertools.chain([0.0], self.looks[app], [self.now])

    def most_in_an_hour(self) -> int:
        most = first = 0
        for last, at in enumerate(self.made):
            while self.made[first] <= at - HOUR:
                first += 1
            most = max(most, last - first + 1)
        return most
