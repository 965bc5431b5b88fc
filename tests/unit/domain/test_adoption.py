"""Who has the newest version is told by platform; what is not known is unknown and nothing else."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bot.domain.adoption import Adoption, InstalledVersion, NewestVersions, adoption, has, holders, newest
from bot.domain.downloads import PersonRow
from bot.domain.model import Download, Stage
from tests.support.facts import build

BOTH = NewestVersions((("ios", "2.5.0"), ("android", "2.4.0")), (("ios", "2.6.0"),))
SAME = NewestVersions((("ios", "2.5.0"), ("android", "2.5.0")))


@pytest.mark.parametrize(
    ("by", "platform", "version", "expected"),
    [
        (BOTH, "android", "2.4.0", InstalledVersion.NEWEST),
        (BOTH, "ios", "2.4.0", InstalledVersion.OLDER),
        (BOTH, "ios", "2.5.0", InstalledVersion.NEWEST),
        (BOTH, "ios", "2.6.0", InstalledVersion.RECALLED),
        (BOTH, "android", "2.6.0", InstalledVersion.OLDER),
        (BOTH, "ios", None, InstalledVersion.UNKNOWN),
        (BOTH, None, "2.4.0", InstalledVersion.UNKNOWN),
        (BOTH, None, "2.5.0", InstalledVersion.UNKNOWN),
        (BOTH, None, "1.0.0", InstalledVersion.OLDER),
        (SAME, None, "2.5.0", InstalledVersion.NEWEST),
        (BOTH, "windows", "2.4.0", InstalledVersion.UNKNOWN),
        (NewestVersions(()), "ios", "2.4.0", InstalledVersion.UNKNOWN),
        (NewestVersions((("ios", ""),)), "ios", "2.4.0", InstalledVersion.UNKNOWN),
        (NewestVersions((("", "2.5.0"),)), "ios", "2.5.0", InstalledVersion.NEWEST),
    ],
)
def test_the_newest_is_by_platform(
    by: NewestVersions, platform: str | None, version: str | None, expected: InstalledVersion
) -> None:
    assert has(Download(version=version, platform=platform), by) is expected


def test_adoption_without_known_version_is_unknown() -> None:
    assert has(None, BOTH) is InstalledVersion.UNKNOWN
    found = adoption([PersonRow("Ana", "user", 7)], BOTH)
    assert found == Adoption(BOTH.versions, unknown=1)


def test_recalled_and_unready_builds_are_not_newest() -> None:
    recalled, failed, ready = build(3), build(2, stage=Stage.FAILED), build(1)
    found = newest([recalled, failed, ready, build(7, platform="Android", version="9")], {recalled.id})
    assert found == NewestVersions((("ios", "1.1.0"), ("android", "9")), (("ios", "1.3.0"),))


def test_holders_are_by_their_latest_download() -> None:
    ios, android, twin = build(3, version="2.0"), build(2, version="2.0", platform="android"), build(1, version="1.0")
    again = replace(build(4, version="1.0"), platform=twin.platform)
    people = [
        PersonRow("Ana", "user", 2, Download(build_id=ios.id)),
        PersonRow("Eva", "user", 1, Download(version="2.0", platform="ios")),
        PersonRow("Zoe", "user", 1, Download(version="2.0")),  # of which platform is not known
        PersonRow("Leo", "user", 1, Download(version="1.0", platform="ios")),  # two builds have it
        PersonRow("Max", "user", 1, Download(build_id="f" * 24)),
        PersonRow("Ida", "user", 3),
    ]
    assert holders(people, [ios, android, twin, again]) == {ios.id: 2, android.id: 0, twin.id: 0, again.id: 0}
