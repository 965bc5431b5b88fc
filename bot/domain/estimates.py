"""Estimate how long builds take, the remaining time of one, and when it is late or stuck."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from bot.domain.model import Build, Stage

LATEST = 20  # builds to consider: older ones were made on other machines from other code
STUCK_TIMES = 3
STUCK_WITHOUT_USUAL = timedelta(minutes=30)
# The plausible range in seconds: nothing is processed in less, and a build that seems to have taken more than a day
# was edited or processed again later.
BELIEVED = (1.0, 86_400.0)

SECONDS, MILLISECONDS = 1.0, 0.001
NEARLY_ALL = 0.9
ROUNDING = 1.0  # seconds by which Applivery's durations may differ from its times


def usual(builds: Sequence[Build], platform: str) -> timedelta | None:
    """Return how long builds of this platform usually take from upload to ready; None if there are no earlier ones.

    `builds` are an app's, newest first. It is the median of the last twenty ready builds: of the sum of `queuedTime`
    and `processTime` or, if those are missing, of the time between `createdAt` and `updatedAt`.
    """
    ready = [build for build in builds if build.stage is Stage.READY]
    alike = [build for build in ready if tells(build, platform)][:LATEST]
    unit = _unit(ready)
    taken = [_spent(build) * unit for build in alike] if unit else []
    found = _believable(taken) or _believable([_span(build) for build in alike])
    return timedelta(seconds=median(found)) if found else None


def tells(build: Build, platform: str) -> bool:
    """Return whether a build can be used for the estimate of this platform."""
    return build.stage is Stage.READY and build.platform.casefold() == platform.casefold()


def left(since: datetime, usually: timedelta | None, now: datetime) -> timedelta | None:
    """Return the remaining time of a build in progress `since`, at least zero; None without an estimate."""
    return None if usually is None else max(timedelta(0), usually - (now - since))


def is_late(since: datetime, usually: timedelta | None, seen: datetime) -> bool:
    """Return whether a build that was in progress when last `seen` takes longer than usual."""
    return usually is not None and seen - since > usually


def is_stuck(since: datetime, usually: timedelta | None, seen: datetime) -> bool:
    """Return whether it takes more than three times the usual time, or half an hour without an estimate."""
    return seen - since > (STUCK_WITHOUT_USUAL if usually is None else STUCK_TIMES * usually)


def _unit(builds: Sequence[Build]) -> float | None:
    """Return the unit of `queuedTime` and `processTime`, in seconds; None when it is unknown.

    Applivery does not document it, so it is inferred from each app's own builds: in the right unit the sum is at most
    the time between the creation of a build and its last change. Seconds have to fit for nearly all builds, since
    milliseconds read as seconds can also fit if a build was edited hours later; milliseconds have to fit for most.
    """
    told = [(_spent(build), _span(build)) for build in builds if _spent(build) > 0 and _span(build) > 0]
    for unit, share in ((SECONDS, NEARLY_ALL), (MILLISECONDS, 0.5)):
        fitting = sum(spent * unit <= span + ROUNDING for spent, span in told)
        if told and fitting >= share * len(told):
            return unit
    return None


def _spent(build: Build) -> float:
    """Return the sum of `queuedTime` and `processTime` in Applivery's unit; 0 if `processTime` is missing."""
    return max(build.waited or 0.0, 0.0) + build.worked if build.worked and build.worked > 0 else 0.0


def _span(build: Build) -> float:
    """Return the seconds from the creation of a build to its last change; 0 if unknown."""
    if build.created_at is None or build.updated_at is None:
        return 0.0
    return max(0.0, (build.updated_at - build.created_at).total_seconds())


def _believable(seconds: Sequence[float]) -> list[float]:
    least, most = BELIEVED
    return [second for second in seconds if least <= second <= most]
