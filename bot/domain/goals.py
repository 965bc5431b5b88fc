"""Goals: how many of a group should have a build by a deadline, their progress, requests to people, and outcome."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta

from msgspec import Struct

from bot.domain.model import Build
from bot.domain.states import GoalState
from bot.domain.time_zones import zone
from bot.i18n.units import percent

MORNING, EVENING = time(9), time(18)  # when people may be asked, in their own time zone
USUAL_SHARE, USUAL_TIME = 100, "7d"
MOST = 20  # running goals per workspace
UNDO_SECONDS = 15.0  # between the start and the first requests, so that the user can stop the goal
RARELY, OFTEN = timedelta(hours=1), timedelta(seconds=30)  # the longest and shortest time between two counts
COUNTS = 100  # counts to aim for in the remaining time, within these limits
PATIENCE = timedelta(days=1)  # how long to wait for Applivery's last count
APART = timedelta(hours=15)  # between two requests to the same person, also if their time zone changes
POINTS = 20  # points of a chart
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEEKEND = 5  # Saturday, counted from Monday


class Goal(Struct, frozen=True):
    """A share of a user group (`group_id`) or of a channel's members (`members_of`) that should have a build.

    The share is `percent`, or `people` if that is 0, by `deadline` (aware), which was set in the zone `tz` (IANA).
    `build_ref` refers to the builds like in a report, `what` is their name. `asks` is whether people are asked
    privately. `card_ts` is the card in the channel; `ended_at` is in microseconds since 1970, 0 while it runs.
    """

    id: int
    team_id: str
    channel_id: str
    app_id: str
    app_name: str
    build_ref: str
    what: str
    group_id: str
    members_of: str
    place_name: str
    percent: int
    people: int
    deadline: datetime
    tz: str
    asks: bool
    created_by: str
    created_at: datetime
    state: GoalState = GoalState.RUNNING
    ended_at: int = 0
    frozen: bool = False
    paused: str | None = None
    card_ts: str | None = None

    @property
    def place(self) -> str:
        """The group or channel in Slack's markup."""
        return f"<!subteam^{self.group_id}>" if self.group_id else f"<#{self.members_of}>"

    @property
    def is_running(self) -> bool:
        """Return whether the goal has not ended."""
        return self.state is GoalState.RUNNING


class GoalSample(Struct, frozen=True):
    """How many of `total` people had the build at a time (aware); `unknown` more have no email in Slack."""

    at: datetime
    have: int
    total: int
    unknown: int = 0


class GoalStatus(Struct, frozen=True):
    """The data of a goal's card: `samples` oldest first, the number of `asked` people, and a `newer` version."""

    goal: Goal
    samples: tuple[GoalSample, ...]
    builds: tuple[Build, ...] = ()
    asked: int = 0
    newer: str = ""

    @property
    def last(self) -> GoalSample:
        """The latest count, or that of the start."""
        return self.samples[-1] if self.samples else GoalSample(self.goal.created_at, 0, 0)

    @property
    def needed(self) -> int:
        """How many of the current people the goal needs."""
        return needed(self.goal.percent, self.goal.people, self.last.total)

    @property
    def to_go(self) -> int:
        """How many more people the goal needs."""
        return max(0, self.needed - self.last.have)

    @property
    def percent(self) -> int:
        """Return the rounded share of people with the build; less than the goal's as long as that isn't reached."""
        share = percent(self.last.have, self.last.total)
        return min(share, (self.goal.percent or 100) - 1) if self.to_go else share


class GoalRequest(Struct, frozen=True):
    """The request to a person to get a build for a goal."""

    goal: Goal
    builds: tuple[Build, ...]


