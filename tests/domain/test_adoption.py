"""Who has the newest version is told by platform; what is not known is unknown and nothing else."""

from __future__ import annotations

import pytest

from bot.domain.adoption import Adoption, Has, Newest, adoption, has, newest
from bot.domain.downloads import PersonRow
from bot.domain.model import Download, Stage
from tests.domain.facts import build

BOTH = Newest((("ios", "2.5.0"), ("android", "2.4.0")), (("ios", "2.6.0"),))
SAME = Newest((("ios", "2.5.0"), ("android", "2.5.0")))


@pytest.mark.parametrize(
    ("by", "platform", "version", "expected"),
    [
        (BOTH, "android", "2.4.0", Has.NEWEST),
        (BOTH, "ios", "2.4.0", Has.OLDER),
        (BOTH, "ios", "2.5.0", Has.NEWEST),
        (BOTH, "ios", "2.6.0", Has.RECALLED),
        (BOTH, "android", "2.6.0", Has.OLDER),
        (BOTH, "ios", None, Has.UNKNOWN),
        (BOTH, None, "2.4.0", Has.UNKNOWN),
        (BOTH, None, "2.5.0", Has.UNKNOWN),
        (BOTH, None, "1.0.0", Has.OLDER),
        (SAME, None, "2.5.0", Has.NEWEST),
        (BOTH, "windows", "2.4.0", Has.UNKNOWN),
        (Newest(()), "ios", "2.4.0", Has.UNKNOWN),
        (Newest((("ios", ""),)), "ios", "2.4.0", Has.UNKNOWN),
        (Newest((("", "2.5.0"),)), "ios", "2.5.0", Has.NEWEST),
    ],
)
def test_the_newest_is_by_platform(by: Newest, platform: str | None, version: str | None, expected: Has) -> None:
    assert has(Download(version=version, platform=platform), by) is expected


def test_nothing_known_of_somebody_is_unknown() -> None:
    assert has(None, BOTH) is Has.UNKNOWN
    found = adoption([PersonRow("Ana", "user", 7)], BOTH)
    assert found == Adoption(BOTH.versions, unknown=1)


def test_recalled_and_unready_builds_are_not_newest() -> None:
    recalled, failed, ready = build(3), build(2, stage=Stage.FAILED), build(1)
    found = newest([recalled, failed, ready, build(7, platform="Android", version="9")], {recalled.id})
    assert found == Newest((("ios", "1.1.0"), ("android", "9")), (("ios", "1.3.0"),))
