"""How often the watched apps can be polled with the requests an hour has."""

from __future__ import annotations

from msgspec import Struct

BUSY_SHARE = 0.05  # of the regular polls, for apps with a build on its way, however many other apps there are
FEW = 16  # apps, which need no even pace as long as most of the hour is left
FEW_SHARE = 0.25
NOTICEABLE = 1.05


class PollPace(Struct, frozen=True):
    """Seconds between two polls of an app with a build on its way, and of another; `wanted` is what was set for it."""

    busy: float
    idle: float
    wanted: float

    @property
    def stretch(self) -> float:
        """How many times longer than wanted it takes until an app is polled again; 1 when that is as it should be."""
        times = self.idle / self.wanted
        return times if times > NOTICEABLE else 1.0


def poll_pace(
    *, apps: int, running: int, per_hour: float, busy: float, idle: float, spent: float | None = None
) -> PollPace:
    """Return the pace at which `apps` (`running` of them with a build on its way) need no more than `per_hour` polls.

    Polls of apps with a build on its way are stretched first: a webhook says when it has ended, and nothing says that
    another app has a new one. A small share is theirs all the same, so that few of them stay quick among many. A few
    apps may take a quarter of the hour at once: `spent` is what it has had (None: suppose that it was more).
    """
    if apps <= FEW:
        if spent is not None and spent < FEW_SHARE * per_hour:
            return PollPace(busy, idle, idle)
        per_hour *= 1 - FEW_SHARE
    rate, resting = per_hour / 3600, apps - running
    room = max(rate - resting / idle, BUSY_SHARE * rate)
    busy_pace = max(busy, running / room)
    idle_pace = max(idle, resting / max(rate - running / busy_pace, 1e-9))
    if busy_pace > idle_pace >= busy:
        busy_pace = idle_pace = max(idle, apps / rate)
    return PollPace(busy_pace, idle_pace, idle)
