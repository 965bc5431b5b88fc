"""Find the changes in a build since the build that a user has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from bot.domain.builds import line_of
from bot.domain.model import Build, Stage


class ChangesSince(Struct, frozen=True):
    """The newest earlier build the user received, when (aware UTC), and the ready builds between, newest first."""

    build: Build
    got_at: datetime
    between: tuple[Build, ...] = ()


def since(build: Build, listed: Sequence[Build], had: Mapping[str, datetime]) -> ChangesSince | None:
    """Return the changes since the newest earlier build that the user received (`had`: id → when, aware), or None.

    `listed` are the app's builds, newest first; an unlisted build is too old to compare. Only builds of the same line
    as `build` are in between, so that feature branches do not appear among releases.
    """
    ids = [item.id for item in listed]
    if build.id not in ids:
        return None
    between: list[Build] = []
    for each_build in listed[ids.index(build.id) + 1 :]:
        if each_build.platform.casefold() != build.platform.casefold():
            continue
        if each_build.id in had:
            return ChangesSince(each_build, had[each_build.id], tuple(between))
        if each_build.stage is Stage.READY and line_of(each_build) == line_of(build):
            between.append(each_build)
    return None
