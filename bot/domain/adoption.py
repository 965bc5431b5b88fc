"""Count how many people have the newest version for their platform, as far as known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum

from msgspec import Struct

from bot.domain import lookup
from bot.domain.downloads import PersonRow
from bot.domain.model import Build, Download, Stage

Version = tuple[str, str]
"""A platform, in lower case, and a version on it."""


class NewestVersions(Struct, frozen=True):
    """The newest version of each platform that people can get, and the recalled ones."""

    versions: tuple[Version, ...]
    recalled: tuple[Version, ...] = ()


class InstalledVersion(StrEnum):
    """The version of a user's latest download."""

    NEWEST = "newest"
    OLDER = "older"
    RECALLED = "recalled"
    UNKNOWN = "unknown"


class Adoption(Struct, frozen=True):
    """How many people have which version; the sum is all people with downloads."""

    versions: tuple[Version, ...]
    newest: int = 0
    older: int = 0
    recalled: int = 0
    unknown: int = 0


def newest(builds: Sequence[Build], recalled: Collection[str] = ()) -> NewestVersions:
    """Return the newest versions among an app's builds, newest first; `recalled` has ids."""
    return NewestVersions(
        tuple(map(_version, lookup.newest_of_each_platform(builds, recalled))),
        tuple(_version(build) for build in builds if build.id in recalled and build.stage is Stage.READY),
    )


def adoption(people: Iterable[PersonRow], by: NewestVersions) -> Adoption:
    """Count people by their version."""
    counts = Counter(has(row.latest, by) for row in people)
    return Adoption(by.versions, **{condition.value: counts[condition] for condition in InstalledVersion})


def holders(people: Iterable[PersonRow], builds: Sequence[Build]) -> dict[str, int]:
    """Return for each of these builds, by id, for how many people it is the latest recorded download.

    A download without a build id counts for the only build of its version (and its platform, if known).
    """
    found = dict.fromkeys((build.id for build in builds), 0)
    for row in people:
        build_id = _held(row.latest, builds) if row.latest else None
        if build_id in found:
            found[build_id] += 1
    return found


def _held(latest: Download, builds: Sequence[Build]) -> str | None:
    if latest.build_id:
        return latest.build_id
    same = [
        build.id
        for build in builds
        if latest.version and build.version == latest.version and latest.platform in (None, "", build.platform)
    ]
    return same[0] if len(same) == 1 else None


def has(latest: Download | None, by: NewestVersions) -> InstalledVersion:
    """Return the version of a user whose latest download this is.

    A download without a platform may be of any: it counts only if all platforms would give the same result.
    """
    if latest is None or not latest.version:
        return InstalledVersion.UNKNOWN
    there = _on(latest.platform, by.versions)
    if not all(there):
        return InstalledVersion.UNKNOWN
    same = [version == latest.version for version in there]
    if all(same):
        return InstalledVersion.NEWEST if same else InstalledVersion.UNKNOWN
    if any(same):
        return InstalledVersion.UNKNOWN
    return InstalledVersion.RECALLED if latest.version in _on(latest.platform, by.recalled) else InstalledVersion.OLDER


def _on(platform: str | None, versions: Iterable[Version]) -> list[str]:
    """Return the versions to compare with on a platform, or else those without a known platform."""
    return [text for on, text in versions if platform in (None, "", on)] or [text for on, text in versions if not on]


def _version(build: Build) -> Version:
    return build.platform.casefold(), build.version
