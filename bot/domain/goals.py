"""Goals: how many of a group are to have a build by a deadline, how it goes, who is asked when, and how it ends."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta

from msgspec import Struct

from bot.domain.model import Build
from bot.domain.states import GoalState
from bot.domain.time_zones import zone
from bot.i18n.units import percent

MORNING, EVENING = time(9), time(18)  # when people may be asked, by their own clock
USUAL_SHARE, USUAL_TIME = 100, "7d"
MOST = 20  # goals that run in a workspace
UNDO_SECONDS = 15.0  # after the start, before the first people are asked: the time to stop it
RARELY, OFTEN = timedelta(hours=1), timedelta(seconds=30)  # between two counts
COUNTS = 100  # about so many in the time that is left, within these two
PATIENCE = timedelta(days=1)  # that Applivery has to give the last count
APART = timedelta(hours=15)  # between two requests to one person, also when their time zone changes
POINTS = 20  # of a chart
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEEKEND = 5  # the first day of it, counted from Monday


class Goal(Struct, frozen=True):
    """A share of a user group (`group_id`) or of a channel's people (`members_of`) that is to have a build.

    `percent` of them, or `people` where that is 0, by `deadline` (aware), which was set in the zone `tz` (IANA).
    `build_ref` names the builds as a report takes it, `what` says it. `asks`: people are asked privately. `card_ts` is
    the card in the channel; `ended_at` is in microseconds since 1970, 0 while it runs.
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
        """The group or channel as Slack writes it."""
        return f"<!subteam^{self.group_id}>" if self.group_id else f"<#{self.members_of}>"

    @property
    def is_running(self) -> bool:
        """Return whether it goes on."""
        return self.state is GoalState.RUNNING


class GoalSample(Struct, frozen=True):
    """How many had it at a time (aware), of how many; `unknown` more have no email in Slack."""

    at: datetime
    have: int
    total: int
    unknown: int = 0


class GoalStatus(Struct, frozen=True):
    """All that a goal's card shows; `samples` oldest first, `asked` people so far, `newer` the version after it."""

    goal: Goal
    samples: tuple[GoalSample, ...]
    builds: tuple[Build, ...] = ()
    asked: int = 0
    newer: str = ""

    @property
    def last(self) -> GoalSample:
        """The newest count; without any, that of the start."""
        return self.samples[-1] if self.samples else GoalSample(self.goal.created_at, 0, 0)

    @property
    def needed(self) -> int:
        """How many are to have it, of those there are now."""
        return needed(self.goal.percent, self.goal.people, self.last.total)

    @property
    def to_go(self) -> int:
        """How many more are to get it."""
        return max(0, self.needed - self.last.have)

    @property
    def percent(self) -> int:
        """Return the share that has it, rounded; below that of the goal for as long as it isn't reached."""
        share = percent(self.last.have, self.last.total)
        return min(share, (self.goal.percent or 100) - 1) if self.to_go else share


class GoalRequest(Struct, frozen=True):
    """What a person is asked for: a build, for a goal."""

    goal: Goal
    builds: tuple[Build, ...]


def needed(percent: int, people: int, total: int) -> int:
    """Return how many of `total` people a goal needs."""
    return -(-percent * total // 100) if percent else min(people, total)


def outcome(goal: Goal, sample: GoalSample, now: datetime) -> GoalState:
    """Return the state of a goal after a count that was begun `now`."""
    if sample.total and sample.have >= needed(goal.percent, goal.people, sample.total):
        return GoalState.REACHED
    return GoalState.MISSED if now >= goal.deadline else GoalState.RUNNING


def next_count(goal: Goal, now: datetime) -> datetime:
    """Return when a goal is counted next: hourly while its deadline is days away, more often the closer it comes."""
    pause = max(OFTEN, min(RARELY, (goal.deadline - now) / COUNTS))
    return min(now + pause, goal.deadline) if now < goal.deadline else now + OFTEN


def pace(samples: Sequence[GoalSample]) -> float | None:
    """Return how many people a day got it so far; None before a quarter of a day is over."""
    if len(samples) < 2 or (over := samples[-1].at - samples[0].at) < DAY / 4:
        return None
    return max(0.0, (samples[-1].have - samples[0].have) / (over / DAY))


def needed_pace(status: GoalStatus) -> float:
    """Return how many people a day are to get it from the newest count on; all at once when less than a day is left."""
    left = max(DAY, status.goal.deadline - status.last.at)
    return status.to_go / (left / DAY)


# ------------------------------------------------------------------ the chart


class ChartPoint(Struct, frozen=True):
    """How many people were to go at a time (aware), by the counts or at the present pace, and by an even pace."""

    at: datetime
    to_go: int
    planned: int


def burn_down(status: GoalStatus) -> list[ChartPoint]:
    """Return two to twenty points, evenly from the start to the deadline.

    After the newest count the people to go are those of the pace so far.
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


# ------------------------------------------------------------------ whom to ask


def may_ask(now: datetime, tz: str, deadline: datetime) -> bool:
    """Return whether a person whose clock is in the zone `tz` may be asked now: from 9:00 to 18:00, Monday to Friday.

    At a weekend only when the goal ends before the next working day does.
    """
    here = now.astimezone(zone(tz))
    if not MORNING <= here.time() < EVENING or now >= deadline:
        return False
    monday = here.date() + timedelta(days=7 - here.weekday())
    return here.weekday() < WEEKEND or deadline < datetime.combine(monday, EVENING, here.tzinfo)


def local_day(now: datetime, tz: str) -> str:
    """Return the date that a clock in this zone shows."""
    return now.astimezone(zone(tz)).date().isoformat()


def wave_size(goal: Goal, waiting: int, asked_today: int, now: datetime) -> int:
    """Return how many people to ask now, of `waiting` who lack the build and were not asked today.

    The working days that are left share them evenly, so that all are asked before the deadline.
    """
    days = _working_days(now.astimezone(zone(goal.tz)).date(), goal.deadline.astimezone(zone(goal.tz)).date())
    return max(0, min(waiting, -(-(waiting + asked_today) // days) - asked_today))


def _working_days(first: date, last: date) -> int:
    every = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return max(1, sum(day.weekday() < WEEKEND for day in every))


def in_order(people: Collection[str], asked: Mapping[str, int], seen: Mapping[str, float]) -> list[str]:
    """Return people in the order in which they are asked: first who was asked least often, then who was `seen` last.

    `seen` is when each last downloaded any build of the app, in seconds since 1970.
    """
    return sorted(people, key=lambda person: (asked.get(person, 0), -seen.get(person, 0.0), person))
