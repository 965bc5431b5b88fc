"""Select the builds of a bisect: those of one line from the good build to the bad one; pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.builds import line_of
from bot.domain.model import Build, Stage


def between(good: Build, bad: Build, builds: Sequence[Build], *, any_line: bool = False) -> list[Build] | None:
    """Return the ready builds of one platform from the good to the bad one, oldest first, including both.

    `builds` are the app's, newest first; the good or bad one may be missing. Only builds of the bad build's line are
    selected, unless `any_line`. None if the good build is not older than the bad one.
    """
    line = _oldest_first(_with(builds, good, bad))
    at = {build.id: place for place, build in enumerate(line)}
    if at[good.id] >= at[bad.id]:
        return None
    inside = [
        build
        for build in line[at[good.id] + 1 : at[bad.id]]
        if build.stage is Stage.READY
        and build.platform.casefold() == bad.platform.casefold()
        and (any_line or line_of(build) == line_of(bad))
    ]
    return [good, *inside, bad]


def _oldest_first(builds: Sequence[Build]) -> list[Build]:
    """Return builds in order of upload, or in the reverse of the given order if any time is unknown."""
    dated = [(build.created_at, build) for build in reversed(builds) if build.created_at is not None]
    if len(dated) < len(builds):
        return [*reversed(builds)]
    return [build for _, build in sorted(dated, key=lambda pair: pair[0])]


def _with(builds: Sequence[Build], *others: Build) -> list[Build]:
    """Return the builds with the unlisted ones inserted by their upload time, or at the end; newest first."""
    listed = [*builds]
    for other in others:
        if all(build.id != other.id for build in listed):
            older = (at for at, build in enumerate(listed) if _is_older(build, other))
            listed.insert(next(older, len(listed)), other)
    return listed


def _is_older(build: Build, other: Build) -> bool:
    return bool(build.created_at and other.created_at and build.created_at < other.created_at)
