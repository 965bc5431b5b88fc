"""Decide what ends or stops next, one function per kind, without claims about unknown facts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from bot.domain import builds as decisions
from bot.domain import lookup, plan_limits
from bot.domain.forecast_facts import ForecastItem, ForecastKind
from bot.domain.install_rules import RULES
from bot.domain.model import Actor, App, Build, Role, Stage, Subscription
from bot.domain.plan_limits import PlanLimit
from bot.domain.scheduled_reports import ScheduledReport
from bot.domain.states import PauseReason
from bot.domain.subscription_preview import SubscriptionPreview

HORIZON = timedelta(days=30)
LONGEST = timedelta(days=366)
PENDING = timedelta(days=30)  # between the end of a build's retention and its deletion
STILL_OF_INTEREST = timedelta(days=90)  # how long a line of builds counts as used, if its users are unknown
Holders = Mapping[str, int]
"""How many people's latest recorded download a build is, by its id."""


def in_order(items: Iterable[ForecastItem]) -> tuple[ForecastItem, ...]:
    """Return the items sorted by date; those that have ended already are first."""
    kinds = list(ForecastKind)

    def place(item: ForecastItem) -> tuple[bool, float, int, str, int]:
        moment = item.at.timestamp() if item.at else 0.0
        return item.at is not None, moment, kinds.index(item.kind), item.app_name.casefold(), item.number

    return tuple(sorted(items, key=place))


# ------------------------------------------------------------------ profiles


def expiring_profiles(
    builds: Sequence[Build], users: Holders | None, now: datetime, until: datetime, recalled: Collection[str] = ()
) -> list[ForecastItem]:
    """Return when the profiles of builds in use end: of the newest of each platform, and of those that people have.

    `builds` are an app's, newest first. If it is unknown who has which (`users` None), the newest of each line count
    unless they are old. An expired profile counts for the newest build only. Builds of one platform whose profiles end
    at the same time are one item.
    """
    newest = {build.id for build in lookup.newest_of_each_platform(builds, recalled)}
    found: dict[tuple[str, datetime], list[Build]] = defaultdict(list)
    for build in builds:
        end = build.requirements.profile_expires_at
        if end is None or end > until or not decisions.can_be_had(build, recalled):
            continue
        if build.id in newest or (end > now and _is_used(build, builds, users, now)):
            found[build.platform.casefold(), end].append(build)
    return [_of_builds(ForecastKind.PROFILE, end, same, users) for (_, end), same in found.items()]


def _is_used(build: Build, builds: Sequence[Build], users: Holders | None, now: datetime) -> bool:
    if users is not None:
        return users.get(build.id, 0) > 0
    line = decisions.line_of(build)
    newest = next(each for each in builds if decisions.line_of(each) == line and each.stage is Stage.READY)
    return newest.id == build.id and build.created_at is not None and now - build.created_at < STILL_OF_INTEREST


def _of_builds(kind: ForecastKind, at: datetime, same: Sequence[Build], users: Holders | None) -> ForecastItem:
    """Return the item for some builds, represented by the first."""
    first = same[0]
    people = None if users is None else sum(users.get(build.id, 0) for build in same)
    return ForecastItem(
        kind,
        at,
        first.app.id,
        first.app.name,
        build=first.without_details(),
        others=len(same) - 1,
        people=people,
    )


# ------------------------------------------------------------------ retention


def deletions(
    app: App, builds: Sequence[Build], users: Holders | None, now: datetime, until: datetime
) -> list[ForecastItem]:
    """Return which builds retention may delete, or mark for deletion, by its documented dates.

    A build's retention ends after some days, and it is deleted thirty days later, unless a publication keeps it, which
    is unknown. Each build that people have is an item; the others of an app are one item with the earliest date.
    """
    days = app.retention.days if app.retention else None
    if not days:
        return []
    found: dict[ForecastKind, list[tuple[datetime, Build]]] = defaultdict(list)
    for build in builds:
        if (dated := _next_stage(build, days, now, until)) is not None:
            found[dated[0]].append((dated[1], build))
    items: list[ForecastItem] = []
    for kind, dated_builds in found.items():
        used = [(at, build) for at, build in dated_builds if users and users.get(build.id, 0)]
        items += [_of_builds(kind, at, [build], users) for at, build in used]
        if rest := sorted((pair for pair in dated_builds if pair not in used), key=lambda pair: pair[0]):
            items.append(_of_builds(kind, rest[0][0], [build for _, build in rest], users))
    return items


def _next_stage(build: Build, days: int, now: datetime, until: datetime) -> tuple[ForecastKind, datetime] | None:
    """Return the next stage of a build within the horizon, and its date."""
    if build.created_at is None or build.stage not in (Stage.READY, Stage.UNKNOWN):
        return None
    try:
        pending = build.created_at + timedelta(days=days)
        deleted = pending + PENDING
    except OverflowError:
        return None
    if now < pending <= until:
        return ForecastKind.PENDING_DELETION, pending
    return (ForecastKind.DELETION, deleted) if pending <= now < deleted <= until else None


