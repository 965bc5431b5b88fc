"""What ends within the horizon, kind by kind: the first and the last moment that count, and what is unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from bot.domain import forecasts
from bot.domain.forecast_facts import Forecast, ForecastItem, ForecastKind, ForecastPart, Unchecked
from bot.domain.forecasts import ChannelFacts
from bot.domain.install_rules import RULES
from bot.domain.model import (
    Actor,
    App,
    Build,
    BuildEvent,
    BuildRetention,
    BuildSource,
    InstallRequirements,
    Role,
    Stage,
    Subscription,
)
from bot.domain.plan_limits import PlanLimit
from bot.domain.states import PauseReason
from bot.domain.subscription_preview import SubscriptionPreview

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY, MOMENT = timedelta(days=1), timedelta(microseconds=1)
UNTIL = NOW + 30 * DAY
APP = App("a" * 24, "courier", "Courier", ("ios", "android"))


def build(number: int, *, age: timedelta = DAY, profile: datetime | None = None, **facts: object) -> Build:
    known = {"stage": Stage.READY, "platform": "ios", "version": f"1.{number}", **facts}
    return Build(
        f"{number:024x}",
        APP,
        created_at=NOW - age,
        requirements=InstallRequirements(profile_expires_at=profile),
        **known,  # type: ignore[arg-type]
    )


def kinds(items: list[ForecastItem]) -> list[tuple[ForecastKind, datetime | None, int | None, int]]:
    return [(item.kind, item.at, item.people, item.others) for item in items]


# ------------------------------------------------------------------ profiles


@pytest.mark.parametrize(
    ("end", "people", "is_newest", "counts"),
    [
        (NOW + MOMENT, 1, False, True),
        (UNTIL, 1, False, True),
        (UNTIL + MOMENT, 1, False, False),
        (NOW, 1, False, False),  # it has ended: what breaks next is something else
        (NOW - 90 * DAY, 0, True, True),  # the newest cannot be installed
        (UNTIL, 0, False, False),
        (UNTIL, 0, True, True),
    ],
)
def test_a_profile_counts_within_the_horizon(end: datetime, people: int, is_newest: bool, counts: bool) -> None:
    ending = build(1, profile=end, age=40 * DAY)
    builds = [ending] if is_newest else [build(2, profile=NOW + 300 * DAY), ending]
    found = forecasts.expiring_profiles(builds, {ending.id: people}, NOW, UNTIL)
    assert kinds(found) == ([(ForecastKind.PROFILE, end, people, 0)] if counts else [])


def test_builds_of_one_profile_are_one_line() -> None:
    end = NOW + 9 * DAY
    builds = [build(number, profile=end) for number in (5, 4, 3)]
    other = build(2, profile=end, platform="tvos")
    found = forecasts.expiring_profiles([*builds, other], {builds[0].id: 3, builds[2].id: 28}, NOW, UNTIL)
    assert kinds(found) == [(ForecastKind.PROFILE, end, 31, 1), (ForecastKind.PROFILE, end, 0, 0)]
    assert found[0].build is not None
    assert found[0].build.version == "1.5"


@pytest.mark.parametrize("facts", [{"stage": Stage.FAILED}, {"stage": Stage.DELETED}, {"stage": Stage.UNKNOWN}])
def test_a_build_that_cannot_be_had_has_no_profile(facts: dict[str, object]) -> None:
    ending = build(1, profile=UNTIL, **facts)
    assert forecasts.expiring_profiles([ending], {ending.id: 3}, NOW, UNTIL) == []


def test_a_recalled_build_has_no_profile() -> None:
    ending = build(1, profile=UNTIL)
    assert forecasts.expiring_profiles([ending], {ending.id: 3}, NOW, UNTIL, {ending.id}) == []


def test_with_unknown_users_the_newest_of_each_line_count() -> None:
    main, older, feature, stale = (
        build(4, profile=UNTIL, origin=BuildSource(branch="main")),
        build(3, profile=UNTIL, origin=BuildSource(branch="main")),
        build(2, profile=UNTIL - DAY, origin=BuildSource(branch="feature/cart")),
        build(1, profile=UNTIL - DAY, origin=BuildSource(branch="feature/old"), age=91 * DAY),
    )
    found = forecasts.expiring_profiles([main, older, feature, stale], None, NOW, UNTIL)
    assert kinds(found) == [(ForecastKind.PROFILE, UNTIL, None, 0), (ForecastKind.PROFILE, UNTIL - DAY, None, 0)]


# ------------------------------------------------------------------ retention


@pytest.mark.parametrize(
    ("age", "kind", "at"),
    [
        (30 * DAY - MOMENT, None, None),
        (30 * DAY, ForecastKind.PENDING_DELETION, UNTIL),
        (60 * DAY - MOMENT, ForecastKind.PENDING_DELETION, NOW + MOMENT),
        (60 * DAY, ForecastKind.DELETION, UNTIL),
        (90 * DAY - MOMENT, ForecastKind.DELETION, NOW + MOMENT),
        (90 * DAY, None, None),
    ],
)
def test_retention_dates_follow_the_documents(age: timedelta, kind: ForecastKind | None, at: datetime | None) -> None:
    app = replace(APP, retention=BuildRetention(60, 5))
    found = forecasts.deletions(app, [build(1, age=age)], {}, NOW, UNTIL)
    assert kinds(found) == ([(kind, at, 0, 0)] if kind else [])


@pytest.mark.parametrize("retention", [None, BuildRetention(), BuildRetention(None, 5), BuildRetention(0, 5)])
def test_without_known_days_no_deletion_is_claimed(retention: BuildRetention | None) -> None:
    app = replace(APP, retention=retention)
    assert forecasts.deletions(app, [build(1, age=900 * DAY)], {}, NOW, UNTIL) == []


def test_used_builds_have_lines_of_their_own() -> None:
    app = replace(APP, retention=BuildRetention(30, 5))
    builds = [build(number, age=timedelta(days=30 - number)) for number in (4, 3, 2, 1)]
    found = forecasts.deletions(app, builds, {builds[2].id: 7}, NOW, UNTIL)
    assert kinds(found) == [
        (ForecastKind.PENDING_DELETION, NOW + 2 * DAY, 7, 0),
        (ForecastKind.PENDING_DELETION, NOW + 1 * DAY, 0, 2),
    ]
    assert [item.build and item.build.id for item in found] == [builds[2].id, builds[3].id], "the first to go"
    [together] = forecasts.deletions(app, builds, None, NOW, UNTIL)
    assert (together.people, together.others) == (None, 3)


@pytest.mark.parametrize("stage", [Stage.FAILED, Stage.PENDING, Stage.RUNNING, Stage.DELETED])
def test_builds_that_install_nowhere_are_left_out(stage: Stage) -> None:
    app = replace(APP, retention=BuildRetention(30, 5))
    assert forecasts.deletions(app, [build(1, age=29 * DAY, stage=stage)], {}, NOW, UNTIL) == []


def test_a_retention_beyond_the_calendar_is_none() -> None:
    app = replace(APP, retention=BuildRetention(10**9, 5))
    assert forecasts.deletions(app, [build(1)], {}, NOW, UNTIL) == []


# ------------------------------------------------------------------ limits


@pytest.mark.parametrize(
    ("item", "reported", "used", "expected"),
    [
        ("downloads", NOW - 40 * DAY, 4_000, (ForecastKind.LIMIT, 4_000)),
        ("downloadsByMonth.202610", NOW - 1 * DAY, 4_000, (ForecastKind.LIMIT, 4_000)),
        ("downloadsByMonth.202611", NOW - 1 * DAY, None, (ForecastKind.LIMIT_REACHED, 5_000)),
        ("downloads", NOW - 1 * DAY, 4_000, (ForecastKind.LIMIT_REACHED, 5_000)),
        ("builds", NOW - 1 * DAY, 4_000, (ForecastKind.LIMIT_REACHED, 5_000)),
        ("builds", NOW - 40 * DAY, 4_000, None),
        ("downloads", NOW - 40 * DAY, None, None),
        ("downloads", NOW - 40 * DAY, 100, None),
    ],
)
def test_a_limit_is_known_from_its_report_alone(
    item: str, reported: datetime, used: int | None, expected: tuple[ForecastKind, int] | None
) -> None:
    limit = PlanLimit(item, 5_000, 5_000, reported)
    found = forecasts.limits([limit], used, NOW, UNTIL, "https://dashboard.test")
    assert [(each.kind, each.used) for each in found] == ([expected] if expected else [])
    assert all(each.limit == 5_000 and each.url for each in found)


def test_a_limit_beyond_the_horizon_is_not_said() -> None:
    limit = PlanLimit("downloads", 5_000, 5_000, NOW - 40 * DAY)
    assert forecasts.limits([limit], 4_000, NOW, NOW + 2 * DAY, "") == []


# ------------------------------------------------------------------ subscriptions

SUBSCRIPTION = Subscription(7, "T1", "C1", APP.id, "Courier", (BuildEvent.PROCESSED,), "", "U1", NOW)
SEEN = SubscriptionPreview(looked=(build(1),), fitting=(build(1),))
UNSEEN = SubscriptionPreview(looked=(build(1),))
PEOPLE = ChannelFacts(people=3, is_public=True)


@pytest.mark.parametrize(
    ("facts", "changes", "kind", "reason"),
    [
        (PEOPLE, {}, None, ""),
        (ChannelFacts(people=None), {}, None, ""),
        (ChannelFacts(people=0), {}, ForecastKind.NO_LISTENERS, ""),
        (ChannelFacts("is_archived"), {}, ForecastKind.PAUSED, "is_archived"),
        (PEOPLE, {"app_is_gone": True}, ForecastKind.PAUSED, PauseReason.APP),
        (PEOPLE, {"withdrawn": PauseReason.ROLE}, ForecastKind.WILL_PAUSE, PauseReason.ROLE),
        (PEOPLE, {"withdrawn": PauseReason.ROLE, "app_is_gone": True}, ForecastKind.PAUSED, PauseReason.APP),
        (PEOPLE, {"tried": UNSEEN}, ForecastKind.NO_MATCH, ""),
        (PEOPLE, {"tried": SubscriptionPreview()}, None, ""),
        (PEOPLE, {"tried": None}, None, ""),
    ],
)
def test_a_subscription_has_one_reason(
    facts: ChannelFacts, changes: dict[str, object], kind: ForecastKind | None, reason: str
) -> None:
    known = {"app_is_gone": False, "withdrawn": None, "tried": SEEN} | changes
    item = forecasts.unheard(SUBSCRIPTION, facts, **known)  # type: ignore[arg-type]
    assert (item and (item.kind, item.reason)) == (kind and (kind, reason))


ADMIN, OWNER = Actor("T1", "U9", role=Role.ADMIN), Actor("T1", "U1", role=Role.RELEASER)
OTHER = Actor("T1", "U2", "C2", role=Role.RELEASER)


@pytest.mark.parametrize(
    ("reader", "in_channel", "is_public", "expected"),
    [
        (ADMIN, None, False, True),
        (OWNER, None, False, True),
        (OTHER, None, True, False),
        (structs.replace(OTHER, channel_id="C1"), None, False, True),
        (structs.replace(OWNER, role=Role.MEMBER), None, True, False),
        (structs.replace(OWNER, role=Role.MEMBER, app_roles={APP.id: Role.RELEASER}), None, True, True),
        (ADMIN, "C2", False, False),
        (ADMIN, "C2", True, True),
        (ADMIN, "C1", False, True),
    ],
)
def test_subscriptions_are_shown_to_whom_they_concern(
    reader: Actor, in_channel: str | None, is_public: bool, expected: bool
) -> None:
    assert forecasts.may_list(SUBSCRIPTION, reader, in_channel=in_channel, is_public=is_public) is expected


# ------------------------------------------------------------------ the rest


def test_platform_rules_are_those_to_come_of_its_platforms() -> None:
    [rule] = [rule for rule in RULES if rule.everywhere]
    assert rule.since
    assert rule.everywhere
    first, then = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (rule.since, rule.everywhere))
    [there] = forecasts.platform_changes([APP], first - DAY, first)
    assert (there.at, there.reason, there.regions, there.is_year) == (first, rule.title, rule.regions, False)
    [everywhere] = forecasts.platform_changes([APP], first, then)
    assert (everywhere.at, everywhere.regions, everywhere.is_year) == (then, (), True)
    assert forecasts.platform_changes([APP], first, then - DAY) == []
    assert forecasts.platform_changes([replace(APP, platforms=("ios",))], first - DAY, then) == []


def test_present_trouble_comes_before_what_is_dated() -> None:
    later, sooner = ForecastItem(ForecastKind.PROFILE, UNTIL), ForecastItem(ForecastKind.DELETION, NOW)
    present = ForecastItem(ForecastKind.PAUSED)
    assert forecasts.in_order([later, present, sooner]) == (present, sooner, later)


def test_a_forecast_is_cut_to_what_may_be_seen() -> None:
    every = [ForecastItem(kind) for kind in (ForecastKind.ROLES_LEFT, ForecastKind.LIMIT, ForecastKind.PLATFORM)]
    own, other = ForecastItem(ForecastKind.PROFILE, app_id="a"), ForecastItem(ForecastKind.PROFILE, app_id="b")
    whole = Forecast(UNTIL, NOW, items=(*every, own, other))
    assert whole.of_apps({"a"}, Role.ADMIN).items == (*every, own)
    assert whole.of_apps({"a"}, Role.RELEASER).items == (*every[1:], own)
    assert whole.of_apps({"a"}, Role.MEMBER).items == (every[2], own)


@pytest.mark.parametrize(
    ("forecast", "expected"),
    [
        (Forecast(UNTIL, NOW), True),
        (Forecast(UNTIL, NOW, items=(ForecastItem(ForecastKind.SCOPE),)), False),
        (Forecast(UNTIL, NOW, unchecked=(Unchecked(ForecastPart.BUILDS, error="AppliveryDown"),)), False),
        (Forecast(UNTIL, NOW, unchecked=(Unchecked(ForecastPart.RETENTION, ("Courier",)),)), True),
    ],
)
def test_a_failed_look_is_no_empty_forecast(forecast: Forecast, expected: bool) -> None:
    assert forecast.is_empty is expected
