"""What changed, who hears of it, and when to look again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import builds as decisions
from bot.domain.model import Build, Change, Event, Stage
from tests.domain.facts import COURIER, NOON, RIDER, build, subscription

HOUR = timedelta(hours=1)
EVERYTHING = tuple(Event)


def changes(known: dict[str, Stage], *seen: Build, baseline: bool = False) -> list[Change]:
    return decisions.changes(known, seen, baseline=baseline)


# ------------------------------------------------------------------ changes


def test_what_did_not_move_is_no_news() -> None:
    one = build(1)
    assert changes({one.id: Stage.READY}, one) == []


def test_news_is_told_oldest_first() -> None:
    assert [change.build.number for change in changes({}, build(3), build(2), build(1))] == ["1", "2", "3"]


def test_a_change_remembers_where_the_build_stood() -> None:
    one = build(1)
    assert changes({one.id: Stage.RUNNING}, one) == [Change(one, Stage.RUNNING)]
    assert changes({}, one) == [Change(one, None)]


def test_at_the_first_look_what_exists_is_history() -> None:
    found = changes({}, build(2), build(1, stage=Stage.FAILED), baseline=True)
    assert len(found) == 2
    assert all(change.quiet for change in found)


def test_a_build_on_its_way_at_the_first_look_is_followed_to_its_end() -> None:
    running, done = build(1, stage=Stage.RUNNING), build(1)
    (first,) = changes({}, running, baseline=True)
    assert first.quiet
    (then,) = changes({running.id: first.build.stage}, done)
    assert not then.quiet
    assert decisions.announcements([then], [subscription()])[0].event is Event.PROCESSED


def test_a_known_build_that_moves_is_news_even_at_the_first_look() -> None:
    one = build(1)
    assert changes({one.id: Stage.RUNNING}, one, baseline=True) == [Change(one, Stage.RUNNING)]


@pytest.mark.parametrize(("created", "quiet"), [(NOON + HOUR, False), (NOON, True), (NOON - HOUR, True), (None, True)])
def test_what_was_made_after_somebody_asked_is_no_history(created: object, quiet: bool) -> None:
    (found,) = decisions.changes({}, [build(1, created_at=created)], baseline=True, since=NOON)
    assert found.quiet is quiet


def test_after_the_first_look_the_moment_somebody_asked_means_nothing() -> None:
    (found,) = decisions.changes({}, [build(1, created_at=NOON - HOUR)], baseline=False, since=NOON)
    assert not found.quiet


seen_builds = st.lists(
    st.builds(build, st.integers(1, 6), stage=st.sampled_from(Stage)), max_size=6, unique_by=lambda one: one.id
)
stages = st.dictionaries(st.integers(1, 6).map(lambda number: build(number).id), st.sampled_from(Stage))


@given(stages, seen_builds, st.booleans())
def test_what_was_remembered_is_no_news_the_next_time(known: dict[str, Stage], seen: list[Build], first: bool) -> None:
    news = decisions.changes(known, seen, baseline=first)
    known |= {change.build.id: change.build.stage for change in news}
    assert decisions.changes(known, seen, baseline=first) == []


@given(seen_builds, st.booleans())
def test_a_first_look_announces_nothing_whatever_there_is(seen: list[Build], wide: bool) -> None:
    wish = subscription(app_id=None if wide else COURIER.id, events=EVERYTHING)
    assert decisions.announcements(decisions.changes({}, seen, baseline=True), [wish]) == []


# ------------------------------------------------------------------ announcements


def told(change: Change, **wish: object) -> list[Event]:
    return [one.event for one in decisions.announcements([change], [subscription(**wish)])]


def test_a_new_build_is_told_as_uploaded_and_by_its_end_when_it_is_over() -> None:
    assert told(Change(build(1, stage=Stage.PENDING), None), events=EVERYTHING) == [Event.UPLOADED]
    assert told(Change(build(1), None), events=EVERYTHING) == [Event.UPLOADED, Event.PROCESSED]
    assert told(Change(build(1, stage=Stage.FAILED), None), events=EVERYTHING) == [Event.UPLOADED, Event.FAILED]


def test_a_known_build_is_told_by_its_end_only() -> None:
    assert told(Change(build(1), Stage.RUNNING), events=EVERYTHING) == [Event.PROCESSED]
    assert told(Change(build(1, stage=Stage.RUNNING), Stage.PENDING), events=EVERYTHING) == []


def test_a_build_that_is_processed_again_is_not_told_to_run_but_its_next_end_is() -> None:
    assert told(Change(build(1, stage=Stage.RUNNING), Stage.READY), events=EVERYTHING) == []
    assert told(Change(build(1, stage=Stage.FAILED), Stage.READY), events=EVERYTHING) == [Event.FAILED]


def test_quiet_changes_are_told_to_nobody() -> None:
    assert told(Change(build(1), None, quiet=True), events=EVERYTHING) == []


def test_only_what_was_asked_for_is_told() -> None:
    change = Change(build(1, platform="ios"), None)
    assert told(change, events=(Event.FAILED,)) == []
    assert told(change, app_id=RIDER.id) == []
    assert told(change, query="os:android") == []
    assert told(change, query="os:ios") == [Event.PROCESSED]


def test_two_wishes_of_one_channel_make_one_announcement() -> None:
    wishes = [subscription(1), subscription(2, app_id=None), subscription(3, channel_id="C2")]
    found = decisions.announcements([Change(build(1), Stage.RUNNING)], wishes)
    assert [(one.channel_id, one.event) for one in found] == [("C1", Event.PROCESSED), ("C2", Event.PROCESSED)]


def test_announcements_keep_the_order_of_the_changes() -> None:
    news = [Change(build(number), Stage.RUNNING) for number in (1, 2, 3)]
    found = decisions.announcements(news, [subscription(1, channel_id="C2"), subscription(2)])
    for channel in ("C1", "C2"):
        assert [one.build_id for one in found if one.channel_id == channel] == [change.build.id for change in news]


# ------------------------------------------------------------------ when to look


@given(st.integers(0, 9), st.floats(0, 1))
def test_the_next_look_is_soon_while_something_runs_and_spread_by_a_tenth(running: int, chance: float) -> None:
    usual = 5.0 if running else 60.0
    assert usual * 0.9 <= decisions.next_look(running, busy=5, idle=60, chance=chance) <= usual * 1.1 + 1e-9


def test_chance_moves_the_next_look() -> None:
    looks = {decisions.next_look(0, busy=5, idle=60, chance=chance / 10) for chance in range(11)}
    assert len(looks) == 11


def test_failed_looks_are_repeated_later_and_later_up_to_five_minutes() -> None:
    waits = [decisions.retry_look(failures, busy=5, idle=60) for failures in range(9)]
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert decisions.retry_look(10**9, busy=5, idle=60) == 300


def test_a_failed_look_is_never_repeated_at_once_nor_sooner_than_idle_for_ever() -> None:
    assert decisions.retry_look(0, busy=0.01, idle=0.01) == 1
    assert decisions.retry_look(50, busy=5, idle=3600) == 3600
