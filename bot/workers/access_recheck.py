"""Re-check permissions before a subscription, watch or report acts: pause it and notify its owner, or resume it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from functools import partial

from msgspec.structs import replace

from bot.db import (
    access_pauses,
    build_waiters,
    build_watches,
    database_info,
    goals,
    key_value,
    recalls,
    scheduled_reports,
)
from bot.db import subscriptions as stored_subscriptions
from bot.db.database import Database
from bot.db.serialization import (
    fact_of_forecast,
    fact_of_report,
    forecast_of,
    goal_of_fact,
    report_of,
    request_of,
)
from bot.domain import filters
from bot.domain import goals as goal_decisions
from bot.domain.goals import Goal
from bot.domain.model import (
    Actor,
    App,
    Build,
    BuildEvent,
    ChannelNotice,
    Delivery,
    ReportKind,
    Role,
    SharedAs,
    Subscription,
    is_person,
)
from bot.domain.scheduled_reports import ScheduledReport, number_of
from bot.domain.states import PauseReason
from bot.exceptions import (
    BotError,
    DatabaseUnavailable,
    MessageRejected,
    PermissionDenied,
    PermissionUnverified,
    SlackError,
    kind_of,
)
from bot.i18n import Text, use_locale
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.services.access import AccessResolver
from bot.services.permissions import PermissionChecker
from bot.slack.blocks import Message
from bot.slack.client import SlackClient
from bot.slack.mrkdwn import escape_inline
from bot.slack.views import access_recheck as cards
from bot.slack.views.access_recheck import PausedItem

log = logger(__name__)

FIRST_LOOK_SECONDS = 5.0
LONGEST_LOOK_SECONDS = 300.0
ADMINS_TOLD = 3  # notified about subscriptions of a user who has left


class AccessRechecker:
    """Decides for workers whether they may act, and regularly re-checks what was paused."""

    def __init__(
        self,
        *,
        store: Database,
        slack_client: SlackClient,
        people: AccessResolver,
        permission: PermissionChecker,
        message: Callable[[Delivery], Awaitable[Message]],
        first_look_seconds: float = FIRST_LOOK_SECONDS,
    ) -> None:
        self._store = store
        self._slack_client = slack_client
        self._people = people
        self._permission = permission
        self._render = message
        self._first = self._check_seconds = first_look_seconds
        self._paused_count = 0

    # -------------------------------------------------------------- before something acts

    async def authorize(
        self, announcement: Delivery, *, new: bool, about: Sequence[Subscription] | None = None
    ) -> Delivery:
        """Return the announcement as it may be posted now; `new`: it is not an edit of a posted card.

        `about` are the channel's subscriptions to its app, if read already.

        Raises PermissionDenied when it may not be posted (its source is paused, and the owner notified),
        PermissionUnverified and DatabaseUnavailable when that cannot be determined now, MessageRejected when it must
        never be posted.
        """
        match announcement.event:
            case ChannelNotice.SUMMARY:
                return await self._redact_report(announcement)
            case ChannelNotice.WELCOME:
                return announcement
            case ChannelNotice.GOAL | ChannelNotice.GOAL_ENDED:
                shown = goal_of_fact(announcement.fact).goal
                await self._permission.require_place(_app_of(shown), announcement.channel_id)
            case ChannelNotice.GOAL_REQUEST:
                await self._require_request(announcement)
            case ChannelNotice.BISECTION:
                await self._permission.require_place(announcement.build.app, announcement.channel_id)
            case ChannelNotice():
                await self._require_admin(announcement.channel_id)
            case _ if is_person(announcement.channel_id):
                await self.require_watch(announcement.channel_id, announcement.build)
                if announcement.event is BuildEvent.PROCESSED:
                    await self._require_unrecalled(announcement)
            case _:
                return await self._require_channel(announcement, new=new, about=about)
        return announcement

    async def require_watch(self, user_id: str, build: Build) -> None:
        """Raise as `authorize` does unless a waiting user may be notified of the build."""
        note = f"withheld {user_id} {build.id}"
        try:
            await self._permission.require_waiter(user_id, build)
        except PermissionUnverified:
            raise
        except PermissionDenied as error:
            reason = _reason(error)
            if reason is not PauseReason.PERSON and await self._store.run(key_value.set_value_once, note, reason):
                await self._notify(_paused(partial(cards.of_watch, build), user_id, build.app, Role.MEMBER, error))
            raise
        if await self._store.run(key_value.get_value, note):
            await self._store.run(key_value.delete_value, note)

    async def require_report(self, digest: ScheduledReport) -> bool:
        """Return whether a scheduled report may be posted, and whether it may name people.

        Raises as `authorize` does.
        """
        app = App(digest.app_id, digest.app_id, digest.app_name)
        try:
            place = None if digest.private else digest.target_id
            reader = digest.target_id if digest.private else digest.created_by
            if place is not None:
                await self._permission.require_place(app, place)
            await self._permission.require(reader, Role.MANAGER, app, place)
            return place is None or await self._permission.can_name_people(place)
        except PermissionUnverified:
            raise
        except PermissionDenied as error:
            await self._pause_report(digest, app, error)
            raise

    async def require_forecast(self, digest: ScheduledReport) -> Actor:
        """Return the reader of a scheduled forecast, if still permitted. Raises as `authorize` does."""
        place = None if digest.private else digest.target_id
        reader = digest.target_id if digest.private else digest.created_by
        app = App(digest.app_id, digest.app_id, digest.app_name)
        try:
            if place is not None:
                await self._permission.require_unshared(place)
            if digest.app_id:
                return await self._permission.require(reader, digest.role, app, place)
            return await self._permission.require_somewhere(reader, digest.role, place)
        except PermissionUnverified:
            raise
        except PermissionDenied as error:
            await self._pause_report(digest, app, error)
            raise

    async def filter_apps(self, digest: ScheduledReport, reader: Actor, apps: Collection[App]) -> list[App]:
        """Return the apps a scheduled forecast may cover: those of its reader that its channel may see."""
        place = None if digest.private else digest.target_id
        return await self._permission.filter_apps(reader, digest.role, apps, place)

    async def require_goal(self, goal: Goal) -> None:
        """Raise as `authorize` does unless a goal's channel may see its app, and its creator is still a manager."""
        try:
            await self._permission.require_place(_app_of(goal), goal.channel_id)
            await self._permission.require(goal.created_by, Role.MANAGER, _app_of(goal), goal.channel_id)
        except PermissionUnverified:
            raise
        except PermissionDenied as error:
            await self._pause_goal(goal, error)
            raise

    async def _pause_goal(self, goal: Goal, error: PermissionDenied) -> None:
        if await self._store.run(access_pauses.pause_goal, goal.id, _reason(error)) is None:
            return
        log.warning("goal.paused", goal=goal.id, why=_reason(error))
        paused = _paused(partial(cards.of_goal, goal), goal.created_by, _app_of(goal), Role.MANAGER, error)
        await self._notify(replace(paused, channel_id=goal.channel_id))

    async def _require_request(self, announcement: Delivery) -> None:
        """Raise MessageRejected unless a user may still be asked for a goal; the request is not sent later."""
        asked, user_id = request_of(announcement.fact), announcement.channel_id
        goal = await self._store.run(goals.get_goal, asked.goal.id)
        if goal is None or not goal.is_running or goal.paused or not goal.asks:
            raise MessageRejected(code="ended")
        if await self._store.run(goals.has_opted_out, user_id):
            raise MessageRejected(code="opted_out")
        recalled = await self._store.cached(recalls.list_recalls)
        if asked.builds and all(build.id in recalled for build in asked.builds):
            raise MessageRejected(code="recalled")
        try:
            await self.require_goal(goal)
            person = await self._permission.require(user_id, Role.MEMBER, _app_of(goal), None)
        except PermissionUnverified:
            raise
        except PermissionDenied as error:
            raise MessageRejected(code="no_access") from error
        now = await self._store.run(database_info.current_time)
        if not goal_decisions.may_ask(now, person.tz, goal.deadline):
            raise MessageRejected(code="too_late")

    async def _pause_report(self, digest: ScheduledReport, app: App, error: PermissionDenied) -> None:
        if await self._store.run(access_pauses.pause_report, digest.id, _reason(error)) is None:
            return
        log.warning("digest.paused", digest=digest.id, why=_reason(error))
        if digest.private and _reason(error) is PauseReason.PERSON:
            return  # its only reader has left
        paused = _paused(partial(cards.of_report, digest), digest.created_by, app, digest.role, error)
        await self._notify(replace(paused, channel_id=digest.target_id))

    async def _require_unrecalled(self, announcement: Delivery) -> None:
        """Raise for a recalled build: a waiting user gets the reason once, and the link if the recall is undone."""
        user_id, build = announcement.channel_id, announcement.build
        note = f"recalled watch {user_id} {build.id}"
        if build.id not in await self._store.cached(recalls.list_recalls):
            if await self._store.run(key_value.get_value, note):
                await self._store.run(key_value.delete_value, note)
            return
        if await self._store.run(key_value.set_value_once, note, build.app.id):
            with suppress(SlackError):
                await self._slack_client.post(user_id, await self._render(announcement))
        raise PermissionDenied(reason=PauseReason.RECALLED)

    async def _redact_report(self, announcement: Delivery) -> Delivery:
        digest = await self._store.run(scheduled_reports.get_report, number_of(announcement.key))
        if digest is None:
            raise MessageRejected(Text("This report has ended."), code="ended")
        if digest.kind is ReportKind.FORECAST:
            return await self._redact_forecast(announcement, digest)
        if await self.require_report(digest):
            return announcement
        return replace(announcement, fact=fact_of_report(report_of(announcement.fact).without_names()))

    async def _redact_forecast(self, announcement: Delivery, digest: ScheduledReport) -> Delivery:
        """Return a forecast without apps that its readers may not see any more."""
        reader, found = await self.require_forecast(digest), forecast_of(announcement.fact)
        about = {item.app_id: App(item.app_id, item.app_id, item.app_name) for item in found.items if item.app_id}
        permitted = {app.id for app in await self.filter_apps(digest, reader, about.values())}
        return replace(announcement, fact=fact_of_forecast(found.of_apps(permitted, reader.role)))

    async def _require_admin(self, user_id: str) -> None:
        try:
            await self._permission.require(user_id, Role.ADMIN, None, None)
        except PermissionUnverified:
            raise
        except PermissionDenied as error:
            raise MessageRejected(code="no_admin") from error

    # -------------------------------------------------------------- channels

    async def _require_channel(
        self, announcement: Delivery, *, new: bool, about: Sequence[Subscription] | None
    ) -> Delivery:
        """Return the announcement without what its channel may not see."""
        app, channel_id = announcement.build.app, announcement.channel_id
        if about is None:
            about = await self._store.run(stored_subscriptions.list_subscriptions, channel_id, about=app.id)
        concerned = _affected(announcement, about)
        try:
            await self._permission.require_place(app, channel_id)
        except PermissionUnverified:
            raise
        except PermissionDenied as error:
            decided = (
                [each for each in concerned if _may_be_shared(each)] if _reason(error) is PauseReason.SHARED else []
            )
            for subscription in concerned:
                # "every app" excludes apps that this channel may not see
                if subscription not in decided and (
                    subscription.app_id is not None or _reason(error) is PauseReason.SHARED
                ):
                    await self._pause(subscription, error)
            if not decided:
                raise
            concerned = decided
            if any(subscription.manner.shared is SharedAs.BARE for subscription in decided):
                announcement = announcement.without_details()
        if new:
            await self._require_obtainable(announcement, concerned)
        await self._require_owner(concerned)
        return announcement

    async def check_sharing(self, channel_id: str) -> None:
        """Ask the owners of a shared channel's subscriptions what to share; delete their answers once it is not shared.

        The state is requested from Slack, as events may be late. An owner who cannot be asked now is asked before the
        next announcement.
        """
        self._permission.forget_channel(channel_id)
        try:
            shared = await self._permission.is_shared(channel_id)
            if not shared:  # this wakes the worker that resumes it
                await self._store.run(stored_subscriptions.decide_sharing, channel_id, SharedAs.UNDECIDED)
            for subscription in await self._store.run(stored_subscriptions.list_subscriptions, channel_id):
                if shared and not _may_be_shared(subscription):
                    await self._pause(subscription, PermissionDenied(reason=PauseReason.SHARED))
        except BotError as problem:
            log.info("sharing.unchecked", channel=channel_id, problem=kind_of(problem), cause=cause(problem))

    async def _require_owner(self, concerned: list[Subscription]) -> None:
        """Raise PermissionDenied when none of the subscriptions' owners has permission.

        A removed subscription has no owner.
        """
        denied: PermissionDenied | None = None
        for subscription in concerned:
            try:
                await self.require_subscription(subscription)
            except PermissionUnverified:
                raise
            except PermissionDenied as error:
                await self._pause(subscription, error)
                denied = denied or error
            else:
                return
        if denied:
            raise denied

    async def require_subscription(self, subscription: Subscription) -> None:
        """Check that the owner of a subscription may still have it.

        Raises PermissionDenied, PermissionUnverified and DatabaseUnavailable.
        """
        await self._permission.require(
            subscription.created_by, Role.RELEASER, _app(subscription), subscription.channel_id
        )

    async def _require_obtainable(self, announcement: Delivery, concerned: list[Subscription]) -> None:
        """Raise for a build that was recalled before it was announced."""
        builds = [entry.build for entry in announcement.shown] or [announcement.build]
        recalled = await self._store.cached(recalls.list_recalls)
        if not all(build.id in recalled for build in builds):
            return
        error = PermissionDenied(reason=PauseReason.RECALLED)
        for subscription in concerned[:1]:
            build = announcement.build
            if await self._store.run(
                key_value.set_value_once, f"recalled {subscription.created_by} {build.id}", subscription.channel_id
            ):
                head = partial(cards.of_recalled, build, subscription.channel_id)
                paused = _paused(head, subscription.created_by, build.app, Role.RELEASER, error)
                await self._notify(replace(paused, build=build))
        raise error

    async def _pause(self, subscription: Subscription, error: PermissionDenied) -> None:
        if await self._store.run(access_pauses.pause_subscription, subscription.id, _reason(error)) is None:
            return
        log.warning(
            "subscription.paused", subscription=subscription.id, channel=subscription.channel_id, why=_reason(error)
        )
        app = _app(subscription) or App("", "", subscription.app_name)
        paused = _paused(
            partial(cards.of_subscription, subscription), subscription.created_by, app, Role.RELEASER, error
        )
        await self._notify(replace(paused, channel_id=subscription.channel_id, subscription=subscription))

    async def on_app_deleted(self, app_id: str) -> None:
        """Pause the subscriptions of an app deleted in Applivery, and notify the users who wait for its builds."""
        for subscription in await self._store.run(stored_subscriptions.list_subscriptions, about=app_id):
            if subscription.app_id is not None:
                await self._pause(subscription, PermissionDenied(reason=PauseReason.APP))
        for build_id in await self._store.run(build_waiters.list_waiters, app_id):
            await self._store.run(build_watches.enqueue_deleted, app_id, build_id)

    # -------------------------------------------------------------- notifying

    async def _notify(self, paused: PausedItem) -> None:
        """Notify the owner, or the admins when the owner has left, each in their locale. Failures are only logged."""
        try:
            team = (await self._slack_client.identity()).team_id
            admins = [admin for admin in await self._people.list_admins(team) if admin != paused.maker]
        except BotError as problem:
            log.info("withdrawal.admins_unknown", problem=kind_of(problem), cause=cause(problem))
            admins = []
        left = paused.reason is PauseReason.PERSON
        for person in admins[:ADMINS_TOLD] if left else [paused.maker]:
            try:
                with use_locale(await self._people.language(person)):
                    message = cards.told(paused, admins)
                await self._slack_client.post(person, message)
            except SlackError as problem:
                log.info("withdrawal.maker_not_told", code=problem.code, cause=cause(problem))

    # -------------------------------------------------------------- re-checking

    async def step(self) -> float | None:
        """Resume what is permitted again; return the seconds until the next check, None when nothing is paused."""
        left = 0
        for subscription in await self._store.run(access_pauses.list_paused_subscriptions):
            if await self._is_permitted(self._require_subscription_in_place(subscription)):
                await self._store.run(access_pauses.resume_subscription, subscription.id)
            else:
                left += 1
        for digest in await self._store.run(access_pauses.list_paused_reports):
            check = self.require_forecast if digest.kind is ReportKind.FORECAST else self.require_report
            if await self._is_permitted(check(digest)):
                await self._store.run(access_pauses.resume_report, digest.id)
            else:
                left += 1
        for held in await self._store.run(access_pauses.list_held_deliveries):
            if await self._is_permitted(self.authorize(held.announcement, new=bool(held.only))):
                await self._store.run(access_pauses.release_deliveries, held)
            else:
                left += 1
        self._check_seconds = (
            self._first if left != self._paused_count else min(self._check_seconds * 2, LONGEST_LOOK_SECONDS)
        )
        self._paused_count = left
        return self._check_seconds if left else None

    async def _require_subscription_in_place(self, subscription: Subscription) -> None:
        await self.require_subscription(subscription)
        if subscription.paused == PauseReason.APP:
            raise PermissionDenied(reason=PauseReason.APP)  # until the poller finds it again
        if not _may_be_shared(subscription) and await self._permission.is_shared(subscription.channel_id):
            raise PermissionDenied(reason=PauseReason.SHARED)

    async def _is_permitted(self, check: Awaitable[object]) -> bool:
        try:
            await check
        except DatabaseUnavailable:
            raise
        except MessageRejected:
            return True  # it is checked again when it is posted
        except PermissionDenied:
            return False
        return True


def _affected(announcement: Delivery, about: Sequence[Subscription]) -> list[Subscription]:
    """Return the subscriptions that may be the cause of an announcement, its own first."""
    event, build = announcement.event, announcement.build
    own = [subscription for subscription in about if subscription.id == announcement.subscription_id]
    others = [
        subscription
        for subscription in about
        if subscription not in own and (not isinstance(event, BuildEvent) or filters.wants(subscription, build, event))
    ]
    return [*own, *others]


def _may_be_shared(subscription: Subscription) -> bool:
    """Return whether the owner allowed another organisation to see it."""
    return subscription.manner.shared is not SharedAs.UNDECIDED


def _app(subscription: Subscription) -> App | None:
    return App(subscription.app_id, subscription.app_id, subscription.app_name) if subscription.app_id else None


def _app_of(goal: Goal) -> App:
    return App(goal.app_id, goal.app_id, goal.app_name)


def _reason(error: PermissionDenied) -> PauseReason:
    return PauseReason(error.reason or PauseReason.ROLE)


def _paused(head: Callable[[], str], maker: str, app: App, need: Role, error: PermissionDenied) -> PausedItem:
    return PausedItem(head, maker, escape_inline(app.name, 80), need, _reason(error), channels=error.channels)
