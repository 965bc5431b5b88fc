"""`forecast`: what ends next, for releasers, of their apps alone; people as counts, the unknown named as unknown."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.applivery.rate_budget import Priority
from bot.db import key_value, plan_limits, scheduled_reports
from bot.domain import forecasts
from bot.domain.install_rules import RULES
from bot.domain.model import Actor, App, ReportKind, Role
from bot.domain.plan_limits import PlanLimit, month_of
from bot.services.forecasts import ForecastQuery
from sandbox.applivery.models import FakeApp, FakeBuild
from sandbox.applivery.payloads import timestamp
from sandbox.faults import Fault
from sandbox.seed_data import seed_applivery
from tests.conftest import Environment
from tests.support.everything import execute
from tests.support.handing import Clock
from tests.support.seeing import labels, old_card, press

DAY = timedelta(days=1)
LIST = "GET */builds"
ROWS = "GET */downloads/by-user"


def now() -> datetime:
    return datetime.now(UTC)


def build(
    world: Environment, version: str, *, age: float, profile: float | None = None, app: FakeApp | None = None
) -> FakeBuild:
    """A ready iOS build, so many days old, whose profile ends in so many days (None: a year after its upload)."""
    made = world.applivery.build(app or world.courier, version=version, os="ios", created_at=now() - age * DAY)
    if profile is not None:
        made.wire["info"]["ios"]["mobileprovision"]["ExpirationDate"] = timestamp(now() + profile * DAY)
    return made


def people(world: Environment, count: int, latest: FakeBuild) -> None:
    """So many people whose latest download is this build."""
    for number in range(count):
        member = world.applivery.member("employee", email=f"{latest.id[:6]}{number}@acme.test")
        world.applivery.download(latest, member, at=now() - timedelta(hours=1 + number))


def lines(answer: Any) -> list[str]:
    """The lines between the headline and the small print."""
    sections = [block for block in answer.blocks if block["type"] in ("section", "rich_text")]
    return [json.dumps(block, ensure_ascii=False) for block in sections[1:]]


# ------------------------------------------------------------------ what it says


async def test_forecast_names_profile_and_counts_people(world: Environment) -> None:
    await world.start()
    old, new = build(world, "2.3.0", age=40, profile=12), build(world, "2.4.0", age=10, profile=200)
    people(world, 3, old)
    people(world, 1, new)
    answer = await world.ask("forecast courier")
    [line] = lines(answer)
    assert "Courier 2.3.0 (1) · iOS: profile expires · 3 people" in line
    assert "@acme.test" not in json.dumps(answer.blocks) + answer.text
    opened = await (await press(world.slack, answer, "Details", user=world.ana)).answer()
    assert "Courier 2.3.0" in opened.text


async def test_forecast_warns_of_builds_that_retention_deletes(world: Environment) -> None:
    await world.start()
    world.courier["configuration"]["buildRetentionDays"] = 60
    gone, used, unused = (build(world, f"2.{number}.0", age=age) for number, age in enumerate((85, 75, 35)))
    build(world, "2.9.0", age=1)
    people(world, 2, used)
    answer = await world.ask("forecast courier")
    said = lines(answer)
    assert len(said) == 3
    assert "Courier 2.0.0 (1) · iOS: may be deleted · 0 people" in said[0]
    assert "Courier 2.1.0 (1) · iOS: may be deleted · 2 people" in said[1]
    assert "Courier 2.2.0 (1) · iOS: retention ends, may be deleted 30 days later" in said[2]
    assert gone.id in said[0]
    assert unused.id in said[2]


async def test_retention_is_asked_of_the_app_when_lists_lack_it(world: Environment) -> None:
    await world.start()
    listed = world.applivery.app("Rider", slug="rider", oss=("ios",))
    build(world, "1.0.0", age=59, app=listed)
    world.courier["configuration"] = {"buildRetentionDays": None}
    whole = listed["configuration"]
    world.applivery.faults.add(
        "GET */apps",
        Fault(status=200, body=json.dumps({"status": True, "data": {"items": [{**listed, "configuration": None}]}})),
        times=None,
    )
    listed["configuration"] = {**whole, "buildRetentionDays": 60, "buildsRetainedPerPublication": 1}
    assert "Rider 1.0.0" in lines(await world.ask("forecast rider"))[0]


@pytest.mark.parametrize("days", [None, 0, "", "unlimited"])
async def test_unknown_retention_is_said_and_claims_nothing(world: Environment, days: Any) -> None:
    await world.start()
    world.courier["configuration"]["buildRetentionDays"] = days
    build(world, "2.4.0", age=900, profile=200)
    answer = await world.ask("forecast courier")
    assert lines(answer) == []
    assert "*Nothing breaks for Courier until " in answer.text
    assert "Build retention of Courier is unknown: your workspace or plan sets it." in answer.text


async def test_forecast_of_every_app_is_sorted_by_date(world: Environment) -> None:
    await world.start()
    rider = world.applivery.app("Rider", slug="rider", oss=("ios",))
    build(world, "2.4.0", age=10, profile=20)
    build(world, "1.0.0", age=10, profile=5, app=rider)
    answer = await world.ask("forecast")
    assert [("Rider" in line, "Courier" in line) for line in lines(answer)] == [(True, False), (False, True)]


@pytest.mark.parametrize(
    ("typed", "seen"),
    [
        ("within:10d", 1),
        ("within:2 weeks", 1),
        ("within:12 weeks", 2),
        ("within:12w", 2),
        ("until:tomorrow", 0),
        ("within:300d", 3),
    ],
)
async def test_the_horizon_is_as_typed(world: Environment, typed: str, seen: int) -> None:
    await world.start()
    world.courier["configuration"]["buildRetentionDays"] = None
    rider = world.applivery.app("Rider", slug="rider", oss=("ios",), configuration={})
    scout = world.applivery.app("Scout", slug="scout", oss=("ios",), configuration={})
    for app, days in ((world.courier, 5), (rider, 60), (scout, 200)):
        build(world, "1.0.0", age=10, profile=days, app=app)
    answer = await world.ask(f"forecast {typed}")
    assert sum("profile expires" in line for line in lines(answer)) == seen


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("within:2y", "I can't read the time"),
        ("within:400d", "more than 366 days away"),
        ("within:10d until:friday", "not both"),
        ("quiet:yes", "only works with a scheduled report"),
        ("until:friday every:monday@09:00", "needs `within:`"),
        ("every:sometimes", "`daily@09:00`"),
    ],
)
async def test_an_unreadable_horizon_is_answered_with_help(world: Environment, typed: str, words: str) -> None:
    await world.start()
    assert words in (await world.ask(f"forecast {typed}")).text


async def test_long_forecasts_have_pages(world: Environment) -> None:
    await world.start()
    for number in range(8):
        app = world.applivery.app(f"App {number}", slug=f"app-{number}", oss=("ios",))
        build(world, "1.0.0", age=1, profile=number + 1, app=app)
    answer = await world.ask("forecast within:20d")
    assert len(lines(answer)) == 5
    assert "1–5 of 8" in answer.text
    asked = len(world.applivery.requests)
    more = await (await press(world.slack, answer, "More", user=world.ana)).answer()
    assert ["App 5" in more.text, "App 7" in more.text, "App 4" in more.text] == [True, True, False]
    assert not [request for request in world.applivery.requests[asked:] if "by-user" in request.path]


async def test_a_page_that_is_too_old_says_so(world: Environment) -> None:
    await world.start()
    for number in range(8):
        app = world.applivery.app(f"App {number}", slug=f"app-{number}", oss=("ios",))
        build(world, "1.0.0", age=1, profile=number + 1, app=app)
    answer = await world.ask("forecast within:20d")
    execute(world, "DELETE FROM drafts")
    assert "out of date" in (await (await press(world.slack, answer, "More", user=world.ana)).answer()).text


# ------------------------------------------------------------------ roles


async def test_a_member_gets_no_forecast(world: Environment) -> None:
    await world.start()
    answer = await world.ask("forecast", user=world.bruno)
    assert "Only releasers can see forecasts" in answer.text


async def test_a_releaser_of_one_app_sees_that_app_alone(world: Environment) -> None:
    await world.start()
    rider = world.applivery.app("Rider", slug="rider", oss=("ios",))
    build(world, "2.4.0", age=10, profile=20)
    build(world, "1.0.0", age=10, profile=5, app=rider)
    await world.ask(f"grant <@{world.bruno.id}> releaser app:rider")
    said = (await world.ask("forecast", user=world.bruno)).text
    assert "Rider 1.0.0" in said
    assert "Courier" not in said
    assert (
        "For Courier, only releasers can see forecasts" in (await world.ask("forecast courier", user=world.bruno)).text
    )


async def test_an_app_kept_to_other_channels_is_not_shown(world: Environment) -> None:
    await world.start()
    build(world, "2.4.0", age=10, profile=20)
    beta = world.slack.channel("beta", members=(world.ana,))
    await world.ask(f"grant <#{beta.id}|beta> app:courier")
    assert "doesn't allow this for any app in this channel" in (await world.ask("forecast")).text
    assert "Courier 2.4.0" in (await world.ask("forecast", channel=beta)).text


async def test_a_page_shows_what_the_reader_may_see_now(world: Environment) -> None:
    await world.start(access_default_role="releaser")
    for number in range(8):
        app = world.applivery.app(f"App {number}", slug=f"app-{number}", oss=("ios",))
        build(world, "1.0.0", age=1, profile=number + 1, app=app)
    answer = await world.ask("forecast within:20d", user=world.bruno)
    beta = world.slack.channel("beta", members=(world.ana,))
    await world.ask(f"grant <#{beta.id}|beta> app:app-7")
    more = await (await press(world.slack, answer, "More", user=world.bruno)).answer()
    assert ["App 6" in more.text, "App 7" in more.text] == [True, False]


# ------------------------------------------------------------------ what cannot be looked at


@pytest.mark.parametrize(
    ("target", "fault", "words"),
    [
        (LIST, Fault(status=403, code=4003), "Couldn't check builds of Courier: This bot isn't allowed to do that"),
        (LIST, Fault(status=500), "Couldn't check builds of Courier: Applivery isn't answering"),
        (ROWS, Fault(status=403, code=4003), "Couldn't check who has which build of Courier: This bot isn't allowed"),
        (ROWS, Fault(status=404, code=3001), "Couldn't check who has which build of Courier"),
    ],
)
async def test_a_part_that_fails_is_named(world: Environment, target: str, fault: Fault, words: str) -> None:
    await world.start()
    build(world, "2.4.0", age=10, profile=20)
    await world.ask("builds courier")
    world.applivery.faults.add(target, fault, times=None)
    answer = await world.ask("forecast courier")
    assert words in answer.text
    if target == ROWS:
        assert "Courier 2.4.0 (1) · iOS: profile expires · people unknown" in answer.text
    else:
        assert "Some parts couldn't be checked" in answer.text


async def test_people_go_first_when_the_hour_is_spent(world: Environment) -> None:
    """The log of downloads is read with what users and webhooks leave; the profile is said all the same."""
    await world.start(applivery_requests_per_hour=100)
    build(world, "2.4.0", age=10, profile=20)
    budget = world.bot.applivery.budget
    while not budget.wait(Priority.POLLING):
        budget.take(Priority.POLLING)
    answer = await world.ask("forecast courier")
    assert "people unknown" in answer.text
    assert "reached its hourly limit of Applivery requests" in answer.text


# ------------------------------------------------------------------ the plan's limits


async def limited(world: Environment, item: str, limit: int, at: datetime) -> None:
    await world.bot.store.run(plan_limits.record_limit, PlanLimit(item, limit, limit, at))


async def test_an_unknown_limit_is_not_mentioned(world: Environment) -> None:
    await world.start()
    build(world, "2.4.0", age=1, profile=200)
    answer = await world.ask("forecast")
    assert "imit" not in answer.text
    assert not [request for request in world.applivery.requests if "iniDate" in request.query]


async def test_a_reported_limit_is_kept_over_a_restart(world: Environment) -> None:
    await world.start()
    made = build(world, "2.4.0", age=1, profile=200)
    people(world, 2, made)
    world.applivery.downloads_limit = 2
    assert "plan's limit for “downloads”: 2 of 2 used" in (await world.ask("get courier")).text
    assert "Download limit reached: 2 of 2" in (await world.ask("forecast")).text
    await world.bot.budget_exchange.step()
    await world.restart()
    answer = await world.ask("forecast")
    assert "Download limit reached: 2 of 2" in answer.text
    [address] = [block["accessory"]["url"] for block in answer.blocks if "url" in block.get("accessory", {})]
    assert address.startswith(world.applivery.url)
    assert "limit" not in (await world.ask("forecast courier")).text  # it is the workspace's


async def test_a_reported_limit_is_of_the_bot_s_clock(world: Environment) -> None:
    clock = Clock(world, datetime(2026, 3, 31, 12, tzinfo=UTC))
    await world.start()
    build(world, "2.4.0", age=1)
    world.applivery.downloads_limit = 0
    await world.ask("get courier")
    [limit] = world.bot.applivery.plan_limits.seen()
    assert timedelta(0) <= clock() - limit.at < DAY


async def test_a_limit_of_last_month_is_forecast_by_pace(world: Environment) -> None:
    await world.start()
    made = build(world, "2.4.0", age=1, profile=200)
    month = month_of(now())
    people(world, 0, made)
    for number in range(10):
        world.applivery.download(made, at=month + timedelta(minutes=number))
    world.applivery.download(made, at=month - DAY)
    await limited(world, f"downloadsByMonth.{month - DAY:%Y%m}", 11, month - DAY)
    elapsed = now() - month
    answer = await world.ask("forecast within:31d")
    if elapsed < DAY:  # nothing is known of the pace on the first day
        assert "Download limit" not in answer.text
    elif month + elapsed * 1.1 < month_of(month + 32 * DAY):
        assert "Download limit at this pace: 10 of 11 used" in answer.text
        assert "*About <!date^" in answer.text


async def test_an_older_report_does_not_replace_a_newer(world: Environment) -> None:
    await world.start()
    await limited(world, "downloads", 20, now())
    await limited(world, "downloads", 10, now() - DAY)
    [kept] = await world.bot.store.run(plan_limits.list_limits)
    assert kept.limit == 20
    await world.bot.store.run(key_value.set_value, "plan_limit:odd", "{")
    assert await world.bot.store.run(plan_limits.list_limits) == [kept]


async def test_a_dated_change_of_a_platform_is_forecast(world: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecasts, "RULES", RULES)
    Clock(world, datetime(2026, 12, 20, 12, tzinfo=UTC))
    await world.start()
    answer = await world.ask("forecast courier")
    [line] = lines(answer)
    assert "*2027* · The developer isn't verified: installs on Android may stop everywhere" in line
    world.courier["oss"] = ["ios"]
    await world.restart()
    assert "*Nothing breaks for Courier until " in (await world.ask("forecast courier")).text


# ------------------------------------------------------------------ subscriptions and roles


async def test_subscriptions_without_listeners_are_listed(world: Environment) -> None:
    await world.start()
    build(world, "2.4.0", age=1, profile=200)
    robot = world.slack.user("robot")
    robot.bot = True
    empty = world.slack.channel("empty", members=(world.ana, robot))
    shut = world.slack.channel("shut", members=(world.ana,))
    for channel in (empty, shut):
        await world.ask("subscribe courier", channel=channel)
    await world.ask("subscribe courier branch:nowhere")
    empty.members.remove(world.ana.id)
    shut.archived = True
    answer = await world.ask("forecast courier")
    said = answer.text
    assert f"Courier in <#{empty.id}>: only bots are in the channel" in said
    assert f"Courier in <#{shut.id}> is paused: the channel is archived" in said
    assert f"Courier in <#{world.releases.id}>: no recent build matches the filters" in said
    assert labels(answer).count("Unsubscribe") == 2
    ended = await (await press(world.slack, answer, "Unsubscribe", user=world.ana)).answer()
    assert "*Unsubscribed <#" in ended.text
    assert labels(await world.ask("forecast courier")).count("Unsubscribe") == 1


async def test_a_subscription_of_a_leaver_is_said_to_pause(world: Environment) -> None:
    await world.start(access_default_role="releaser")
    build(world, "2.4.0", age=1, profile=200)
    await world.ask("subscribe courier", user=world.bruno)
    world.bruno.deleted = True
    await world.restart(access_default_role="releaser")
    said = (await world.ask("forecast courier")).text
    assert f"Courier in <#{world.releases.id}> pauses at the next build: the person who set it up has left" in said


async def test_a_subscription_that_lost_its_permission_is_said(world: Environment) -> None:
    await world.start()
    build(world, "2.4.0", age=1, profile=200)
    await world.ask(f"grant <@{world.bruno.id}> releaser app:courier")
    await world.ask("subscribe courier", user=world.bruno)
    await world.ask(f"revoke <@{world.bruno.id}> app:courier")
    place = f"Courier in <#{world.releases.id}> pauses at the next build: "
    assert place + "the person who set it up no longer has the role" in (await world.ask("forecast courier")).text
    await world.ask(f"grant <@{world.bruno.id}> releaser")
    beta = world.slack.channel("beta", members=(world.ana,))
    await world.ask(f"grant <#{beta.id}|beta> app:courier")
    said = (await world.ask("forecast courier", channel=beta)).text
    assert place + "this channel isn't allowed to use the app" in said


async def test_a_profile_that_lists_lack_is_asked_for(world: Environment) -> None:
    await world.start()
    made = build(world, "2.4.0", age=1, profile=9)
    page = {**made.wire, "info": {}}
    body = json.dumps({"status": True, "data": {"items": [page], "hasNextPage": False, "totalDocs": 1}})
    world.applivery.faults.add("GET */builds", Fault(status=200, body=body), times=None)
    assert "Courier 2.4.0 (1) · iOS: profile expires" in (await world.ask("forecast courier")).text


async def test_a_channel_that_slack_does_not_show_is_named(world: Environment) -> None:
    await world.start()
    build(world, "2.4.0", age=1, profile=200)
    await world.ask("subscribe courier")
    world.slack.faults.add("conversations.members", Fault(error="internal_error"), times=None)
    assert "Couldn't check channels: " in (await world.ask("forecast courier")).text


async def test_people_are_those_of_an_independent_recount(world: Environment) -> None:
    """Guarantee 13: each number is that of the raw rows, counted in another way."""
    await world.start()
    world.courier["configuration"]["buildRetentionDays"] = 60
    builds = [build(world, f"2.{number}.0", age=60 - number) for number in range(1, 9)]
    dice = random.Random(7)
    members = [world.applivery.member("user", email=f"p{number}@acme.test") for number in range(20)]
    members += [world.applivery.member("unknown"), world.applivery.member("anonymous")]
    for number in range(120):
        world.applivery.download(dice.choice(builds), dice.choice(members), at=now() - timedelta(minutes=number))
    latest: dict[str, str] = {}
    for row in world.applivery.downloads:  # the newest was recorded first
        if row.member.get("email"):
            latest.setdefault(row.member["email"], row.build_id)
    found = await world.bot.dispatcher.services.forecasts.forecast(
        Actor("T1", world.ana.id, role=Role.ADMIN),
        ForecastQuery([app := App(world.courier.id, "courier", "Courier")], app, now() + 30 * DAY),
    )
    used = {item.build.id: item.people for item in found.items if item.build and item.people}
    assert used == dict(Counter(latest.values()))
    assert sum(used.values()) == 20


async def test_roles_of_leavers_are_counted_for_admins(world: Environment) -> None:
    await world.start(access_default_role="releaser")
    await world.ask(f"grant <@{world.bruno.id}> manager")
    world.bruno.deleted = True
    await world.restart(access_default_role="releaser")
    answer = await world.ask("forecast")
    assert "People who left still have roles · 1 person" in answer.text
    assert world.bruno.id not in json.dumps(answer.blocks)
    eva = world.slack.user("eva")
    assert "still have roles" not in (await world.ask("forecast", user=eva)).text


async def test_another_persons_subscriptions_stay_theirs(world: Environment) -> None:
    await world.start(access_default_role="releaser")
    build(world, "2.4.0", age=1, profile=200)
    secret = world.slack.channel("secret", members=(world.ana,), private=True)
    await world.ask("subscribe courier branch:nowhere", channel=secret)
    assert secret.id not in (await world.ask("forecast courier", user=world.bruno)).text
    assert secret.id in (await world.ask("forecast courier")).text


# ------------------------------------------------------------------ scheduled


async def scheduled(world: Environment, place: Any = None) -> list[Any]:
    return await world.bot.store.run(scheduled_reports.list_reports, [place.id if place else world.releases.id])


async def test_forecast_is_scheduled_listed_ended_and_undone(world: Environment) -> None:
    await world.start()
    build(world, "2.4.0", age=1, profile=200)
    await world.ask("subscribe courier")
    await world.ask("downloads courier every:monday@09:00")
    said = (await world.ask("forecast courier within:8w every:monday@09:00 quiet:yes")).text
    assert "*Scheduled:* forecast of Courier for 56 days every Monday at 9:00 AM (Europe/Madrid)" in said
    assert "Skipped when nothing is new" in said
    downloads, forecast = await scheduled(world)
    assert (downloads.kind, forecast.kind) == (ReportKind.DOWNLOADS, ReportKind.FORECAST)
    assert (forecast.horizon_days, forecast.skip_if_empty) == (56, True)
    listed = (await world.ask("subscriptions")).text
    assert "downloads of Courier every Monday" in listed
    assert "forecast of Courier for 56 days every Monday" in listed
    ended = await world.ask(f"unsubscribe d{forecast.id}")
    assert "*Stopped the scheduled report:* forecast of Courier" in ended.text
    assert await scheduled(world) == [downloads]
    undone = await (await press(world.slack, ended, "Undo", user=world.ana)).answer()
    assert "*Scheduled again:* forecast of Courier for 56 days" in undone.text
    assert await scheduled(world) == [downloads, forecast]


async def test_a_releaser_ends_forecasts_and_no_download_report(world: Environment) -> None:
    await world.start(access_default_role="releaser")
    await world.ask("downloads courier every:monday@09:00")
    assert (
        "*Scheduled:* forecast of every app" in (await world.ask("forecast every:monday@09:00", user=world.bruno)).text
    )
    downloads, forecast = await scheduled(world)
    assert "nly managers can stop" in (await world.ask(f"unsubscribe d{downloads.id}", user=world.bruno)).text
    assert "*Stopped" in (await world.ask(f"unsubscribe d{forecast.id}", user=world.bruno)).text
    assert await scheduled(world) == [downloads]


async def test_a_member_ends_no_forecast(world: Environment) -> None:
    await world.start()
    await world.ask("forecast courier every:monday@09:00")
    [forecast] = await scheduled(world)
    card = old_card(world.slack, world.releases, "undigest.v1", str(forecast.id))
    turn = await world.slack.click(card, "undigest.v1", user=world.bruno)
    assert "For Courier, only releasers can stop scheduled reports" in (await turn.answer()).text


async def test_a_shared_channel_gets_no_forecast(world: Environment) -> None:
    await world.start()
    world.releases.shared = True
    said = (await world.ask("forecast every:monday@09:00")).text
    assert "shared with another organisation, and forecasts show your builds and channels" in said
    assert await scheduled(world) == []


async def test_paused_reports_are_listed_and_can_be_stopped(world: Environment) -> None:
    await world.start()
    direct = world.slack.dm(world.ana)
    await world.ask("downloads courier every:monday@09:00", channel=direct)
    execute(world, "UPDATE scheduled_reports SET paused = 'access:app'")
    answer = await world.ask("forecast")
    assert "Scheduled report on Courier is paused: the app was deleted in Applivery" in answer.text
    ended = await (await press(world.slack, answer, "Stop report", user=world.ana)).answer()
    assert "*Stopped the scheduled report:*" in ended.text


async def test_the_demo_has_something_of_each_kind_to_see(world: Environment) -> None:
    seed_applivery(world.applivery)
    await world.start()
    await world.ask("subscribe courier branch:nowhere")
    await world.ask("get storefront 5.0.2")
    said = (await world.ask("forecast")).text
    for words in (
        "no recent build matches the filters",
        "Download limit reached: 40 of 40",
        "profile expires",
        "retention ends, may be deleted 30 days later",
        "Build retention of Field Notes is unknown",
    ):
        assert words in said, words