def needed(percent: int, people: int, total: int) -> int:
    """Return how many of `total` people a goal needs."""
    return -(-percent * total // 100) if percent else min(people, total)


def outcome(goal: Goal, sample: GoalSample, now: datetime) -> GoalState:
    """Return the state of a goal after a count that was started `now`."""
    if sample.total and sample.have >= needed(goal.percent, goal.people, sample.total):
        return GoalState.REACHED
    return GoalState.MISSED if now >= goal.deadline else GoalState.RUNNING


def next_count(goal: Goal, now: datetime) -> datetime:
    """Return the time of the next count: hourly while the deadline is days away, then more often."""
    pause = max(OFTEN, min(RARELY, (goal.deadline - now) / COUNTS))
    return min(now + pause, goal.deadline) if now < goal.deadline else now + OFTEN


def pace(samples: Sequence[GoalSample]) -> float | None:
    """Return how many people per day got the build so far; None during the first quarter of a day."""
    if len(samples) < 2 or (over := samples[-1].at - samples[0].at) < DAY / 4:
        return None
    return max(0.0, (samples[-1].have - samples[0].have) / (over / DAY))


def needed_pace(status: GoalStatus) -> float:
    """Return how many people per day are needed from the latest count on; all of them if less than a day is left."""
    left = max(DAY, status.goal.deadline - status.last.at)
    return status.to_go / (left / DAY)


# ------------------------------------------------------------------ the chart


class ChartPoint(Struct, frozen=True):
    """The people left at a time (aware): by the counts or the current pace, and by an even pace."""

    at: datetime
    to_go: int
    planned: int


def burn_down(status: GoalStatus) -> list[ChartPoint]:
    """Return two to twenty evenly spaced points from the start to the deadline.

    After the latest count the people left are extrapolated at the pace so far.
    """
    goal = status.goal
    length = goal.deadline - goal.created_at
    steps = min(POINTS - 1, max(1, round(length / DAY) if length >= 2 * DAY else 4))
    first = status.samples[0] if status.samples else status.last
    begun = max(0, needed(goal.percent, goal.people, first.total) - first.have)
    speed = pace(status.samples) or 0.0
    points = []
    for number in range(steps + 1):
        at = goal.created_at + length * number / steps
        planned = round(begun * (steps - number) / steps)
        points.append(ChartPoint(at, _to_go(status, at, speed), planned))
    return points


def _to_go(status: GoalStatus, at: datetime, speed: float) -> int:
    goal, last = status.goal, status.last
    if at >= last.at:
        ahead = speed * ((at - last.at) / DAY) if goal.is_running else 0.0
        return max(0, round(status.to_go - ahead))
    then = [sample for sample in status.samples if sample.at <= at] or status.samples[:1]
    return max(0, needed(goal.percent, goal.people, then[-1].total) - then[-1].have)


# ------------------------------------------------------------------ requests to people


def may_ask(now: datetime, tz: str, deadline: datetime) -> bool:
    """Return whether a person in the zone `tz` may be asked now: from 9:00 to 18:00, Monday to Friday.

    At weekends only if the goal ends before the end of the next working day.
    """
    here = now.astimezone(zone(tz))
    if not MORNING <= here.time() < EVENING or now >= deadline:
        return False
    monday = here.date() + timedelta(days=7 - here.weekday())
    return here.weekday() < WEEKEND or deadline < datetime.combine(monday, EVENING, here.tzinfo)


def local_day(now: datetime, tz: str) -> str:
    """Return the date in this zone."""
    return now.astimezone(zone(tz)).date().isoformat()


def wave_size(goal: Goal, waiting: int, asked_today: int, now: datetime) -> int:
    """Return how many to ask now of the `waiting` people, who lack the build and were not asked today.

    They are spread evenly over the remaining working days, so that all are asked before the deadline.
    """
    days = _working_days(now.astimezone(zone(goal.tz)).date(), goal.deadline.astimezone(zone(goal.tz)).date())
    return max(0, min(waiting, -(-(waiting + asked_today) // days) - asked_today))


def _working_days(first: date, last: date) -> int:
    every = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return max(1, sum(day.weekday() < WEEKEND for day in every))


def in_order(people: Collection[str], asked: Mapping[str, int], seen: Mapping[str, float]) -> list[str]:
    """Return people in the order of requests: least often asked first, then most recently `seen` first.

    `seen` is when each last downloaded any build of the app, in seconds since 1970.
    """
    return sorted(people, key=lambda person: (asked.get(person, 0), -seen.get(person, 0.0), person))
