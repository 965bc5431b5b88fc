"""How high messages stand on a phone of 390 × 844, whose message pane is 645 px high."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.commands import whoami
from bot.domain import access
from bot.domain.access_requests import RoleRequest
from bot.domain.adoption import NewestVersions, adoption
from bot.domain.audit import AuditAction, AuditEntry, AuditOutcome
from bot.domain.downloads import DownloadGap
from bot.domain.filters import DEFAULT_EVENTS
from bot.domain.forecast_facts import Forecast, ForecastItem, ForecastKind, ForecastPart, Unchecked
from bot.domain.goals import GoalRequest
from bot.domain.model import (
    Actor,
    App,
    Build,
    BuildEvent,
    BuildSource,
    CardEntry,
    Delivery,
    DeliveryOptions,
    Download,
    FileKind,
    GrantChange,
    InstallRequirements,
    Link,
    Member,
    MemberDownloads,
    Recall,
    Role,
    Stage,
)
from bot.domain.reports import DownloadReport, PreviousPeriod, report
from bot.domain.subscription_preview import rehearse
from bot.domain.uploads import TransferProgress
from bot.exceptions import PermissionDenied, ServiceUnavailable
from bot.i18n import _, current_locale, use_locale
from bot.slack.blocks import Message
from bot.slack.blocks.paging import paginate_partial
from bot.slack.button_values import GrantUndoValue
from bot.slack.views import (
    access_requests,
    audit,
    builds,
    channel_card,
    downloads,
    errors,
    forecast,
    goals,
    grants,
    links,
    missing,
    mutes,
    progress,
    sent_direct,
    subscriptions,
    uploads,
    welcome,
)
from tests.support.downloads import summarise
from tests.support.facts import COURIER, FULL, NOON, build, subscription
from tests.support.pane import ON_A_PHONE, MessagePane
from tests.support.reading import DASHBOARD, dashboard
from tests.unit.slack.views.test_goals import STATUS

pytestmark = ON_A_PHONE


LINE = 22  # CSS pixels
MAIN = BuildSource(branch="main", commit="e2be26e5ab", commit_message="Fix the crash", url="https://ci.acme.test/1")
LIVE = build(
    247,
    version="2.5.3",
    size=18_600_000,
    origin=MAIN,
    uploader="Build Robot",
    changelog="Fix the crash on login when offline\nStart faster on old phones\nAnd more",
)
NEWER = build(248, version="2.5.4")
FAILED = replace(LIVE, platform="android", stage=Stage.FAILED, error="The provisioning profile has expired")
LONG_BRANCH = "feature/JIRA-12345-rework-the-login-screen"
LONG = replace(
    LIVE,
    app=App("c" * 24, "notes", "Acme Field Notes for Inspectors (Staging)"),
    version="2026.11.30-beta.12",
    number="20261130124",
    origin=dataclasses.replace(MAIN, branch=LONG_BRANCH),
    uploader="github-actions[bot]",
    changelog="Rework the login screen so that people without an account can create one there\nAnd more",
)
LONG_REASON = "Signing failed: no provisioning profile of the team matches the bundle identifier com.acme.notes.staging"
RECALL = Recall(LIVE.id, COURIER.id, "Crash on login", "U0ANA", NOON)


def cards(*entries: CardEntry | Build, **manner: Any) -> Message:
    """The card with these builds on it."""
    shown = tuple(entry if isinstance(entry, CardEntry) else CardEntry(entry) for entry in entries)
    options = DeliveryOptions(**manner)
    return channel_card.card(
        Delivery(1, "C1", BuildEvent.PROCESSED, shown[0].build, "key", manner=options, shown=shown), dashboard
    )


def recalled(build: Build, reason: str = RECALL.reason) -> CardEntry:
    return CardEntry(build, recall=replace(RECALL, reason=reason))


ANDROID = replace(LIVE, id="b" * 24, platform="android", number="248")
CARDS: list[tuple[str, Callable[[], Message], int]] = [
    ("live", lambda: cards(LIVE), 170),
    ("live, odd name", lambda: cards(replace(LIVE, changelog="*Fix* `login_form`\n- and _more_")), 170),
    ("live, long names", lambda: cards(LONG), 170),
    ("live, labelled", lambda: cards(LIVE, label="Staging", mention="S0BETA"), 170),
    ("failed", lambda: cards(FAILED), 150),
    ("failed, long reason", lambda: cards(replace(FAILED, error=LONG_REASON)), 170),
    ("failed, long names", lambda: cards(replace(LONG, stage=Stage.FAILED, error=LONG_REASON)), 210),
    ("processing", lambda: cards(replace(LIVE, stage=Stage.RUNNING)), 150),
    ("superseded", lambda: cards(CardEntry(LIVE, superseded_by=NEWER)), 60),
    ("superseded, long names", lambda: cards(CardEntry(LONG, superseded_by=replace(LONG, id="d" * 24))), 125),
    ("recalled", lambda: cards(recalled(LIVE)), 60),
    ("recalled, newer", lambda: cards(replace(recalled(LIVE), superseded_by=NEWER)), 60),
    ("recalled, long reason", lambda: cards(recalled(LIVE, LONG_REASON)), 150),
    ("deleted", lambda: cards(replace(LIVE, stage=Stage.DELETED)), 60),
    ("compact", lambda: cards(LIVE, compact=True), 60),
    ("compact failed", lambda: cards(FAILED, compact=True), 130),
    ("version", lambda: cards(LIVE, ANDROID, grouped=True), 170),
    ("version, failed", lambda: cards(LIVE, replace(FAILED, id="b" * 24), grouped=True), 210),
    ("version, superseded", lambda: cards(*(CardEntry(it, superseded_by=NEWER) for it in (LIVE, ANDROID))), 60),
    ("digest", lambda: cards(*(build(number) for number in range(1, 8))), 240),
]

GOALS: list[tuple[str, Callable[[], Message], bool, int]] = [
    ("live card", lambda: cards(FULL), False, 170),
]

# ------------------------------------------------------------------ links

ANA = Actor("T1", "U0ANA", "C1", tz="Europe/Madrid")
SOON = datetime.now(UTC)
APK = replace(FULL, platform="android", extension="apk")
NAMED = replace(
    FULL,
    app=App("c" * 24, "long", "Courier for the drivers of the northern region (staging)"),
    version="2.4.0-beta.12+build.4711",
    changelog="Faster start on old phones, and a map that works without a network. " * 20,
    requirements=InstallRequirements("15.0", "ad-hoc", SOON + timedelta(days=90)),
)
EXPIRED = replace(NAMED, disabled=True, requirements=InstallRequirements("15.0", "ad-hoc", SOON - timedelta(days=3)))


def link(build: Build, kind: FileKind = FileKind.AUTO, *, by_page: bool = False) -> Message:
    """The private answer with a link, beside which the other platform is offered."""
    made = Link("https://download.acme.test/v1/download/x", "x", kind, SOON + timedelta(minutes=5), by_page=by_page)
    return links.link(build, made, ANA, SOON, dashboard=DASHBOARD, others=(APK,))


def ready(build: Build) -> Message:
    made = Link("https://download.acme.test/v1/download/x", "x", FileKind.FILE, SOON + timedelta(minutes=5))
    return links.ready(build, made, ANA, SOON, dashboard=DASHBOARD)


def not_ready(build: Build) -> Message:
    return links.not_ready(replace(build, stage=Stage.RUNNING), DASHBOARD, awaitable=True, instead=FULL)


GOALS += [
    ("page of an iOS build", lambda: link(FULL, by_page=True), True, 170),
    ("file of an iOS build", lambda: link(FULL, FileKind.FILE), True, 210),
    ("apk", lambda: link(APK), True, 190),
    ("link with long names", lambda: link(NAMED, FileKind.FILE), True, 270),
    ("link with notes", lambda: link(EXPIRED, by_page=True), True, 260),
    ("link that was waited for", lambda: ready(NAMED), False, 260),
    ("expired link", lambda: links.expired("Courier 2.4.0 (173) iOS", "a/b/auto"), True, 140),
    ("expired link in direct messages", lambda: links.expired("Courier 2.4.0 (173) iOS", "a/b/auto"), False, 140),
    ("build that is not ready", lambda: not_ready(FULL), True, 170),
    ("build that is not ready, long names", lambda: not_ready(NAMED), True, 205),
    ("sent build", lambda: links.sent(FULL, "U0ANA", 3, NOON), False, 210),
    ("status of a ready build", lambda: builds.status(FULL, DASHBOARD, releases=True, now=NOON), True, 190),
    (
        "status, running",
        lambda: builds.status(replace(FULL, stage=Stage.RUNNING), DASHBOARD, awaitable=True),
        True,
        190,
    ),
    ("status, failed", lambda: builds.status(FAILED, DASHBOARD, instead=LIVE), True, 190),
    ("watch", lambda: progress.promised(FULL, timedelta(seconds=25), fresh=True), True, 170),
    (
        "watched build",
        lambda: progress.on_its_way(FULL, timedelta(minutes=8), timedelta(minutes=2), DASHBOARD),
        False,
        150,
    ),
    ("stuck build", lambda: progress.stuck(replace(FULL, stage=Stage.RUNNING), DASHBOARD), False, 190),
    (
        "upload under way",
        lambda: uploads.under_way("courier.ipa", "Courier", TransferProgress(1, 4, 1e6, 9.0)),
        False,
        130,
    ),
    ("uploaded", lambda: uploads.uploaded("courier.ipa", FULL, "U0ANA", DASHBOARD, found=True, mails=True), False, 235),
    (
        "upload that failed",
        lambda: uploads.failed("courier.ipa", "Courier", ServiceUnavailable(), again="1"),
        False,
        190,
    ),
    ("shared build, long names", lambda: links.shared(NAMED, "U0ANA", NOON), False, 260),
]

# ------------------------------------------------------------------ subscriptions

FEW = rehearse(DEFAULT_EVENTS, "", [build(number) for number in range(1, 4)])
NONE = rehearse(
    DEFAULT_EVENTS, "branch:x", [build(1, origin=MAIN), build(2, origin=dataclasses.replace(MAIN, branch="develop"))]
)
WISHED = subscription(1, query="branch:release/* -tag:nightly")
FIVE = [subscription(number, app_id=f"{number:024x}", app_name=f"Courier {number}") for number in range(5)]
STATES = [
    (WISHED, NOON),
    (replace(FIVE[1], muted_until=NOON + timedelta(hours=4)), NOON),
    (replace(FIVE[2], paused="not_in_channel"), NOON),
    (replace(FIVE[3], manner=DeliveryOptions(digest="mon,thu@17:30", tz="Europe/Madrid")), NOON),
    (FIVE[4], None),
]

GOALS += [
    ("subscribed", lambda: subscriptions.subscribed(subscription(1), FEW), True, 205),
    (
        "subscribed, no match",
        lambda: subscriptions.subscribed(replace(WISHED, query="branch:x"), NONE),
        True,
        250,
    ),
    ("subscription changed", lambda: subscriptions.updated(WISHED, subscription(1), "k", FEW), True, 230),
    ("subscriptions (5)", lambda: subscriptions.subscriptions([(each, NOON) for each in FIVE], now=NOON), True, 400),
    ("subscriptions in each state", lambda: subscriptions.subscriptions(STATES, now=NOON), True, 460),
    ("unsubscribed", lambda: subscriptions.unsubscribed(subscription(1), "k", "U0ANA"), True, 145),
    ("muted", lambda: mutes.muted([subscription(1)], NOON, mutes.HERE, []), True, 190),
    (
        "channel paused",
        lambda: subscriptions.paused(replace(WISHED, paused="not_in_channel"), "bot"),
        False,
        190,
    ),
    ("welcome", welcome.welcome, False, 210),
]

# ------------------------------------------------------------------ roles, refusals, audit log


def refusal(app: App | None = None) -> Message:
    with pytest.raises(PermissionDenied) as refused:
        access.require(Role.RELEASER, Role.MANAGER, app, act="see downloads")
    return errors.denied(refused.value, request=1)


def outage() -> Message:
    return errors.problem(ServiceUnavailable(), "0a1b2c3d", again=("run.v1", "get courier"))


REQUEST = RoleRequest(1, "T1", "U0BRUNO", Role.MANAGER, "c" * 24, "downloads courier", "C0S000001", NOON)


def asked(locale: str) -> Message:
    return access_requests.question(REQUEST, COURIER.name, "Bruno Díaz", locale, Role.RELEASER, 14)


def trail() -> Message:
    """Ten lines of what people do: most get builds, and a few fail or give roles."""
    usual = AuditEntry(SOON, "T1", "U0ANA", AuditAction.GET, AuditOutcome.MINTED, app_id="a", build_id="b")
    entries = [
        replace(usual, action=AuditAction.GRANT, outcome="releaser to U0BRUNO42", build_id=None),
        replace(usual, outcome="AppliveryDown"),
        replace(usual, action=AuditAction.RECALL, outcome="crash on login"),
        *[usual] * 9,
    ]
    page = paginate_partial(entries, 0, 10)
    names = {"a": "Courier"}, {"b": "2.5.3 (247) iOS"}
    return audit.listed(page, *names, typed="since:7d", whole="audit format:csv", now=SOON, tz="UTC")


def roles() -> Message:
    lines = f"{_(whoami.EVERYWHERE, role='member')}\n*releaser* for Courier (granted by <@U0ANA>): "
    acts = "attach files, mute announcements, recall builds, subscribe channels, upload builds, undo recalls"
    limits = _("Up to {minute} links a minute, {hour} an hour", minute=10, hour=60)
    return whoami.card(f"{lines}{acts}", f"{limits} · English · Europe/Madrid", (Role.RELEASER, 7))


UNDO = GrantUndoValue("U0BRUNO", "", Role.ADMIN, GrantChange(Role.RELEASER, NOON))
GOALS += [
    ("refusal", refusal, True, 130),
    ("refusal, long names", lambda: refusal(NAMED.app), True, 190),
    ("outage", outage, True, 190),
    ("access request", lambda: asked(current_locale()), False, 200),
    ("audit log", trail, True, 520),
    ("whoami", roles, True, 260),
    ("granted role", lambda: grants.granted(UNDO, None), True, 145),
    (
        "limited app",
        lambda: grants.limited(("Courier", "a"), "C0S000001", ["C0S000001"], ["C1", "C2"], added=True),
        True,
        190,
    ),
]


# ------------------------------------------------------------------ download reports

DETAILS = "https://acme.slack.com/archives/D1/p1"
WEEK = PreviousPeriod(14, 9, "the 7 days before")


def downloaded(count: int, versions: int = 1, **more: Any) -> DownloadReport:
    """A report of 21 downloads by seven people and some that are nobody's."""
    took = [Download(at=NOON, version=f"2.{number}.0", platform="ios") for number in range(versions)]
    rows = [MemberDownloads(Member("user", f"u{n}", f"p{n}@acme.test"), tuple(took) * count, None) for n in range(7)]
    summary = summarise([*rows, MemberDownloads(Member("unknown"), (Download(at=NOON, version="2.0.0"),) * 5, None)])
    made = report("Courier", _("so far"), summary, tz="Europe/Madrid")
    adopted = adoption(summary.people, NewestVersions((("ios", "2.0.0"),)))
    return replace(made, **{"typed": "courier", "adopted": adopted, **more})


