"""The pace of polls within the hourly budget of requests."""

from __future__ import annotations

from msgspec import Struct

BUSY_SHARE = 0.05  # the share of regular polls that is reserved for apps with a build in progress
FEW = 16  # apps: so few need no even pace as long as most of the budget is left
FEW_SHARE = 0.25
NOTICEABLE = 1.05


class PollPace(Struct, frozen=True):
    """Seconds between polls of an app with a build in progress (`busy`) and of others (`idle`; set to `wanted`)."""

    busy: float
    idle: float
    wanted: float

    @property
    def stretch(self) -> float:
        """How many times longer than configured the interval of polls is; 1 for the configured interval."""
        times = self.idle / self.wanted
        return times if times > NOTICEABLE else 1.0


def poll_pace(
    *, apps: int, running: int, per_hour: float, busy: float, idle: float, spent: float | None = None
) -> PollPace:
    """Return the pace at which `apps` (`running` of them with a build in progress) need at most `per_hour` polls.

    Polls of apps with a build in progress are slowed down first, since a webhook reports its end, but nothing reports a
    new build of another app. A small share is reserved for them, so that a few stay fast among many apps. A few apps
    may use a quarter of the budget without limits: `spent` is what was used (None: unknown, more than that is assumed).
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
