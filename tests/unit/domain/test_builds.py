"""What changed, who hears of it, and when to look again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain import builds as decisions
from bot.domain import changelogs
from bot.domain.model import (
    Build,
    BuildEvent,
    BuildSource,
    BuildTransition,
    CardUpdate,
    CurrentBuild,
    DeliveryOptions,
    InstallRequirements,
    KnownBuild,
    NewDelivery,
    Stage,
    Subscription,
)
from bot.domain.polling import PollPace
from tests.support.facts import COURIER, NOON, RIDER, build, subscription

HOUR = timedelta(hours=1)
EVERYTHING = tuple(BuildEvent)


def changes(known: dict[str, Stage], *seen: Build, baseline: bool = False) -> list[BuildTransition]:
    return decisions.changes(known, seen, baseline=baseline)


def announcements(news: Sequence[BuildTransition], wishes: Sequence[Subscription]) -> list[NewDelivery]:
    return decisions.announcements(news, wishes, now=NOON)


# ------------------------------------------------------------------ changes


def test_build_without_stage_change_is_no_news() -> None:
    new_build = build(1)
    assert changes({new_build.id: Stage.READY}, new_build) == []


def test_news_is_told_oldest_first() -> None:
    assert [change.build.number for change in changes({}, build(3), build(2), build(1))] == ["1", "2", "3"]


def test_a_change_remembers_where_the_build_stood() -> None:
    new_build = build(1)
    assert changes({new_build.id: Stage.RUNNING}, new_build) == [
        BuildTransition(new_build, Stage.RUNNING, mark=decisions.mark(new_build))
    ]
    assert changes({}, new_build) == [BuildTransition(new_build, None, mark=decisions.mark(new_build))]


def test_at_the_first_look_what_exists_is_history() -> None:
    found = changes({}, build(2), build(1, stage=Stage.FAILED), baseline=True)
    assert len(found) == 2
    assert all(change.quiet for change in found)


def test_build_in_progress_at_first_poll_is_followed_to_its_end() -> None:
    running, done = build(1, stage=Stage.RUNNING), build(1)
    (first,) = changes({}, running, baseline=True)
    assert first.quiet
    (then,) = changes({running.id: first.build.stage}, done)
    assert not then.quiet
    assert announcements([then], [subscription()])[0].event is BuildEvent.PROCESSED


def test_a_known_build_that_moves_is_news_even_at_the_first_look() -> None:
    new_build = build(1)
    assert changes({new_build.id: Stage.RUNNING}, new_build, baseline=True) == [
        BuildTransition(new_build, Stage.RUNNING, mark=decisions.mark(new_build))
    ]


@pytest.mark.parametrize(("created", "quiet"), [(NOON + HOUR, False), (NOON, True), (NOON - HOUR, True), (None, True)])
def test_build_created_after_request_is_news_at_first_poll(created: object, quiet: bool) -> None:
    (found,) = decisions.changes({}, [build(1, created_at=created)], baseline=True, since=NOON)
    assert found.quiet is quiet


def test_build_request_time_is_ignored_after_first_poll() -> None:
    (found,) = decisions.changes({}, [build(1, created_at=NOON - HOUR)], baseline=False, since=NOON)
    assert not found.quiet


def test_an_old_build_at_the_end_of_the_list_is_history() -> None:
    """It came there because a newer one was deleted; an old one above a known one has been away, and is news."""
    old = NOON - HOUR - timedelta(seconds=1)
    seen = [build(3, created_at=old), build(2), build(1, created_at=old)]
    known = {build(2).id: Stage.READY}

    def quiet(seen: Sequence[Build], known: dict[str, Stage], **more: Any) -> dict[str, bool]:
        found = decisions.changes(known, seen, baseline=False, **more)
        return {change.build.number: change.quiet for change in found}

    assert quiet(seen, known, now=NOON) == {"1": True, "3": False}
    assert quiet(seen, known, now=NOON, awaited={build(1).id}) == {"1": False, "3": False}
    assert quiet(seen, known) == {"1": False, "3": False}
    assert quiet(seen, {}, now=NOON) == {"1": False, "2": False, "3": False}
    for created in (NOON - HOUR, None):
        assert quiet([build(2), build(1, created_at=created)], known, now=NOON) == {"1": False}


seen_builds = st.lists(
    st.builds(build, st.integers(1, 6), stage=st.sampled_from(Stage)), max_size=6, unique_by=lambda build: build.id
)
stages = st.dictionaries(st.integers(1, 6).map(lambda number: build(number).id), st.sampled_from(Stage))


@given(stages, seen_builds, st.booleans())
def test_build_recorded_change_is_no_news_next_time(known: dict[str, Stage], seen: list[Build], first: bool) -> None:
    news = decisions.changes(known, seen, baseline=first)
    known |= {change.build.id: change.build.stage for change in news}
    assert decisions.changes(known, seen, baseline=first) == []


@given(seen_builds, st.booleans())
def test_first_poll_of_any_builds_announces_nothing(seen: list[Build], wide: bool) -> None:
    wish = subscription(app_id=None if wide else COURIER.id, events=EVERYTHING)
    assert announcements(decisions.changes({}, seen, baseline=True), [wish]) == []


# ------------------------------------------------------------------ announcements


def told(change: BuildTransition, **wish: object) -> list[BuildEvent]:
    return [delivery.event for delivery in announcements([change], [subscription(**wish)])]


def test_build_new_and_ended_is_told_as_uploaded_and_ended() -> None:
    assert told(BuildTransition(build(1, stage=Stage.PENDING), None), events=EVERYTHING) == [BuildEvent.UPLOADED]
    assert told(BuildTransition(build(1), None), events=EVERYTHING) == [BuildEvent.UPLOADED, BuildEvent.PROCESSED]
    assert told(BuildTransition(build(1, stage=Stage.FAILED), None), events=EVERYTHING) == [
        BuildEvent.UPLOADED,
        BuildEvent.FAILED,
    ]


def test_a_known_build_is_told_by_its_end_only() -> None:
    assert told(BuildTransition(build(1), Stage.RUNNING), events=EVERYTHING) == [BuildEvent.PROCESSED]
    assert told(BuildTransition(build(1, stage=Stage.RUNNING), Stage.PENDING), events=EVERYTHING) == []


def test_build_reprocessed_start_is_silent_and_its_end_told() -> None:
    assert told(BuildTransition(build(1, stage=Stage.RUNNING), Stage.READY), events=EVERYTHING) == []
    assert told(BuildTransition(build(1, stage=Stage.FAILED), Stage.READY), events=EVERYTHING) == [BuildEvent.FAILED]


def test_quiet_changes_are_not_told() -> None:
    assert told(BuildTransition(build(1), None, quiet=True), events=EVERYTHING) == []


def test_only_what_was_asked_for_is_told() -> None:
    change = BuildTransition(build(1, platform="ios"), None)
    assert told(change, events=(BuildEvent.FAILED,)) == []
    assert told(change, app_id=RIDER.id) == []
    assert told(change, query="os:android") == []
    assert told(change, query="os:ios") == [BuildEvent.PROCESSED]


def test_two_wishes_of_one_channel_make_one_announcement() -> None:
    wishes = [subscription(1), subscription(2, app_id=None), subscription(3, channel_id="C2")]
    found = announcements([BuildTransition(build(1), Stage.RUNNING)], wishes)
    assert [(delivery.channel_id, delivery.event) for delivery in found] == [
        ("C1", BuildEvent.PROCESSED),
        ("C2", BuildEvent.PROCESSED),
    ]


def test_announcements_keep_the_order_of_the_changes() -> None:
    news = [BuildTransition(build(number), Stage.RUNNING) for number in (1, 2, 3)]
    found = announcements(news, [subscription(1, channel_id="C2"), subscription(2)])
    for channel in ("C1", "C2"):
        assert [delivery.build_id for delivery in found if delivery.channel_id == channel] == [
            change.build.id for change in news
        ]


def grouped_wish(**manner: object) -> Subscription:
    return subscription(manner=DeliveryOptions(**manner))  # type: ignore[arg-type]


def test_build_has_own_card_unless_platforms_are_grouped() -> None:
    ios, android = build(1, version="2.4.0"), build(2, version="2.4.0", platform="android")
    news = [BuildTransition(ios, None), BuildTransition(android, None)]
    assert [delivery.card for delivery in announcements(news, [grouped_wish()])] == [ios.id, android.id]
    shared = f"{COURIER.id}/2.4.0"
    assert [delivery.card for delivery in announcements(news, [grouped_wish(grouped=True)])] == [shared, shared]


def test_without_a_version_there_is_nothing_to_group_by() -> None:
    new_build = build(1, version="")
    assert announcements([BuildTransition(new_build, None)], [grouped_wish(grouped=True)])[0].card == new_build.id


def test_announcement_knows_its_subscription_and_delivery() -> None:
    wish = subscription(7, manner=DeliveryOptions(compact=True, label="Beta"))
    (found,) = announcements([BuildTransition(build(1), None)], [wish])
    assert (found.subscription_id, found.manner, found.held_until) == (7, wish.manner, None)


def test_changelog_long_goes_into_card_thread_when_ready() -> None:
    long = build(1, changelog="- a line of it\n" * 400)
    count = len(changelogs.pieces(long.changelog))
    found = announcements([BuildTransition(long, None)], [subscription(events=EVERYTHING)])
    assert [(delivery.event, delivery.part) for delivery in found] == [
        (BuildEvent.UPLOADED, 0),
        (BuildEvent.PROCESSED, 0),
        *((CardUpdate.DETAILS, part) for part in range(count)),
    ]
    assert {delivery.card for delivery in found} == {long.id}
    for less in ({"threads": False}, {"digest": "daily@09:00"}):
        assert CardUpdate.DETAILS not in {
            delivery.event for delivery in announcements([BuildTransition(long, None)], [grouped_wish(**less)])
        }
    failed = replace(long, stage=Stage.FAILED)
    assert CardUpdate.DETAILS not in {
        delivery.event for delivery in announcements([BuildTransition(failed, None)], [subscription()])
    }


@pytest.mark.parametrize(("days", "told"), [(-1, True), (13, True), (14, False), (None, False)])
def test_a_profile_that_soon_expires_is_a_detail_too(days: int | None, told: bool) -> None:
    expires = None if days is None else NOON + timedelta(days=days)
    new_build = build(1, requirements=InstallRequirements(profile_expires_at=expires))
    found = announcements([BuildTransition(new_build, None)], [subscription()])
    assert (CardUpdate.DETAILS in {delivery.event for delivery in found}) is told


def test_held_events_with_same_end_share_a_card() -> None:
    muted = subscription(5, muted_until=NOON + HOUR)
    found = announcements(
        [BuildTransition(build(1), None), BuildTransition(build(2), None)], [muted, subscription(6, channel_id="C2")]
    )
    held, free = ([delivery for delivery in found if delivery.channel_id == channel] for channel in ("C1", "C2"))
    assert {delivery.held_until for delivery in held} == {NOON + HOUR}
    assert len({delivery.card for delivery in held}) == 1
    assert {delivery.card for delivery in free} == {build(1).id, build(2).id}


def test_build_end_is_told_to_waiting_users_by_dm() -> None:
    new_build = build(1)
    waiting = {new_build.id: ["U1", "U2"], build(2).id: ["U3"]}
    found = decisions.announcements([BuildTransition(new_build, Stage.RUNNING)], [subscription()], waiting, now=NOON)
    assert [delivery.channel_id for delivery in found] == ["C1", "U1", "U2"]
    assert not decisions.announcements(
        [BuildTransition(replace(new_build, stage=Stage.PENDING), None)], [], waiting, now=NOON
    )


# ------------------------------------------------------------------ what takes the place of what


def standing(nth: int, channel: str = "C1", **more: Any) -> CurrentBuild:
    return CurrentBuild(channel, build(nth, **more), NOON + nth * HOUR, NOON + nth * HOUR)


def followed(*there: CurrentBuild) -> dict[tuple[str, str], str]:
    return decisions.successors(there)


def test_a_newer_build_takes_the_place_of_the_one_before_it() -> None:
    first, second, third = (build(nth).id for nth in (1, 2, 3))
    assert followed(standing(2), standing(1)) == {("C1", first): second}
    assert followed(standing(3), standing(1), standing(2)) == {("C1", first): second, ("C1", second): third}


def test_a_build_does_not_follow_itself() -> None:
    assert followed(standing(1), standing(1)) == {}


@pytest.mark.parametrize(
    ("other", "follows"),
    [
        ({}, True),
        ({"platform": "iOS"}, True),
        ({"platform": "android"}, False),
        ({"app": RIDER}, False),
        ({"channel": "C2"}, False),
        ({"origin": BuildSource(branch="main")}, False),
    ],
)
def test_build_superseded_only_in_same_app_platform_line_channel(other: dict[str, Any], follows: bool) -> None:
    assert bool(followed(standing(2), standing(1, **other))) is follows


# When it was uploaded as Applivery says, and when it was first seen, in hours; few enough to be equal now and then.
dates = st.sampled_from((0, 1, 2, 3, 24 * 365 * 5))
lives = st.lists(st.tuples(st.none() | dates, dates, st.sampled_from(("C1", "C2")), st.booleans()), max_size=9)


@given(lives, st.integers(0, 9), st.randoms())
def test_supersession_has_no_circles(lives: list[Any], gone: int, chance: Any) -> None:
    """Whatever the dates are, and whichever builds go: who follows is newer, and of the same line."""
    there = [_standing(nth, *life) for nth, life in enumerate(lives)]
    chance.shuffle(there)
    there = [current_build for current_build in there if current_build.build.id != build(gone).id]
    after = decisions.successors(there)
    places = {(current_build.channel_id, current_build.build.id): current_build for current_build in there}
    for (channel, before), by in after.items():
        older, newer = places[channel, before], places[channel, by]
        assert newer.place > older.place
        assert decisions.line_of(newer.build) == decisions.line_of(older.build)
    lines = {(current_build.channel_id, decisions.line_of(current_build.build)) for current_build in there}
    assert len(there) - len(after) == len(lines), "of each line one is the newest"


def _standing(nth: int, created: int | None, seen: int, channel: str, ios: bool) -> CurrentBuild:
    made = seen if created is None else min(created, seen)
    new_build = build(nth, platform="ios" if ios else "android")
    return CurrentBuild(channel, new_build, NOON + made * HOUR, NOON + seen * HOUR)


@pytest.mark.parametrize(
    ("older", "newer", "same"),
    [
        ("release/2.4", "release/2.5", True),
        ("release/2.4", "release/2.4.1", True),
        ("release/2.4", "hotfix/2.4", False),
        ("feature/login", "feature/cart", False),
        ("main", "main", True),
        (None, "", True),
        (None, "main", False),
    ],
)
def test_numbers_in_a_branch_do_not_make_another_line(older: str | None, newer: str, same: bool) -> None:
    lines = [decisions.line_of(build(1, origin=BuildSource(branch=branch))) for branch in (older, newer)]
    assert (lines[0] == lines[1]) is same


# ------------------------------------------------------------------ later words


def test_card_fingerprint_changes_only_with_its_words() -> None:
    new_build = build(1)
    assert decisions.mark(new_build) == decisions.mark(
        replace(new_build, stage=Stage.FAILED, updated_at=NOON, waited=3.0)
    )
    edits = ({"changelog": "x"}, {"tags": ("x",)}, {"version": "9"}, {"size": 3}, {"origin": BuildSource(branch="b")})
    assert len({decisions.mark(replace(new_build, **edit)) for edit in edits} | {decisions.mark(new_build)}) == 6


def expires(nth: int, days: float, **more: Any) -> Build:
    return build(nth, requirements=InstallRequirements(profile_expires_at=NOON + timedelta(days=days)), **more)


def test_profile_expiry_of_newest_build_told_where_requested() -> None:
    wish = subscription(3, events=(BuildEvent.CERT,), manner=DeliveryOptions(label="Beta"))
    seen = [expires(3, 1, stage=Stage.RUNNING), expires(2, 5), expires(1, 1)]
    ((told, about),) = decisions.expiring(seen, [wish, subscription(4, channel_id="C2")], NOON)
    assert (about, told.event, told.channel_id, told.subscription_id) == (seen[1], BuildEvent.CERT, "C1", 3)
    assert told.card != about.id, "it is no part of the build's card"


def test_a_new_signature_ends_the_worry_about_the_old_one() -> None:
    wish = subscription(events=(BuildEvent.CERT,))
    assert decisions.expiring([expires(2, 300), expires(1, 1)], [wish], NOON) == []
    assert len(decisions.expiring([expires(2, 1), expires(1, 1, platform="macos")], [wish], NOON)) == 2


# ------------------------------------------------------------------ when to look


@given(st.integers(0, 9), st.floats(0, 1))
def test_next_poll_is_soon_while_running_and_spread_by_a_tenth(running: int, chance: float) -> None:
    usual = 5.0 if running else 60.0
    assert usual * 0.9 <= decisions.next_look(running, PollPace(5, 60, 60), rng=chance) <= usual * 1.1 + 1e-9


def test_chance_moves_the_next_look() -> None:
    looks = {decisions.next_look(0, PollPace(5, 60, 60), rng=chance / 10) for chance in range(11)}
    assert len(looks) == 11


def test_failed_looks_are_repeated_later_and_later() -> None:
    waits = [decisions.retry_look(failures, busy=5, idle=60) for failures in range(7)]
    assert waits == [5, 10, 20, 40, 60, 60, 60], "the end of an outage is noticed within a minute"
    waits = [decisions.retry_look(failures, busy=5, idle=60, own=True) for failures in range(9)]
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300], "an app with trouble of its own can wait"
    assert decisions.retry_look(10**9, busy=5, idle=60) == 60


def test_next_poll_after_failure_has_delay_up_to_idle() -> None:
    """It is never repeated at once, and the wait never exceeds that of an idle app."""
    assert decisions.retry_look(0, busy=0.01, idle=0.01) == 1
    assert decisions.retry_look(50, busy=5, idle=3600) == 3600


@pytest.mark.parametrize(("busy", "idle"), [(5.0, 60.0), (60.0, 5.0), (5.0, 3600.0), (0.01, 0.01)])
def test_no_app_is_polled_later_than_the_furthest_look(busy: float, idle: float) -> None:
    furthest = decisions.furthest_look(PollPace(busy, idle, idle))
    for running, own in ((0, False), (1, True)):
        assert decisions.next_look(running, PollPace(10 * busy, 10 * idle, idle), rng=1.0) < furthest
        assert decisions.retry_look(99, busy=busy, idle=idle, own=own) < furthest
    assert furthest <= max(11.2 * max(busy, idle), 303)


def test_busy_apps_and_stretched_polls_have_their_own_interval() -> None:
    assert decisions.next_look(0, PollPace(5, 60, 60), rng=0.5) == pytest.approx(60)
    assert decisions.next_look(2, PollPace(10, 60, 60), rng=0.0) == pytest.approx(9)


def test_a_stretched_poll_comes_seconds_from_its_turn() -> None:
    assert decisions.next_look(0, PollPace(5, 300, 60), rng=1.0) == pytest.approx(306)


# ------------------------------------------------------------------ builds that have not ended


@pytest.mark.parametrize(
    ("stage", "known", "created", "since"),
    [
        (Stage.RUNNING, None, -HOUR, -HOUR),
        (Stage.RUNNING, None, HOUR, timedelta(0)),
        (Stage.RUNNING, None, None, timedelta(0)),
        (Stage.RUNNING, Stage.PENDING, -3 * HOUR, -2 * HOUR),
        (Stage.RUNNING, Stage.READY, -3 * HOUR, timedelta(0)),
        (Stage.UNKNOWN, Stage.READY, -3 * HOUR, -3 * HOUR),
        (Stage.UNKNOWN, Stage.RUNNING, -3 * HOUR, -2 * HOUR),
    ],
)
def test_a_build_is_under_way_since_its_upload_or_its_restart(
    stage: Stage, known: Stage | None, created: timedelta | None, since: timedelta
) -> None:
    before = None if known is None else KnownBuild(known, NOON - 2 * HOUR)
    new_build = build(1, stage=stage, created_at=None if created is None else NOON + created)
    assert decisions.unfinished_since(new_build, before, NOON) == NOON + since


@pytest.mark.parametrize(
    ("stage", "minutes", "hurry"),
    [(Stage.RUNNING, 29, True), (Stage.RUNNING, 30, False), (Stage.UNKNOWN, 29, True), (Stage.READY, 1, False)],
)
def test_unfinished_builds_hurry_for_half_an_hour(stage: Stage, minutes: int, hurry: bool) -> None:
    assert decisions.in_a_hurry(build(1, stage=stage), NOON - timedelta(minutes=minutes), NOON) is hurry


@pytest.mark.parametrize(
    ("stage", "hours", "endless"),
    [
        (Stage.RUNNING, 1, False),
        (Stage.RUNNING, 2, True),
        (Stage.RUNNING, 3, True),
        (Stage.UNKNOWN, 1, True),
        (Stage.READY, 3, False),
    ],
)
def test_a_build_is_endless_from_the_deadline_on(stage: Stage, hours: int, endless: bool) -> None:
    assert decisions.is_endless(build(1, stage=stage), NOON - hours * HOUR, NOON, 2 * HOUR) is endless


@pytest.mark.parametrize(
    ("stage", "created", "updated", "awaited"),
    [
        (Stage.RUNNING, 1, None, True),
        (Stage.RUNNING, 2, None, False),
        (Stage.RUNNING, 3, 1, True),
        (Stage.RUNNING, 3, 2, False),
        (Stage.RUNNING, None, None, True),
        (Stage.UNKNOWN, 1, None, False),
        (Stage.READY, None, None, False),
    ],
)
def test_awaited_builds_were_touched_within_the_deadline(
    stage: Stage, created: int | None, updated: int | None, awaited: bool
) -> None:
    moments = (None if hours is None else NOON - hours * HOUR for hours in (created, updated))
    new_build = build(1, stage=stage, **dict(zip(("created_at", "updated_at"), moments, strict=True)))
    assert decisions.can_be_awaited(new_build, NOON, 2 * HOUR) is awaited


# ------------------------------------------------------------------ in place of a recalled one


def test_recalled_build_replaced_by_newest_of_line_or_platform() -> None:
    """The newest build of its line is offered, else the newest of its platform."""

    def on(number: int, branch: str, **about: object) -> Build:
        return replace(build(number, **about), origin=BuildSource(branch=branch))

    bad = on(5, "release/2.4")
    android, feature = on(9, "release/2.5", platform="android"), on(8, "feature/cart")
    running, older = on(7, "release/2.5", stage=Stage.RUNNING), on(3, "release/2.3")
    listed = [android, feature, running, bad, older]
    assert decisions.in_place_of(bad, listed, {bad.id}) is older
    assert decisions.in_place_of(bad, listed, {bad.id, older.id}) is feature
    assert decisions.in_place_of(bad, listed, {bad.id, older.id, feature.id}) is None