def asked_for(made: DownloadReport) -> Message:
    """What stands where the report was asked for."""
    sent = dataclasses.replace(
        downloads.headline(made), thread=downloads.thread(made), pointer=downloads.here(made, share=True)
    )
    return sent_direct.pointer(sent, DETAILS)


GAP = DownloadGap(("U1",), tuple(f"U{number}" for number in range(2, 14)), ("U99",), 3)

ON_ITS_WAY = STATUS  # of a goal

GOALS += [
    ("report", lambda: asked_for(downloaded(3)), True, 200),
    ("report compared, with links", lambda: asked_for(downloaded(3, before=WEEK, links=2, remembered=90)), True, 270),
    ("report of many versions", lambda: asked_for(downloaded(3, 12, before=WEEK, links=2, remembered=90)), True, 310),
    ("report without downloads", lambda: downloads.nothing(downloaded(3)), True, 110),
    ("goal, with its chart", lambda: goals.card(ON_ITS_WAY), False, 490),
    ("goal, started", lambda: goals.started(ON_ITS_WAY, 5, 1), True, 210),
    ("goal, last line", lambda: goals.ended(ON_ITS_WAY), False, 80),
    ("goal, request", lambda: goals.request(GoalRequest(ON_ITS_WAY.goal, ON_ITS_WAY.builds)), False, 150),
    ("goals of a channel", lambda: goals.listed([ON_ITS_WAY], "C1"), True, 265),
    ("who lacks a build", lambda: missing.headline("Courier 2.4.0", "<#C1>", GAP), True, 150),
    (
        "who they are",
        lambda: missing.names("Courier 2.4.0", "<#C1>", GAP, typed="x", ask=GAP.lack, asker="U0"),
        False,
        260,
    ),
    ("a request to try a build", lambda: missing.nudge([NAMED, APK], "U0ANA"), False, 240),
]