def needs_people(app: App, builds: Sequence[Build], now: datetime, until: datetime) -> bool:
    """Return whether the users of builds are needed: whether a profile ends or a build may be deleted."""
    ends = (build.requirements.profile_expires_at for build in builds)
    return any(end and end <= until for end in ends) or bool(deletions(app, builds, None, now, until))


# ------------------------------------------------------------------ limits


def limits(
    reported: Iterable[PlanLimit], used: int | None, now: datetime, until: datetime, url: str
) -> list[ForecastItem]:
    """Return which of the plan's limits are reached, or will be at the pace of this month's downloads.

    `used` are the downloads of all apps this month (UTC); None: unknown. Only limits that Applivery has reported are
    known; one that is not monthly counts only if it was reported this month.
    """
    found = []
    for limit in reported:
        if limit.month == plan_limits.month_of(now):
            at, now_used = limit.at, limit.used if limit.used is not None else limit.limit
            kind = ForecastKind.LIMIT_REACHED
        elif limit.of_downloads and used is not None:
            reached = plan_limits.reached_at(limit.limit, used, now)
            if reached is None or reached > until:
                continue
            at, now_used, kind = reached, used, ForecastKind.LIMIT
        else:
            continue
        name = "" if limit.of_downloads else limit.family
        found.append(ForecastItem(kind, at, reason=name, limit=limit.limit, used=now_used, url=url))
    return found


# ------------------------------------------------------------------ subscriptions


class ChannelFacts(Struct, frozen=True):
    """Slack's facts about a channel: the error code if the bot can't post there, and the number of people.

    `people` None: not counted. `is_public` is False if unknown.
    """

    refusal: str = ""
    people: int | None = None
    is_public: bool = False


def may_list(subscription: Subscription, reader: Actor, *, in_channel: str | None, is_public: bool) -> bool:
    """Return whether a subscription may be shown to a reader who has the role for its app.

    It is shown to its owner, to admins, and in its own channel. A forecast for a channel (`in_channel`) shows
    subscriptions of public channels and its own.
    """
    role = reader.role_for(subscription.app_id) if subscription.app_id else reader.role
    if role < Role.RELEASER:
        return False
    if in_channel is not None and not is_public and subscription.channel_id != in_channel:
        return False
    here = subscription.channel_id in (reader.channel_id, in_channel)
    return here or reader.role >= Role.ADMIN or reader.is_(subscription.created_by)


def unheard(
    subscription: Subscription,
    channel: ChannelFacts,
    *,
    app_is_gone: bool,
    withdrawn: PauseReason | None,
    tried: SubscriptionPreview | None,
) -> ForecastItem | None:
    """Return the first reason why a subscription reaches no people.

    `withdrawn` is why it would pause at the next build, `tried` its preview on recent builds.
    """
    item = ForecastItem(
        ForecastKind.PAUSED,
        None,
        subscription.app_id or "",
        subscription.app_name if subscription.app_id else "",
        channel_id=subscription.channel_id,
        number=subscription.id,
        people=channel.people,
    )
    reason = subscription.paused or channel.refusal or (str(PauseReason.APP) if app_is_gone else "")
    if reason:
        return replace(item, reason=reason)
    if channel.people == 0:
        return replace(item, kind=ForecastKind.NO_LISTENERS)
    if withdrawn is not None:
        return replace(item, kind=ForecastKind.WILL_PAUSE, reason=str(withdrawn))
    if tried is not None and tried.looked and not tried.fitting:
        return replace(item, kind=ForecastKind.NO_MATCH, used=len(tried.looked))
    return None


def paused_reports(reports: Iterable[ScheduledReport], reader: Actor) -> list[ForecastItem]:
    """Return the paused scheduled reports of the reader, or of all users for an admin."""
    return [
        ForecastItem(
            ForecastKind.REPORT_PAUSED,
            None,
            report.app_id,
            report.app_name,
            number=report.id,
            reason=report.paused,
        )
        for report in reports
        if report.paused and (reader.role >= Role.ADMIN or reader.is_(report.created_by))
    ]


# ------------------------------------------------------------------ permissions


def permissions(*, left: int, missing_scopes: Iterable[str]) -> list[ForecastItem]:
    """Return the items for roles of `left` deactivated users, and for missing scopes that something in use needs."""
    items = [ForecastItem(ForecastKind.ROLES_LEFT, people=left)] if left else []
    return [*items, *(ForecastItem(ForecastKind.SCOPE, reason=scope) for scope in missing_scopes)]


def platform_changes(apps: Iterable[App], now: datetime, until: datetime) -> list[ForecastItem]:
    """Return which dated rules of the apps' platforms come into force.

    If a rule begins everywhere on the first day of a year, only the year is known.
    """
    platforms = {platform.casefold() for app in apps for platform in app.platforms}
    found = []
    for rule in RULES:
        for day, regions in ((rule.since, rule.regions), (rule.everywhere, ())):
            begins = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None
            if begins and now < begins <= until:
                is_year = not regions and (begins.month, begins.day) == (1, 1)
                item = ForecastItem(ForecastKind.PLATFORM, begins, reason=rule.title, url=rule.page, is_year=is_year)
                found += [
                    replace(item, platform=platform, regions=regions)
                    for platform in rule.platforms
                    if platform in platforms
                ]
    return found
