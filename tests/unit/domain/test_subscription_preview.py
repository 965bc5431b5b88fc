"""The dry run: the newest builds as they stand, and what a filter finds in them."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain import filters, grammar
from bot.domain.model import Build, BuildEvent, BuildSource, Stage
from bot.domain.subscription_preview import LOOKED_AT, rehearse
from tests.support import facts
from tests.support.facts import NOON, build

BOTH = (BuildEvent.PROCESSED, BuildEvent.FAILED)


def made(nth: int, **more: object) -> Build:
    return build(nth, created_at=NOON + timedelta(minutes=nth), **more)


def test_preview_uses_newest_builds_in_any_input_order() -> None:
    tried = rehearse(BOTH, "", [made(n) for n in range(1, 31)])
    assert tried is not None
    assert [build.id for build in tried.looked] == [made(n).id for n in range(30, 30 - LOOKED_AT, -1)]


def test_builds_count_as_they_stand_now() -> None:
    builds = [made(1, stage=Stage.FAILED), made(2), made(3, stage=Stage.RUNNING)]

    def would(*events: BuildEvent) -> list[str]:
        tried = rehearse(events, "", builds)
        assert tried is not None
        return [build.version for build in tried.would]

    assert would(BuildEvent.FAILED) == ["1.1.0"]
    assert would(BuildEvent.PROCESSED, BuildEvent.CERT) == ["1.2.0"]
    assert would(BuildEvent.UPLOADED) == ["1.3.0", "1.2.0", "1.1.0"]


def test_preview_of_non_build_events_is_none() -> None:
    assert rehearse((BuildEvent.CERT, BuildEvent.FEEDBACK), "", [made(1)]) is None


def test_preview_without_match_lists_values_the_builds_have() -> None:
    builds = [
        made(1, origin=BuildSource(branch="main")),
        made(2, origin=BuildSource(branch="dev")),
        made(3, platform="android"),
    ]
    tried = rehearse(BOTH, "branch:relase/* -tag:x os:windows", builds)
    assert tried is not None
    assert tried.fitting == tried.would == ()
    assert tried.there == (("os", ("android", "ios")), ("branch", ("dev", "main")), ("tag", ()))


@given(st.lists(facts.builds, max_size=5), facts.filter_texts)
def test_preview_posts_only_matching_examined_builds(builds: list[Build], typed: str) -> None:
    tried = rehearse(BOTH, filters.query(grammar.parse(typed)), builds)
    assert tried is not None
    assert set(tried.would) <= set(tried.fitting) <= set(tried.looked)