# ------------------------------------------------------------------ forecasts


def foreseen() -> Message:
    """A full page of several kinds."""
    at = NOON + timedelta(days=3650)  # written out: `today` and `tomorrow` are shorter
    items = (
        ForecastItem(ForecastKind.NO_MATCH, None, "a", "Courier", channel_id="C0S000001", number=1),
        ForecastItem(ForecastKind.PROFILE, at, "a", "Courier", build=LIVE, others=3, people=31),
        ForecastItem(ForecastKind.PENDING_DELETION, at, "a", "Courier", build=FAILED, people=2),
        ForecastItem(ForecastKind.DELETION, at, "a", "Courier", build=NEWER, others=11, people=0),
        ForecastItem(ForecastKind.LIMIT, at, limit=5_000, used=3_900, url=DASHBOARD),
        ForecastItem(ForecastKind.ROLES_LEFT, people=3),
    )
    unchecked = (Unchecked(ForecastPart.RETENTION, ("Rider", "Scout")),)
    return forecast.forecast(Forecast(at, NOON, items=items * 2, unchecked=unchecked, key="x" * 22))


GOALS += [
    ("forecast", foreseen, True, 640),
    ("forecast without findings", lambda: forecast.forecast(Forecast(NOON, NOON, "Courier")), True, 100),
]


@pytest.mark.parametrize("locale", ["en", "es"])
@pytest.mark.parametrize(("name", "message", "is_private", "most"), GOALS, ids=[goal[0] for goal in GOALS])
async def test_message_is_not_higher_than(
    pane: MessagePane, name: str, message: Callable[[], Message], is_private: bool, most: int, locale: str
) -> None:
    with use_locale(locale):
        shown = message()
    assert await pane.height(shown, is_private=is_private) <= most


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(("name", "message", "most"), CARDS, ids=[goal[0] for goal in CARDS])
async def test_card_in_a_channel_is_not_higher_than(
    pane: MessagePane, name: str, message: Callable[[], Message], most: int, language: str
) -> None:
    with use_locale(language):
        shown = message()
    # Spanish words are longer: they may take one line more
    assert await pane.height(shown, follows=True) <= most + (LINE if language == "es" else 0)
