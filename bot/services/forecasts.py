"""Create forecasts from builds, downloads, the plan, channels and roles, with a bounded number of requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import TypeVar

from msgspec import Struct, structs

from bot.applivery.client import AppliveryClient
from bot.db import access as stored_access
from bot.db import drafts, recalls, scheduled_reports
from bot.db import plan_limits as stored_limits
from bot.db import subscriptions as stored_subscriptions
from bot.db.database import Database
from bot.db.serialization import fact_of_forecast, forecast_of
from bot.domain import adoption, forecasts, install, lookup, plan_limits
from bot.domain.forecast_facts import Forecast, ForecastItem, ForecastPart, Unchecked
from bot.domain.forecasts import ChannelFacts, Holders
from bot.domain.model import Actor, App, Build, Role, Subscription, is_person
from bot.domain.plan_limits import PlanLimit
from bot.domain.states import PauseReason
from bot.domain.subscription_preview import LOOKED_AT, SubscriptionPreview, rehearse
from bot.domain.timeparse import period
from bot.exceptions import (
    AppliveryError,
    BotError,
    ChannelUnavailable,
    ChannelUnverified,
    NotFound,
    Outdated,
    PermissionDenied,
    PermissionUnverified,
    SlackError,
    kind_of,
)
from bot.i18n import Text, current_locale
from bot.services.access import NOT_THERE, AccessResolver
from bot.services.app_directory import AppDirectory
from bot.services.channels import ChannelService
from bot.services.reports import ReportBuilder, ReportQuery

T = TypeVar("T")

AT_ONCE = 4  # concurrent requests about apps, channels or users
MOST_APPS = 30
MOST_BUILDS = 1_000  # of the app the forecast is about
MOST_OF_EACH = 200  # builds of each app, where it is about all
MOST_ASKED = 12  # apps whose whole download log is read
MOST_MONTHS = 60  # apps whose downloads of this month are counted for a known limit
MOST_CHANNELS = 30
MOST_MEMBERS = 20  # of a channel, to find one that is not a bot
MOST_GRANTEES = 100
GROUPS = "usergroups:read"  # needed for roles of user groups


class ForecastQuery(Struct, frozen=True):
    """The apps (`named`: the only one, None: all) and the end (aware) of a forecast.

    `in_channel` is the channel that will see the forecast; None: only the reader.
    """

    apps: Sequence[App]
    named: App | None
    until: datetime
    in_channel: str | None = None


@dataclass(slots=True)
class _Findings:
    """The findings so far, and the parts that failed."""

    items: list[ForecastItem] = field(default_factory=list)
    unchecked: list[Unchecked] = field(default_factory=list)
    builds: dict[str, list[Build]] = field(default_factory=dict)

    def failed(self, part: ForecastPart, error: BotError, app: App | None = None) -> None:
        """Record a part that failed."""
        self.unchecked.append(Unchecked(part, (app.name,) if app else (), kind_of(error)))

    def joined(self) -> tuple[Unchecked, ...]:
        """Return one line for each part and error, with all its apps."""

        def key(each: Unchecked) -> tuple[str, str]:
            return each.part.value, each.error

        found = []
        for _, same in groupby(sorted(self.unchecked, key=key), key):
            first, *more = same
            apps = dict.fromkeys(name for each in (first, *more) for name in each.apps)
            found.append(structs.replace(first, apps=tuple(apps), number=sum(each.number for each in (first, *more))))
        return tuple(found)


class ForecastService:
    """Creates forecasts, for commands and scheduled reports.

    Parts that fail are named in the forecast; only DatabaseUnavailable is raised.
    """

    def __init__(
        self,
        *,
        applivery: AppliveryClient,
        app_directory: AppDirectory,
        reports: ReportBuilder,
        store: Database,
        channels: ChannelService,
        access: AccessResolver,
        clock: Callable[[], datetime],
        workspace_url: str,
    ) -> None:
        self._applivery = applivery
        self._app_directory = app_directory
        self._reports = reports.in_background()  # users who wait for a build go first
        self._store = store
        self._channels = channels
        self._access = access
        self._clock = clock
        self._workspace_url = workspace_url

    def in_background(self) -> ForecastService:
        """Return this service with the priority of a worker."""
        applivery = self._applivery.polling()
        return ForecastService(
            applivery=applivery,
            app_directory=AppDirectory(applivery),
            reports=self._reports,
            store=self._store,
            channels=self._channels,
            access=self._access,
            clock=self._clock,
            workspace_url=self._workspace_url,
        )

    # ------------------------------------------------------------------ stored for paging

    async def save(self, forecast: Forecast) -> Forecast:
        """Store a forecast for a week; return it with its key. Raises DatabaseUnavailable."""
        return structs.replace(forecast, key=await self._store.run(drafts.save_draft, fact_of_forecast(forecast)))

    async def load(self, key: str) -> Forecast:
        """Return the forecast with this key. Raises Outdated when it is too old, and DatabaseUnavailable."""
        text = await self._store.run(drafts.get_draft, key)
        try:
            found = forecast_of(text or "")
        except ValueError as error:
            raise Outdated(commands=((Text("Forecast"), "forecast"),)) from error
        return structs.replace(found, key=key)

    # ------------------------------------------------------------------ the whole forecast

    async def apps(self) -> Sequence[App]:
        """Return every app of the workspace. Raises AppliveryErrors."""
        return await self._app_directory.apps()

    async def forecast(self, reader: Actor, query: ForecastQuery) -> Forecast:
        """Return a reader's forecast, of apps for which they have the role. Raises DatabaseUnavailable."""
        now = self._clock().astimezone(UTC)
        found = _Findings()
        apps = _latest(query.apps)
        if left := apps[MOST_APPS:]:
            apps = apps[:MOST_APPS]
            found.unchecked.append(Unchecked(ForecastPart.APPS, number=len(left)))
        await self._add_builds(found, apps, query, now)
        await self._add_subscriptions(found, reader, query)
        if query.named is None and reader.role >= Role.RELEASER:
            await self._add_limits(found, query, now)
        if query.named is None:
            paused = await self._store.run(scheduled_reports.list_paused_reports)
            found.items += forecasts.paused_reports(paused, reader)
        if query.named is None and query.in_channel is None and reader.role >= Role.ADMIN:
            await self._add_permissions(found, reader)
        found.items += forecasts.platform_changes(apps, now, query.until)
        return Forecast(
            query.until,
            now,
            query.named.name if query.named else "",
            forecasts.in_order(found.items),
            found.joined(),
            current_locale(),
        )

    # ------------------------------------------------------------------ builds

    async def _add_builds(self, found: _Findings, apps: Sequence[App], query: ForecastQuery, now: datetime) -> None:
        most = MOST_OF_EACH if query.named is None else MOST_BUILDS
        listed = await _at_once(apps, lambda app: self._builds(found, app, most))
        kept = await _at_once(apps, lambda app: self._with_retention(found, app))
        recalled = await self._store.cached(recalls.list_recalls)
        concerned = [
            (app, builds)
            for app, builds in zip(kept, listed, strict=True)
            if forecasts.needs_people(app, builds, now, query.until)
        ]
        if more := concerned[MOST_ASKED:]:
            names = tuple(app.name for app, _ in more)
            found.unchecked.append(Unchecked(ForecastPart.PEOPLE, names, number=len(names)))
        asked = await _at_once(concerned[:MOST_ASKED], lambda pair: self._holders(found, *pair))
        users: list[Holders | None] = [*asked, *(None for _ in concerned[MOST_ASKED:])]
        for (app, builds), who in zip(concerned, users, strict=True):
            found.items += forecasts.expiring_profiles(builds, who, now, query.until, recalled)
            found.items += forecasts.deletions(app, builds, who, now, query.until)

    async def _builds(self, found: _Findings, app: App, most: int) -> list[Build]:
        """Return the `most` newest builds of an app, newest first; none on failure."""
        builds: list[Build] = []
        try:
            async for build in self._app_directory.walk(app):
                if len(builds) == most:
                    found.unchecked.append(Unchecked(ForecastPart.BUILDS, (app.name,)))
                    break
                builds.append(build)
            builds = await self._with_profiles(app, builds)
        except AppliveryError as error:
            found.failed(ForecastPart.BUILDS, error, app)
        found.builds[app.id] = builds
        return builds

    async def _with_profiles(self, app: App, builds: Sequence[Build]) -> list[Build]:
        """Return the builds with the profiles of the newest ones, which a list may lack. Raises AppliveryError."""
        lacking = [
            build
            for build in lookup.newest_of_each_platform(builds)
            if install.over_the_air(build) and build.requirements.profile_expires_at is None
        ]
        details = {build.id: await self._app_directory.build_by_id(build.id, (app,)) for build in lacking}
        return [
            structs.replace(build, requirements=details[build.id].requirements) if build.id in details else build
            for build in builds
        ]

    async def _with_retention(self, found: _Findings, app: App) -> App:
        """Return the app with its retention, from its details if the list of apps lacks it."""
        try:
            retention = app.retention or (await self._applivery.app(app.id)).retention
        except NotFound:
            return app  # it was deleted meanwhile
        except AppliveryError as error:
            found.failed(ForecastPart.RETENTION, error, app)
            return app
        if retention is None or retention.days is None:
            found.unchecked.append(Unchecked(ForecastPart.RETENTION, (app.name,)))
        return replace(app, retention=retention)

    async def _holders(self, found: _Findings, app: App, builds: Sequence[Build]) -> Holders | None:
        try:
            tally = await self._reports.count_downloads(ReportQuery(app, app.name), None)
        except AppliveryError as error:
            found.failed(ForecastPart.PEOPLE, error, app)
            return None
        return adoption.holders(tally.summary().people, builds)

    # ------------------------------------------------------------------ the plan

    async def _add_limits(self, found: _Findings, query: ForecastQuery, now: datetime) -> None:
        reported = {limit.family: limit for limit in await self._store.run(stored_limits.list_limits)}
        for limit in self._applivery.plan_limits.seen():
            if limit.family not in reported or reported[limit.family].at < limit.at:
                reported[limit.family] = limit
        used = await self._downloads_of_month(found, reported.values(), now)
        found.items += forecasts.limits(reported.values(), used, now, query.until, self._workspace_url)

    async def _downloads_of_month(self, found: _Findings, reported: Iterable[PlanLimit], now: datetime) -> int | None:
        """Return the downloads of all apps in this month (UTC); None without a known limit or a complete count."""
        month = plan_limits.month_of(now)
        if not any(limit.of_downloads and limit.month != month for limit in reported):
            return None
        try:
            every = await self._app_directory.apps()
        except AppliveryError as error:
            found.failed(ForecastPart.DOWNLOADS, error)
            return None
        if len(every) > MOST_MONTHS:
            found.unchecked.append(Unchecked(ForecastPart.DOWNLOADS, number=len(every)))
            return None
        so_far = period.between(month, now, "UTC")

        async def count(app: App) -> int | None:
            try:
                tally = await self._reports.count_downloads(ReportQuery(app, app.name), so_far)
            except AppliveryError as error:
                found.failed(ForecastPart.DOWNLOADS, error, app)
                return None
            return tally.summary().recorded

        counts = await _at_once(every, count)
        known = [number for number in counts if number is not None]
        return sum(known) if len(known) == len(counts) else None

    # ------------------------------------------------------------------ channels

    async def _add_subscriptions(self, found: _Findings, reader: Actor, query: ForecastQuery) -> None:
        wanted = {app.id for app in query.apps}
        every = await self._app_ids(found)
        about = await self._list_subscriptions(reader, query)
        # subscriptions that the reader may not see anywhere need no look-up
        about = [
            each
            for each in about
            if forecasts.may_list(each, reader, in_channel=query.in_channel, is_public=True)
            and (each.app_id is None or each.app_id in wanted or (every is not None and each.app_id not in every))
        ]
        places = list(dict.fromkeys(each.channel_id for each in about if each.channel_id.startswith(("C", "G"))))
        if more := places[MOST_CHANNELS:]:
            found.unchecked.append(Unchecked(ForecastPart.CHANNELS, number=len(more)))
        facts = await _at_once(places[:MOST_CHANNELS], lambda channel_id: self._channel(found, channel_id))
        known = dict(zip(places, facts, strict=False))
        for subscription in about:
            channel = known.get(subscription.channel_id)
            if channel is None or not forecasts.may_list(
                subscription, reader, in_channel=query.in_channel, is_public=channel.is_public
            ):
                continue
            item = forecasts.unheard(
                subscription,
                channel,
                app_is_gone=every is not None and subscription.app_id is not None and subscription.app_id not in every,
                withdrawn=await self._withdrawn(subscription),
                tried=_rehearsed(subscription, found.builds),
            )
            found.items += [item] if item else []

    async def _list_subscriptions(self, reader: Actor, query: ForecastQuery) -> list[Subscription]:
        """Return the subscriptions that may be listed: to the named app, else all for an admin, or the reader's own."""
        if query.named is not None:
            every = await self._store.run(stored_subscriptions.list_subscriptions, about=query.named.id)
            return [each for each in every if each.app_id == query.named.id]
        if reader.role >= Role.ADMIN:
            return await self._every_subscription()
        here = {place for place in (reader.channel_id, query.in_channel) if place}
        mine = {reader.user_id, *reader.ids}
        return await self._store.run(stored_subscriptions.list_subscriptions_near, here, mine)

    async def _every_subscription(self) -> list[Subscription]:
        found: list[Subscription] = []
        while page := await self._store.run(
            stored_subscriptions.list_subscriptions_after, found[-1].id if found else 0
        ):
            found += page
        return found

    async def _withdrawn(self, subscription: Subscription) -> PauseReason | None:
        """Return why a subscription would pause at the next build; None if it would not, or that is unknown."""
        if await self._is_away(subscription.created_by):
            return PauseReason.PERSON
        try:
            creator = await self._access.resolve_actor(subscription.created_by, subscription.channel_id)
        except PermissionUnverified:
            return None
        except PermissionDenied as error:
            return PauseReason(error.reason or PauseReason.ROLE)
        app_id = subscription.app_id
        if (creator.role_for(app_id) if app_id else creator.role) < Role.RELEASER:
            return PauseReason.ROLE
        allowed = (await self._channels.app_lists()).get(app_id or "", frozenset())
        return PauseReason.CHANNEL if allowed and subscription.channel_id not in allowed else None

    async def _app_ids(self, found: _Findings) -> set[str] | None:
        try:
            return {app.id for app in await self._app_directory.apps()}
        except AppliveryError as error:
            found.failed(ForecastPart.APPS, error)
            return None

    async def _channel(self, found: _Findings, channel_id: str) -> ChannelFacts | None:
        """Return Slack's record of a channel; None if it is unavailable."""
        try:
            channel = await self._channels.look_up(channel_id)
            if channel.is_archived or channel.is_member is False:
                refusal = "is_archived" if channel.is_archived else "not_in_channel"
                return ChannelFacts(refusal, is_public=not channel.is_private)
            people = await self._count_people(channel_id)
            return ChannelFacts(people=people, is_public=not channel.is_private)
        except ChannelUnavailable as error:
            return ChannelFacts(error.code)
        except (ChannelUnverified, SlackError) as error:
            found.failed(ForecastPart.CHANNELS, error)
            return None

    async def _count_people(self, channel_id: str) -> int | None:
        """Return the number of users in a channel; None when there are too many to check. Raises SlackError."""
        members = await self._channels.members(channel_id)
        count = 0
        for user_id in members[:MOST_MEMBERS]:
            left = await self._is_away(user_id)
            if left is None:
                return None
            count += not left
        return count if len(members) <= MOST_MEMBERS or not count else None

    async def _is_away(self, user_id: str) -> bool | None:
        """Return whether a user has left or is a bot; None when Slack does not respond."""
        try:
            person = await self._access.person(user_id)
        except SlackError as error:
            return True if error.code in NOT_THERE else None
        return person.gone or person.bot

    # ------------------------------------------------------------------ roles and permissions

    async def _add_permissions(self, found: _Findings, reader: Actor) -> None:
        grants = await self._store.cached(stored_access.list_grants, reader.team_id)
        people = list(dict.fromkeys(grant.grantee for grant in grants if is_person(grant.grantee)))
        if more := people[MOST_GRANTEES:]:
            found.unchecked.append(Unchecked(ForecastPart.ROLES, number=len(more)))
        left = await _at_once(people[:MOST_GRANTEES], self._is_away)
        uses_groups = any(not is_person(grant.grantee) for grant in grants)
        missing = [GROUPS] if uses_groups and not await self._channels.has_scope(GROUPS) else []
        found.items += forecasts.permissions(left=sum(each is True for each in left), missing_scopes=missing)


def _rehearsed(subscription: Subscription, builds: dict[str, list[Build]]) -> SubscriptionPreview | None:
    """Return the preview of a subscription with the listed builds of its app, or of all apps."""
    if subscription.app_id is not None:
        return rehearse(subscription.events, subscription.query, builds.get(subscription.app_id, ()))
    newest = [build for of_app in builds.values() for build in of_app[:LOOKED_AT]]
    return rehearse(subscription.events, subscription.query, newest)


def _latest(apps: Sequence[App]) -> list[App]:
    """Return the apps with the latest builds first."""
    return sorted(apps, key=lambda app: app.processed_at.timestamp() if app.processed_at else 0.0, reverse=True)


_Of = TypeVar("_Of")


async def _at_once(things: Sequence[_Of], ask: Callable[[_Of], Awaitable[T]]) -> list[T]:
    """Call `ask` for each of them, a few at the same time."""
    semaphore = asyncio.Semaphore(AT_ONCE)

    async def one(thing: _Of) -> T:
        async with semaphore:
            return await ask(thing)

    return list(await asyncio.gather(*map(one, things)))
