"""How long an app's builds usually take, how long one of them still has, and when it is late or stuck."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from bot.domain.model import Build, Stage

LATEST = 20  # older ones were made by other machines, of another app
STUCK_TIMES = 3
STUCK_WITHOUT_USUAL = timedelta(minutes=30)
# Seconds between which a time is believed: nothing is processed in less, and what seems to have taken more than a day
# was edited, or processed again, later.
BELIEVED = (1.0, 86_400.0)

SECONDS, MILLISECONDS = 1.0, 0.001
NEARLY_ALL = 0.9
ROUNDING = 1.0  # seconds by which Applivery's own figures may differ from its own times


def usual(builds: Sequence[Build], platform: str) -> timedelta | None:
    """Return how long builds of this platform usually take from upload to ready; None without earlier ones.

    `builds` are an app's, newest first. It is the median of the last twenty that are ready: of `queuedTime` and
    `processTime` together, or, where those are missing, of the time between `createdAt` and `updatedAt`.
    """
    ready = [build for build in builds if build.stage is Stage.READY]
    alike = [build for build in ready if tells(build, platform)][:LATEST]
    unit = _unit(ready)
    taken = [_spent(build) * unit for build in alike] if unit else []
    found = _believable(taken) or _believable([_span(build) for build in alike])
    return timedelta(seconds=median(found)) if found else None


def tells(build: Build, platform: str) -> bool:
    """Return whether a build says how long those of this platform take."""
    return build.stage is Stage.READY and build.platform.casefold() == platform.casefold()


def left(since: datetime, usually: timedelta | None, now: datetime) -> timedelta | None:
    """Return the remaining time of a build that came at `since`, at least zero; None when there is no estimate."""
    return None if usually is None else max(timedelta(0), usually - (now - since))


def is_late(since: datetime, usually: timedelta | None, seen: datetime) -> bool:
    """Return whether a build that was still on its way when last `seen` takes longer than usual."""
    return usually is not None and seen - since > usually


def is_stuck(since: datetime, usually: timedelta | None, seen: datetime) -> bool:
    """Return whether it takes more than three times the usual time; half an hour without an estimate."""
    return seen - since > (STUCK_WITHOUT_USUAL if usually is None else STUCK_TIMES * usually)


def _unit(builds: Sequence[Build]) -> float | None:
    """Return the unit of `queuedTime` and `processTime`, in seconds; None when it is unknown.

    Applivery does not document it, so it is inferred from each app's own builds: both were spent between the creation
    of a build and its last change, so in the right unit they fit in there. Seconds have to fit for nearly all, since
    milliseconds taken for seconds fit too when the build was edited hours later; milliseconds have to fit for most.
    """
    told = [(_spent(build), _span(build)) for build in builds if _spent(build) > 0 and _span(build) > 0]
    for unit, share in ((SECONDS, NEARLY_ALL), (MILLISECONDS, 0.5)):
        fitting = sum(spent * unit <= span + ROUNDING for spent, span in told)
        if told and fitting >= share * len(told):
            return unit
    return None


def _spent(build: Build) -> float:
    """`queuedTime` and `processTime` together, in Applivery's unit; 0 when it did not say how long it worked."""
    return max(build.waited or 0.0, 0.0) + build.worked if build.worked and build.worked > 0 else 0.0


def _span(build: Build) -> float:
    """Return seconds from the creation of a build to its last change; 0 when that is not known."""
    if build.created_at is None or build.updated_at is None:
        return 0.0
    return max(0.0, (build.updated_at - build.created_at).total_seconds())


def _believable(seconds: Sequence[float]) -> list[float]:
    least, most = BELIEVED
    return [second for second in seconds if least <= second <= most]
